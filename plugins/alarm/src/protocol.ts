// What panels say (README.md, "Panel to service"). Pure.

export const KINDS = ["FIRE", "PANIC", "BURGLAR", "FLOOD", "TAMPER"] as const;
export type Kind = (typeof KINDS)[number];

export const MODES = ["ARMED", "PARTIAL", "DISARMED"] as const;
export type Mode = (typeof MODES)[number];

export const ORDERS = ["ARM", "DISARM", "UNLOCK"] as const;
export type Order = (typeof ORDERS)[number];

export type Report =
  | { what: "alarm"; kind: Kind; zone: string; name: string }
  | { what: "restore"; zone: string }
  | { what: "state"; mode: Mode; battery: number | undefined }
  | { what: "answer"; order: string; ok: boolean; reason: string };

/** A text that cannot be read says what is wrong with it. */
export type Parsed = Report | { what: "malformed"; why: string };

const OCTETS_MAX = 320;

/** `AL1 ALARM T=BURGLAR Z=3 N=Kitchen`, `AL1 RESTORE Z=3`, `AL1 STATE S=ARMED B=12.6`, `AL1 OK ARM`, `AL1 ERR ARM door open` */
export function parse(text: string): Parsed {
  if (text.length > OCTETS_MAX) return malformed("too long");
  const [head = "", verb = "", ...rest] = text.trim().split(/\s+/);
  if (head.toUpperCase() !== "AL1") return malformed("no AL1 in front");
  switch (verb.toUpperCase()) {
    case "ALARM":
      return alarm(fields(rest));
    case "RESTORE":
      return { what: "restore", zone: fields(rest).get("Z") ?? "" };
    case "STATE":
      return state(fields(rest));
    case "OK":
    case "ERR": {
      const [order = "", ...reason] = rest;
      return { what: "answer", order: order.toUpperCase(), ok: verb.toUpperCase() === "OK", reason: reason.join(" ") };
    }
    default:
      return malformed(`there is no ${verb || "word after AL1"}; there are ALARM, RESTORE, STATE, OK, ERR`);
  }
}

function alarm(given: Map<string, string>): Parsed {
  const kind = KINDS.find((name) => name === given.get("T")?.toUpperCase());
  if (kind === undefined) return malformed(`T must be one of ${KINDS.join(", ")}`);
  return { what: "alarm", kind, zone: given.get("Z") ?? "", name: (given.get("N") ?? "").replaceAll("_", " ") };
}

function state(given: Map<string, string>): Parsed {
  const mode = MODES.find((name) => name === given.get("S")?.toUpperCase());
  if (mode === undefined) return malformed(`S must be one of ${MODES.join(", ")}`);
  const volts = given.get("B");
  if (volts === undefined) return { what: "state", mode, battery: undefined };
  if (!/^\d{1,2}([.,]\d{1,3})?$/.test(volts)) return malformed("B must be volts");
  return { what: "state", mode, battery: Number(volts.replace(",", ".")) };
}

/** `Z=3 T=FIRE`; the first of two with one name counts, and a word without `=` is left out. */
function fields(words: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const word of words) {
    const [name = "", ...value] = word.split("=");
    const key = name.toUpperCase();
    if (value.length > 0 && !found.has(key)) found.set(key, value.join("="));
  }
  return found;
}

function malformed(why: string): Parsed {
  return { what: "malformed", why };
}
