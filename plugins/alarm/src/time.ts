// Quiet hours and times of day, at a fixed distance from UTC: there is no table of time zones in a component.

import type { Context } from "wasmsc-plugin";

export interface Quiet {
  /** Minutes of the local day. */
  from: number;
  to: number;
}

const DAY = 24 * 60;

/** `22:00-06:30`. */
export function quietHours(cx: Context, key: string): Quiet | undefined {
  const text = cx.config.get(key)?.trim();
  if (text === undefined || text === "") return undefined;
  const found = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (found === null) throw cx.config.error(key, "two times of day, such as 22:00-06:30");
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = found.slice(1).map(Number);
  return { from: fromHour * 60 + fromMinute, to: toHour * 60 + toMinute };
}

/** How long it is until the quiet hours end; 0 outside of them. */
export function quietFor(cx: Context, quiet: Quiet | undefined): number {
  if (quiet === undefined) return 0;
  const now = minuteOfDay(cx, cx.now);
  const length = (quiet.to - quiet.from + DAY) % DAY;
  const passed = (now - quiet.from + DAY) % DAY;
  return passed < length ? (length - passed) * 60_000 - (cx.now % 60_000) : 0;
}

/** `14:05`. */
export function clock(cx: Context, at: number): string {
  const minute = minuteOfDay(cx, at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function minuteOfDay(cx: Context, at: number): number {
  const offset = cx.config.integer("utc_offset_minutes", { default: 0, min: -840, max: 840 });
  return (((Math.floor(at / 60_000) + offset) % DAY) + DAY) % DAY;
}
