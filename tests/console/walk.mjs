// Walks through the console as a person does, with a real browser against a real server.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { check, newPage, signIn, withBrowser } from "./browser.mjs";
import { api, component, customers, operator, simulator, url } from "./house.mjs";

const keys = await customers();
const DEVICE = "+46700000000";
let fleet = null;

async function step(name, context, body) {
  process.stdout.write(`  ${name} … `);
  try {
    await body();
  } catch (error) {
    console.log("failed");
    // What was seen, for whoever reads the log.
    for (const page of context.pages()) {
      console.log(`${page.url()}\n${await page.locator("main").innerText({ timeout: 1_000 }).catch(() => "")}`);
    }
    throw error;
  }
  console.log("ok");
}

/** The page again and again until it says so: what is tested is not how fast the house is. */
async function until(page, path, said) {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    await page.goto(path);
    if (await said()) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`${path} does not become so: ${said}`);
}

async function upload(page, name, version, file) {
  await page.goto("/console/c/acme/rules");
  await page.locator("input[type=file]").setInputFiles(component(file));
  const form = page.locator("form[data-upload]");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Version").fill(version);
  await form.getByRole("button", { name: "Upload" }).click();
}

async function follow(page) {
  await page.goto("/console/c/acme/messages");
  await page.getByRole("button", { name: "Follow" }).click();
  await page.getByText("Following: new messages appear at the top.").waitFor();
}

async function signInByKeyboard(page) {
  await page.goto("/console/sign-in");
  await page.keyboard.type(keys.acme);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/c/acme");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  // On to the messages, without a mouse.
  for (let tabs = 0; tabs < 40; tabs += 1) {
    await page.keyboard.press("Shift+Tab");
    if (await page.evaluate(() => document.activeElement.textContent === "Messages")) break;
  }
  await page.keyboard.press("Enter");
  await page.waitForURL("**/console/c/acme/messages");
  const outline = await page.evaluate(() => {
    document.querySelector("main a, main input").focus();
    return getComputedStyle(document.activeElement).outlineStyle;
  });
  assert.notEqual(outline, "none", "the focus is seen");
  await check(page);
}

async function makeRule(page) {
  await upload(page, "meter", "1.0.0", "water_meter");
  await page.getByText("meter@1.0.0 is taken").waitFor({ timeout: 120_000 });
  await page.getByRole("link", { name: "Use it in a rule" }).click();
  await page.locator("summary", { hasText: "New rule" }).click();
  const form = page.locator("form[action$='/rules']");
  await form.getByLabel("Name", { exact: true }).fill("meter");
  await form.getByLabel("Plugin").selectOption("meter@1.0.0");
  await form.getByLabel("Numbers").fill("7001");
  await form.getByLabel("Config").fill("daily_allowance_litres = 500\nkeywords = info\nreply.info = Hello\ndefault_reply = The second version speaks\ndefault_every_minutes = 0");
  await form.getByRole("button", { name: "Make the rule" }).click();
  await page.getByRole("heading", { name: "Rule meter" }).waitFor();
  await page.getByText("running", { exact: true }).first().waitFor();
  await check(page);
}

async function refuseUpload(page) {
  await page.goto("/console/c/acme/rules");
  await page.locator("input[type=file]").setInputFiles({ name: "broken.wasm", mimeType: "application/wasm", buffer: Buffer.from("\0asm no component") });
  assert.equal(await page.locator("form[data-upload]").getByLabel("Name").inputValue(), "broken", "the name is proposed");
  await page.locator("form[data-upload]").getByLabel("Version").fill("1");
  await page.locator("form[data-upload]").getByRole("button", { name: "Upload" }).click();
  await page.locator("#uploaded .notice.bad").waitFor({ timeout: 60_000 });
}

