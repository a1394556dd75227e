// The conformance rule in TypeScript: each command uses one part of the contract. plugins/conformance/cases says
// what every language must do.

import { type Context, HttpError, Reject, Retry, SendError, defineRule } from "wasmsc-plugin";

import { hex, parts, readHex } from "./text";

/** Gets what is behind the command and returns the answer, if any. */
type Command = (rest: string, cx: Context) => string | void;

const STATE: Record<string, Command> = {
  COUNT: (_, cx) => String(cx.state.increment("n")),
  SET: (rest, cx) => {
    const [key = "", value = ""] = parts(rest, 2);
    cx.state.setText(key, value);
    return "ok";
  },
  GET: (key, cx) => cx.state.getText(key) ?? "none",
  DEL: (key, cx) => {
    cx.state.delete(key);
    return "ok";
  },
  KEYS: (prefix, cx) => [...cx.state.keys(prefix)].join(",") || "none",
  PARTIAL: (_, cx) => {
    cx.state.setText("p", "1");
    cx.reply("lost");
    throw new Reject("partial");
  },
};

const SHARED: Record<string, Command> = {
  SADD: (rest, cx) => {
    const [key = "", n = ""] = parts(rest, 2);
    cx.shared.add(key, Number(n));
    return "ok";
  },
  SSET: (rest, cx) => {
    const [key = "", value = ""] = parts(rest, 2);
    cx.shared.setText(key, value);
    return "ok";
  },
  SGET: (key, cx) => {
    const isInteger = cx.shared.getOctets(key)?.length === 8;
    return isInteger ? String(cx.shared.getBigInt(key)) : (cx.shared.getText(key) ?? "none");
  },
  SDEL: (key, cx) => {
    cx.shared.delete(key);
    return "ok";
  },
  SKEYS: (prefix, cx) => [...cx.shared.keys(prefix)].join(",") || "none",
};

const EFFECTS: Record<string, Command> = {
  TIMER: (rest, cx) => {
    const [name = "", ms = "", payload = ""] = parts(rest, 3);
    cx.timers.set(name, Number(ms), payload);
    return "ok";
  },
  CANCEL: (name, cx) => String(cx.timers.cancel(name)),
  DRAFT: (_, cx) => {
    cx.send(cx.device.msisdn, "draft", {
      sender: "7001",
      tag: "t1",
      validityMs: 60_000,
      delayMs: 1000,
      priority: 2,
      receipt: true,
      tlvs: { 0x1400: Uint8Array.of(1, 2, 3) },
    });
  },
  SEND: (rest, cx) => {
    const [to = "", text = ""] = parts(rest, 2);
    try {
      cx.send(to, text);
    } catch (error) {
      if (error instanceof SendError) return error.code;
      throw error;
    }
  },
  LOG: (text, cx) => {
    cx.log.warn(text, { kind: "test" });
    return "ok";
  },
  HTTP: (url, cx) => {
    try {
      cx.http.submit({ method: "POST", url, headers: { "x-test": "1" }, body: "hello", authorization: "token", tag: "h1" });
    } catch (error) {
      if (error instanceof HttpError) return error.code;
      throw error;
    }
    return "ok";
  },
};

const FACTS: Record<string, Command> = {
  ECHO: (text) => text,
  UTF8: () => "åäö€ Привет 😀",
  CONFIG: (key, cx) => cx.config.get(key) ?? "none",
  SECRET: (name, cx) => String(cx.secret(name)?.length ?? "none"),
  RANDOM: (_, cx) => hex(cx.randomBytes(16)),
  FACTS: (_, cx) => `${cx.id} ${cx.attempt} ${cx.dataCoding ?? "none"} ${cx.segments}`,
  TLV: (tag, cx) => {
    const value = cx.tlv(readHex(tag));
    return value === undefined ? "none" : hex(value);
  },
  DEVICE: (key, cx) => `${cx.device.msisdn} ${cx.device.attribute(key) ?? "none"} ${cx.device.tags.join(",")}`,
};

const ENDINGS: Record<string, Command> = {
  RETRY: (_, cx) => {
    if (cx.attempt === 1) throw new Retry(1500);
    return `attempt ${cx.attempt}`;
  },
  REJECT: (why) => {
    throw new Reject(why);
  },
  TRAP: () => {
    throw new Error("deliberate");
  },
  SPIN: () => {
    for (;;);
  },
};

const COMMANDS = { ...STATE, ...SHARED, ...EFFECTS, ...FACTS, ...ENDINGS };

export default defineRule({
  onMo(mo, cx) {
    if (typeof mo.body !== "string") {
      cx.reply(mo.body);
      return;
    }
    const [name = "", rest = ""] = parts(mo.body, 2);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    const answer = command === undefined ? "?" : command(rest, cx);
    if (answer !== undefined) cx.reply(answer);
  },
  onReceipt(receipt, cx) {
    cx.reply(`receipt ${receipt.tag ?? "none"} ${receipt.state}`);
  },
  onTimer(timer, cx) {
    cx.reply(`timer ${timer.name} ${timer.payload.text}`);
  },
  onHttpReply(reply, cx) {
    cx.reply(`http ${reply.tag} ${reply.status ?? "none"}`);
  },
  onRequest(request) {
    if (request.name === "ping") return { body: { json: { pong: true } } };
    if (request.name === "fail") throw new Reject("no");
    return { status: 404, body: { json: {} } };
  },
  checkConfig(cx) {
    if (cx.config.get("bad") !== undefined) return "bad is set";
  },
});
