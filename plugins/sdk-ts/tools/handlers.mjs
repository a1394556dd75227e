// Which handlers a rule has: its module is evaluated here as it will be in the component, and asked.
//
// A list in package.json would say the same a second time, and a forgotten word in it would silently leave events
// unhandled.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { run } from "./bundle.mjs";
import { Problem } from "./project.mjs";

/** In the order of the contract. */
const HANDLERS = ["onMo", "onReceipt", "onTimer", "onHttpReply", "onRequest", "checkConfig"];

export async function handlersOf(project) {
  const contents = `export { default } from ${JSON.stringify(project.main)};`;
  const source = await run(project, contents, { plugins: [absentHost] });
  const folder = await mkdtemp(path.join(tmpdir(), "wasmsc-build-"));
  try {
    const file = path.join(folder, "rule.mjs");
    await writeFile(file, source);
    return namesOf(await evaluate(file), project);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function evaluate(file) {
  try {
    return (await import(pathToFileURL(file).href)).default;
  } catch (error) {
    const here = (line) => !/^ {4}at /.test(line) || line.includes("rule.mjs");
    const told = String(error.stack ?? error).split("\n").filter(here).join("\n");
    throw new Problem(`the rule's module fails before any handler is called: ${told}`);
  }
}

function namesOf(rule, { main }) {
  if (typeof rule !== "object" || rule === null) {
    throw new Problem(`${main}: write \`export default defineRule({ … })\``);
  }
  const handlers = HANDLERS.filter((name) => typeof rule[name] === "function");
  if (handlers.every((name) => name === "checkConfig")) {
    throw new Problem(`${main}: the rule handles nothing; there are ${HANDLERS.join(", ")}`);
  }
  return handlers;
}

/** There is no host while the module is loaded, neither here nor when the component's snapshot is taken. */
const absentHost = {
  name: "absent-host",
  setup(build) {
    build.onResolve({ filter: /^wasmsc:/ }, ({ path }) => ({ path, namespace: "absent-host" }));
    build.onLoad({ filter: /.*/, namespace: "absent-host" }, ({ path }) => ({
      contents: `export default new Proxy({}, { get(_, name) {
        throw new Error(${JSON.stringify(path)} + " " + String(name) + " is used outside of a handler");
      } });`,
    }));
  },
};
