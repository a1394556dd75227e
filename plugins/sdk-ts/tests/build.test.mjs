// What the build finds out about a rule before it makes a component.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { worldOf } from "../tools/component.mjs";
import { handlersOf } from "../tools/handlers.mjs";
import { Problem, readProject } from "../tools/project.mjs";

const folder = await mkdtemp(path.join(tmpdir(), "wasmsc-build-test-"));
after(() => rm(folder, { recursive: true }));
await writeFile(path.join(folder, "package.json"), JSON.stringify({ name: "@acme/door" }));

async function handlers(source) {
  await writeFile(path.join(folder, "index.ts"), source);
  return handlersOf(await readProject(folder));
}

test("a rule has the handlers that its module defines, in the order of the contract", async () => {
  const found = await handlers(`
    import { defineRule } from "wasmsc-plugin";
    const more = { checkConfig() {}, onTimer() {} };
    export default defineRule({ ...more, onMo(mo, cx) { cx.reply(mo.text); } });
  `);
  assert.deepEqual(found, ["onMo", "onTimer", "checkConfig"]);
  const exports = worldOf(found).match(/export [a-z-]+/g);
  assert.deepEqual(exports, ["export mo-handler", "export timer-handler", "export config-check"]);
});

test("the component is named as the package, without its scope", async () => {
  assert.equal((await readProject(folder)).name, "door");
});

test("what cannot become a rule is told without a stack of the build", async () => {
  const sdk = `import { Context, defineRule } from "wasmsc-plugin";\n`;
  const cases = {
    "there is no onMO": `${sdk} export default defineRule({ onMO() {} } as never);`,
    "the rule handles nothing": `${sdk} export default defineRule({ checkConfig() {} });`,
    "write `export default defineRule": `export default 7;`,
    'No matching export in "index.ts" for import "default"': `export const rule = 1;`,
    "now is used outside of a handler": `${sdk} new Context().now; export default defineRule({ onMo() {} });`,
    'Could not resolve "node:fs"': `import "node:fs"; export default {};`,
  };
  for (const [told, source] of Object.entries(cases)) {
    const isProblem = (error) => error instanceof Problem && error.message.includes(told);
    await assert.rejects(handlers(source), isProblem, told);
  }
});
