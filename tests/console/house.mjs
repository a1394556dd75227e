// The server of the walk as its API sees it, and the simulator beside it.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const { WASMSC_URL, WASMSC_SMPP, WASMSC_OPERATOR, WASMSC, WASMSC_COMPONENTS } = process.env;
export const url = WASMSC_URL;
export const operator = WASMSC_OPERATOR;
export const component = (name) => `${WASMSC_COMPONENTS}/${name}.wasm`;

/** A request to the API; throws unless it is done. */
export async function api(method, path, body, token = operator, type = "application/json") {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers["Content-Type"] = type;
  const answer = await fetch(url + path, { method, headers, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/** Two customers that the API makes, so that the console may change them; a key of each with all scopes. */
export async function customers() {
  const keys = {};
  const made = { acme: { numbers: ["7001"], devices: ["+46700*"] }, beta: { numbers: ["7002"], devices: ["+4673*"] } };
  for (const [id, settings] of Object.entries(made)) {
    await api("PUT", `/v1/customers/${id}`, JSON.stringify(settings));
    const wish = JSON.stringify({ name: "walk", scopes: ["read", "send", "receive", "manage"] });
    keys[id] = (await api("POST", `/v1/customers/${id}/keys`, wish)).key;
  }
  return keys;
}

/** Water meters that report, until it is ended. */
export function simulator(meters, rate) {
  const args = ["simulate", "--connect", WASMSC_SMPP, "--system-id", "sim", "--password", "secret", "--number", "7001",
    "--prefix", "+46700", "--meters", String(meters), "--rate", String(rate), "--duration", "600s"];
  return spawn(WASMSC, args, { stdio: "ignore" });
}

export async function upload(name, version, file, token) {
  await api("POST", `/v1/plugins?name=${name}&version=${version}`, readFileSync(component(file)), token, "application/wasm");
}
