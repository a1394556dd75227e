// What the console costs: `pages`, the server's time for each of them with a million messages in the store; `stream`, ten thousand messages
// a second on the live list; `tab`, the memory of a tab left open meanwhile (MINUTES of it).
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

import { newPage, signIn, withBrowser } from "./browser.mjs";
import { api, customers, operator, upload, url } from "./house.mjs";

const { MEASURE, WASMSC, WASMSC_SMPP, WASMSC_PID } = process.env;
const MESSAGES = Number(process.env.MESSAGES || 1_000_000);
const RATE = Number(process.env.RATE || 10_000);
const MINUTES = Number(process.env.MINUTES || 10);
/** Of the times in /proc. */
const TICKS_PER_SEC = 100;
const METERS = 5_000;

const keys = await customers();
await upload("meter", "1.0.0", "water_meter", keys.acme);
// Each report is answered, as the load waits for that.
const config = { acknowledge_reports: "true", daily_allowance_litres: "0", leak_minutes: "0" };
await api("PUT", "/v1/rules/meter", JSON.stringify({ plugin: "meter@1.0.0", numbers: ["7001"], config }), keys.acme);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];

/** Meters that report, each MO answered by the rule. What they print says how it went. */
function load(more) {
  const args = ["simulate", "--connect", WASMSC_SMPP, "--system-id", "sim", "--password", "secret", "--number", "7001", "--prefix", "+46700",
    "--meters", String(METERS), "--binds", "4", "--window", "64", "--load", ...more];
  return spawn(WASMSC, args, { stdio: ["ignore", "ignore", "inherit"] });
}

const ended = (child) => new Promise((resolve) => child.on("exit", resolve));

async function accepted() {
  const { mo, mt } = await api("GET", "/v1/overview?customer=acme");
  return mo.accepted + mt.accepted;
}

/** Who signed in, as a cookie. */
async function session(token) {
  const headers = { "Content-Type": "application/x-www-form-urlencoded", Origin: url };
  const answer = await fetch(`${url}/console/sign-in`, { method: "POST", headers, body: new URLSearchParams({ token }), redirect: "manual" });
  return answer.headers.get("set-cookie").split(";")[0];
}

async function timed(cookie, path) {
  const began = performance.now();
  const answer = await fetch(`${url}/console/${path}`, { headers: { cookie } });
  const octets = (await answer.arrayBuffer()).byteLength;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return { ms: performance.now() - began, octets };
}

async function pages() {
  const began = performance.now();
  await ended(load(["--rate", "0", "--messages", String(MESSAGES / 2)]));
  console.log(`${await accepted()} messages in ${Math.round((performance.now() - began) / 1_000)} s`);
  const lines = ["address,tags"];
  for (let n = 0; n < 10_000; n += 1) lines.push(`+46700${String(n).padStart(6, "0")},meter`);
  await api("POST", "/v1/devices:import", lines.join("\n"), keys.acme, "text/csv");
  const { messages } = await api("GET", "/v1/messages?direction=mo&limit=1", undefined, keys.acme);
  const device = encodeURIComponent(messages[0].from);
  const own = ["c/acme", "c/acme?span=day", "c/acme?span=month", "c/acme/messages", "c/acme/messages?text=no+such+text", "c/acme/messages?state=undeliverable",
    `c/acme/messages?device=${device}`, "c/acme/messages?direction=mt&number=7001", `c/acme/messages/${messages[0].id}`, "c/acme/devices", "c/acme/devices?tag=meter",
    `c/acme/devices/${device}`, "c/acme/campaigns", "c/acme/rules", "c/acme/rules/meter", "c/acme/dead-letters", `c/acme/firewall?from=${device}&to=7001&text=hi`,
    "c/acme/numbers", "c/acme/keys"];
  const fleet = load(["--rate", "5", "--duration", "600s"]);
  while (!(await api("GET", "/v1/links")).links.length) await pause(100);
  const [link] = (await api("GET", "/v1/links")).links;
  await api("GET", `/v1/links/${link.id}/pdus`);
  await pause(5_000);
  const house = ["overview", "customers", "links", `links/${link.id}`, "pdus", "peers/accounts/sim", "peers/upstreams", "audit", "system"];
  let slow = 0;
  console.log("page                                                   median ms    longest ms    octets");
  for (const [token, paths] of [[keys.acme, own], [operator, house]]) {
    const cookie = await session(token);
    for (const path of paths) {
      const times = [];
      for (let n = 0; n < 20; n += 1) times.push(await timed(cookie, path));
      const ms = times.map((time) => time.ms);
      const [usual, longest] = [median(ms), Math.max(...ms)];
      slow += usual > 100 ? 1 : 0;
      console.log(`${path.padEnd(52)} ${usual.toFixed(1).padStart(11)} ${longest.toFixed(1).padStart(13)} ${String(times[0].octets).padStart(9)}`);
    }
  }
  fleet.kill();
  if (slow) throw new Error(`${slow} pages take more than 100 ms`);
}

