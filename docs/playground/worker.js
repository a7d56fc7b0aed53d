// Python in a thread of its own, so that the page stays alive and can stop it. Everything comes from this folder.
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { instance } from "./viz.js";

const MOST = 200_000; // characters of text that a run may print
const MOST_SHOWN = 50; // pictures and pages

const file = async (name) => {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
};

async function load() {
  const indexURL = new URL("pyodide/", import.meta.url).href;
  const [pyodide, viz, archive, cell] = await Promise.all([
    loadPyodide({ indexURL, stdin: () => null }), // input() finds an end of file
    instance(),
    file("autograd_lite.zip").then((response) => response.arrayBuffer()),
    file("cell.py").then((response) => response.text()),
  ]);
  pyodide.unpackArchive(archive, "zip", { extractDir: "/lib/playground" });
  pyodide.globals.set("graphviz", (source) =>
    // Viz.js knows how wide the letters of one font are, not of a list: without this, texts leave their boxes.
    viz.renderString(source.replaceAll('fontname="Helvetica,Arial,sans-serif"', "fontname=Helvetica"), { format: "svg" }));
  pyodide.runPython(`
    import sys
    sys.path.insert(0, "/lib/playground")
    from autograd_lite.drawing.pictures.render import set_renderer
    def draw(source, format):
        if format != "svg":
            raise ValueError(f"in a browser drawings are saved as .svg or .html, not as .{format}")
        return graphviz(source)
    set_renderer(draw)`);
  const names = pyodide.globals.get("dict")();
  pyodide.runPython(cell, { globals: names, filename: "cell.py" });
  return {
    run: names.get("run"),
    version: pyodide.runPython(`
      import autograd_lite
      f"autograd_lite {autograd_lite.__version__}, Python {sys.version.split()[0]}"`),
  };
}

/** What Python calls to show something, within limits. */
function poster() {
  let room = MOST, shown = 0;
  return (kind, content) => {
    if (kind === "out" || kind === "err") {
      if (room <= 0) return;
      room -= content.length;
      postMessage({ kind, content: room > 0 ? content : content.slice(0, content.length + room) });
      if (room <= 0) postMessage({ kind: "err", content: `\n(${MOST.toLocaleString("en")} characters are shown, not more)\n` });
    } else if (kind === "html") {
      shown += 1;
      if (shown <= MOST_SHOWN) postMessage({ kind, content });
      else if (shown === MOST_SHOWN + 1) postMessage({ kind: "err", content: `(${MOST_SHOWN} pictures are shown, not more)\n` });
    } else {
      postMessage({ kind: "file", name: kind.slice("file ".length), content: content.toJs() });
    }
  };
}

const loaded = load();
loaded.then(
  ({ version }) => postMessage({ kind: "ready", content: version }),
  (error) => postMessage({ kind: "failed", content: String(error.message ?? error) }),
);

onmessage = async ({ data }) => {
  const { run } = await loaded;
  const start = performance.now();
  try {
    run(data, poster());
  } catch (error) { // Python itself broke, out of memory mostly: this thread cannot go on
    postMessage({ kind: "broken", content: String(error.message ?? error) });
    return;
  }
  postMessage({ kind: "done", content: (performance.now() - start) / 1000 });
};