async function watch(page) {
  await follow(page);
  fleet = simulator(3, 2);
  const mo = page.locator("#messages tr:has(abbr.mo)").first();
  await mo.waitFor({ timeout: 60_000 });
  const reply = page.locator("#messages tr:has(abbr.mt):has-text('delivered')").first();
  await reply.waitFor();
  await check(page);
  await reply.locator("td.when a").click();
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  assert.match(await page.locator(".timeline").innerText(), /sim took it/);
  await check(page);
  await page.getByRole("link", { name: /^MO / }).click();
  await page.getByText("Rule acme/meter ran and sent").waitFor();
  await page.getByRole("heading", { name: "Sent by the rule for it" }).waitFor();
  await check(page);
}

async function talk(page) {
  await page.goto(`/console/c/acme/devices/${encodeURIComponent(DEVICE)}`);
  await page.getByLabel("Text").fill("Hello from the console €");
  await page.getByText("1 SMS").waitFor();
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("On its way.").waitFor();
  // The conversation refreshes itself.
  const said = page.locator(".conversation li.mt:has-text('Hello from the console €')");
  await said.getByText("delivered").waitFor();
  await check(page);
}

async function again(page) {
  await page.goto("/console/c/acme/messages?text=Hello+from+the+console");
  await page.locator("#messages td.when a").first().click();
  const first = page.url();
  await page.locator("summary", { hasText: "Send again" }).click();
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.getByText("Sent again, as this new message.").waitFor();
  assert.notEqual(page.url().split("?")[0], first);
  await page.locator("summary", { hasText: "Fields and octets" }).click();
  await page.locator("dt", { hasText: "data_coding" }).waitFor();
  await check(page);
}

async function kept(page) {
  await page.goto("/console/c/acme/messages?rule=meter");
  assert.ok((await page.locator("#messages tr:has(abbr.mo)").count()) > 0, "MOs of the rule are found by it");
  await page.locator("#messages tr:has(abbr.mo) td.address a").first().click();
  await page.locator("summary", { hasText: "What rules keep" }).click();
  await page.locator("details[open] pre").first().waitFor();
  await check(page);
  await page.goto("/console/c/acme/opt-outs");
  await page.getByText("No opt-outs.").waitFor();
  await check(page);
}

async function masked(context) {
  const wish = JSON.stringify({ name: "support", scopes: ["read", "reveal"], texts: "masked" });
  const { key } = await api("POST", "/v1/customers/acme/keys", wish);
  const page = await newPage(context);
  await signIn(page, key);
  await page.goto("/console/c/acme/messages");
  assert.ok(!(await page.locator("main").innerText()).includes("WM1"), "no text is seen");
  await page.locator("#messages td.when a").first().click();
  await page.getByText("masked", { exact: true }).first().waitFor();
  await check(page);
  await page.getByRole("button", { name: "Show text" }).click();
  await page.locator(".speech .said").waitFor();
  await check(page);
}

async function changeTheRule(page) {
  await upload(page, "keyword", "2.0.0", "keyword_reply");
  await page.getByText("keyword@2.0.0 is taken").waitFor({ timeout: 120_000 });
  await page.goto("/console/c/acme/rules/meter");
  const form = page.locator("form[action$='/activate']");
  await form.getByLabel("Version").selectOption("keyword@2.0.0");
  await form.getByRole("button", { name: "Activate for all" }).click();
  await page.getByRole("button", { name: "Roll back to meter@1.0.0" }).waitFor();
  await check(page);
  await follow(page);
  await page.locator("#messages tr:has-text('The second version speaks')").first().waitFor();
  await page.goto("/console/c/acme/rules/meter");
  await page.getByRole("button", { name: "Roll back to meter@1.0.0" }).click();
  await page.getByText("Rolled back").waitFor();
  await page.getByRole("button", { name: "Roll back to keyword@2.0.0" }).waitFor();
}

async function log(page) {
  await page.goto("/console/c/acme/rules/meter");
  await page.getByRole("button", { name: "Follow" }).click();
  await page.locator("#log li").first().waitFor({ timeout: 60_000 });
  await check(page);
}

