"""Kannel's drive_smpp as an SMSC that wasmsc binds to.

It answers bind_transmitter, bind_receiver, submit_sm, enquire_link and unbind; a receiver gets one deliver_sm
and one enquire_link from it. It knows neither bind_transceiver nor message ids nor receipts. Its MO is always
from 456, which is nobody's telephone: the server has to refuse it, to answer the enquire_link behind it, and to
go on with that link.

drive_smpp does not tell what it is given. So wasmsc connects to this script, which passes every octet on and
reads the PDUs on their way; a text counts when drive_smpp has accepted it. drive_smpp also wants to connect to
a bearerbox, always on port 13001 of 127.0.0.1. It says nothing there before a message comes, so a listener is
enough. It listens on every address of this machine and has no option for that; it ends with its first link.
"""

import asyncio
import re
import struct

from smpplib.client import SimpleSequenceGenerator
from smpplib.smpp import parse_pdu

from helper import PATIENCE_SECONDS, PORT, Assembler, free_ports, say

PROGRAM = "/usr/lib/kannel/test/drive_smpp"
BEARERBOX_PORT = 13001
LIFE_SECONDS = 90
# Neither outlives this script: `setpriv` sees to it when the script is killed, `timeout` in any other case.
LEASH = ["setpriv", "--pdeathsig", "TERM", "timeout", str(LIFE_SECONDS)]

BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK = 1, 2, 4, 5, 6, 0x15
RESPONSE = 0x80000000
ESME_ROK, ESME_RINVSRCADR = 0, 0x0A
HEADER = struct.Struct(">IIII")


class Watch:
    """What both sides said so far, on both links."""

    def __init__(self):
        self.assembler = Assembler()
        self.answered = []  # command_id of each request that has its response
        self.waiting = {}  # requests without a response, by link, sender and sequence_number
        self.failures = []
        self.both_unbound = asyncio.Event()

    def read(self, link, is_ours, octets):
        _, command, status, sequence = HEADER.unpack_from(octets)
        if not command & RESPONSE:
            self.waiting[link, is_ours, sequence] = (command, octets)
            return
        asked, request = self.waiting.pop((link, not is_ours, sequence), (None, b""))
        expected = ESME_RINVSRCADR if asked == DELIVER_SM else ESME_ROK
        if asked != command - RESPONSE or status != expected:
            self.failures.append(f"response {command:#010x} with command_status {status:#x} to request {asked}")
            return
        self.answered.append(asked)
        if asked in (BIND_RECEIVER, BIND_TRANSMITTER) and self.has_all(BIND_RECEIVER, BIND_TRANSMITTER):
            say("step bind ok")
        if asked in (DELIVER_SM, ENQUIRE_LINK) and self.has_all(DELIVER_SM, ENQUIRE_LINK):
            say("step mo - drive_smpp's own MO is from 456, no device's number: ESME_RINVSRCADR, and the link lives")
        if asked == SUBMIT_SM:
            # smpplib reads no PDU without a client to count it.
            self.accepted(parse_pdu(request, client=SimpleSequenceGenerator(), allow_unknown_opt_params=True))
        if self.answered.count(UNBIND) == 2:
            self.both_unbound.set()

    def has_all(self, *commands):
        return all(self.answered.count(command) == 1 for command in commands)

    def accepted(self, sm):
        """drive_smpp took this submit_sm."""
        address = sm.destination_addr.decode().lstrip("+")
        octets = sm.short_message or sm.message_payload or b""
        text = self.assembler.add(address, octets, sm.esm_class, sm.data_coding)
        if text is not None:
            say(f"got {address} {text}")


class Relay:
    def __init__(self, watch, port):
        self.watch = watch
        self.port = port
        self.links = 0

    async def connected(self, reader, writer):
        """wasmsc connected."""
        self.links += 1
        link = self.links
        driver_reader, driver_writer = await self.connect()
        await asyncio.gather(
            self.pass_on(link, True, reader, driver_writer),
            self.pass_on(link, False, driver_reader, writer),
        )

    async def connect(self):
        # A connection that closes is the end of drive_smpp, so that nothing else can ask whether it listens.
        for _ in range(PATIENCE_SECONDS * 50):
            try:
                return await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(1 / 50)
        raise AssertionError("drive_smpp does not listen")

    async def pass_on(self, link, is_ours, reader, writer):
        try:
            while True:
                length = await reader.readexactly(4)
                octets = length + await reader.readexactly(int.from_bytes(length, "big") - 4)
                self.watch.read(link, is_ours, octets)
                writer.write(octets)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            # drive_smpp ends with the first link that closes, whatever the other one is about to say.
            await self.watch.both_unbound.wait()
            writer.close()


async def check_end(watch, drive_smpp):
    """What drive_smpp says when it ends."""
    said, _ = await asyncio.wait_for(drive_smpp.communicate(), PATIENCE_SECONDS)
    taken = re.search(rb"messages sent to SMSC: (\d+)", said)
    assert drive_smpp.returncode == 0, f"drive_smpp ended with {drive_smpp.returncode}: {said.decode()}"
    submitted = watch.answered.count(SUBMIT_SM)
    assert taken and int(taken[1]) == submitted, f"drive_smpp counts {taken and taken[1]} submit_sm, not {submitted}"
    assert not watch.waiting, f"requests without a response: {[command for command, _ in watch.waiting.values()]}"
    assert not watch.failures, watch.failures


async def main():
    # The matrix of another worktree may hold the port too.
    bearerbox = await asyncio.start_server(lambda *_: None, "127.0.0.1", BEARERBOX_PORT, reuse_port=True)
    [driver_port] = free_ports(1)
    command = [*LEASH, PROGRAM, "-v", "1", "-p", str(driver_port), "-m", "1"]
    output = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
    drive_smpp = await asyncio.create_subprocess_exec(*command, **output)
    watch = Watch()
    server = await asyncio.start_server(Relay(watch, driver_port).connected, "127.0.0.1", PORT)
    say("listening")
    await watch.both_unbound.wait()
    try:
        await check_end(watch, drive_smpp)
        say("step receipt - drive_smpp gives no message ids and sends no receipts; the application gets ACCEPTD")
        say("step unbind ok")
    except Exception as error:
        say(f"step unbind FAILED {type(error).__name__}: {error}")
    server.close()
    bearerbox.close()


asyncio.run(main())
