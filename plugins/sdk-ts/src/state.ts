// State of the device, and state that all devices of the rule share.

import sharedState from "wasmsc:plugin/shared-state@0.1.0";
import state from "wasmsc:plugin/state@0.1.0";

import { toJson } from "./content";
import { StateError, asking } from "./errors";
import { decode, encode } from "./utf8";

/** Both kinds have these functions. */
type Area = Pick<typeof state, "get" | "set" | "delete" | "listKeys">;

/** Values by key; a key has 1 to 128 octets. A call reads its own writes. */
class Values {
  constructor(
    private readonly what: string,
    private readonly area: Area,
  ) {}

  /** A JSON value, as `set` wrote it. `T` is what you expect: it is not checked. */
  get<T>(key: string): T | undefined {
    const text = this.getText(key);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new StateError("unreadable", `${this.what} ${key}: no JSON: ${String(error)}`);
    }
  }

  /** Keeps a value as JSON. */
  set(key: string, value: unknown): void {
    this.setText(key, toJson(value));
  }

  getText(key: string): string | undefined {
    const octets = this.getOctets(key);
    return octets === undefined ? undefined : decode(octets);
  }

  setText(key: string, text: string): void {
    this.setOctets(key, encode(text));
  }

  getOctets(key: string): Uint8Array | undefined {
    const octets = this.asking(key, () => this.area.get(key));
    return octets === null ? undefined : Uint8Array.from(octets);
  }

  setOctets(key: string, octets: Uint8Array): void {
    this.asking(key, () => this.area.set(key, octets));
  }

  /** An integer that was counted with `increment` or `add`; 0 where there is none. */
  getInteger(key: string): number {
    const value = Number(this.getBigInt(key));
    if (!Number.isSafeInteger(value)) throw new StateError("unreadable", `${this.what} ${key}: beyond 2^53, ask getBigInt`);
    return value;
  }

  /** The same for integers beyond 2^53. */
  getBigInt(key: string): bigint {
    const octets = this.getOctets(key);
    if (octets === undefined) return 0n;
    if (octets.length !== 8) throw new StateError("unreadable", `${this.what} ${key}: no integer`);
    return new DataView(octets.buffer).getBigInt64(0, true);
  }

  delete(key: string): void {
    this.asking(key, () => this.area.delete(key));
  }

  /** All keys with this prefix, in octet order. */
  *keys(prefix = ""): Generator<string, void> {
    let page = this.page(prefix, null);
    yield* page.keys;
    while (page.cursor !== null) {
      page = this.page(prefix, page.cursor);
      yield* page.keys;
    }
  }

  private page(prefix: string, cursor: string | null): ReturnType<Area["listKeys"]> {
    return this.asking(prefix, () => this.area.listKeys(prefix, cursor));
  }

  protected asking<T>(key: string, ask: () => T): T {
    return asking(`${this.what} ${key}`, StateError, ask);
  }
}

/** State of this device under this rule. */
export class DeviceState extends Values {
  constructor() {
    super("state", state);
  }
  /** Adds to an integer that counts from 0; returns the sum, which is exact up to 2^53. */
  increment(key: string, delta = 1): number {
    return this.asking(key, () => state.increment(key, delta));
  }
}

/** State that all devices of this rule share. What a call read is checked when its effects are stored; on a
 * conflict the host runs the call again, unseen by the rule. */
export class SharedState extends Values {
  constructor() {
    super("shared state", sharedState);
  }
  /** Adds to an integer that counts from 0, without reading it: busy counters do not conflict. */
  add(key: string, delta = 1): void {
    this.asking(key, () => sharedState.add(key, delta));
  }
}