async function playground(page) {
  await page.goto("/console/c/acme/rules/meter");
  await page.getByRole("link", { name: "Try it in the playground" }).click();
  await check(page);
  await page.getByLabel("Text, or octets").fill("WM1 REPORT litres=12");
  await page.locator("input[name=device]").fill(DEVICE);
  await page.getByRole("button", { name: "Try it", exact: true }).click();
  await page.getByRole("heading", { name: "What meter@1.0.0 does" }).waitFor();
  await page.getByRole("heading", { name: "After it" }).waitFor();
  await check(page);
  // Another version, on the same conversation.
  await page.locator("summary", { hasText: "Version, config, state, clock" }).click();
  await page.locator("select[name=plugin]").selectOption("keyword@2.0.0");
  await page.getByRole("button", { name: "All of it again" }).click();
  await page.getByRole("heading", { name: "What keyword@2.0.0 does" }).waitFor();
  await page.locator(".steps .mt:has-text('The second version speaks')").waitFor();
  assert.equal(await page.locator(".steps > li").count(), 1);
  await page.getByLabel("Text, or octets").fill("info");
  await page.getByRole("button", { name: "Try it", exact: true }).click();
  await page.locator(".steps .mt:has-text('Hello')").waitFor();
  assert.equal(await page.locator(".steps > li").count(), 2, "the conversation goes on");
  await page.getByRole("button", { name: "Begin anew" }).click();
  await page.getByRole("button", { name: "Begin anew" }).waitFor({ state: "detached" });
  await page.goto("/console/c/acme/rules/meter/config");
  await page.getByLabel("A line for each").fill("daily_allowance_litres = 600");
  await page.getByRole("button", { name: "Look first" }).click();
  await page.getByRole("heading", { name: "What would change" }).waitFor();
  await check(page);
}

async function runAgain(page) {
  await page.goto("/console/c/acme/messages?direction=mo");
  await page.locator("td.when a").first().click();
  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByText("set replay_hours in its settings").waitFor();
  await check(page);
}

async function firewall(page) {
  await page.goto("/console/c/acme/firewall");
  await check(page);
  await page.locator("summary", { hasText: "The policy as JSON" }).click();
  await page.locator("textarea[name=policy]").fill('{ "messaging": "ofn" }');
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator(".notice.bad").waitFor();
  assert.match(await page.locator("textarea[name=policy]").inputValue(), /ofn/, "the draft stays");
  await page.goto("/console/c/acme/firewall");
  await page.locator("summary", { hasText: "The policy as JSON" }).click();
  await page.locator("textarea[name=policy]").fill('{ "messaging": "off" }');
  await page.getByRole("button", { name: "Look first" }).click();
  await page.getByRole("heading", { name: "What the edit would change" }).waitFor();
  await page.locator("#preview code", { hasText: "messaging_off" }).first().waitFor();
  await check(page);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("holds from the next message on").waitFor();
  await page.getByLabel("From", { exact: true }).fill("7001");
  await page.getByLabel("To", { exact: true }).fill(DEVICE);
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("Refused: messaging_off").waitFor();
  await check(page);
  await page.goto(`/console/c/acme/devices/${encodeURIComponent(DEVICE)}`);
  await page.getByLabel("Text").fill("this does not pass");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".notice.bad").waitFor();
  assert.equal(await page.getByLabel("Text").inputValue(), "this does not pass");
  await api("PUT", "/v1/customers/acme/policy", "{}");
}

