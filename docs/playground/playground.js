// The page of the playground: an editor, and what the worker sends.
const SECONDS = 60; // that a run may take

const $ = (id) => document.getElementById(`play-${id}`);
const [example, code, run, stop, status, output] =
  ["example", "code", "run", "stop", "status", "output"].map($);
const here = (name) => new URL(name, import.meta.url);

// ---- Python

let worker, isRunning = false, limit;

function start(message = "Loading Python …") {
  say(message);
  worker = new Worker(here("worker.js"), { type: "module" });
  worker.onmessage = ({ data }) => receive[data.kind](data);
  worker.onerror = (event) => {
    event.preventDefault();
    receive.failed({ content: event.message ?? "its files could not be read" });
  };
}

const receive = {
  ready: ({ content }) => { if (!isRunning) say(`Ready: ${content}`); else beginClock(); },
  out: ({ content }) => write("out", content),
  err: ({ content }) => write("err", content),
  html: ({ content }) => show(content),
  file: offer,
  done: ({ content }) => { flush(); end(`Done in ${content < 10 ? content.toFixed(2) : content.toFixed(0)} s`); },
  failed: ({ content }) => lose(`Python could not be loaded: ${content}. Run tries again.`),
  broken: ({ content }) => lose(`Python broke down: ${content}. Run starts it again.`),
};

function lose(message) {
  flush();
  worker.terminate();
  worker = undefined;
  end(message);
}

function say(text) { status.textContent = text; }

function mark(running) {
  isRunning = running;
  run.setAttribute("aria-disabled", running); // not disabled: that would take the keyboard's focus away
  stop.setAttribute("aria-disabled", !running);
  output.setAttribute("aria-busy", running);
}

function runCode() {
  if (isRunning) return;
  forget();
  mark(true);
  const isReady = status.textContent.startsWith("Loading") === false && worker;
  if (!worker) start();
  if (isReady) beginClock();
  worker.postMessage(code.value);
}

/** From when Python is there. */
function beginClock() {
  say("Running …");
  limit = setTimeout(() => halt(`Stopped: a run may take ${SECONDS} seconds here. Installed, the package has no limit, and is far faster.`), SECONDS * 1000);
}

function end(message) {
  clearTimeout(limit);
  mark(false);
  say(message);
}

/** Python cannot be interrupted: its thread ends, and another one starts. */
function halt(message) {
  if (!isRunning) return;
  worker.terminate();
  flush();
  end(message);
  start(`${message} Loading Python …`);
}

// ---- What it shows

let waiting = [];

/** Text is put in once a frame, however much comes. */
function write(kind, text) {
  if (waiting.length === 0) requestAnimationFrame(flush);
  waiting.push([kind, text]);
}

function flush() {
  for (const [kind, text] of waiting) {
    let last = output.lastElementChild;
    if (last?.className !== kind) {
      last = output.appendChild(document.createElement("pre"));
      last.className = kind;
    }
    last.append(text);
  }
  waiting = [];
}

function show(html) {
  flush();
  const figure = output.appendChild(document.createElement("div"));
  figure.className = "picture";
  figure.innerHTML = html;
  for (const svg of figure.querySelectorAll(":scope > svg")) {
    svg.style.minWidth = `${svg.getAttribute("width") * 0.6}px`; // legible; what is larger scrolls
    figure.tabIndex = 0;
    figure.role = "group";
    figure.ariaLabel = "Picture";
  }
  dress(figure);
}

function offer({ name, content }) {
  flush();
  const link = output.appendChild(document.createElement("a"));
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.textContent = `Download ${name}`;
}

function forget() {
  for (const link of output.querySelectorAll("a[download]")) URL.revokeObjectURL(link.href);
  output.replaceChildren();
}

// ---- Light and dark, as the documentation has it: pictures would follow the system alone

const system = matchMedia("(prefers-color-scheme: dark)");

function dress(part) {
  const theme = document.body.dataset.theme;
  const isDark = theme === "dark" || (theme !== "light" && system.matches);
  for (const style of part.querySelectorAll("svg > style"))
    for (const rule of style.sheet.cssRules)
      if (rule instanceof CSSMediaRule) rule.media.mediaText = isDark ? "all" : "not all";
  for (const frame of part.querySelectorAll("iframe")) frame.style.colorScheme = isDark ? "dark" : "light";
}

system.addEventListener("change", () => dress(output));
new MutationObserver(() => dress(output)).observe(document.body, { attributeFilter: ["data-theme"] });

// ---- The editor

/** As if typed, so that Ctrl+Z takes it back. */
function insert(text) { document.execCommand("insertText", false, text); }

/** Select the whole lines of the selection; each changed, they stay selected. */
function changeLines(change) {
  const from = code.value.lastIndexOf("\n", code.selectionStart - 1) + 1;
  const end = code.value.indexOf("\n", Math.max(code.selectionStart, code.selectionEnd - 1));
  const to = end < 0 ? code.value.length : end;
  const lines = code.value.slice(from, to).replace(/^.*$/gm, change);
  code.setSelectionRange(from, to);
  insert(lines);
  code.setSelectionRange(from, from + lines.length);
}

let isLeaving = false; // after Escape, Tab moves on as everywhere else

code.addEventListener("keydown", (event) => {
  const { key, shiftKey } = event;
  if (key === "Tab" && !isLeaving) {
    event.preventDefault();
    const column = code.selectionStart - code.value.lastIndexOf("\n", code.selectionStart - 1) - 1;
    if (shiftKey) changeLines((line) => line.replace(/^ {1,4}/, ""));
    else if (code.selectionStart !== code.selectionEnd) changeLines((line) => line && `    ${line}`);
    else insert(" ".repeat(4 - (column % 4)));
  } else if (key === "Enter" && !event.ctrlKey && !event.metaKey && !shiftKey) {
    event.preventDefault();
    const line = code.value.slice(0, code.selectionStart).split("\n").at(-1);
    insert(`\n${line.match(/^ */)[0]}${/:\s*(#.*)?$/.test(line) ? "    " : ""}`);
  }
  if (key !== "Shift") isLeaving = key === "Escape";
});
code.addEventListener("blur", () => { isLeaving = false; });
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); runCode(); }
});

async function take() {
  const response = await fetch(here(`examples/${example.value}.py`));
  const text = await response.text();
  if (code.value) { code.focus(); code.select(); insert(text); } else code.value = text;
  code.setSelectionRange(0, 0);
  code.scrollTop = 0;
}

run.addEventListener("click", runCode);
stop.addEventListener("click", () => halt("Stopped."));
example.addEventListener("change", take);
code.value = ""; // some browsers keep what was there before a reload
mark(false);
take();
start();
