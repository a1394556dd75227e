// The Node package smpp as a network account: what it must see of a running wasmsc.
//
// Run by `cargo xtask interop` with the server's port. Prints one line per claim; the first that does not
// hold ends the run with exit code 1. Says some things differently from smpplib_client.py: addresses with
// a plus sign, UCS-2, a report in message_payload, and two requests at once.

'use strict';

const smpp = require('smpp');

const DEVICE = '+46700000002';
const UNKNOWN_DEVICE = '+4917000000001';
const NUMBER = '7001';
const UNKNOWN_NUMBER = '7999';
const PATIENCE_MS = 10_000;
const QUIET_MS = 1_000;
const UCS2 = 8; // data_coding

function check(claim, holds, seen) {
  const verdict = holds ? 'ok     ' : 'FAILED ';
  console.log(`  ${verdict} smpp (Node): ${claim}${holds ? '' : `; saw ${JSON.stringify(seen)}`}`);
  if (!holds) process.exit(1);
}

function within(milliseconds, promise, what) {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no ${what}`)), milliseconds).unref();
  });
  return Promise.race([promise, late]);
}

const digits = (address) => address.replace(/^\+/, '');

/** A device behind a network account: submits, and answers whatever is delivered to it. */
class Meter {
  constructor(port) {
    this.delivered = [];
    this.arrived = () => {};
    this.session = smpp.connect({ url: `smpp://127.0.0.1:${port}` });
    this.session.on('error', (error) => check('the link holds', false, error.message));
    this.session.on('enquire_link', (pdu) => this.session.send(pdu.response()));
    this.session.on('deliver_sm', (pdu) => {
      this.session.send(pdu.response());
      this.delivered.push(pdu);
      this.arrived();
    });
  }

  request(command, fields = {}) {
    const response = new Promise((resolve) => this.session[command](fields, resolve));
    return within(PATIENCE_MS, response, `response to ${command}`);
  }

  bind(password) {
    return this.request('bind_transceiver', { system_id: 'sim', password });
  }

  submit(fields) {
    return this.request('submit_sm', { source_addr: DEVICE, destination_addr: NUMBER, ...fields });
  }

  /** The text of the next deliver_sm, waiting for it where it is not here yet. */
  async nextDelivered() {
    if (this.delivered.length === 0) {
      const arrival = new Promise((resolve) => { this.arrived = resolve; });
      await within(PATIENCE_MS, arrival, 'deliver_sm');
    }
    const pdu = this.delivered.shift();
    check('the MT comes from the number', digits(pdu.source_addr) === NUMBER, pdu.source_addr);
    check('the MT goes to the device', digits(pdu.destination_addr) === digits(DEVICE), pdu.destination_addr);
    return pdu.short_message.message;
  }
}

async function wrongPassword(port) {
  const meter = new Meter(port);
  const { command_status: status } = await meter.bind('wrong');
  const refused = status === smpp.ESME_RINVPASWD || status === smpp.ESME_RBINDFAIL;
  check('a wrong password is refused', refused, status);
  meter.session.removeAllListeners('error').on('error', () => {});
  meter.session.destroy();
}

async function answers(meter) {
  const accepted = await meter.submit({ short_message: 'wm1 v=2345.678 f=0 b=3.60 s=open' });
  check('an MO is accepted', accepted.command_status === smpp.ESME_ROK, accepted.command_status);
  check('the response carries a message id', Boolean(accepted.message_id), accepted.message_id);
  let reply = await meter.nextDelivered();
  check('a report is acknowledged by the rule', reply.startsWith('WM1 OK'), reply);

  await meter.submit({ data_coding: UCS2, short_message: 'WM1 V=2345.700 F=12.5 B=3.61 S=OPEN' });
  reply = await meter.nextDelivered();
  check('a report in UCS-2 is acknowledged', reply.startsWith('WM1 OK'), reply);

  const payload = { message: 'WM1 V=2345.800 F=12.5 B=3.61 S=OPEN' };
  await meter.submit({ short_message: '', message_payload: payload });
  reply = await meter.nextDelivered();
  check('a report in message_payload is acknowledged', reply.startsWith('WM1 OK'), reply);

  await meter.submit({ short_message: 'STATUS' });
  reply = await meter.nextDelivered();
  check("STATUS is answered with the meter's counter", reply.includes('2345.8'), reply);

  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  check('every MT comes once', meter.delivered.length === 0, meter.delivered);
}

async function refusals(meter) {
  // Both at once: responses are told apart by sequence_number alone.
  const [device, number] = await Promise.all([
    meter.submit({ source_addr: UNKNOWN_DEVICE, short_message: 'STATUS' }),
    meter.submit({ destination_addr: UNKNOWN_NUMBER, short_message: 'STATUS' }),
  ]);
  check('an unknown device is refused', device.command_status === smpp.ESME_RINVSRCADR, device.command_status);
  check('an unknown number is refused', number.command_status === smpp.ESME_RINVDSTADR, number.command_status);
}

async function main() {
  const port = Number(process.argv[2]);
  await wrongPassword(port);

  const meter = new Meter(port);
  const bound = await meter.bind('secret');
  check('bind as transceiver', bound.command_status === smpp.ESME_ROK, bound.command_status);
  check('the bind response names the server', bound.system_id === 'wasmsc', bound.system_id);
  const alive = await meter.request('enquire_link');
  check('enquire_link is answered', alive.command_status === smpp.ESME_ROK, alive.command_status);
  await answers(meter);
  await refusals(meter);
  const stillAlive = await meter.request('enquire_link');
  check('the link outlives refusals', stillAlive.command_status === smpp.ESME_ROK, stillAlive.command_status);
  const unbound = await meter.request('unbind');
  check('unbind is answered', unbound.command_status === smpp.ESME_ROK, unbound.command_status);
  meter.session.destroy();
}

main().catch((error) => check('the run ends well', false, error.message));
