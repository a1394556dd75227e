// The sites of the config: which panel, who is told, what is asked of whom.

import { type Context, ConfigError } from "wasmsc-plugin";

import { ORDERS, type Order } from "./protocol";
import { LANGUAGES, type Language } from "./texts";
import { type Quiet, quietHours } from "./time";

const NUMBER = /^\+?\d{3,20}$/;
const NAME = /^[a-z][a-z0-9-]{0,15}$/;
const SITES_MAX = 50;

export interface Site {
  name: string;
  /** The panel's number. */
  panel: string;
  /** Who is told, in this order; the first is the owner. */
  contacts: string[];
  /** A number that gets a message, or a URL that gets a POST. */
  camera: string | undefined;
  /** Orders that the owner has to confirm. */
  confirm: Order[];
  language: Language;
  quiet: Quiet | undefined;
}

export interface Settings {
  sites: Site[];
  answerMs: number;
  rounds: number;
  alarmMs: number;
  attemptsMax: number;
  lockoutMs: number;
  confirmMs: number;
  silentMs: number;
  batteryLow: number;
  cameraSeconds: number;
}

/** All of the config, checked. */
export function settings(cx: Context): Settings {
  const minutes = (key: string, fallback: number, min: number): number =>
    cx.config.integer(key, { default: fallback, min, max: 100_000 }) * 60_000;
  return {
    sites: sites(cx),
    answerMs: minutes("answer_minutes", 2, 1),
    rounds: cx.config.integer("rounds", { default: 2, min: 1, max: 10 }),
    alarmMs: minutes("alarm_minutes", 60, 1),
    attemptsMax: cx.config.integer("attempts_max", { default: 3, min: 1, max: 10 }),
    lockoutMs: minutes("lockout_minutes", 15, 1),
    confirmMs: minutes("confirm_minutes", 5, 1),
    silentMs: minutes("silent_minutes", 1500, 0),
    batteryLow: cx.config.integer("battery_low_millivolts", { default: 11_800, min: 0, max: 100_000 }) / 1000,
    cameraSeconds: cx.config.integer("camera_seconds", { default: 60, min: 1, max: 3600 }),
  };
}

function sites(cx: Context): Site[] {
  const names = cx.config.list("sites");
  if (names.length === 0) throw new ConfigError("config sites is not set; it names the sites: home, shop");
  if (names.length > SITES_MAX) throw cx.config.error("sites", `at most ${SITES_MAX} names`);
  const found = names.map((name) => site(cx, name));
  for (const { panel, name } of found) {
    const other = found.find((site) => site.panel === panel && site.name !== name);
    if (other !== undefined) throw cx.config.error(`${name}.panel`, `a panel that is not ${other.name}'s`);
  }
  return found;
}

function site(cx: Context, name: string): Site {
  if (!NAME.test(name)) throw cx.config.error("sites", "names of small letters, digits and -, which begin with a letter");
  const panel = cx.config.required(`${name}.panel`);
  if (!NUMBER.test(panel)) throw cx.config.error(`${name}.panel`, "a phone number");
  const contacts = cx.config.list(`${name}.contacts`);
  if (contacts.length === 0) throw new ConfigError(`config ${name}.contacts is not set; the first of them is the owner`);
  if (!contacts.every((contact) => NUMBER.test(contact))) throw cx.config.error(`${name}.contacts`, "phone numbers");
  const camera = cx.config.get(`${name}.camera`)?.trim() || undefined;
  if (camera !== undefined && !NUMBER.test(camera) && !camera.startsWith("https://")) {
    throw cx.config.error(`${name}.camera`, "a phone number, or a URL that begins with https://");
  }
  return {
    name,
    panel: plus(panel),
    contacts: contacts.map(plus),
    camera: camera === undefined || camera.startsWith("https://") ? camera : plus(camera),
    confirm: confirmed(cx, `${name}.confirm`),
    language: cx.config.oneOf(`${name}.language`, LANGUAGES, cx.config.oneOf("language", LANGUAGES, "en")),
    quiet: quietHours(cx, `${name}.quiet_hours`),
  };
}

function confirmed(cx: Context, key: string): Order[] {
  if (cx.config.get(key)?.trim() === "none") return [];
  const words = cx.config.list(key).map((word) => word.toUpperCase());
  if (words.length === 0) return ["DISARM", "UNLOCK"];
  const orders = ORDERS.filter((order) => words.includes(order));
  if (orders.length !== words.length) throw cx.config.error(key, `none, or some of ${ORDERS.join(", ")}`);
  return orders;
}

/** Numbers are compared as the host writes them. */
function plus(number: string): string {
  return number.startsWith("+") || number.length < 9 ? number : `+${number}`;
}
