// What QuickJS would have frozen in the component's snapshot, with a host that the test plays.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

import * as esbuild from "esbuild";

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "../src/globals.ts");
const host = {
  name: "host",
  setup(build) {
    build.onResolve({ filter: /^wasmsc:/ }, ({ path }) => ({ path, namespace: "host" }));
    build.onLoad({ filter: /.*/, namespace: "host" }, () => ({ contents: "export default globalThis.host;" }));
  },
};
const options = { entryPoints: [file], bundle: true, write: false, format: "iife", globalName: "sdk", plugins: [host] };
const source = (await esbuild.build(options)).outputFiles[0].text;

/** A realm as a component has it, in which `code` runs as an event. */
function event(seed, now, code) {
  const lines = [];
  const context = vm.createContext({
    host: {
      randomBytes: (count) => new Uint8Array(count).fill(seed),
      now: () => now,
      log: (level, message) => lines.push([level, message]),
    },
  });
  vm.runInContext(`${source}\nsdk.beginCall();`, context);
  return { value: vm.runInContext(code, context), lines };
}

test("Math.random follows from the event", () => {
  const three = (seed) => event(seed, 0, "JSON.stringify([Math.random(), Math.random(), Math.random()])").value;
  assert.equal(three(1), three(1));
  assert.notEqual(three(1), three(2));
  const many = JSON.parse(event(3, 0, "JSON.stringify(Array.from({ length: 20000 }, Math.random))").value);
  assert.ok(many.every((value) => value >= 0 && value < 1));
  const mean = many.reduce((sum, value) => sum + value) / many.length;
  assert.ok(Math.abs(mean - 0.5) < 0.01, `mean ${mean}`);
  assert.equal(new Set(many).size, many.length);
});

test("now is the time of the event, and other dates are what they were", () => {
  const code = `JSON.stringify([Date.now(), new Date().toISOString(), new Date(5).getTime(), new Date(2026, 0).getFullYear(),
    new Date() instanceof Date, Date().includes("2026"), Date.UTC(2026, 0), Date.parse("2026-01-01T00:00:00Z")])`;
  const at = Date.UTC(2026, 2, 1, 8);
  const wanted = [at, "2026-03-01T08:00:00.000Z", 5, 2026, true, true, 1767225600000, 1767225600000];
  assert.deepEqual(JSON.parse(event(1, at, code).value), wanted);
});

test("console writes into the rule's log", () => {
  const { lines } = event(1, 0, `console.log("a", { b: 1 }, undefined); console.error("c"); 0`);
  assert.deepEqual(lines, [["info", 'a {"b":1} undefined'], ["error", "c"]]);
});
