// What a rule is: handlers for the events that it wants.

import type { Content, Payload } from "./content";
import type { Body, Context } from "./context";

/** An MO of the device. */
export interface Mo {
  /** The same on every attempt. */
  readonly id: string;
  readonly source: string;
  readonly destination: string;
  readonly body: Body;
  /** The body where it is text; "" where it is binary. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

export type MessageState =
  | "scheduled" | "enroute" | "delivered" | "expired" | "deleted"
  | "undeliverable" | "accepted" | "unknown" | "rejected" | "skipped";

/** What became of a message that was sent with `receipt: true`. */
export interface Receipt {
  /** As `send` returned it. */
  readonly messageId: string;
  readonly tag: string | undefined;
  readonly recipient: string;
  readonly state: MessageState;
  readonly errorCode: string | undefined;
  readonly doneAt: number;
}

/** A timer that is due. */
export interface Timer {
  readonly name: string;
  readonly dueAt: number;
  readonly payload: Payload;
}

export interface HttpReply {
  readonly tag: string;
  /** Undefined: no answer came before the host gave up. */
  readonly status: number | undefined;
  readonly body: Payload;
}

/** A question of the customer's application about one device, over the REST API. */
export interface Request {
  /** The same on every attempt. */
  readonly id: string;
  /** The last part of the path. */
  readonly name: string;
  readonly body: Payload;
}

export interface Response {
  /** 200 to 299, or 400 to 499; without it 200. */
  status?: number;
  /** JSON, or nothing. */
  body?: Content;
}

/**
 * Each handler on its own is optional; the component exports those that are there. Returning stores every effect of
 * the call at once; throwing discards all of them (see Retry and Reject). Handlers do not wait: an `async` one is an
 * error.
 */
export interface Rule {
  onMo?(mo: Mo, cx: Context): void;
  onReceipt?(receipt: Receipt, cx: Context): void;
  onTimer?(timer: Timer, cx: Context): void;
  onHttpReply?(reply: HttpReply, cx: Context): void;
  onRequest?(request: Request, cx: Context): Response;
  /** Called before a rule is deployed or its config changes: returns what is wrong, or throws it. Nothing that it does is kept. */
  checkConfig?(cx: Context): string | void;
}

const HANDLERS = ["onMo", "onReceipt", "onTimer", "onHttpReply", "onRequest", "checkConfig"];

/** What a rule's module exports as its default. */
export function defineRule(rule: Rule): Rule {
  const unknown = Object.keys(rule).find((name) => !HANDLERS.includes(name));
  if (unknown !== undefined) throw new TypeError(`defineRule: there is no ${unknown}; there are ${HANDLERS.join(", ")}`);
  return rule;
}
