// Octets on the wire, and what rules write and read instead: text and JSON.

import { decode, encode } from "./utf8";

/** What goes out where the contract takes octets. */
export type Content = string | Uint8Array | { json: unknown };

/** As octets; no content is none. */
export function octetsOf(content: Content | undefined): Uint8Array {
  if (content === undefined) return new Uint8Array();
  if (typeof content === "string") return encode(content);
  if (content instanceof Uint8Array) return content;
  return encode(toJson(content.json));
}

/** JSON text of a value; a value that has none is an error. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`${typeof value} cannot be written as JSON`);
  return text;
}

/** Octets that came in. */
export class Payload {
  readonly octets: Uint8Array;
  constructor(octets: ArrayLike<number>) {
    this.octets = octets instanceof Uint8Array ? octets : Uint8Array.from(octets);
  }
  /** As UTF-8. */
  get text(): string {
    return decode(this.octets);
  }
  /** Parsed; a SyntaxError where it is no JSON. `T` is what you expect: it is not checked. */
  json<T = unknown>(): T {
    return JSON.parse(this.text) as T;
  }
}
