// An alarm from its first message to the one that nobody answered: contact after contact, round after round.

import { type Context, HttpError, SendError } from "wasmsc-plugin";

import type { Kind } from "./protocol";
import { type Alarm, alarmOf, keepAlarm } from "./records";
import type { Settings, Site } from "./sites";
import { informed, tell } from "./telling";
import { clock } from "./time";

/** The panel's timer. */
export const ESCALATE = "escalate";
const CAMERA_TAG = "camera";
/** A camera is woken for these. */
const SEEN_BY_CAMERA: readonly Kind[] = ["BURGLAR", "PANIC", "TAMPER"];

/** The panel reports an alarm. */
export function raise(cx: Context, settings: Settings, site: Site, kind: Kind, zone: string, name: string): void {
  const place = name || zone;
  const where = place === "" ? "" : `(${place}) `;
  const known = alarmOf(cx, site);
  // An alarm of yesterday that nobody ended must not keep one of today quiet.
  if (known !== undefined && cx.now - known.since < settings.alarmMs) {
    if (known.zones.includes(zone)) return;
    keepAlarm(cx, site, { ...known, zones: [...known.zones, zone] });
    for (const contact of informed(site, known)) tell(cx, site, contact, "zone", { kind, where, time: clock(cx, cx.now) });
    return;
  }
  if (SEEN_BY_CAMERA.includes(kind)) wakeCamera(cx, settings, site, kind, zone);
  tellNext(cx, settings, site, { kind, where, zones: [zone], since: cx.now, told: 0 });
}

/** Nobody has answered in time. */
export function escalate(cx: Context, settings: Settings, site: Site): void {
  const alarm = alarmOf(cx, site);
  if (alarm === undefined || alarm.answeredBy !== undefined) return;
  if (alarm.told < settings.rounds * site.contacts.length) {
    tellNext(cx, settings, site, alarm);
    return;
  }
  cx.log.error("nobody has answered an alarm", { site: site.name, kind: alarm.kind });
  for (const contact of site.contacts) tell(cx, site, contact, "nobody", { kind: alarm.kind, time: clock(cx, alarm.since) });
}

function tellNext(cx: Context, settings: Settings, site: Site, alarm: Alarm): void {
  const contact = site.contacts[alarm.told % site.contacts.length];
  const { kind, where, since } = alarm;
  if (contact !== undefined) tell(cx, site, contact, "alarm", { kind, where, time: clock(cx, since) });
  keepAlarm(cx, site, { ...alarm, told: alarm.told + 1 });
  cx.timers.set(ESCALATE, settings.answerMs);
}

/** By SMS or by HTTP, as its address says. A camera that cannot be woken keeps nobody from being told. */
function wakeCamera(cx: Context, settings: Settings, site: Site, kind: Kind, zone: string): void {
  if (site.camera === undefined) return;
  try {
    if (site.camera.startsWith("https://")) {
      const json = { site: site.name, kind, zone, seconds: settings.cameraSeconds, at: cx.now };
      const authorization = cx.secret("camera") === undefined ? {} : { authorization: "camera" };
      cx.http.submit({ method: "POST", url: site.camera, body: { json }, tag: CAMERA_TAG, ...authorization });
    } else {
      cx.send(site.camera, `CAM1 WAKE ${settings.cameraSeconds}`, { validityMs: 60_000 });
    }
  } catch (error) {
    if (!(error instanceof HttpError || error instanceof SendError)) throw error;
    cx.log.warn(error.message, { site: site.name });
  }
}

/** The camera answers: with a clip, it is hoped. */
export function cameraReplied(cx: Context, site: Site, status: number | undefined, body: string): void {
  const alarm = alarmOf(cx, site);
  if (alarm === undefined) return;
  const isAnswer = status !== undefined && status < 300;
  const url = isAnswer ? clipIn(body) : undefined;
  if (isAnswer && url === undefined) return;
  if (!isAnswer) cx.log.warn("the camera did not answer", { site: site.name, status: status ?? "none" });
  for (const contact of informed(site, alarm)) {
    if (url === undefined) tell(cx, site, contact, "camera");
    else tell(cx, site, contact, "clip", { url });
  }
}

function clipIn(body: string): string | undefined {
  try {
    const { clip } = JSON.parse(body) as { clip?: unknown };
    return typeof clip === "string" && clip.startsWith("https://") && clip.length <= 200 ? clip : undefined;
  } catch {
    return undefined;
  }
}
