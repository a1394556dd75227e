// The rule's settings, read with their limits. A value that cannot be read says which key, which value and why.

import config from "wasmsc:plugin/config@0.1.0";

import { ConfigError } from "./errors";

export interface IntegerOptions {
  default: number;
  min?: number;
  max?: number;
}

export class Config {
  /** As it is written. */
  get(key: string): string | undefined {
    return config.get(key) ?? undefined;
  }

  /** A setting without which the rule cannot work. */
  required(key: string): string {
    const text = this.get(key)?.trim();
    if (text === undefined || text === "") throw new ConfigError(`config ${key} is not set`);
    return text;
  }

  integer(key: string, options: IntegerOptions): number {
    const text = this.get(key)?.trim();
    if (text === undefined || text === "") return options.default;
    const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
    const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw this.error(key, `an integer from ${min} to ${max}`);
    return value;
  }

  boolean(key: string, otherwise: boolean): boolean {
    const text = this.get(key)?.trim();
    if (text === undefined || text === "") return otherwise;
    if (text !== "true" && text !== "false") throw this.error(key, "true or false");
    return text === "true";
  }

  /** One of the given words. */
  oneOf<T extends string>(key: string, values: readonly [T, ...T[]], otherwise: T): T {
    const text = this.get(key)?.trim();
    if (text === undefined || text === "") return otherwise;
    const found = values.find((value) => value === text);
    if (found === undefined) throw this.error(key, `one of ${values.join(", ")}`);
    return found;
  }

  /** What stands between commas; empty places are left out. */
  list(key: string): string[] {
    const parts = (this.get(key) ?? "").split(",").map((part) => part.trim());
    return parts.filter((part) => part !== "");
  }

  /** An error about this setting, in words for whoever wrote it. */
  error(key: string, wanted: string): ConfigError {
    return new ConfigError(`config ${key} = ${JSON.stringify(this.get(key) ?? "")}: must be ${wanted}`);
  }
}
