// How commands are written.

/** Words are split by single spaces. */
export function words(text: string): string[] {
  return text.split(" ");
}

export function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** "0x1400" or "1400". */
export function readHex(text: string): number {
  return Number.parseInt(text, 16);
}
