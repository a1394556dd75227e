"""PyPI smppy as an SMSC that wasmsc binds to.

smppy gives applications neither message ids nor receipts, and of a text only its characters; `Protocol` adds
these from smppy's own PDUs. It reads one PDU per segment of TCP, so that the window has to be 1.
"""

import asyncio
import io

from smpp.pdu.operations import DeliverSM
from smpp.pdu.pdu_encoding import EsmClassEncoder, PDUEncoder
from smpp.pdu.pdu_types import (
    AddrNpi,
    AddrTon,
    CommandId,
    DataCoding,
    DataCodingDefault,
    EsmClass,
    EsmClassMode,
    EsmClassType,
    PriorityFlag,
    RegisteredDelivery,
    RegisteredDeliveryReceipt,
    ReplaceIfPresentFlag,
)
from smppy import Application
from smppy.server import SmppProtocol

from helper import APP_NUMBER, DEVICE, GSM, MO_TEXT, NUMBER, PORT, REPORT, UCS2, Centre, gsm_encode, say


class Protocol(SmppProtocol):
    messages = 0
    submitted = None  # the last submit_sm

    async def handle_data_received(self, data):
        pdu = PDUEncoder().decode(io.BytesIO(data))
        if pdu.command_id == CommandId.submit_sm:
            self.submitted = pdu
        await super().handle_data_received(data)

    def _send_response(self, response):
        if response.command_id == CommandId.submit_sm_resp:
            self.messages += 1
            response.params["message_id"] = str(self.messages)
        super()._send_response(response)

    def deliver(self, number, octets, kind=EsmClassType.DEFAULT):
        no_receipt = RegisteredDeliveryReceipt.NO_SMSC_DELIVERY_RECEIPT_REQUESTED
        request = DeliverSM(
            sequence_number=self.next_sequence_number(),
            source_addr_ton=AddrTon.INTERNATIONAL,
            source_addr_npi=AddrNpi.ISDN,
            source_addr=DEVICE.lstrip("+"),
            dest_addr_ton=AddrTon.UNKNOWN,
            dest_addr_npi=AddrNpi.ISDN,
            destination_addr=number,
            esm_class=EsmClass(EsmClassMode.DEFAULT, kind),
            priority_flag=PriorityFlag.LEVEL_0,
            registered_delivery=RegisteredDelivery(no_receipt),
            replace_if_present_flag=ReplaceIfPresentFlag.DO_NOT_REPLACE,
            data_coding=DataCoding(scheme_data=DataCodingDefault.SMSC_DEFAULT_ALPHABET),
            short_message=octets,
        )
        self._send_requests([request])


class Smsc(Application):
    centre = Centre()

    async def handle_bound_client(self, client):
        say("step bind ok")
        asyncio.get_running_loop().call_soon(self.report, client)
        return client

    @staticmethod
    def report(client):
        asyncio.create_task(client.send_sms(DEVICE.lstrip("+"), NUMBER, REPORT))

    async def handle_sms_received(self, client, source_number, dest_number, text):
        protocol = client._protocol
        params = protocol.submitted.params
        data_coding = UCS2 if params["data_coding"].scheme_data == DataCodingDefault.UCS2 else GSM
        esm_class = EsmClassEncoder().encode(params["esm_class"])[0]
        is_to_answer = self.centre.take(params["short_message"], esm_class, data_coding)
        wanted = RegisteredDeliveryReceipt.SMSC_DELIVERY_RECEIPT_REQUESTED
        if params["registered_delivery"].receipt == wanted:
            receipt = self.centre.receipt(protocol.messages)
            protocol.deliver(NUMBER, receipt, EsmClassType.SMSC_DELIVERY_RECEIPT)
        if is_to_answer:
            protocol.deliver(APP_NUMBER, gsm_encode(MO_TEXT))

    async def handle_unbound_client(self, client):
        say("step unbind ok")

    def create_server(self, loop, host, port):
        server = loop.run_until_complete(loop.create_server(lambda: Protocol(app=self), host=host, port=port))
        say("listening")
        return server


Smsc(name="smppy").run(loop=asyncio.new_event_loop(), host="127.0.0.1", port=PORT)
