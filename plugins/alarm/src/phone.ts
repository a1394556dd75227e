// A contact writes: orders with a code, answers to alarms and questions, STATUS.

import type { Context } from "wasmsc-plugin";

import { tryCode } from "./codes";
import { ORDERS, type Order } from "./protocol";
import { type Ask, alarmOf, keepAlarm, keepOrder, panelOf } from "./records";
import type { Settings, Site } from "./sites";
import { informed, tell } from "./telling";
import { text } from "./texts";
import { clock } from "./time";

/** `sites`: those of which the phone is a contact; there is one at least. */
export function phoneWrites(cx: Context, settings: Settings, sites: Site[], written: string): void {
  const [verb = "", ...words] = written.trim().split(/\s+/);
  const [first] = sites;
  if (first === undefined) return;
  const order = ORDERS.find((name) => name === verb.toUpperCase());
  if (order !== undefined) return give(cx, settings, sites, order, words);
  switch (verb.toUpperCase()) {
    case "STATUS":
      return status(cx, named(sites, words[0]));
    case "OK":
      return answer(cx, named(sites, words[0]));
    case "YES":
      return confirm(cx, sites, words[0], true);
    case "NO":
      return confirm(cx, sites, words[0], false);
    default:
      cx.reply(text(cx, first, "help"));
  }
}

/** The site that is named, or all where none is. */
function named(sites: Site[], word: string | undefined): Site[] {
  const found = sites.filter((site) => site.name === word?.toLowerCase());
  return found.length > 0 ? found : sites;
}

function give(cx: Context, settings: Settings, sites: Site[], order: Order, words: string[]): void {
  const candidates = words.length > 1 ? sites.filter((site) => site.name === words[0]?.toLowerCase()) : sites;
  const [site] = candidates;
  if (site === undefined || candidates.length > 1) {
    const [any] = sites;
    if (any !== undefined) cx.reply(text(cx, any, "which", { sites: sites.map((each) => each.name).join(", ") }));
    return;
  }
  const who = cx.device.msisdn;
  const verdict = tryCode(cx, settings, site, words.at(-1) ?? "");
  if (!verdict.right) {
    if (verdict.lockedUntil === 0) {
      cx.reply(text(cx, site, "wrong", { left: verdict.left }));
      return;
    }
    cx.reply(text(cx, site, "locked", { time: clock(cx, verdict.lockedUntil) }));
    const isNew = verdict.lockedUntil === cx.now + settings.lockoutMs;
    if (isNew) tell(cx, site, site.contacts[0] ?? "", "lockout", { who });
    if (isNew) cx.log.warn("locked out after wrong codes", { site: site.name, who });
    return;
  }
  if (site.confirm.includes(order)) ask(cx, settings, site, order, who);
  else send(cx, site, order, who);
}

/**
 * The owner has to say yes, even to what his own phone asks for: a sender can be forged, but the question goes to the
 * real phone.
 */
function ask(cx: Context, settings: Settings, site: Site, order: Order, who: string): void {
  const number = freeNumber(cx);
  cx.shared.set(`ask.${number}`, { site: site.name, order, by: who, until: cx.now + settings.confirmMs } satisfies Ask);
  tell(cx, site, site.contacts[0] ?? "", "ask", { who, order, number, minutes: settings.confirmMs / 60_000 });
  if (who !== site.contacts[0]) cx.reply(text(cx, site, "asked", { order }));
}

/** Of five digits, so that guessing is no use within the minutes that it lives. Old questions go on the way. */
function freeNumber(cx: Context): string {
  for (const key of cx.shared.keys("ask.")) {
    if ((cx.shared.get<Ask>(key)?.until ?? 0) < cx.now) cx.shared.delete(key);
  }
  for (;;) {
    const number = String(10_000 + Math.floor(Math.random() * 90_000));
    if (cx.shared.getOctets(`ask.${number}`) === undefined) return number;
  }
}

function confirm(cx: Context, sites: Site[], number: string | undefined, isAgreed: boolean): void {
  const key = `ask.${(number ?? "").slice(0, 16)}`;
  const asked = cx.shared.get<Ask>(key);
  const site = sites.find((each) => each.name === asked?.site && each.contacts[0] === cx.device.msisdn);
  const [any] = sites;
  if (asked === undefined || site === undefined || asked.until < cx.now) {
    if (any !== undefined) cx.reply(text(cx, any, "stale"));
    return;
  }
  cx.shared.delete(key);
  if (isAgreed) send(cx, site, asked.order, asked.by);
  else if (asked.by !== cx.device.msisdn) tell(cx, site, asked.by, "refused", { order: asked.order });
}

/** The order goes to the panel; a receipt says if it does not get there, the panel says how it went. */
function send(cx: Context, site: Site, order: Order, by: string): void {
  cx.send(site.panel, `AL1 ${order}`, { receipt: true, validityMs: 120_000, tag: `${order} ${site.name} ${by}` });
  keepOrder(cx, site, { order, by });
  tell(cx, site, by, "sent", { order });
}

/** A contact takes care of the alarms of these sites. The panel's timer finds that out when it is due. */
function answer(cx: Context, sites: Site[]): void {
  const who = cx.device.msisdn;
  const open = sites.filter((site) => alarmOf(cx, site) !== undefined);
  const [any] = sites;
  if (open.length === 0 && any !== undefined) cx.reply(text(cx, any, "nothing"));
  for (const site of open) {
    const alarm = alarmOf(cx, site);
    if (alarm === undefined) continue;
    if (alarm.answeredBy === undefined) keepAlarm(cx, site, { ...alarm, answeredBy: who });
    cx.reply(text(cx, site, alarm.answeredBy === undefined ? "thanks" : "taken", { who: alarm.answeredBy ?? who }));
    if (alarm.answeredBy !== undefined) continue;
    for (const contact of informed(site, alarm)) {
      if (contact !== who) tell(cx, site, contact, "taken", { who });
    }
  }
}

function status(cx: Context, sites: Site[]): void {
  for (const site of sites.slice(0, 5)) {
    const panel = panelOf(cx, site);
    if (panel?.mode === undefined) {
      cx.reply(text(cx, site, "unknown"));
      continue;
    }
    const alarm = alarmOf(cx, site);
    const battery = panel.battery === undefined ? "" : `, ${panel.battery.toFixed(1)} V`;
    const told = alarm === undefined ? "" : `, ${alarm.kind} ${clock(cx, alarm.since)}`;
    cx.reply(text(cx, site, "status", { mode: panel.mode, time: clock(cx, panel.since), battery, alarm: told }));
  }
}
