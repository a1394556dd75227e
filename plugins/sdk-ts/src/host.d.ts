// The contract's imports (wit/plugin.wit) as componentize-qjs shows them to JavaScript: records in camelCase,
// variants as { tag, val }, an absent option as null, u64 as a number, an error result as an exception.

declare module "wasmsc:plugin/invocation@0.1.0" {
  const invocation: {
    id(): string;
    attempt(): number;
    now(): number;
    remainingMs(): number;
    randomBytes(count: number): Uint8Array;
    dataCoding(): number | null;
    segments(): number;
    tlv(tag: number): Uint8Array | null;
  };
  export default invocation;
}

declare module "wasmsc:plugin/device@0.1.0" {
  const device: {
    msisdn(): string;
    attribute(key: string): string | null;
    tags(): string[];
  };
  export default device;
}

declare module "wasmsc:plugin/outbox@0.1.0" {
  export type Body = { tag: "text"; val: string } | { tag: "binary"; val: Uint8Array };
  export interface Draft {
    setSender(sender: string): void;
    setTag(tag: string): void;
    setValidityMs(validity: number): void;
    setDelayMs(delay: number): void;
    setPriority(priority: number): void;
    requestReceipt(): void;
    setTlv(tag: number, value: Uint8Array): void;
  }
  const outbox: {
    reply(body: Body): string;
    send(to: string, body: Body): string;
    Draft: { new (to: string, body: Body): Draft; send(draft: Draft): string };
  };
  export default outbox;
}

declare module "wasmsc:plugin/state@0.1.0" {
  const state: {
    get(key: string): Uint8Array | null;
    set(key: string, value: Uint8Array): void;
    delete(key: string): void;
    increment(key: string, delta: number): number;
    listKeys(prefix: string, cursor: string | null): { keys: string[]; cursor: string | null };
  };
  export default state;
}

declare module "wasmsc:plugin/shared-state@0.1.0" {
  const sharedState: {
    get(key: string): Uint8Array | null;
    set(key: string, value: Uint8Array): void;
    delete(key: string): void;
    add(key: string, delta: number): void;
    listKeys(prefix: string, cursor: string | null): { keys: string[]; cursor: string | null };
  };
  export default sharedState;
}

declare module "wasmsc:plugin/timers@0.1.0" {
  const timers: {
    set(name: string, delayMs: number, payload: Uint8Array): void;
    cancel(name: string): boolean;
  };
  export default timers;
}

declare module "wasmsc:plugin/config@0.1.0" {
  const config: {
    get(key: string): string | null;
    secret(name: string): string | null;
  };
  export default config;
}

declare module "wasmsc:plugin/log@0.1.0" {
  const log: { log(level: string, message: string, fields: [string, string][]): void };
  export default log;
}

declare module "wasmsc:plugin/http@0.1.0" {
  const http: {
    submit(request: {
      method: string;
      url: string;
      headers: [string, string][];
      body: Uint8Array | null;
      authorization: string | null;
      tag: string;
    }): void;
  };
  export default http;
}
