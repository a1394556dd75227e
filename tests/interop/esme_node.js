// npm smpp as an application.

'use strict';

const {
  smpp, texts, digits, expect, within, until, step, inParts, textOf, UCS2, UDHI, RECEIPT,
} = require('./helper.js');

const [PORT, DEVICE] = process.argv.slice(2);
const DELIVERED = 2; // message_state
const RECEIPT_TEXT = /^id:(\S+) sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:(\S+) err:(\S+) text:/i;

const delivered = [];
const session = smpp.connect({ url: `smpp://127.0.0.1:${PORT}` });
session.on('error', (error) => console.log(`smpp: ${error.message}`));
session.on('enquire_link', (pdu) => session.send(pdu.response()));
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  delivered.push(pdu);
});

async function request(command, fields = {}) {
  const response = new Promise((resolve) => { session[command](fields, resolve); });
  const pdu = await within(response, `response to ${command}`);
  expect(pdu.command_status === smpp.ESME_ROK, pdu.command_status);
  return pdu;
}

async function submit(fields) {
  const common = {
    source_addr: '7001',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: digits(DEVICE),
    registered_delivery: 1,
    data_coding: 0, // the package's own choice would be 1, although it writes GSM 03.38
  };
  const response = await request('submit_sm', { ...common, ...fields });
  expect(response.message_id, response);
  return response.message_id;
}

async function receiptFor(id) {
  const matches = (pdu) => textOf(pdu).match(RECEIPT_TEXT)?.[1] === id;
  const pdu = await until(() => delivered.find(matches), `receipt for ${id}`);
  const [, , state, error] = textOf(pdu).match(RECEIPT_TEXT);
  expect(state === 'DELIVRD' && error === '000', textOf(pdu));
  expect(pdu.esm_class === RECEIPT, pdu.esm_class);
  expect(digits(pdu.source_addr) === digits(DEVICE), pdu.source_addr);
  expect(pdu.receipted_message_id === id, pdu.receipted_message_id);
  expect(pdu.message_state === DELIVERED, pdu.message_state);
}

async function send(...messages) {
  const ids = [];
  for (const message of messages) ids.push(await submit(message));
  for (const id of ids) await receiptFor(id);
}

async function takeMo() {
  const isMo = (pdu) => digits(pdu.source_addr) === digits(DEVICE) && (pdu.esm_class & RECEIPT) === 0;
  const mo = await until(() => delivered.find(isMo), 'MO');
  expect(textOf(mo) === texts.mo, textOf(mo));
}

async function main() {
  const credentials = { system_id: 'app', password: 'secret' };
  if (!await step('bind', () => request('bind_transceiver', credentials))) process.exit(1);
  await step('receipt', () => send({ short_message: texts.plain }));
  await step('mo', takeMo);
  const parts = inParts(texts.parts).map((part) => ({ esm_class: UDHI, short_message: part }));
  await step('parts', () => send(...parts));
  await step('ucs2', () => send({ data_coding: UCS2, short_message: texts.ucs2 }));
  await step('payload', () => send({ short_message: '', message_payload: { message: texts.payload } }));
  await step('unbind', () => request('unbind'));
  session.destroy();
}

main();
