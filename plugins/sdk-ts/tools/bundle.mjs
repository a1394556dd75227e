// One file of the rule, the SDK and whatever they import.

import path from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

import { Problem } from "./project.mjs";

/** This package. */
export const SDK = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** WIT's names of a handler's interface, as JavaScript exports it. */
const EXPORTS = {
  onMo: "moHandler",
  onReceipt: "receiptHandler",
  onTimer: "timerHandler",
  onHttpReply: "httpHandler",
  onRequest: "requestHandler",
  checkConfig: "configCheck",
};

/** The component's JavaScript: an export for each handler. */
export async function bundle(project, handlers) {
  // The SDK's globals must be there before the rule's own modules are evaluated.
  const lines = [
    `import { exportsOf } from ${JSON.stringify(path.join(SDK, "src/entry.ts"))};`,
    `import rule from ${JSON.stringify(project.main)};`,
    ...handlers.map((handler) => `export const ${EXPORTS[handler]} = exportsOf.${handler}(rule);`),
  ];
  return run(project, lines.join("\n"), { external: ["wasmsc:*"] });
}

/** Bundles a generated module that imports the rule. */
export async function run(project, contents, options) {
  try {
    const result = await esbuild.build({
      stdin: { contents, resolveDir: project.folder, sourcefile: "generated.js", loader: "js" },
      absWorkingDir: project.folder,
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["import", "default"],
      target: "es2023",
      // Names are in the stacks that the rule's log shows.
      keepNames: true,
      legalComments: "none",
      logLevel: "silent",
      ...options,
      plugins: [oneSdk, ...(options.plugins ?? [])],
    });
    return result.outputFiles[0].text;
  } catch (error) {
    if (!Array.isArray(error.errors)) throw error;
    const told = await esbuild.formatMessages(error.errors, { kind: "error", color: false });
    throw new Problem(`the rule cannot be bundled\n${told.join("\n").trimEnd()}`);
  }
}

/** The rule and the generated entry share this very SDK, so that both mean the same classes. */
const oneSdk = {
  name: "one-sdk",
  setup(build) {
    build.onResolve({ filter: /^wasmsc-plugin$/ }, () => ({ path: path.join(SDK, "src/index.ts") }));
  },
};
