"""The mobile network of the matrix: bound as `sim`, it takes every deliver_sm for any device.

Prints `bound`, then each text that is complete, as a telephone would show it. The device answers the first
text that it gets with an MO to the application. Ends with its standard input.
"""

import os
import select
import sys

from smpplib.client import Client
from smpplib.smpp import make_pdu

from helper import APP_NUMBER, MO_TEXT, PATIENCE_SECONDS, PORT, Assembler, say
from smpplib.gsm import gsm_encode

assembler = Assembler()
devices = set()
client = Client("127.0.0.1", PORT, timeout=PATIENCE_SECONDS, allow_unknown_opt_params=True)


def received(pdu):
    device = pdu.destination_addr.decode().lstrip("+")
    octets = pdu.short_message or pdu.message_payload or b""
    text = assembler.add(device, octets, pdu.esm_class, pdu.data_coding)
    if text is not None:
        say(f"got {device} {text}")
    if device not in devices:
        devices.add(device)
        answer = make_pdu(
            "submit_sm",
            client=client,
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=device,
            destination_addr=APP_NUMBER,
            short_message=gsm_encode(MO_TEXT),
        )
        client.send_pdu(answer)


client.set_message_received_handler(received)
client.connect()
client.bind_transceiver(system_id="sim", password="secret")
say("bound")
while True:
    readable, _, _ = select.select([client._socket, sys.stdin], [], [], PATIENCE_SECONDS)
    if sys.stdin in readable:
        client.unbind()
        break
    client.poll()