/** CPU seconds of processes so far. */
function cpu(pids) {
  const of = (pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SEC;
    } catch {
      return 0;
    }
  };
  return pids.reduce((sum, pid) => sum + of(pid), 0);
}

/** The browser: all that came of this process but the simulator. */
function browserPids(but) {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(pid), Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ")[1]));
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid) => pid > 1 && (pid === process.pid || isOurs(parents.get(pid) ?? 0));
  return [...parents.keys()].filter((pid) => pid !== process.pid && pid !== but && isOurs(pid));
}

async function following(context) {
  const page = await newPage(context);
  await signIn(page, keys.acme);
  await page.goto("/console/c/acme/messages");
  await page.getByRole("button", { name: "Follow" }).click();
  await page.getByText("Following").first().waitFor();
  return page;
}

/** From now on, the longest time in which the page could not draw. */
const watchFrames = (page) => page.evaluate(() => {
  window.longest = 0;
  let last = performance.now();
  const frame = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});

async function stream() {
  await withBrowser({ viewport: { width: 1280, height: 800 } }, async (context) => {
    const page = await following(context);
    const fleet = load(["--rate", String(RATE / 2), "--duration", "45s"]);
    await pause(10_000);
    const pids = browserPids(fleet.pid);
    await watchFrames(page);
    const before = { at: performance.now(), accepted: await accepted(), server: cpu([WASMSC_PID]), browser: cpu(pids) };
    await pause(20_000);
    const secs = (performance.now() - before.at) / 1_000;
    const percent = (now, then) => `${((100 * (now - then)) / secs).toFixed(0)} % of a core`;
    console.log(`messages/s      ${Math.round(((await accepted()) - before.accepted) / secs)}`);
    console.log(`CPU, server     ${percent(cpu([WASMSC_PID]), before.server)}`);
    console.log(`CPU, browser    ${percent(cpu(pids), before.browser)}`);
    console.log(`longest frame   ${(await page.evaluate(() => window.longest)).toFixed(0)} ms`);
    const asked = performance.now();
    await page.evaluate(() => document.querySelectorAll("#messages tr").length);
    console.log(`an answer       ${(performance.now() - asked).toFixed(0)} ms`);
    console.log(`rows            ${await page.locator("#messages tr").count()}`);
    const said = await page.locator(".follow [role=status]").innerText();
    console.log(`it says         ${said}`);
    if (!/sample/.test(said) || page.wrong.length) throw new Error(`it should say that it samples: ${said} ${page.wrong.join("\n")}`);
    fleet.kill();
    await ended(fleet);
  });
}

async function tab() {
  await withBrowser({ viewport: { width: 1280, height: 800 } }, async (context) => {
    const page = await following(context);
    const devtools = await context.newCDPSession(page);
    const fleet = load(["--rate", String(RATE / 2), "--duration", `${MINUTES * 60 + 120}s`]);
    const heaps = [];
    let last = await accepted();
    console.log("minute    JS heap, KiB    DOM nodes    messages/s");
    for (let minute = 1; minute <= MINUTES; minute += 1) {
      await pause(60_000);
      await devtools.send("HeapProfiler.collectGarbage");
      const { usedSize } = await devtools.send("Runtime.getHeapUsage");
      const { nodes } = await devtools.send("Memory.getDOMCounters");
      const now = await accepted();
      heaps.push(usedSize);
      console.log(`${String(minute).padStart(6)} ${String(Math.round(usedSize / 1024)).padStart(15)} ${String(nodes).padStart(12)} ${String(Math.round((now - last) / 60)).padStart(13)}`);
      last = now;
    }
    fleet.kill();
    const half = Math.floor(heaps.length / 2);
    const [first, second] = [median(heaps.slice(0, half)), median(heaps.slice(half))];
    console.log(`median of the first half ${Math.round(first / 1024)} KiB, of the second ${Math.round(second / 1024)} KiB`);
    if (second > first * 1.1) throw new Error("it grows");
  });
}

await { pages, stream, tab }[MEASURE]();
process.exit(0);
