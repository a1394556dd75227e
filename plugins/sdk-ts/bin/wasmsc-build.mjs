#!/usr/bin/env node
// `wasmsc-build [folder] [--out FILE] [--no-check]`: makes a component of a rule in TypeScript or JavaScript.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";

import { bundle } from "../tools/bundle.mjs";
import { componentOf } from "../tools/component.mjs";
import { handlersOf } from "../tools/handlers.mjs";
import { Problem, readProject } from "../tools/project.mjs";
import { checkTypes } from "../tools/types.mjs";

const USAGE = `usage: wasmsc-build [folder] [--out FILE] [--no-check]

  folder       where the rule's package.json is; default: here
  --out FILE   default: dist/<name>.wasm in that folder; beside it, with .js, the JavaScript that is in it
  --no-check   leave the type check out`;

function optionsOf(args) {
  const options = { folder: ".", out: undefined, check: true };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--no-check") options.check = false;
    else if (arg === "--out" && args[at + 1] !== undefined) options.out = args[++at];
    else if (arg === "--help" || arg === "-h") options.help = true;
    else if (arg.startsWith("-")) throw new Problem(`unknown option ${arg}\n\n${USAGE}`);
    else options.folder = arg;
  }
  return options;
}

async function main() {
  const options = optionsOf(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const started = performance.now();
  const project = await readProject(options.folder);
  if (options.check) checkTypes(project);
  const handlers = await handlersOf(project);
  const source = await bundle(project, handlers);
  const component = await componentOf(handlers, source);

  const out = path.resolve(options.out ?? path.join(project.folder, "dist", `${project.name}.wasm`));
  await mkdir(path.dirname(out), { recursive: true });
  await writeFile(out, component);
  // The lines that stacks in the rule's log name are lines of this file.
  await writeFile(out.replace(/(\.wasm)?$/, ".js"), source);
  const [mib, seconds] = [component.length / (1 << 20), (performance.now() - started) / 1000];
  console.log(`${path.relative(process.cwd(), out)}: ${handlers.join(", ")}; ${mib.toFixed(2)} MiB, ${seconds.toFixed(1)} s`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Problem ? `wasmsc-build: ${error.message}` : error);
  process.exitCode = 1;
}
