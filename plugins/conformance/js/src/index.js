// The conformance rule in plain JavaScript: each command uses one part of the contract. plugins/conformance/cases
// says what every language must do.

import { HttpError, Reject, Retry, SendError, defineRule } from "wasmsc-plugin";

const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
const orNone = (value) => (value === undefined ? "none" : String(value));

/** So many parts, "" for what is missing: each but the last is one word, the last goes on to the end of the text. */
function parts(text, count) {
  const words = text.split(" ");
  const whole = [...words.slice(0, count - 1), words.slice(count - 1).join(" ")];
  return Array.from({ length: count }, (_, at) => whole[at] ?? "");
}

/** Runs something that answers `ok`; what the host refuses is answered with the case's name. */
function ok(effect) {
  try {
    effect();
  } catch (error) {
    if (error instanceof SendError || error instanceof HttpError) return error.code;
    throw error;
  }
  return "ok";
}

/** Each gets what is behind the command and returns the answer, if any. */
const COMMANDS = {
  ECHO: (cx, text) => text,
  UTF8: () => "åäö€ Привет 😀",
  COUNT: (cx) => String(cx.state.increment("n")),
  SET: (cx, rest) => {
    const [key, value] = parts(rest, 2);
    return ok(() => cx.state.setText(key, value));
  },
  GET: (cx, key) => orNone(cx.state.getText(key)),
  DEL: (cx, key) => ok(() => cx.state.delete(key)),
  KEYS: (cx, prefix) => [...cx.state.keys(prefix)].join(",") || "none",
  SADD: (cx, rest) => {
    const [key, n] = parts(rest, 2);
    return ok(() => cx.shared.add(key, Number(n)));
  },
  SSET: (cx, rest) => {
    const [key, value] = parts(rest, 2);
    return ok(() => cx.shared.setText(key, value));
  },
  SGET: (cx, key) => {
    const isInteger = cx.shared.getOctets(key)?.length === 8;
    return isInteger ? String(cx.shared.getBigInt(key)) : orNone(cx.shared.getText(key));
  },
  SDEL: (cx, key) => ok(() => cx.shared.delete(key)),
  SKEYS: (cx, prefix) => [...cx.shared.keys(prefix)].join(",") || "none",
  TIMER: (cx, rest) => {
    const [name, ms, payload] = parts(rest, 3);
    return ok(() => cx.timers.set(name, Number(ms), payload));
  },
  CANCEL: (cx, name) => String(cx.timers.cancel(name)),
  DRAFT: (cx) => {
    const options = { sender: "7001", tag: "t1", validityMs: 60_000, delayMs: 1000, priority: 2, receipt: true };
    cx.send(cx.device.msisdn, "draft", { ...options, tlvs: { 0x1400: Uint8Array.of(1, 2, 3) } });
  },
  SEND: (cx, rest) => {
    const [to, text] = parts(rest, 2);
    const answer = ok(() => cx.send(to, text));
    return answer === "ok" ? undefined : answer;
  },
  CONFIG: (cx, key) => orNone(cx.config.get(key)),
  SECRET: (cx, name) => orNone(cx.secret(name)?.length),
  LOG: (cx, text) => ok(() => cx.log.warn(text, { kind: "test" })),
  HTTP: (cx, url) => {
    const request = { method: "POST", url, headers: { "x-test": "1" }, body: "hello", authorization: "token", tag: "h1" };
    return ok(() => cx.http.submit(request));
  },
  RETRY: (cx) => {
    if (cx.attempt === 1) throw new Retry(1500);
    return `attempt ${cx.attempt}`;
  },
  REJECT: (cx, why) => {
    throw new Reject(why);
  },
  RANDOM: (cx) => hex(cx.randomBytes(16)),
  FACTS: (cx) => `${cx.id} ${cx.attempt} ${orNone(cx.dataCoding)} ${cx.segments}`,
  TLV: (cx, tag) => {
    const value = cx.tlv(Number.parseInt(tag, 16));
    return value === undefined ? "none" : hex(value);
  },
  DEVICE: (cx, key) => `${cx.device.msisdn} ${orNone(cx.device.attribute(key))} ${cx.device.tags.join(",")}`,
  PARTIAL: (cx) => {
    cx.state.setText("p", "1");
    cx.reply("lost");
    throw new Reject("partial");
  },
  TRAP: () => {
    throw new Error("deliberate");
  },
  SPIN: () => {
    for (;;);
  },
};

export default defineRule({
  onMo(mo, cx) {
    if (typeof mo.body !== "string") {
      cx.reply(mo.body);
      return;
    }
    const [name, rest] = parts(mo.body, 2);
    const answer = Object.hasOwn(COMMANDS, name) ? COMMANDS[name](cx, rest) : "?";
    if (answer !== undefined) cx.reply(answer);
  },
  onReceipt(receipt, cx) {
    cx.reply(`receipt ${orNone(receipt.tag)} ${receipt.state}`);
  },
  onTimer(timer, cx) {
    cx.reply(`timer ${timer.name} ${timer.payload.text}`);
  },
  onHttpReply(reply, cx) {
    cx.reply(`http ${reply.tag} ${orNone(reply.status)}`);
  },
  onRequest(request) {
    if (request.name === "ping") return { body: { json: { pong: true } } };
    if (request.name === "fail") throw new Reject("no");
    return { status: 404, body: { json: {} } };
  },
  checkConfig(cx) {
    return cx.config.get("bad") === undefined ? undefined : "bad is set";
  },
});