async function campaign(page) {
  const lines = ["address,tags"];
  for (let n = 0; n < 1_000; n += 1) lines.push(`+46700${String(n).padStart(6, "0")},walk`);
  await page.goto("/console/c/acme/devices");
  await page.locator("summary", { hasText: "Import" }).click();
  await page.getByLabel("Lines of CSV").fill(lines.join("\n"));
  await page.getByRole("button", { name: "Look first" }).click();
  await page.getByText("1 000 would be new").waitFor();
  await page.getByRole("button", { name: "Import", exact: true }).click();
  await page.getByText("1 000 are new").waitFor();
  await page.goto("/console/c/acme/campaigns");
  await check(page);
  await page.locator("summary", { hasText: "New campaign" }).click();
  await page.getByLabel("Tag, or numbers").fill("walk");
  await page.getByLabel("Text").fill("To all of you");
  await page.getByLabel("What to call it").fill("walk");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByText("1 000 of 1 000").waitFor({ timeout: 60_000 });
  await page.getByText("done", { exact: true }).waitFor({ timeout: 60_000 });
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Export whom it is for (CSV)" }).click();
  const rows = readFileSync(await (await download).path(), "utf8").trim().split("\r\n");
  assert.equal(rows.length, 1_001, "a head, and all of them");
  await check(page);
}

async function walls(context) {
  const page = await newPage(context);
  await signIn(page, keys.beta);
  for (const rest of ["", "/messages", "/devices", "/rules", "/firewall", "/keys", "/campaigns", "/dead-letters", "/numbers"]) {
    await page.goto(`/console/c/acme${rest}`);
    const said = await page.locator("main").innerText();
    assert.match(said, /There is no such thing|There is nothing here/i, rest);
    assert.ok(!said.includes("7001") && !said.includes("meter"), rest);
  }
  await page.goto("/console/c/beta");
  await check(page);
}

async function house(context) {
  const page = await newPage(context);
  await signIn(page, operator);
  const paths = ["overview", "customers", "links", "audit", "system", "c/acme", "c/acme/messages", "c/acme/devices", "c/acme/rules",
    "c/acme/rules/meter", "c/acme/rules/meter/playground", "c/acme/rules/meter/config", "c/acme/plugins/meter%401.0.0", "c/acme/dead-letters", "c/acme/numbers", "c/acme/keys", "c/acme/campaigns", "c/acme/firewall", "c/acme/opt-outs", "no/such"];
  for (const path of paths) {
    await page.goto(`/console/${path}`);
    await check(page);
  }
  await until(page, "/console/links", async () => (await page.locator("main").innerText()).includes("transceiver"));
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/console/sign-in");
  await check(page);
}

async function links(context) {
  const page = await newPage(context);
  await signIn(page, operator);
  await page.goto("/console/links");
  await page.locator("tr:has-text('sim')").getByRole("link", { name: "PDUs" }).first().click();
  await page.getByRole("heading", { name: "PDUs of sim" }).waitFor();
  // They appear as they come, and one that is open stays open.
  const newest = page.locator("details.pdu", { has: page.locator("summary strong", { hasText: /^submit_sm$/ }) }).first();
  await newest.waitFor();
  const id = await newest.getAttribute("id");
  const submitted = page.locator(`#${id}`);
  await submitted.locator("summary").click();
  await submitted.getByText("destination_addr", { exact: true }).waitFor();
  const before = await page.locator("details.pdu").first().getAttribute("id");
  await page.waitForFunction((first) => document.querySelector("details.pdu").id !== first, before);
  assert.ok(await page.locator(`#${id}`).evaluate((pdu) => pdu.open), "the open one stays open");
  assert.ok(!(await page.locator("main").innerText()).includes("LITRES"), "no text of a meter");
  await check(page);
  await page.getByRole("link", { name: "Decode a PDU" }).click();
  await page.getByLabel(/Octets in hex/).fill("00000027 00000004 00000000 00000005 00 0501 4100 0101 3400 00 00 00 00 00 00 00 00 00 20 6869 0000");
  await page.getByRole("button", { name: "Decode" }).click();
  await page.getByText("It cannot be read: short_message at octet 34").waitFor();
  await check(page);
  await page.goto("/console/links");
  await page.getByRole("link", { name: "sim", exact: true }).first().click();
  await page.getByLabel("Why, for whoever finds it paused").fill("the walk");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Why: the walk").waitFor();
  await check(page);
  await page.goto("/console/overview");
  await page.getByText("sim is paused since").waitFor();
  await page.goto("/console/peers/accounts/sim");
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.goto("/console/peers/upstreams");
  await check(page);
  await page.goto("/console/peers/accounts");
  await page.getByLabel("system_id").fill("walk-app");
  await page.getByLabel("Customer, of an application").fill("acme");
  await page.getByLabel("Password").fill("secret");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("It holds from the next message on.").waitFor();
  await check(page);
  await page.getByRole("button", { name: "Delete it" }).click();
  await page.getByRole("heading", { name: "Links", exact: true }).waitFor();
  // The simulator ends with its bind; another one goes on.
  await page.locator("tr:has-text('sim')").getByRole("button", { name: /^Drop/ }).first().click();
  await page.getByText("dropped by the operator").first().waitFor();
  await check(page);
}

