// Telling people: who, when, and what if it cannot be sent.

import { type Context, SendError } from "wasmsc-plugin";

import type { Alarm } from "./records";
import type { Site } from "./sites";
import { type TextName, text } from "./texts";
import { quietFor } from "./time";

export type Urgency = "now" | "after-quiet-hours";
export type Places = Record<string, string | number>;

/** Sends a text to somebody. That it may not be sent is logged and no reason to fail: others have to be told too. */
export function tell(cx: Context, site: Site, to: string, name: TextName, places: Places = {}, urgency: Urgency = "now"): void {
  const delayMs = urgency === "now" ? 0 : quietFor(cx, site.quiet);
  try {
    if (delayMs > 0) cx.send(to, text(cx, site, name, places), { delayMs });
    else cx.send(to, text(cx, site, name, places));
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    cx.log.warn(error.message, { site: site.name, to, text: name });
  }
}

/** Whoever was told of an alarm, each once. */
export function informed(site: Site, alarm: Alarm): string[] {
  return site.contacts.slice(0, alarm.told);
}
