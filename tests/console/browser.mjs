// Chromium, and what every page is held to.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

import { url } from "./house.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

/** Runs `body` with a new browser profile, which is gone afterwards. */
export async function withBrowser(options, body) {
  const profile = mkdtempSync(join(tmpdir(), "wasmsc-console-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM, headless: true, args: FLAGS, baseURL: url, locale: "en-GB", timezoneId: "Europe/Stockholm",
    ...options,
  });
  context.setDefaultTimeout(20_000);
  try {
    await body(context);
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** A page that tells of every error, of every file from elsewhere, and of everything that its policy refused. */
export async function newPage(context) {
  const page = await context.newPage();
  page.wrong = [];
  page.on("pageerror", (error) => page.wrong.push(`script: ${error}`));
  page.on("console", (message) => {
    // A form that was refused is a page of its own with a status of its own, and meant.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (message.type() === "error" && !isStatus) page.wrong.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) page.wrong.push(`asked elsewhere: ${request.url()}`);
  });
  return page;
}

export async function signIn(page, token) {
  await page.goto("/console/sign-in");
  await page.getByLabel("API key or operator's token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((at) => !at.pathname.endsWith("/sign-in"));
}

/** Nothing serious of what axe-core finds, nothing wider than the window, no table of which a phone shows a part, and nothing went wrong. */
export async function check(page) {
  const where = new URL(page.url()).pathname;
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  if (serious.length) {
    const told = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
    throw new Error(`axe at ${where}:\n${told.join("\n")}`);
  }
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) throw new Error(`${where} is ${over} px wider than the window`);
  const cut = await page.evaluate(() => (window.innerWidth > 400 ? [] : [...document.querySelectorAll(".scroll")])
    .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.innerText.slice(0, 80)));
  if (cut.length) throw new Error(`${where}: at this width a part of it is cut off: ${cut.join("; ")}`);
  if (page.wrong.length) throw new Error(`${where}:\n${page.wrong.join("\n")}`);
}