async function narrow(context, token, paths) {
  const page = await newPage(context);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, token);
  for (const path of paths) {
    await page.goto(`/console/${path}`);
    await check(page);
  }
  return page;
}

async function narrowForACustomer(context) {
  const page = await narrow(context, keys.acme, ["", "/devices", `/devices/${encodeURIComponent(DEVICE)}`, "/rules", "/rules/meter", "/rules/meter/playground",
    "/rules/meter/config", "/plugins/meter%401.0.0", "/firewall", "/opt-outs", "/keys", "/campaigns", "/numbers", "/dead-letters", "/messages"].map((rest) => `c/acme${rest}`));
  await page.locator("table.messages .when a").first().click();
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  await check(page);
}

try {
  await withBrowser({ viewport: { width: 1280, height: 800 } }, async (context) => {
    const page = await newPage(context);
    await step("sign in and find the messages with the keyboard alone", context, () => signInByKeyboard(page));
    await step("a component that is none is refused with a reason", context, () => refuseUpload(page));
    await step("upload a plugin and make a rule of it", context, () => makeRule(page));
    await step("see a live MO and its reply, open both timelines", context, () => watch(page));
    await step("send to a device and see it delivered", context, () => talk(page));
    await step("send a message again, see its fields", context, () => again(page));
    await step("find messages by rule, see what the rule keeps", context, () => kept(page));
    await step("activate another version, see the next reply change, roll back", context, () => changeTheRule(page));
    await step("read the rule's log as it comes", context, () => log(page));
    await step("try a rule in the playground, on two versions, and look at an edit of its config", context, () => playground(page));
    await step("a message whose call was not kept says what to set", context, () => runAgain(page));
    await step("edit the firewall and see a refusal with its reason", context, () => firewall(page));
    await step("import 1,000 devices and run a campaign", context, () => campaign(page));
  });
  await withBrowser({ viewport: { width: 1280, height: 800 } }, (context) => step("another customer's key sees nothing", context, () => walls(context)));
  await withBrowser({ viewport: { width: 1280, height: 800 } }, (context) => step("texts are masked, one is shown", context, () => masked(context)));
  await withBrowser({ viewport: { width: 1280, height: 800 } }, (context) => step("the operator's pages", context, () => house(context)));
  await withBrowser({ viewport: { width: 1280, height: 800 } }, (context) => step("links, PDUs, pauses, accounts", context, () => links(context)));
  await withBrowser({}, (context) => step("at 360 px", context, () => narrowForACustomer(context)));
  const pages = ["overview", "customers", "links", "pdus", "peers/accounts/sim", "peers/upstreams", "audit", "system"];
  await withBrowser({}, (context) => step("at 360 px, as the operator", context, () => narrow(context, operator, pages)));
} finally {
  fleet?.kill();
}
console.log(`walked through ${url}/console/`);
