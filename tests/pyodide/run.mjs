// Runs check.py in Pyodide, with the wheels that are named: node run.mjs NODE_MODULES WHEEL...
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, ...wheels] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.resolve(modules, file)));
const { loadPyodide } = await load("pyodide/pyodide.mjs");
const { instance } = await load("@viz-js/viz/dist/viz.js");
try {
  const pyodide = await loadPyodide();
  const viz = await instance();
  pyodide.globals.set("graphviz", (source, format) => viz.renderString(source, { format }));
  for (const wheel of wheels) pyodide.unpackArchive(new Uint8Array(fs.readFileSync(wheel)), "wheel");
  pyodide.runPython(fs.readFileSync(new URL("check.py", import.meta.url), "utf8"));
} catch (error) {
  console.error(error.message); // Python's traceback; node would print Pyodide's own source as well
  process.exit(1);
}
