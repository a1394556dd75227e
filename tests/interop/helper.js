// What the Node scripts of the interop matrix share; see helper.py, which says what the lines mean.

'use strict';

const smpp = require('smpp');

const PATIENCE_MS = 10_000;
const POLL_MS = 20;
const PART_SEPTETS = 153;
const UCS2 = 8; // data_coding
const UDHI = 0x40; // esm_class
const RECEIPT = 0x04; // esm_class

const texts = {
  plain: process.env.INTEROP_TEXT,
  parts: process.env.INTEROP_PARTS,
  ucs2: process.env.INTEROP_UCS2,
  payload: process.env.INTEROP_PAYLOAD,
  mo: process.env.INTEROP_MO,
};

const digits = (address) => address.replace(/^\+/, '');
const say = (line) => console.log(line.replace(/\n/g, ' '));
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function expect(holds, seen) {
  if (!holds) throw new Error(`saw ${JSON.stringify(seen)}`);
}

function within(promise, what) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${what} within ${PATIENCE_MS} ms`)), PATIENCE_MS).unref();
  });
  return Promise.race([promise, late]);
}

/** Waits until `condition()` is something, and returns that. */
async function until(condition, what) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = condition();
    if (found) return found;
    await sleep(POLL_MS);
  }
  throw new Error(`no ${what} within ${PATIENCE_MS} ms`);
}

/** Runs a step and says how it ended. */
async function step(name, run) {
  try {
    await run();
    say(`step ${name} ok`);
    return true;
  } catch (error) {
    say(`step ${name} FAILED ${error.message}`);
    return false;
  }
}

/** A long text as {udh, message} with an 8-bit reference; a character of two septets is never cut. */
function inParts(text) {
  // The package calls GSM 03.38 by this name.
  const septets = (piece) => smpp.encodings.ASCII.encode(piece).length;
  const pieces = [''];
  for (const character of text) {
    if (septets(pieces.at(-1) + character) > PART_SEPTETS) pieces.push('');
    pieces[pieces.length - 1] += character;
  }
  const udh = (n) => Buffer.from([5, 0, 3, 1, pieces.length, n]);
  return pieces.map((message, index) => ({ udh: udh(index + 1), message }));
}

/** The text of a PDU, from wherever it stands. */
function textOf(pdu) {
  const inPayload = pdu.message_payload !== undefined && pdu.short_message.message.length === 0;
  const { message } = inPayload ? pdu.message_payload : pdu.short_message;
  return typeof message === 'string' ? message : message.toString('latin1');
}

/** Reads texts as a telephone does, joining parts. */
class Assembler {
  constructor() {
    this.parts = new Map();
  }

  /** The whole text, or undefined while parts are missing. */
  add(pdu) {
    const text = textOf(pdu);
    const header = (pdu.short_message.udh ?? []).find((element) => element[0] === 0);
    if (!header) return text;
    const [, , reference, total, number] = header;
    const key = `${pdu.destination_addr}/${reference}`;
    const parts = this.parts.get(key) ?? new Map();
    this.parts.set(key, parts.set(number, text));
    if (parts.size < total) return undefined;
    this.parts.delete(key);
    return [...parts.keys()].sort((a, b) => a - b).map((n) => parts.get(n)).join('');
  }
}

module.exports = {
  smpp, texts, digits, say, expect, within, until, step, inParts, textOf, Assembler, UCS2, UDHI, RECEIPT,
};
