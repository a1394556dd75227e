// Between the contract's exports and a rule's handlers. Only what wasmsc-build generates imports this file.

import "./globals";

import log from "wasmsc:plugin/log@0.1.0";

import { Payload, octetsOf } from "./content";
import { Context } from "./context";
import { ending } from "./errors";
import { beginCall } from "./globals";
import type { MessageState, Mo, Rule } from "./rule";

type HostBody = { tag: "text"; val: string } | { tag: "binary"; val: ArrayLike<number> };
type HostMo = { id: string; source: string; destination: string; body: HostBody; receivedAt: number };
type HostReceipt = {
  messageId: string;
  tag: string | null;
  recipient: string;
  state: MessageState;
  errorCode: string | null;
  doneAt: number;
};
type HostTimer = { name: string; dueAt: number; payload: ArrayLike<number> };
type HostReply = { tag: string; status: number | null; body: ArrayLike<number> };
type HostRequest = { id: string; name: string; body: ArrayLike<number> };

/** The export of each handler that a rule may have, by the handler's name. */
export const exportsOf = {
  onMo: (rule: Rule) => ({ handleMo: (mo: HostMo) => call((cx) => rule.onMo?.(moOf(mo), cx)) }),
  onReceipt: (rule: Rule) => ({
    handleReceipt: (receipt: HostReceipt) => {
      const [tag, errorCode] = [receipt.tag ?? undefined, receipt.errorCode ?? undefined];
      call((cx) => rule.onReceipt?.({ ...receipt, tag, errorCode }, cx));
    },
  }),
  onTimer: (rule: Rule) => ({
    handleTimer: (timer: HostTimer) =>
      call((cx) => rule.onTimer?.({ ...timer, payload: new Payload(timer.payload) }, cx)),
  }),
  onHttpReply: (rule: Rule) => ({
    handleHttpReply: ({ tag, status, body }: HostReply) =>
      call((cx) => rule.onHttpReply?.({ tag, status: status ?? undefined, body: new Payload(body) }, cx)),
  }),
  onRequest: (rule: Rule) => ({
    handleRequest: (request: HostRequest) => {
      return call((cx) => {
        const response = now(rule.onRequest?.({ ...request, body: new Payload(request.body) }, cx));
        return { status: response?.status ?? 200, body: octetsOf(response?.body) };
      });
    },
  }),
  checkConfig: (rule: Rule) => ({ check: () => check(rule) }),
};

function moOf({ id, source, destination, body, receivedAt }: HostMo): Mo {
  const text = body.tag === "text" ? body.val : "";
  return { id, source, destination, body: body.tag === "text" ? text : Uint8Array.from(body.val), text, receivedAt };
}

/** Runs a handler; what it throws becomes the contract's error, or a trap where it is the rule's own fault. */
function call<T>(handler: (cx: Context) => T): T {
  try {
    return run(handler);
  } catch (thrown) {
    const end = ending(thrown);
    if (end !== undefined) throw end;
    throw broken(thrown);
  }
}

function check(rule: Rule): void {
  let wrong: string | void;
  try {
    wrong = run((cx) => rule.checkConfig?.(cx));
  } catch (thrown) {
    const end = ending(thrown);
    if (end === undefined) throw broken(thrown);
    wrong = end.tag === "reject" ? end.val : (thrown as Error).message;
  }
  // The contract's error of a check is a text.
  if (typeof wrong === "string") throw wrong;
}

function run<T>(handler: (cx: Context) => T): T {
  beginCall();
  return now(handler(new Context()));
}

/** What a handler returned, and not the promise of it. */
function now<T>(result: T): T {
  if (typeof (result as { then?: unknown } | undefined)?.then === "function") {
    throw new TypeError("a handler returned a promise; handlers do not wait for anything, so do not make them async");
  }
  return result;
}

/** Says in the rule's log what went wrong. The error is none of the contract, so throwing it traps. */
function broken(thrown: unknown): Error {
  const { name, message, stack = "" } = thrown instanceof Error ? thrown : new Error(`thrown: ${String(thrown)}`);
  const head = `${name}: ${message}`;
  // QuickJS leaves the message out of the stack, other engines begin with it.
  log.log("error", stack.startsWith(head) ? stack : `${head}\n${stack}`.trimEnd(), []);
  return new Error(head);
}
