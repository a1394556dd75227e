"""What the Python scripts of the interop matrix share: texts, parts, receipts, and the lines they print.

`cargo xtask interop` starts each script with the port and a device's address, puts the texts into the
environment, and reads two kinds of lines: `step NAME ok`, `step NAME FAILED why` or `step NAME - why not`, and
`got ADDRESS TEXT` from whoever stands in for a device.
"""

import asyncio
import os
import re
import sys
from contextlib import contextmanager
from socket import create_server
from typing import NamedTuple

from smpplib.gsm import GSM_CHARACTER_TABLE, gsm_encode

PORT = int(sys.argv[1])
DEVICE = sys.argv[2] if len(sys.argv) > 2 else ""
NUMBER = "7001"  # a rule answers here
APP_NUMBER = "7002"  # no rule: what is sent here goes to the application

PATIENCE_SECONDS = 10
POLL_SECONDS = 0.02
GSM, UCS2 = 0, 8  # data_coding
UDHI, RECEIPT = 0x40, 0x04  # esm_class
PART_SEPTETS = 153
RECEIPTED_MESSAGE_ID, MESSAGE_PAYLOAD, MESSAGE_STATE = 0x001E, 0x0424, 0x0427
DELIVERED = 2  # message_state
# How a receipt tells the end of a message that a network took: `stat`, `dlvrd` and message_state. ACCEPTD is
# that of a network which sends no receipts itself.
FINAL = os.environ.get("INTEROP_FINAL", "DELIVRD")
FINAL_DELIVERED, FINAL_STATE = {"DELIVRD": ("001", DELIVERED), "ACCEPTD": ("000", 6)}[FINAL]
NO_MO = os.environ.get("INTEROP_NO_MO")  # why the application gets none


class Sms(NamedTuple):
    """One SMS or one part of a long one."""

    text: str
    data_coding: int = GSM
    udh: bytes = b""
    in_payload: bool = False

    @property
    def octets(self):
        return self.udh + (self.text.encode("utf-16-be") if self.data_coding == UCS2 else gsm_encode(self.text))

    @property
    def esm_class(self):
        return UDHI if self.udh else 0


class Delivered(NamedTuple):
    """A deliver_sm, as far as it matters here."""

    source: str
    esm_class: int
    data_coding: int
    octets: bytes
    tlvs: dict  # octets by tag


def in_parts(text):
    """A long text as parts with an 8-bit reference; a character of two septets is never cut."""
    pieces = [""]
    for character in text:
        if len(gsm_encode(pieces[-1] + character)) > PART_SEPTETS:
            pieces.append("")
        pieces[-1] += character
    return [Sms(piece, udh=bytes([5, 0, 3, 1, len(pieces), n])) for n, piece in enumerate(pieces, start=1)]


PLAIN = Sms(os.environ["INTEROP_TEXT"])
PARTS = in_parts(os.environ["INTEROP_PARTS"])
EMOJI = Sms(os.environ["INTEROP_UCS2"], data_coding=UCS2)
PAYLOAD = Sms(os.environ["INTEROP_PAYLOAD"], in_payload=True)
MO_TEXT = os.environ["INTEROP_MO"]
REPORT = "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN"  # an MO that the rule on NUMBER answers with "WM1 OK"


def say(line):
    print(line.replace("\n", " "), flush=True)


@contextmanager
def step(name, vital=False):
    """Says how a step ended; after a vital one that failed there is no use in going on."""
    try:
        yield
        say(f"step {name} ok")
    except Exception as error:
        say(f"step {name} FAILED {type(error).__name__}: {error}")
        if vital:
            raise SystemExit(1) from error


def skip(name, why):
    say(f"step {name} - {why}")


async def until(condition, what):
    """Waits until `condition()` is something, and returns that."""
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        if found := condition():
            return found
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError(f"no {what} within {PATIENCE_SECONDS} s")


def gsm_decode(octets):
    """GSM 03.38, one septet per octet; 0x1B takes the next one from the extension table."""
    text, extended = "", False
    for octet in octets:
        if octet == 0x1B:
            extended = True
        else:
            text += GSM_CHARACTER_TABLE[octet + (0x80 if extended else 0)]
            extended = False
    return text


