// What a rule finds without importing it, beside the language itself: name it in `types` of tsconfig.json.

/** Writes to the rule's log. */
declare const console: Record<"debug" | "log" | "info" | "warn" | "error", (...values: unknown[]) => void>;

declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array;
}

/** UTF-8 only. */
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  decode(octets?: Uint8Array | ArrayBuffer): string;
}
