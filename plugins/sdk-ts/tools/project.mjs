// What is built: a folder with a package.json.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";

/** A mistake of whoever builds, told without a stack. */
export class Problem extends Error {}

const MODULES = ["src/index.ts", "src/index.js", "index.ts", "index.js"];

/** Finds the rule's module and name. */
export async function readProject(given) {
  const folder = path.resolve(given);
  const file = path.join(folder, "package.json");
  if (!existsSync(file)) throw new Problem(`${file} is not there; build in the folder of a rule, or name it`);
  const description = parse(file, await readFile(file, "utf8"));
  const candidates = typeof description.main === "string" ? [description.main] : MODULES;
  const main = candidates.find((name) => existsSync(path.join(folder, name)));
  if (main === undefined) {
    throw new Problem(`${folder} has none of ${candidates.join(", ")}; "main" in package.json names the rule's module`);
  }
  const name = String(description.name ?? path.basename(folder)).replace(/^@[^/]*\//, "");
  return { folder, name, main: path.join(folder, main) };
}

function parse(file, text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(`${file}: ${error.message}`);
  }
}
