// What JavaScript expects to find and QuickJS lacks, or has frozen in the component's snapshot.
//
// A component starts from a picture of memory that was taken when it was built. What was random or "now" then is
// the same in every call, so both are asked from the host: every attempt of one event sees the same values.

import invocation from "wasmsc:plugin/invocation@0.1.0";
import log from "wasmsc:plugin/log@0.1.0";

import { decode, encode } from "./utf8";

let words: [number, number, number, number] | undefined;

/** At the start of each call: what is random or "now" belongs to the next event. */
export function beginCall(): void {
  words = undefined;
}

/** sfc32, seeded from the invocation; asked for only by rules that use it. */
function random(): number {
  if (words === undefined) {
    const seed = new DataView(Uint8Array.from(invocation.randomBytes(16)).buffer);
    words = [seed.getUint32(0), seed.getUint32(4), seed.getUint32(8), seed.getUint32(12) | 1];
  }
  const [a, b, c, counter] = words;
  const sum = (a + b + counter) | 0;
  words = [b ^ (b >>> 9), (c + (c << 3)) | 0, ((c << 21) | (c >>> 11)) + sum | 0, (counter + 1) | 0];
  return (sum >>> 0) / 0x1_0000_0000;
}

const RealDate = Date;

/** `Date` whose "now" is the time of the event. */
function EventDate(this: unknown, ...args: unknown[]): Date | string {
  if (new.target === undefined) return new RealDate(invocation.now()).toString();
  const given = args.length === 0 ? [invocation.now()] : args;
  return Reflect.construct(RealDate, given, new.target) as Date;
}

class Utf8Encoder {
  readonly encoding = "utf-8";
  encode(text = ""): Uint8Array {
    return encode(text);
  }
}

class Utf8Decoder {
  readonly encoding = "utf-8";
  readonly fatal: boolean;
  constructor(label = "utf-8", options: { fatal?: boolean } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`TextDecoder: only utf-8 is there, not ${label}`);
    this.fatal = options.fatal ?? false;
  }
  decode(octets: Uint8Array | ArrayBuffer = new Uint8Array()): string {
    return decode(octets instanceof Uint8Array ? octets : new Uint8Array(octets), this.fatal);
  }
}

function printer(level: string): (...values: unknown[]) => void {
  const show = (value: unknown): string => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return `${value}\n${value.stack ?? ""}`;
    return JSON.stringify(value) ?? String(value);
  };
  return (...values) => log.log(level, values.map(show).join(" "), []);
}

/** Once, while the component is built: before any module of the rule is evaluated. */
function install(): void {
  EventDate.prototype = RealDate.prototype;
  Object.assign(EventDate, { now: () => invocation.now(), parse: RealDate.parse, UTC: RealDate.UTC });
  Math.random = random;
  const levels = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };
  const console = Object.fromEntries(Object.entries(levels).map(([name, level]) => [name, printer(level)]));
  Object.assign(globalThis, { Date: EventDate, TextEncoder: Utf8Encoder, TextDecoder: Utf8Decoder, console });
}

install();
