// A panel reports.

import type { Context } from "wasmsc-plugin";

import { ESCALATE, raise } from "./escalation";
import { type Mode, parse } from "./protocol";
import { alarmOf, forgetAlarm, forgetOrder, keepPanel, orderOf, panelOf } from "./records";
import type { Settings, Site } from "./sites";
import { informed, tell } from "./telling";
import { clock } from "./time";

/** The panel's timer: it has not reported for too long. */
export const SILENT = "silent";
/** A battery that was low is warned about again after it was this much above, in volts. */
const BATTERY_RECOVERED = 0.3;

export function panelReports(cx: Context, settings: Settings, site: Site, text: string): void {
  const report = parse(text);
  if (report.what === "malformed") {
    cx.log.warn(`the panel's text cannot be read: ${report.why}`, { site: site.name });
    cx.reply(`AL1 ERR ${report.why}`);
    return;
  }
  if (settings.silentMs > 0) cx.timers.set(SILENT, settings.silentMs);
  switch (report.what) {
    case "alarm":
      keepPanel(cx, site, { ...seen(cx, site), seen: cx.now });
      return raise(cx, settings, site, report.kind, report.zone, report.name);
    case "restore":
      keepPanel(cx, site, { ...seen(cx, site), seen: cx.now });
      return restored(cx, site, report.zone);
    case "state":
      return stateReported(cx, settings, site, report.mode, report.battery);
    case "answer":
      keepPanel(cx, site, { ...seen(cx, site), seen: cx.now });
      return answered(cx, site, report.order, report.ok, report.reason);
  }
}

const seen = (cx: Context, site: Site) => panelOf(cx, site) ?? { mode: undefined, since: cx.now, seen: cx.now };

function stateReported(cx: Context, settings: Settings, site: Site, mode: Mode, battery: number | undefined): void {
  const before = seen(cx, site);
  const wasWarned = before.batteryWarned === true && !(battery !== undefined && battery > settings.batteryLow + BATTERY_RECOVERED);
  const isLow = battery !== undefined && battery < settings.batteryLow;
  if (isLow && !wasWarned) {
    const volts = battery.toFixed(1);
    tell(cx, site, site.contacts[0] ?? "", "battery", { volts }, "after-quiet-hours");
  }
  keepPanel(cx, site, {
    mode,
    since: before.mode === mode ? before.since : cx.now,
    seen: cx.now,
    ...(battery === undefined ? {} : { battery }),
    ...(isLow || wasWarned ? { batteryWarned: true } : {}),
  });
  if (mode === "DISARMED") alarmOver(cx, site);
}

/** Whoever disarms the panel ends the alarm. */
function alarmOver(cx: Context, site: Site): void {
  const alarm = alarmOf(cx, site);
  if (alarm === undefined) return;
  forgetAlarm(cx, site);
  cx.timers.cancel(ESCALATE);
  for (const contact of informed(site, alarm)) tell(cx, site, contact, "over", { time: clock(cx, cx.now) });
}

function restored(cx: Context, site: Site, zone: string): void {
  const alarm = alarmOf(cx, site);
  if (alarm === undefined) return;
  for (const contact of informed(site, alarm)) tell(cx, site, contact, "restored", { zone }, "after-quiet-hours");
}

/** The panel says how an order went; whoever gave it hears of it. */
function answered(cx: Context, site: Site, order: string, ok: boolean, reason: string): void {
  const ordered = orderOf(cx, site);
  if (ordered === undefined || ordered.order !== order) return;
  forgetOrder(cx, site);
  if (ok) tell(cx, site, ordered.by, "done", { order });
  else tell(cx, site, ordered.by, "failed", { order, reason: reason || "?" });
}
