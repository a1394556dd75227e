"""Kannel's drive_smpp (Debian kannel-extras) as an SMSC that wasmsc binds to.

It takes a bind as transmitter and one as receiver, answers submit_sm without a message_id, and sends one MO from 456 to
123. What it is given it tells only in a log that ends at the first NUL, so this stands between the two and reads along; what
counts is what drive_smpp answered with ESME_ROK. It also wants a bearerbox to talk to, which here listens and says nothing.
"""

import asyncio
import socket
import struct

from helper import MESSAGE_PAYLOAD, PORT, Centre, say

DRIVE_SMPP = "/usr/lib/kannel/test/drive_smpp"
BEARERBOX_PORT = 13001  # drive_smpp knows no other
HEADER = struct.Struct(">IIII")
BIND_RECEIVER_RESP, BIND_TRANSMITTER_RESP = 0x80000001, 0x80000002
SUBMIT_SM, SUBMIT_SM_RESP, DELIVER_SM_RESP, UNBIND_RESP = 0x04, 0x80000004, 0x80000005, 0x80000006

centre = Centre()
bound, waiting = set(), {}


def submitted(body):
    """esm_class, data_coding and text of a submit_sm."""
    at = body.index(b"\0") + 1
    for _ in range(2):  # addresses behind their TON and NPI
        at = body.index(b"\0", at + 2) + 1
    esm_class, at = body[at], at + 3
    for _ in range(2):  # schedule and validity
        at = body.index(b"\0", at) + 1
    data_coding, length = body[at + 2], body[at + 4]
    octets, at = body[at + 5 : at + 5 + length], at + 5 + length
    while at + 4 <= len(body):
        tag, size = struct.unpack_from(">HH", body, at)
        if tag == MESSAGE_PAYLOAD:
            octets = body[at + 4 : at + 4 + size]
        at += 4 + size
    return octets, esm_class, data_coding


def seen(link, command_id, status, sequence_number, body):
    if command_id == SUBMIT_SM:
        waiting[link, sequence_number] = submitted(body)
    elif command_id == SUBMIT_SM_RESP and status == 0:
        centre.take(*waiting.pop((link, sequence_number)))
    elif command_id in (BIND_RECEIVER_RESP, BIND_TRANSMITTER_RESP) and status == 0:
        bound.add(command_id)
        if len(bound) == 2:
            say("step bind ok")
    elif command_id == DELIVER_SM_RESP:
        say(f"its MO from 456 was answered with command_status {status:#x}")
    elif command_id == UNBIND_RESP and status == 0:
        say("step unbind ok")


async def pump(link, reader, writer):
    try:
        while True:
            header = await reader.readexactly(HEADER.size)
            length, *rest = HEADER.unpack(header)
            body = await reader.readexactly(length - HEADER.size)
            writer.write(header + body)
            await writer.drain()
            seen(link, *rest, body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


async def connected(port):
    for _ in range(100):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            await asyncio.sleep(0.05)
    raise SystemExit("drive_smpp does not listen")


async def main():
    port = free_port()
    bearerbox = await asyncio.start_server(lambda _, writer: None, "127.0.0.1", BEARERBOX_PORT)
    quiet = asyncio.subprocess.DEVNULL
    drive = await asyncio.create_subprocess_exec(DRIVE_SMPP, "-p", str(port), stdout=quiet, stderr=quiet)

    async def link(reader, writer):
        there, back = await connected(port)
        await asyncio.gather(pump(writer, reader, back), pump(writer, there, writer))

    server = await asyncio.start_server(link, "127.0.0.1", PORT)
    say("listening")
    try:
        await drive.wait()  # it ends with its first link
    finally:
        if drive.returncode is None:
            drive.kill()
        server.close()
        bearerbox.close()


asyncio.run(main())
