// Codes, and what happens to those who guess them.

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Context } from "wasmsc-plugin";

import type { Settings, Site } from "./sites";

/** Of the phone that writes: state of the device. */
interface Attempts {
  wrong: number;
  lockedUntil: number;
}

const KEY = "attempts";
const HASHED = /^sha256:([^:]+):([0-9a-f]{64})$/;

export type Verdict = { right: true } | { right: false; left: number; lockedUntil: number };

/** Compares a code with the site's. A wrong one counts, a right one forgives. */
export function tryCode(cx: Context, settings: Settings, site: Site, code: string): Verdict {
  const attempts = cx.state.get<Attempts>(KEY) ?? { wrong: 0, lockedUntil: 0 };
  // While it is locked, not even the right code says that it is right.
  if (cx.now < attempts.lockedUntil) return { right: false, left: 0, lockedUntil: attempts.lockedUntil };
  if (matches(cx, site, code)) {
    cx.state.delete(KEY);
    return { right: true };
  }
  const wrong = attempts.wrong + 1;
  const isOver = wrong >= settings.attemptsMax;
  const lockedUntil = isOver ? cx.now + settings.lockoutMs : 0;
  cx.state.set(KEY, { wrong: isOver ? 0 : wrong, lockedUntil } satisfies Attempts);
  return { right: false, left: settings.attemptsMax - wrong, lockedUntil };
}

/**
 * The secret is the code itself, or `sha256:salt:hex` of salt and code. What is compared are digests under a key of
 * this event, so the time that it takes tells nothing about the code.
 */
function matches(cx: Context, site: Site, code: string): boolean {
  const secret = cx.secret(`${site.name}.code`);
  if (secret === undefined || secret === "") return false;
  const hashed = HASHED.exec(secret);
  const given = hashed === null ? code : hex(sha256(new TextEncoder().encode(`${hashed[1]}${code}`)));
  const wanted = hashed === null ? secret : (hashed[2] ?? "");
  const key = cx.randomBytes(32);
  const digest = (text: string): Uint8Array => hmac(sha256, key, new TextEncoder().encode(text));
  return equal(digest(given), digest(wanted));
}

/** Looks at every octet, whatever it finds. */
function equal(one: Uint8Array, other: Uint8Array): boolean {
  let different = one.length ^ other.length;
  one.forEach((octet, at) => (different |= octet ^ (other[at] ?? 0)));
  return different === 0;
}

function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** What is wrong with the secret of a site; undefined: nothing. */
export function codeProblem(cx: Context, site: Site): string | undefined {
  const secret = cx.secret(`${site.name}.code`);
  if (secret === undefined || secret === "") return `secret ${site.name}.code is not set`;
  if (HASHED.test(secret) || /^\d{4,12}$/.test(secret)) return undefined;
  return `secret ${site.name}.code must be 4 to 12 digits, or sha256:salt:hex`;
}
