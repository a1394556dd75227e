"""PyPI smpplib as an application."""

import asyncio

from smpplib.client import Client
from smpplib.smpp import make_pdu

from helper import (
    DEVICE,
    MESSAGE_STATE,
    NUMBER,
    PATIENCE_SECONDS,
    POLL_SECONDS,
    PORT,
    RECEIPTED_MESSAGE_ID,
    Delivered,
    scenario,
    until,
)


class Esme:
    def __init__(self):
        self.delivered = []
        self.responses = {}

    async def bind(self):
        self.client = Client("127.0.0.1", PORT, timeout=PATIENCE_SECONDS, allow_unknown_opt_params=True)
        self.client.set_message_received_handler(self.received)
        self.client.set_message_sent_handler(lambda pdu: self.responses.update({pdu.sequence: pdu}))
        self.client.connect()
        self.client.bind_transceiver(system_id="app", password="secret")
        self.reading = asyncio.create_task(self.read())

    async def submit(self, sms):
        text = {"message_payload" if sms.in_payload else "short_message": sms.octets}
        pdu = make_pdu(
            "submit_sm",
            client=self.client,
            source_addr=NUMBER,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=DEVICE.lstrip("+"),
            esm_class=sms.esm_class,
            data_coding=sms.data_coding,
            registered_delivery=1,
            **text,
        )
        self.client.send_pdu(pdu)
        response = await until(lambda: self.responses.get(pdu.sequence), "submit_sm_resp")
        return response.message_id.decode()

    async def unbind(self):
        self.reading.cancel()
        response = self.client.unbind()
        assert (response.command, response.status) == ("unbind_resp", 0), response
        self.client.disconnect()

    async def read(self):
        while True:
            self.client.poll()
            await asyncio.sleep(POLL_SECONDS)

    def received(self, pdu):
        tlvs = {}
        if pdu.receipted_message_id is not None:
            tlvs[RECEIPTED_MESSAGE_ID] = pdu.receipted_message_id + b"\0"
        if pdu.message_state is not None:
            tlvs[MESSAGE_STATE] = bytes([pdu.message_state])
        source, text = pdu.source_addr.decode(), pdu.short_message or pdu.message_payload or b""
        self.delivered.append(Delivered(source, pdu.esm_class, pdu.data_coding, text, tlvs))


asyncio.run(scenario(Esme()))
