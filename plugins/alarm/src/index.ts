// The rule: who writes decides what is meant. A panel reports, a contact orders, and nobody else is answered.

import { defineRule } from "wasmsc-plugin";

import { codeProblem } from "./codes";
import { ESCALATE, cameraReplied, escalate } from "./escalation";
import { SILENT, panelReports } from "./panel";
import { phoneWrites } from "./phone";
import { alarmOf, panelOf } from "./records";
import { settings } from "./sites";
import { tell } from "./telling";
import { clock } from "./time";

export default defineRule({
  onMo(mo, cx) {
    const all = settings(cx);
    const who = cx.device.msisdn;
    const site = all.sites.find(({ panel }) => panel === who);
    if (site !== undefined) return panelReports(cx, all, site, mo.text);
    const own = all.sites.filter(({ contacts }) => contacts.includes(who));
    if (own.length > 0) return phoneWrites(cx, all, own, mo.text);
    // An answer would tell a stranger that somebody listens.
    cx.log.warn("a message of a number that is no panel and no contact", { who });
  },

  onTimer(timer, cx) {
    const all = settings(cx);
    const site = all.sites.find(({ panel }) => panel === cx.device.msisdn);
    if (site === undefined) return;
    if (timer.name === ESCALATE) escalate(cx, all, site);
    if (timer.name === SILENT) {
      const time = clock(cx, panelOf(cx, site)?.seen ?? cx.now);
      tell(cx, site, site.contacts[0] ?? "", "silent", { time }, "after-quiet-hours");
    }
  },

  // Only orders ask for receipts; their tag says which order it was, and of whom.
  onReceipt(receipt, cx) {
    if (receipt.state === "delivered") return;
    const [order = "", name = "", by = ""] = (receipt.tag ?? "").split(" ");
    const site = settings(cx).sites.find((each) => each.name === name);
    if (site !== undefined) tell(cx, site, by, "undelivered", { order });
  },

  onHttpReply(reply, cx) {
    const all = settings(cx);
    const site = all.sites.find(({ panel }) => panel === cx.device.msisdn);
    if (site !== undefined) cameraReplied(cx, site, reply.status, reply.body.text);
  },

  // The customer's own application asks for the `status` of a panel.
  onRequest(request, cx) {
    const site = settings(cx).sites.find(({ panel }) => panel === cx.device.msisdn);
    if (request.name !== "status" || site === undefined) return { status: 404, body: { json: {} } };
    const json = { site: site.name, panel: panelOf(cx, site), alarm: alarmOf(cx, site) };
    return { body: { json } };
  },

  checkConfig(cx) {
    const { sites } = settings(cx);
    return sites.map((site) => codeProblem(cx, site)).find((problem) => problem !== undefined);
  },
});
