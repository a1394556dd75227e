// The two pictures of the README: of the demo, while its meters report.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { newPage, signIn, withBrowser } from "./browser.mjs";
import { api, operator } from "./house.mjs";

const folder = process.env.SCREENSHOTS;
/** Enough of them that the charts show something. */
const MESSAGES = 150;
const MESSAGES_MAX = 700;
mkdirSync(folder, { recursive: true });

/** An MO that was answered; rather one from which the rule has learned something, too, if such a one comes in time. */
async function answered() {
  for (;;) {
    const { mo } = await api("GET", "/v1/overview?customer=acme");
    const { messages } = await api("GET", "/v1/messages?customer=acme&direction=mo&limit=200");
    let any;
    for (const { id } of mo.accepted < MESSAGES ? [] : messages) {
      const { calls } = await api("GET", `/v1/rules/water-meter/calls?customer=acme&message=${id}`);
      const sent = calls.find(({ did }) => did?.sent.length);
      if (sent?.did.state.length) return id;
      any ??= sent && id;
    }
    if (any && mo.accepted >= MESSAGES_MAX) return any;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

const id = await answered();
await withBrowser({ colorScheme: "light", viewport: { width: 1280, height: 800 } }, async (context) => {
  const page = await newPage(context);
  await signIn(page, operator);
  for (const [name, path] of [["overview", "c/acme"], ["message", `c/acme/messages/${id}`]]) {
    await page.goto(`/console/${path}`);
    await page.waitForTimeout(300);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }
});
console.log(`pictures are in ${folder}`);
