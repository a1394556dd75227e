// The SDK's UTF-8 against Node's.

import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "../src/utf8.ts");
const built = await esbuild.build({ entryPoints: [file], bundle: true, write: false, format: "esm" });
const source = Buffer.from(built.outputFiles[0].contents).toString("base64");
const { decode, encode } = await import(`data:text/javascript;base64,${source}`);

test("every character is encoded and decoded as Node does it", () => {
  for (let point = 0; point <= 0x10ffff; point++) {
    const char = String.fromCodePoint(point);
    const octets = encode(char);
    // An assertion for each would take seconds.
    const isSame = Buffer.compare(octets, Buffer.from(char)) === 0 && decode(octets) === Buffer.from(char).toString();
    assert.ok(isSame, `U+${point.toString(16)}`);
  }
});

test("octets that are no UTF-8 are told, or replaced", () => {
  for (const octets of [[0x80], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    assert.throws(() => decode(Uint8Array.from(octets), true), /not UTF-8/);
    assert.match(decode(Uint8Array.from([0x41, ...octets, 0x42])), /^A\ufffd+B$/);
  }
});
