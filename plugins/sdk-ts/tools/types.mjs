// The type check: what `tsc` says about the folder's tsconfig.json. A folder without one is plain JavaScript.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";

import { Problem } from "./project.mjs";

export function checkTypes({ folder }) {
  const config = path.join(folder, "tsconfig.json");
  if (!existsSync(config)) return;
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "--noEmit", "-p", config], { stdio: "inherit" });
  if (status !== 0) throw new Problem("the type check failed");
}
