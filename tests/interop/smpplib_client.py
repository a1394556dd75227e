"""The Python package smpplib as a network account: what it must see of a running wasmsc.

Run by `cargo xtask interop` with the server's port. Prints one line per claim; the first that does not
hold ends the run with exit code 1.
"""

import socket
import sys
import time

from smpplib import consts
from smpplib.client import Client
from smpplib.exceptions import PDUError
from smpplib.smpp import make_pdu

DEVICE = "46700000001"
UNKNOWN_DEVICE = "4917000000001"
NUMBER = "7001"
UNKNOWN_NUMBER = "7999"
PATIENCE_SECONDS = 10
QUIET_SECONDS = 1

INTERNATIONAL, NATIONAL = 1, 2  # type of number
ISDN = 1  # numbering plan
GSM_DEFAULT, UCS2 = 0, 8  # data_coding


class Meter:
    """A device behind a network account: submits, and answers whatever is delivered to it."""

    def __init__(self, port):
        self.client = Client("127.0.0.1", port, timeout=PATIENCE_SECONDS, allow_unknown_opt_params=True)
        self.client.connect()
        self.delivered = []

    def bind(self, password):
        return self.client.bind_transceiver(system_id="sim", password=password)

    def request(self, command, **fields):
        """Sends a request and returns its response; deliver_sm in between are answered and kept."""
        pdu = make_pdu(command, client=self.client, **fields)
        self.client.send_pdu(pdu)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            read = self.read()
            if read and read.command == command + "_resp" and read.sequence == pdu.sequence:
                return read
        raise AssertionError(f"no response to {command}")

    def submit(self, text, source=DEVICE, destination=NUMBER):
        return self.request(
            "submit_sm",
            source_addr_ton=INTERNATIONAL,
            source_addr_npi=ISDN,
            source_addr=source,
            dest_addr_ton=NATIONAL,
            dest_addr_npi=ISDN,
            destination_addr=destination,
            data_coding=GSM_DEFAULT,
            short_message=text.encode("ascii"),
        )

    def next_delivered(self):
        """The next deliver_sm, waiting for it where it is not here yet."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.delivered:
            assert time.monotonic() < deadline, "no deliver_sm"
            self.read()
        return self.delivered.pop(0)

    def read(self):
        """Reads one PDU; answers a deliver_sm and keeps it, returns anything else."""
        pdu = self.client.read_pdu()
        if pdu.command == "enquire_link":
            self.respond("enquire_link_resp", pdu)
            return None
        if pdu.command != "deliver_sm":
            return pdu
        self.respond("deliver_sm_resp", pdu)
        self.delivered.append(pdu)
        return None

    def respond(self, command, request):
        response = make_pdu(command, client=self.client)
        response.sequence = request.sequence
        self.client.send_pdu(response)

    def stays_quiet(self):
        """Whether nothing at all arrives for a while."""
        self.client._socket.settimeout(QUIET_SECONDS)
        try:
            self.read()
            return False
        except socket.timeout:
            return not self.delivered
        finally:
            self.client._socket.settimeout(PATIENCE_SECONDS)


def text_of(pdu):
    # The rule's answers keep to what GSM 03.38 and ASCII have in common.
    return pdu.short_message.decode("utf-16-be" if pdu.data_coding == UCS2 else "ascii")


def digits(address):
    return address.decode("ascii").lstrip("+")


def check(claim, holds, seen=""):
    print(f"  {'ok     ' if holds else 'FAILED '} smpplib: {claim}" + ("" if holds else f"; saw {seen!r}"))
    if not holds:
        sys.exit(1)


def wrong_password(port):
    meter = Meter(port)
    try:
        meter.bind("wrong")
        status = consts.SMPP_ESME_ROK
    except PDUError as error:
        status = error.args[1]
    refused = status in (consts.SMPP_ESME_RINVPASWD, consts.SMPP_ESME_RBINDFAIL)
    check("a wrong password is refused", refused, status)
    meter.client.disconnect()


def answers(meter):
    meter_says = "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN"
    response = meter.submit(meter_says)
    check("an MO is accepted", response.status == consts.SMPP_ESME_ROK, response.status)
    check("the response carries a message id", bool(response.message_id), response.message_id)
    reply = meter.next_delivered()
    check("the MT comes from the number", digits(reply.source_addr) == NUMBER, reply.source_addr)
    check("the MT goes to the device", digits(reply.destination_addr) == DEVICE, reply.destination_addr)
    check("a report is acknowledged by the rule", text_of(reply).startswith("WM1 OK"), text_of(reply))

    meter.submit("STATUS")
    reply = text_of(meter.next_delivered())
    check("STATUS is answered with the meter's counter", "1234.567" in reply, reply)

    meter.submit("WM1 V=many")
    reply = text_of(meter.next_delivered())
    check("a malformed report is answered with help", "V=" in reply and not reply.startswith("WM1 OK"), reply)
    check("every MT comes once", meter.stays_quiet(), [text_of(pdu) for pdu in meter.delivered])


def refusals(meter):
    status = meter.submit("STATUS", source=UNKNOWN_DEVICE).status
    check("an unknown device is refused", status == consts.SMPP_ESME_RINVSRCADR, status)
    status = meter.submit("STATUS", destination=UNKNOWN_NUMBER).status
    check("an unknown number is refused", status == consts.SMPP_ESME_RINVDSTADR, status)


def main():
    port = int(sys.argv[1])
    wrong_password(port)

    meter = Meter(port)
    response = meter.bind("secret")
    check("bind as transceiver", response.status == consts.SMPP_ESME_ROK, response.status)
    check("the bind response names the server", response.system_id == b"wasmsc", response.system_id)
    response = meter.request("enquire_link")
    check("enquire_link is answered", response.status == consts.SMPP_ESME_ROK, response.status)
    answers(meter)
    refusals(meter)
    response = meter.request("enquire_link")
    check("the link outlives refusals", response.status == consts.SMPP_ESME_ROK, response.status)
    response = meter.request("unbind")
    check("unbind is answered", response.status == consts.SMPP_ESME_ROK, response.status)
    meter.client.disconnect()


if __name__ == "__main__":
    main()