def free_ports(count):
    """Free now; nobody else binds ports in this moment."""
    sockets = [create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [socket.getsockname()[1] for socket in sockets]
    for socket in sockets:
        socket.close()
    return ports


class Assembler:
    """Reads texts as a telephone does, joining parts."""

    def __init__(self):
        self.parts = {}

    def add(self, address, octets, esm_class, data_coding, sar=(0, 1, 1)):
        """The whole text, or None while parts are missing. `sar`: reference, parts in all, number of this one."""
        if esm_class & UDHI:
            header, octets = octets[: octets[0] + 1], octets[octets[0] + 1 :]
            if header[1:3] == b"\x00\x03":
                sar = tuple(header[3:6])
        reference, total, number = sar
        text = octets.decode("utf-16-be") if data_coding == UCS2 else gsm_decode(octets)
        key = (address, reference, total)
        parts = self.parts.setdefault(key, {})
        parts[number] = text
        if len(parts) < total:
            return None
        del self.parts[key]
        return "".join(parts[n] for n in sorted(parts))


class Centre:
    """What an SMSC stand-in does with what it is given."""

    def __init__(self):
        self.assembler = Assembler()
        self.has_answered = False

    def take(self, octets, esm_class, data_coding, sar=(0, 1, 1)):
        """Says what arrived. True once: then the device answers the application."""
        text = self.assembler.add(DEVICE, octets, esm_class, data_coding, sar)
        if text is None:
            return False
        if text.startswith("WM1 OK"):
            say("step mo ok")
            return False
        say(f"got {DEVICE.lstrip('+')} {text}")
        is_first, self.has_answered = not self.has_answered, True
        return is_first

    @staticmethod
    def receipt(message_id):
        dates = "submit date:2611231200 done date:2611231201"
        return f"id:{message_id} sub:001 dlvrd:001 {dates} stat:DELIVRD err:000 text:".encode()


RECEIPT_TEXT = re.compile(
    r"id:(\S+) sub:001 dlvrd:(\d{3}) submit date:\d{10} done date:\d{10} stat:(\S+) err:(\S+) text:.*", re.I | re.S
)


def receipted_id(delivered):
    """The message id in a receipt's text; None for other deliver_sm."""
    matched = RECEIPT_TEXT.fullmatch(delivered.octets.decode("latin-1"))
    return matched and matched[1]


def check_receipt(delivered, message_id):
    matched = RECEIPT_TEXT.fullmatch(delivered.octets.decode("latin-1"))
    assert matched.groups()[1:] == (FINAL_DELIVERED, FINAL, "000"), delivered
    assert delivered.esm_class == RECEIPT, f"esm_class {delivered.esm_class:#04x}"
    assert delivered.source.lstrip("+") == DEVICE.lstrip("+"), f"source {delivered.source}"
    expected = {RECEIPTED_MESSAGE_ID: message_id.encode() + b"\0", MESSAGE_STATE: bytes([FINAL_STATE])}
    for tag, value in expected.items():
        assert delivered.tlvs.get(tag) == value, f"TLV {tag:#06x} is {delivered.tlvs.get(tag)}, not {value}"


async def send(esme, messages):
    """Submits, and waits for a receipt of each."""
    ids = [await esme.submit(sms) for sms in messages]
    assert all(ids), f"message ids {ids}"
    for message_id in ids:
        of_this = lambda: next((d for d in esme.delivered if receipted_id(d) == message_id), None)
        check_receipt(await until(of_this, f"receipt for {message_id}"), message_id)


async def take_mo(esme):
    """The device answers the first text; no rule takes that, so that the application gets it."""
    from_device = lambda d: d.source.lstrip("+") == DEVICE.lstrip("+") and not d.esm_class & RECEIPT
    mo = await until(lambda: next(filter(from_device, esme.delivered), None), "MO")
    assert gsm_decode(mo.octets) == MO_TEXT, mo


async def scenario(esme):
    """What every ESME does. `esme` has bind, submit, unbind, and `delivered`, which grows by itself."""
    cannot = getattr(esme, "cannot", {}) | ({"mo": NO_MO} if NO_MO else {})
    steps = {
        "receipt": lambda: send(esme, [PLAIN]),
        "mo": lambda: take_mo(esme),
        "parts": lambda: send(esme, PARTS),
        "ucs2": lambda: send(esme, [EMOJI]),
        "payload": lambda: send(esme, [PAYLOAD]),
        "unbind": esme.unbind,
    }
    with step("bind", vital=True):
        await asyncio.wait_for(esme.bind(), PATIENCE_SECONDS)
    for name, run in steps.items():
        if name in cannot:
            skip(name, cannot[name])
            continue
        with step(name):
            await asyncio.wait_for(run(), 2 * PATIENCE_SECONDS)
