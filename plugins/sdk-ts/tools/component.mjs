// From JavaScript to a component that exports just the handlers that the rule has.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { componentize } from "componentize-qjs";

import { SDK } from "./bundle.mjs";

/** The interface of the contract (wit/plugin.wit) for each handler. */
const INTERFACES = {
  onMo: "mo-handler",
  onReceipt: "receipt-handler",
  onTimer: "timer-handler",
  onHttpReply: "http-handler",
  onRequest: "request-handler",
  checkConfig: "config-check",
};

const WORLD = "built-rule";

/** A world with all imports of the contract and these exports. The host looks at each export by itself. */
export function worldOf(handlers) {
  const exports = handlers.map((handler) => `  export ${INTERFACES[handler]};\n`);
  return `\nworld ${WORLD} {\n  include imports;\n${exports.join("")}}\n`;
}

export async function componentOf(handlers, source) {
  const contract = await readFile(path.join(SDK, "wit/plugin.wit"), "utf8");
  const folder = await mkdtemp(path.join(tmpdir(), "wasmsc-build-"));
  try {
    const wit = path.join(folder, "wit");
    await mkdir(wit);
    await writeFile(path.join(wit, "plugin.wit"), contract + worldOf(handlers));
    // `sync`: rules of wasmsc never wait, and its host has no asynchronous component model.
    const options = { witPath: wit, world: WORLD, jsSource: source, sync: true };
    return (await componentize(options)).component;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
