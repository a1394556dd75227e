// Text and octets. QuickJS has no TextEncoder of its own.

/** UTF-8; a lone surrogate becomes U+FFFD. */
export function encode(text: string): Uint8Array {
  const octets = new Uint8Array(text.length * 3);
  let at = 0;
  for (const char of text) {
    let point = char.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    if (point < 0x80) {
      octets[at++] = point;
      continue;
    }
    const more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    octets[at++] = ((0xff00 >> (more + 1)) & 0xff) | (point >> (6 * more));
    for (let left = more - 1; left >= 0; left--) octets[at++] = 0x80 | ((point >> (6 * left)) & 0x3f);
  }
  return octets.slice(0, at);
}

/** UTF-8; what is none becomes U+FFFD, or an error if `fatal`. */
export function decode(octets: Uint8Array, fatal = false): string {
  let text = "";
  for (let at = 0; at < octets.length; ) {
    const read = readChar(octets, at);
    if (read === undefined) {
      if (fatal) throw new TypeError("not UTF-8");
      text += "\ufffd";
      at += 1;
    } else {
      text += String.fromCodePoint(read.point);
      at += read.octets;
    }
  }
  return text;
}

function readChar(octets: Uint8Array, at: number): { point: number; octets: number } | undefined {
  const first = octets[at] ?? 0;
  if (first < 0x80) return { point: first, octets: 1 };
  const more = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
  if (more === 0) return undefined;
  let point = first & (0x3f >> more);
  for (let next = 1; next <= more; next++) {
    const octet = octets[at + next];
    if (octet === undefined || (octet & 0xc0) !== 0x80) return undefined;
    point = (point << 6) | (octet & 0x3f);
  }
  const smallest = [0, 0x80, 0x800, 0x10000][more] ?? 0;
  if (point < smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
  return { point, octets: more + 1 };
}
