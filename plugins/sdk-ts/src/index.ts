// The package `wasmsc-plugin`: rules for wasmsc in TypeScript and JavaScript.

/// <reference path="./host.d.ts" />

export { Config, type IntegerOptions } from "./config";
export { type Content, Payload } from "./content";
export { type Body, Context, type Fields, type HttpRequest, type SendOptions } from "./context";
export { ConfigError, HostError, HttpError, Reject, Retry, SendError, StateError, TimerError } from "./errors";
export {
  type HttpReply,
  type MessageState,
  type Mo,
  type Receipt,
  type Request,
  type Response,
  type Rule,
  type Timer,
  defineRule,
} from "./rule";
