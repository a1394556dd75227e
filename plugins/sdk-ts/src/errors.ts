// How a handler ends without effects, and what the host's functions throw.

/** Ends the call without any effect but the log; the same event runs again. */
export class Retry extends Error {
  override readonly name = "Retry";
  /** @param afterMs Without it: the host's back-off. */
  constructor(readonly afterMs?: number) {
    super(afterMs === undefined ? "retry" : `retry after ${afterMs} ms`);
  }
}

/** Ends the call without any effect but the log, for good; the owner of the rule is told the reason. */
export class Reject extends Error {
  override readonly name = "Reject";
  constructor(reason: string) {
    super(reason);
  }
}

/** A setting that cannot be read. Where nobody catches it, the event is rejected with this message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** What a function of the host refused. Where nobody catches it, it decides how the call ends. */
export class HostError extends Error {
  override readonly name: string = "HostError";
  constructor(
    /** The case's name in wit/plugin.wit, such as "not-permitted". */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** `code`: not-permitted, invalid-address, too-long, quota-exceeded or other. */
export class SendError extends HostError {
  override readonly name = "SendError";
}

/** `code`: invalid-key, value-too-large, quota-exceeded, other, or unreadable for a value of another type. */
export class StateError extends HostError {
  override readonly name = "StateError";
}

/** `code`: quota-exceeded, too-far or other. */
export class TimerError extends HostError {
  override readonly name = "TimerError";
}

/** `code`: not-permitted, too-large, quota-exceeded or other. */
export class HttpError extends HostError {
  override readonly name = "HttpError";
}

/** A case of one of the contract's error variants. */
interface Case {
  tag: string;
  val?: unknown;
}

/** Runs a function of the host; what it refuses becomes an error of the given class. */
export function asking<T>(what: string, Kind: new (code: string, message: string) => HostError, ask: () => T): T {
  try {
    return ask();
  } catch (thrown) {
    const refused = caseOf(thrown);
    if (refused === undefined) throw thrown;
    const detail = typeof refused.val === "string" && refused.val !== "" ? `: ${refused.val}` : "";
    throw new Kind(refused.tag, `${what}: ${refused.tag}${detail}`);
  }
}

/** componentize-qjs throws an Error that has the contract's error as its `payload`. */
function caseOf(thrown: unknown): Case | undefined {
  const payload = thrown instanceof Error ? (thrown as { payload?: Case }).payload : undefined;
  return typeof payload?.tag === "string" ? payload : undefined;
}

/** How a call ends that threw this; undefined: the error is the rule's own fault. */
export function ending(thrown: unknown): { tag: "retry"; val: number | null } | { tag: "reject"; val: string } | undefined {
  if (thrown instanceof Retry) return { tag: "retry", val: thrown.afterMs ?? null };
  if (thrown instanceof Reject || thrown instanceof ConfigError) return { tag: "reject", val: thrown.message };
  // The store may come back; everything else would fail again.
  if (thrown instanceof StateError && thrown.code === "other") return { tag: "retry", val: null };
  if (thrown instanceof HostError) return { tag: "reject", val: thrown.message };
  return undefined;
}
