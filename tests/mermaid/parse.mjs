// Reads a JSON list of Mermaid texts, and prints as JSON what the real mermaid says of each: null if it accepts it
// with all texts as they were meant, else the error. The packages mermaid and jsdom are in the folder that the first
// argument names (its node_modules).
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
import path from "node:path";

const folder = path.resolve(process.argv[2]);
const require = createRequire(path.join(folder, "here.js"));
const { JSDOM } = require("jsdom");
const { window } = new JSDOM("<!DOCTYPE html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(path.join(folder, "mermaid/dist/mermaid.core.mjs")));
mermaid.initialize({ startOnLoad: false });

const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const vertices = [...diagram.db.getVertices().values()];
    answers.push({ error: null, labels: vertices.map(v => [v.id, v.text]), edges: diagram.db.getEdges().length });
  } catch (error) {
    answers.push({ error: String(error) });
  }
}
console.log(JSON.stringify(answers));
