// What people read, by language. A text of the config (`text.<name>`) stands before these.

import type { Context } from "wasmsc-plugin";

import type { Site } from "./sites";

export const LANGUAGES = ["en", "sv", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const EN = {
  alarm: "{site}: {kind} alarm {where}at {time}. Answer OK {site} if you take care of it.",
  zone: "{site}: also {kind} {where}at {time}",
  taken: "{site}: {who} takes care of it",
  thanks: "{site}: noted, you take care of it",
  nothing: "{site}: there is no alarm",
  over: "{site}: disarmed at {time}, the alarm is over",
  restored: "{site}: zone {zone} is closed again",
  nobody: "{site}: {kind} alarm since {time}, and nobody has answered",
  sent: "{site}: {order} sent",
  done: "{site}: {order} done",
  failed: "{site}: {order} failed: {reason}",
  undelivered: "{site}: {order} did not reach the panel",
  ask: "{site}: {who} asks for {order}. Answer YES {number} within {minutes} min if you agree.",
  asked: "{site}: the owner has been asked about {order}",
  refused: "{site}: the owner said no to {order}",
  stale: "there is nothing to confirm with this number",
  wrong: "wrong code, {left} attempts left",
  locked: "locked until {time}",
  lockout: "{site}: {who} is locked out after wrong codes",
  status: "{site}: {mode} since {time}{battery}{alarm}",
  unknown: "{site}: the panel has not reported yet",
  battery: "{site}: battery low, {volts} V",
  silent: "{site}: the panel has not reported since {time}",
  clip: "{site}: {url}",
  camera: "{site}: the camera did not answer",
  which: "say which: {sites}",
  help: "ARM, DISARM or UNLOCK [site] code; STATUS [site]; OK [site]; YES number; NO number",
};

export type TextName = keyof typeof EN;

const SV: Record<TextName, string> = {
  alarm: "{site}: larm {kind} {where}kl {time}. Svara OK {site} om du tar hand om det.",
  zone: "{site}: även {kind} {where}kl {time}",
  taken: "{site}: {who} tar hand om det",
  thanks: "{site}: noterat, du tar hand om det",
  nothing: "{site}: inget larm",
  over: "{site}: avlarmat kl {time}, larmet är över",
  restored: "{site}: zon {zone} är stängd igen",
  nobody: "{site}: larm {kind} sedan {time}, och ingen har svarat",
  sent: "{site}: {order} skickat",
  done: "{site}: {order} utfört",
  failed: "{site}: {order} misslyckades: {reason}",
  undelivered: "{site}: {order} nådde inte centralen",
  ask: "{site}: {who} begär {order}. Svara YES {number} inom {minutes} min om du godkänner.",
  asked: "{site}: ägaren har tillfrågats om {order}",
  refused: "{site}: ägaren sade nej till {order}",
  stale: "det finns inget att bekräfta med detta nummer",
  wrong: "fel kod, {left} försök kvar",
  locked: "spärrat till {time}",
  lockout: "{site}: {who} är spärrad efter fel koder",
  status: "{site}: {mode} sedan {time}{battery}{alarm}",
  unknown: "{site}: centralen har inte rapporterat än",
  battery: "{site}: lågt batteri, {volts} V",
  silent: "{site}: centralen har inte rapporterat sedan {time}",
  clip: "{site}: {url}",
  camera: "{site}: kameran svarade inte",
  which: "säg vilken: {sites}",
  help: "ARM, DISARM eller UNLOCK [plats] kod; STATUS [plats]; OK [plats]; YES nummer; NO nummer",
};

const DE: Record<TextName, string> = {
  alarm: "{site}: Alarm {kind} {where}um {time}. Antworten Sie OK {site}, wenn Sie sich kümmern.",
  zone: "{site}: auch {kind} {where}um {time}",
  taken: "{site}: {who} kümmert sich",
  thanks: "{site}: notiert, Sie kümmern sich",
  nothing: "{site}: kein Alarm",
  over: "{site}: um {time} unscharf geschaltet, der Alarm ist vorbei",
  restored: "{site}: Zone {zone} ist wieder zu",
  nobody: "{site}: Alarm {kind} seit {time}, und niemand hat geantwortet",
  sent: "{site}: {order} gesendet",
  done: "{site}: {order} ausgeführt",
  failed: "{site}: {order} fehlgeschlagen: {reason}",
  undelivered: "{site}: {order} hat die Zentrale nicht erreicht",
  ask: "{site}: {who} bittet um {order}. Antworten Sie binnen {minutes} min YES {number}, wenn Sie zustimmen.",
  asked: "{site}: der Besitzer ist zu {order} gefragt",
  refused: "{site}: der Besitzer hat {order} abgelehnt",
  stale: "mit dieser Nummer ist nichts zu bestätigen",
  wrong: "falscher Code, noch {left} Versuche",
  locked: "gesperrt bis {time}",
  lockout: "{site}: {who} ist nach falschen Codes gesperrt",
  status: "{site}: {mode} seit {time}{battery}{alarm}",
  unknown: "{site}: die Zentrale hat sich noch nicht gemeldet",
  battery: "{site}: Batterie schwach, {volts} V",
  silent: "{site}: die Zentrale hat sich seit {time} nicht gemeldet",
  clip: "{site}: {url}",
  camera: "{site}: die Kamera hat nicht geantwortet",
  which: "welche: {sites}",
  help: "ARM, DISARM oder UNLOCK [Ort] Code; STATUS [Ort]; OK [Ort]; YES Nummer; NO Nummer",
};

const TEXTS: Record<Language, Record<TextName, string>> = { en: EN, sv: SV, de: DE };

/** A text with its places filled in. */
export function text(cx: Context, site: Site, name: TextName, places: Record<string, string | number> = {}): string {
  const pattern = cx.config.get(`text.${name}`) ?? TEXTS[site.language][name];
  const filled: Record<string, string | number> = { site: site.name, ...places };
  return pattern.replace(/\{(\w+)\}/g, (place, key: string) => String(filled[key] ?? place));
}
