// Everything that one call of a handler may ask and do.

import config from "wasmsc:plugin/config@0.1.0";
import device from "wasmsc:plugin/device@0.1.0";
import http from "wasmsc:plugin/http@0.1.0";
import invocation from "wasmsc:plugin/invocation@0.1.0";
import log from "wasmsc:plugin/log@0.1.0";
import outbox, { type Body as HostBody } from "wasmsc:plugin/outbox@0.1.0";
import timers from "wasmsc:plugin/timers@0.1.0";

import { Config } from "./config";
import { type Content, octetsOf } from "./content";
import { HttpError, SendError, TimerError, asking } from "./errors";
import { DeviceState, SharedState } from "./state";

/** Text, or the octets of a binary message. */
export type Body = string | Uint8Array;

export interface SendOptions {
  /** A number of the customer, or one of its alphanumeric senders. Without it: the number that `reply` would use. */
  sender?: string;
  /** Comes back in the receipt, and is shown in the message log. At most 64 octets. */
  tag?: string;
  /** How long delivery is tried. */
  validityMs?: number;
  /** Not before this many milliseconds have passed; at most 366 days. */
  delayMs?: number;
  /** 0 (bulk) to 3 (before all others, the default). */
  priority?: number;
  /** `onReceipt` is called when the message has come to its end. */
  receipt?: boolean;
  /** Optional parameters that go out with the message: tags 0x1400 to 0x3FFF, and their values. */
  tlvs?: Record<number, Uint8Array>;
}

export interface HttpRequest {
  /** Without it: POST where there is a body, else GET. */
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: string;
  headers?: Record<string, string>;
  body?: Content;
  /** Name of a secret that the host puts into the Authorization header. */
  authorization?: string;
  /** Comes back with the reply. At most 64 octets. */
  tag?: string;
}

export type Fields = Record<string, string | number | boolean>;

/** Kept even when the effects of a call are discarded. */
class Log {
  trace = line("trace");
  debug = line("debug");
  info = line("info");
  warn = line("warn");
  error = line("error");
}

function line(level: string): (message: string, fields?: Fields) => void {
  return (message, fields = {}) => {
    const pairs = Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]);
    log.log(level, message, pairs);
  };
}

/** One-shot timers of this device by name; setting one again replaces it. */
class Timers {
  set(name: string, delayMs: number, payload?: Content): void {
    asking(`timer ${name}`, TimerError, () => timers.set(name, delayMs, octetsOf(payload)));
  }
  /** Whether it was set. */
  cancel(name: string): boolean {
    return asking(`timer ${name}`, TimerError, () => timers.cancel(name));
  }
}

/** HTTP calls as effects: made after the call's effects are stored, at least once; the answer is an event of its own. */
class Http {
  submit(request: HttpRequest): void {
    const { url, headers = {}, body, authorization, tag = "" } = request;
    const fields = Object.entries(headers);
    if (typeof body === "object" && "json" in body && !fields.some(([name]) => name.toLowerCase() === "content-type")) {
      fields.push(["content-type", "application/json"]);
    }
    asking(`http ${tag === "" ? url : tag}`, HttpError, () =>
      http.submit({
        method: request.method ?? (body === undefined ? "GET" : "POST"),
        url,
        headers: fields,
        body: body === undefined ? null : octetsOf(body),
        authorization: authorization ?? null,
        tag,
      }),
    );
  }
}

/** The device that this call is about. */
class Device {
  get msisdn(): string {
    return device.msisdn();
  }
  /** What its customer registered about it. */
  attribute(key: string): string | undefined {
    return device.attribute(key) ?? undefined;
  }
  get tags(): string[] {
    return device.tags();
  }
}

export class Context {
  readonly device = new Device();
  readonly state = new DeviceState();
  readonly shared = new SharedState();
  readonly timers = new Timers();
  readonly config = new Config();
  readonly http = new Http();
  readonly log = new Log();

  /** Of this event: the same on every attempt. */
  get id(): string {
    return invocation.id();
  }
  /** 1 on the first attempt. */
  get attempt(): number {
    return invocation.attempt();
  }
  /** Time of the event, the same on every attempt; milliseconds since 1970. `Date.now()` is the same. */
  get now(): number {
    return invocation.now();
  }
  /** Milliseconds until the host ends this call. */
  get remainingMs(): number {
    return invocation.remainingMs();
  }
  /** data_coding of the MO (SMPP 3.4 §5.2.19). */
  get dataCoding(): number | undefined {
    return invocation.dataCoding() ?? undefined;
  }
  /** How many SMS the MO took; 0 where the event is no MO. */
  get segments(): number {
    return invocation.segments();
  }
  /** An optional parameter of the MO (SMPP 3.4 §5.3). */
  tlv(tag: number): Uint8Array | undefined {
    const value = invocation.tlv(tag);
    return value === null ? undefined : Uint8Array.from(value);
  }
  /** Unpredictable from outside, the same on every attempt. At most 1,024 at once. */
  randomBytes(count: number): Uint8Array {
    return Uint8Array.from(invocation.randomBytes(count));
  }
  /** Kept encrypted, never shown and never logged by the host. */
  secret(name: string): string | undefined {
    return config.secret(name) ?? undefined;
  }

  /** Answers the device from the number it wrote to; returns the new message's id. */
  reply(body: Body): string {
    return asking("reply", SendError, () => outbox.reply(hostBody(body)));
  }

  /** Sends to a device or other permitted address; returns the new message's id. */
  send(to: string, body: Body, options?: SendOptions): string {
    return asking(`send to ${to}`, SendError, () => {
      if (options === undefined) return outbox.send(to, hostBody(body));
      const draft = new outbox.Draft(to, hostBody(body));
      if (options.sender !== undefined) draft.setSender(options.sender);
      if (options.tag !== undefined) draft.setTag(options.tag);
      if (options.validityMs !== undefined) draft.setValidityMs(options.validityMs);
      if (options.delayMs !== undefined) draft.setDelayMs(options.delayMs);
      if (options.priority !== undefined) draft.setPriority(options.priority);
      if (options.receipt === true) draft.requestReceipt();
      for (const [tag, value] of Object.entries(options.tlvs ?? {})) draft.setTlv(Number(tag), value);
      return outbox.Draft.send(draft);
    });
  }
}

function hostBody(body: Body): HostBody {
  return typeof body === "string" ? { tag: "text", val: body } : { tag: "binary", val: body };
}
