// How commands are written.

/** So many parts, "" for what is missing: each but the last is one word, the last goes on to the end of the text. */
export function parts(text: string, count: number): string[] {
  const words = text.split(" ");
  const whole = [...words.slice(0, count - 1), words.slice(count - 1).join(" ")];
  return Array.from({ length: count }, (_, at) => whole[at] ?? "");
}

export function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** "0x1400" or "1400". */
export function readHex(text: string): number {
  return Number.parseInt(text, 16);
}
