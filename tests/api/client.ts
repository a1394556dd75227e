// What somebody who writes an application does with the generated client: makes a key, sends a message once,
// follows it until it has arrived, reads an error. `cargo xtask api` generates schema.ts from docs/openapi.json,
// compiles this with --strict and runs it.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Message = components["schemas"]["MessageView"];

const [baseUrl = "", operatorToken = ""] = process.argv.slice(2);
assert(operatorToken !== "", "usage: client.js URL OPERATOR_TOKEN");

// A network account takes messages within moments; a minute means that none is there.
const ARRIVES_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

function as(token: string) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

const operator = as(operatorToken);
const customer = { params: { path: { customer: "acme" } } };
const made = await operator.POST("/v1/customers/{customer}/keys", {
  ...customer,
  body: { name: "client.ts", scopes: ["send", "read"] },
});
assert(made.data, JSON.stringify(made.error));
const acme = as(made.data.key);

async function send(text: string) {
  return acme.POST("/v1/messages", {
    params: { header: { "Idempotency-Key": "client-ts-1" } },
    body: { to: "+46700000001", text, tag: "from client.ts" },
  });
}

const sent = await send("WM1 STATUS");
assert(sent.data, JSON.stringify(sent.error));
assert.equal(sent.response.status, 202);
assert.equal(sent.data.segments, 1);
const again = await send("WM1 STATUS");
assert.deepEqual(again.data, sent.data);
const other = await send("WM1 CLOSE");
assert.equal(other.error?.code, "idempotency_mismatch");

async function lookUp(id: string): Promise<Message> {
  const found = await acme.GET("/v1/messages/{id}", { params: { path: { id } } });
  assert(found.data, JSON.stringify(found.error));
  return found.data;
}

async function arrived(id: string): Promise<Message> {
  const deadline = Date.now() + ARRIVES_WITHIN_MS;
  for (;;) {
    const message = await lookUp(id);
    if (message.state === "delivered") return message;
    assert.equal(message.state, "enroute");
    assert(Date.now() < deadline, `still ${message.state}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const message = await arrived(sent.data.id);
assert.equal(message.tag, "from client.ts");
assert(message.done_at !== undefined);

const late = await acme.DELETE("/v1/messages/{id}", { params: { path: { id: sent.data.id } } });
assert.equal(late.error?.code, "too_late");
const links = await operator.GET("/v1/links");
assert.equal(links.data?.links[0]?.account, "sim");
const hidden = await acme.GET("/v1/links");
assert.equal(hidden.response.status, 404);
assert.equal(hidden.error?.code, "not_found");

const listed = await operator.GET("/v1/customers/{customer}/keys", customer);
const key = listed.data?.keys.find((key) => key.id === made.data.id);
assert.deepEqual(key?.scopes, ["read", "send"]);
const path = { customer: "acme", key: made.data.id };
const deleted = await operator.DELETE("/v1/customers/{customer}/keys/{key}", { params: { path } });
assert.equal(deleted.response.status, 204);
console.log(`client.ts: message ${sent.data.id} was sent and followed until it arrived`);
