// Every page as a picture: light and dark, wide and narrow.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { newPage, signIn, withBrowser } from "./browser.mjs";
import { api, customers, operator, simulator, upload } from "./house.mjs";

const folder = process.env.SCREENSHOTS;
mkdirSync(folder, { recursive: true });
const keys = await customers();
const put = (path, body) => api("PUT", path, JSON.stringify(body), keys.acme);
const post = (path, body) => api("POST", path, JSON.stringify(body), keys.acme);

await upload("meter", "1.0.0", "water_meter", keys.acme);
await upload("meter", "1.1.0", "water_meter", keys.acme);
await upload("keyword", "2.0.0", "keyword_reply", keys.acme);
await put("/v1/rules/meter", { plugin: "meter@1.0.0", numbers: ["7001"], replay_hours: 1, config: { daily_allowance_litres: "500", keywords: "info", "reply.info": "Hello" } });
await post("/v1/rules/meter/canary", { plugin: "keyword@2.0.0", percent: 20, steps: [50, 100], every_secs: 3600 });
for (let n = 0; n < 12; n += 1) {
  await put(`/v1/devices/+4670000${String(n).padStart(4, "0")}`, {
    tags: n % 3 ? ["meter"] : ["meter", "hall-3"], attributes: { site: `Hall ${n % 4}, north`, owner: n % 2 ? "Eva" : "Åke" },
    status: n === 7 ? "suspended" : "active",
  });
}
const fleet = simulator(12, 4);
await new Promise((resolve) => setTimeout(resolve, 8_000));
await post("/v1/messages", { to: "+46700000001", text: "The valve at Hall 1 is closed until tomorrow, 08:00.", tag: "note" });
await post("/v1/messages", { to: "+46700000001", text: "<script>alert(1)</script> \u202egpj.exe\u0007 日本語", tag: "odd" });
const campaign = await post("/v1/campaigns", { to: { tag: "meter" }, text: "Maintenance tonight", tag: "maintenance", pace: { per_second: 1 } });
await new Promise((resolve) => setTimeout(resolve, 12_000));
const { messages } = await api("GET", "/v1/messages?direction=mo&rule=meter&limit=1", undefined, keys.acme);

const own = {
  overview: "c/acme", messages: "c/acme/messages", message: `c/acme/messages/${messages[0].id}`, devices: "c/acme/devices",
  device: "c/acme/devices/%2B46700000001", campaigns: "c/acme/campaigns", campaign: `c/acme/campaigns/${campaign.id}`, rules: "c/acme/rules",
  rule: "c/acme/rules/meter", plugin: "c/acme/plugins/meter%401.0.0", config: "c/acme/rules/meter/config", "dead-letters": "c/acme/dead-letters", firewall: "c/acme/firewall?from=%2B46700000001&to=%2B46731111111&text=hi",
  "opt-outs": "c/acme/opt-outs", numbers: "c/acme/numbers", keys: "c/acme/keys", "not-found": "c/acme/no/such", "other-customer": "c/beta/messages",
};
const [bound] = (await api("GET", "/v1/links")).links;
await api("GET", `/v1/links/${bound.id}/pdus`);
const house = { house: "overview", customers: "customers", links: "links", pdus: `links/${bound.id}`, decoder: "pdus", account: "peers/accounts/sim", upstream: "peers/upstreams", audit: "audit", system: "system" };

async function shoot(token, pages, colorScheme, width) {
  const height = width < 600 ? 740 : 800;
  await withBrowser({ colorScheme, viewport: { width, height } }, async (context) => {
    const page = await newPage(context);
    const take = (name) => page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: true });
    if (token === operator) {
      await page.goto("/console/sign-in");
      await take("sign-in");
    }
    await signIn(page, token);
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(`/console/${path}`);
      if (name === "messages") {
        await page.getByRole("button", { name: "Follow" }).click();
        await page.locator("tr.new").first().waitFor();
      }
      await page.waitForTimeout(300);
      await take(name);
    }
    if (token === keys.acme) await made(page, take);
  });
}

/** Pages that come of a form. */
async function made(page, take) {
  await page.goto("/console/c/acme/rules/meter/playground");
  await page.locator("input[name=device]").fill("+46700000001");
  for (const text of ["WM1 REPORT 1000 12 0 OK", "info"]) {
    await page.getByLabel("Text, or octets").fill(text);
    await page.getByRole("button", { name: "Try it", exact: true }).click();
    await page.getByRole("heading", { name: "After it" }).waitFor();
  }
  await take("playground");
  await page.goto(`/console/${own.message}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByRole("link", { name: "Back to what happened to it" }).waitFor();
  await take("run-again");
  await page.goto("/console/c/acme/firewall");
  await page.locator("summary", { hasText: "The policy as JSON" }).click();
  await page.locator("textarea[name=policy]").fill('{ "messaging": "p2p_only" }');
  await page.getByRole("button", { name: "Look first" }).click();
  await page.locator("#preview").waitFor();
  await take("firewall-preview");
  await page.goto("/console/c/acme/rules/meter/config");
  await page.getByLabel("A line for each").fill("daily_allowance_litres = 600\nkeywords = info");
  await page.getByRole("button", { name: "Look first" }).click();
  await page.locator("#diff").waitFor();
  await take("config-diff");
}

try {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 360]) {
      await shoot(keys.acme, own, colorScheme, width);
      await shoot(operator, house, colorScheme, width);
    }
  }
} finally {
  fleet.kill();
}
console.log(`pictures are in ${folder}`);
