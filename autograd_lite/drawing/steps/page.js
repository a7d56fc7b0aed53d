// Shows the steps that stand in the page as data. No step is computed here: all numbers are the engine's.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const steps = JSON.parse(byId("steps").textContent);
  const [slider, play, words, equations] = ["slider", "play", "words", "equations"].map(byId);
  const graph = byId("graph");
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  const PHASES = { given: "given", forward: "forward pass", backward: "backward pass" };
  const MARGIN = 30; // pixels around what is brought into view
  let now = 0; // the step that is shown, counted from 1
  let timer = null;

  // ---- Formulas: what notation.py calls marks, as MathML ----

  const element = (name, ...children) => {
    const made = document.createElementNS("http://www.w3.org/1998/Math/MathML", name);
    made.append(...children);
    return made;
  };
  const row = (marks) => element("mrow", ...marks.map(mark));
  const mark = (of, place, marks) => {
    if (Array.isArray(of)) return element(of[0] === "f" ? "mfrac" : "msup", row(of[1]), row(of[2]));
    const made = element({ i: "mi", n: "mn", o: "mo" }[of[0]], of.slice(1));
    if (of[0] === "i") made.setAttribute("mathvariant", "normal");
    const before = marks[place - 1] ?? "o";
    if (of === "o\u2212" && before[0] === "o" && !")]".includes(before[1])) made.setAttribute("form", "prefix");
    return made;
  };
  const formula = (marks) => {
    const math = element("math", row(marks));
    math.setAttribute("display", "block");
    return math;
  };

  // ---- The picture and the table ----

  const boxes = new Map(); // what shows a number, by box and by data or grad
  for (const text of graph.querySelectorAll(".step-data, .step-grad")) {
    const what = text.classList.contains("step-data") ? "data" : "grad";
    boxes.set(text.closest("g").id + what, [text, null]);
  }
  for (const line of document.querySelectorAll("tr[id]")) {
    for (const what of ["data", "grad"]) {
      const id = line.id.slice("row-".length) + what;
      boxes.set(id, [boxes.has(id) ? boxes.get(id)[0] : null, line.querySelector("." + what)]);
    }
  }
  const shown = new Map(); // what stands there now

  const show = (id, text) => {
    if (shown.get(id) === text) return;
    shown.set(id, text);
    const [inPicture, inTable] = boxes.get(id) ?? [null, null];
    if (inPicture) {
      inPicture.textContent = " " + text;
      if (id.endsWith("data")) inPicture.closest("g").classList.toggle("is-waiting", text === "");
    }
    if (inTable) inTable.textContent = text;
  };

  const light = (step) => {
    for (const lit of document.querySelectorAll(".is-now")) lit.classList.remove("is-now", "is-result");
    for (const id of step.lit) byId(id)?.classList.add("is-now");
    const changed = step.texts.length === 1 ? step.texts[0][0] : null;
    for (const id of changed ? [changed, "row-" + changed] : []) byId(id)?.classList.add("is-now", "is-result");
    byId("line-" + now).classList.add("is-now");
    const [seen] = step.texts[0] ?? [changed];
    bring(byId("row-" + seen), []);
    bring(byId(seen), step.lit.map(byId));
  };

  // Scroll what is too large for the window, and nothing around it: so that all things are seen, or else the one.
  const bring = (one, all) => {
    const pane = one?.closest("#graph, #so-far");
    if (!pane) return;
    const outer = pane.getBoundingClientRect();
    const around = (things) => {
      const places = things.filter(Boolean).map((thing) => thing.getBoundingClientRect());
      const [left, top] = ["left", "top"].map((side) => Math.min(...places.map((place) => place[side])) - MARGIN);
      const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...places.map((place) => place[side])) + MARGIN);
      return { left, top, right, bottom };
    };
    let inner = around([one, ...all]);
    if (inner.right - inner.left > outer.width || inner.bottom - inner.top > outer.height) inner = around([one]);
    const by = (low, high) => (low < 0 ? low : Math.max(0, high));
    const left = by(inner.left - outer.left, inner.right - outer.right);
    const top = by(inner.top - outer.top, inner.bottom - outer.bottom);
    const isFar = Math.abs(left) > outer.width || Math.abs(top) > outer.height; // nobody waits for a long way
    if (left || top) pane.scrollBy({ left, top, behavior: isCalm.matches || isFar ? "auto" : "smooth" });
  };

  // ---- Going from step to step ----

  const go = (to) => {
    const next = Math.min(Math.max(Math.round(to) || 1, 1), steps.length);
    if (next === now) return;
    now = next;
    const step = steps[now - 1];
    const there = new Map();
    for (const { texts } of steps.slice(0, now)) for (const [id, what, text] of texts) there.set(id + what, text);
    for (const id of boxes.keys()) show(id, there.get(id) ?? "");
    light(step);
    equations.replaceChildren();
    for (const [caption, marks] of step.equations) {
      if (caption !== "" || !equations.lastChild) {
        const name = document.createElement("span");
        name.textContent = caption;
        equations.append(name, document.createElement("div"));
      }
      equations.lastChild.append(formula(marks));
    }
    equations.title = step.exact;
    words.textContent = step.words;
    byId("where").textContent = `step ${now} of ${steps.length} · ${PHASES[step.phase]}`;
    document.body.dataset.phase = step.phase;
    slider.value = now;
    slider.setAttribute("aria-valuetext", `step ${now} of ${steps.length}, ${PHASES[step.phase]}`);
    for (const id of ["first", "previous"]) byId(id).setAttribute("aria-disabled", now === 1);
    for (const id of ["next", "last"]) byId(id).setAttribute("aria-disabled", now === steps.length);
    if (now === steps.length) pause();
  };

  const pause = () => {
    clearInterval(timer);
    timer = null;
    play.setAttribute("aria-label", "Play");
    play.classList.remove("is-playing");
  };
  const start = () => {
    if (now === steps.length) go(1);
    clearInterval(timer);
    timer = setInterval(() => go(now + 1), 1600 / byId("speed").value);
    play.setAttribute("aria-label", "Pause");
    play.classList.add("is-playing");
  };

  const actions = {
    first: () => go(1),
    previous: () => go(now - 1),
    play: () => (timer === null ? start() : pause()),
    next: () => go(now + 1),
    last: () => go(steps.length),
  };
  const keys = {
    Home: "first", End: "last", " ": "play",
    ArrowLeft: "previous", ArrowUp: "previous", PageUp: "previous",
    ArrowRight: "next", ArrowDown: "next", PageDown: "next", // the last two are what presenters' clickers send
  };
  const act = (name) => {
    if (name !== "play") pause();
    actions[name]();
  };
  for (const name of Object.keys(actions)) byId(name).addEventListener("click", () => act(name));
  slider.addEventListener("input", () => (pause(), go(slider.value)));
  byId("speed").addEventListener("change", () => timer !== null && start());
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const isBusy = target.closest("select") || (event.key === " " ? target.closest("button, a") : target === slider);
    const scrolls = /^(Arrow(Up|Down)|Page)/.test(event.key) && target.closest("#graph, #so-far, #all");
    if (!(event.key in keys) || isBusy || scrolls || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act(keys[event.key]);
  });

  const fromAddress = () => go(Number((/^#step-(\d+)$/.exec(location.hash) ?? [0, now])[1]));
  addEventListener("hashchange", () => (pause(), fromAddress()));
  byId("all").addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    event.preventDefault();
    pause();
    go(Number(item.id.slice("line-".length)));
    scrollTo({ top: 0, behavior: isCalm.matches ? "auto" : "smooth" });
  });
  document.body.classList.add("is-live");
  fromAddress();
})();
