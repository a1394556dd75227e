"""PyPI smpp34 as an application: the Rust stack smpp34 under asyncio."""

import asyncio

import smpp34

from helper import DEVICE, MESSAGE_PAYLOAD, NUMBER, PORT, Delivered, scenario


class Esme:
    def __init__(self):
        self.delivered = []
        self.client = smpp34.Client("127.0.0.1", PORT, "app", "secret", bind_type="TRX")

    async def bind(self):
        self.smsc = await self.client.connect()
        self.reading = asyncio.create_task(self.read())

    async def submit(self, sms):
        response = await self.smsc.submit_sm(
            DEVICE.lstrip("+"),
            b"" if sms.in_payload else sms.octets,
            source_addr=NUMBER,
            dest_addr_ton=1,
            dest_addr_npi=1,
            esm_class=sms.esm_class,
            data_coding=sms.data_coding,
            registered_delivery=1,
            tlvs=[smpp34.Tlv(MESSAGE_PAYLOAD, sms.octets)] if sms.in_payload else [],
        )
        assert response.is_success, f"command_status {response.command_status:#x}"
        return response.message_id

    async def unbind(self):
        await self.smsc.unbind()
        await self.reading

    async def read(self):
        while isinstance(event := await self.smsc.next(), smpp34.DeliverSmEvent):
            tlvs = {tlv.tag: bytes(tlv.value) for tlv in event.tlvs}
            self.delivered.append(
                Delivered(event.source_addr, event.esm_class, event.data_coding, event.short_message, tlvs)
            )


asyncio.run(scenario(Esme()))
