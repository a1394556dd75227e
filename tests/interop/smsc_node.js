// npm smpp as an SMSC that wasmsc binds to.
//
// Its ids are the usual mixture: hexadecimal in responses, decimal with leading zeros in receipts.

'use strict';

const {
  smpp, texts, digits, say, Assembler, RECEIPT,
} = require('./helper.js');

const [PORT, DEVICE] = process.argv.slice(2);
const REPORT = 'WM1 V=1234.567 F=12.5 B=3.61 S=OPEN';

const assembler = new Assembler();
let messages = 0xABC0;
let hasAnswered = false;

function deliver(session, number, text, fields = {}) {
  const request = {
    source_addr_ton: 1,
    source_addr_npi: 1,
    source_addr: digits(DEVICE),
    destination_addr: number,
    data_coding: 0,
    short_message: text,
    ...fields,
  };
  session.deliver_sm(request, ({ command_status: status }) => {
    if (status !== smpp.ESME_ROK) say(`step mo FAILED deliver_sm_resp has command_status ${status}`);
  });
}

function take(session, pdu) {
  messages += 1;
  session.send(pdu.response({ message_id: messages.toString(16).toUpperCase() }));
  if (pdu.registered_delivery & 1) {
    const id = messages.toString().padStart(10, '0');
    const dates = 'submit date:2611231200 done date:2611231201';
    const receipt = `id:${id} sub:001 dlvrd:001 ${dates} stat:DELIVRD err:000 text:`;
    deliver(session, '7001', receipt, { esm_class: RECEIPT });
  }
  const text = assembler.add(pdu);
  if (text === undefined) return;
  if (text.startsWith('WM1 OK')) {
    say('step mo ok');
    return;
  }
  say(`got ${digits(DEVICE)} ${text}`);
  if (!hasAnswered) deliver(session, '7002', texts.mo);
  hasAnswered = true;
}

const server = smpp.createServer((session) => {
  session.on('error', (error) => console.log(`smpp: ${error.message}`));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('bind_transceiver', (pdu) => {
    session.send(pdu.response({ system_id: 'node' }));
    say('step bind ok');
    deliver(session, '7001', REPORT);
  });
  session.on('submit_sm', (pdu) => take(session, pdu));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    say('step unbind ok');
    session.close(() => process.exit(0));
  });
});
server.listen(PORT, '127.0.0.1', () => say('listening'));
