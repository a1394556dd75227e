// What the rule keeps in the shared state, since panels and phones are devices of their own.

import type { Context } from "wasmsc-plugin";

import type { Kind, Mode, Order } from "./protocol";
import type { Site } from "./sites";

/** `panel.<site>`: what the panel said last. */
export interface Panel {
  mode: Mode | undefined;
  since: number;
  seen: number;
  battery?: number;
  batteryWarned?: boolean;
}

/** `alarm.<site>`: the alarm that is going on. */
export interface Alarm {
  kind: Kind;
  /** As it stands in the texts. */
  where: string;
  zones: string[];
  since: number;
  /** How often somebody was told, and so who is next. */
  told: number;
  answeredBy?: string;
}

/** `ask.<number>`: what the owner has to confirm. */
export interface Ask {
  site: string;
  order: Order;
  by: string;
  until: number;
}

/** `order.<site>`: who wants to hear how the last order went. */
export interface Ordered {
  order: Order;
  by: string;
}

export const panelOf = (cx: Context, site: Site): Panel | undefined => cx.shared.get<Panel>(`panel.${site.name}`);
export const alarmOf = (cx: Context, site: Site): Alarm | undefined => cx.shared.get<Alarm>(`alarm.${site.name}`);
export const orderOf = (cx: Context, site: Site): Ordered | undefined => cx.shared.get<Ordered>(`order.${site.name}`);

export const keepPanel = (cx: Context, site: Site, panel: Panel): void => cx.shared.set(`panel.${site.name}`, panel);
export const keepAlarm = (cx: Context, site: Site, alarm: Alarm): void => cx.shared.set(`alarm.${site.name}`, alarm);
export const keepOrder = (cx: Context, site: Site, order: Ordered): void => cx.shared.set(`order.${site.name}`, order);

export const forgetAlarm = (cx: Context, site: Site): void => cx.shared.delete(`alarm.${site.name}`);
export const forgetOrder = (cx: Context, site: Site): void => cx.shared.delete(`order.${site.name}`);
