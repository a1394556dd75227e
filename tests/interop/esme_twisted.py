"""PyPI smpp.twisted3 (with smpp.pdu3) as an application: the stack inside Jasmin."""

import asyncio
import logging

from twisted.internet import asyncioreactor

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)  # before anything of smpp.twisted, which takes the reactor when imported

logging.getLogger("smpp.twisted").setLevel(logging.ERROR)
from smpp.pdu.operations import SubmitSM
from smpp.pdu.pdu_encoding import EsmClassEncoder, PDUEncoder
from smpp.pdu.pdu_types import (
    AddrNpi,
    AddrTon,
    DataCoding,
    DataCodingDefault,
    EsmClass,
    EsmClassGsmFeatures,
    EsmClassMode,
    EsmClassType,
    RegisteredDelivery,
    RegisteredDeliveryReceipt,
)
from smpp.twisted.client import SMPPClientTransceiver
from smpp.twisted.config import SMPPClientConfig

from helper import (
    DELIVERED,
    DEVICE,
    MESSAGE_STATE,
    NUMBER,
    PORT,
    RECEIPTED_MESSAGE_ID,
    UCS2,
    Delivered,
    scenario,
)


class Esme:
    def __init__(self):
        self.delivered = []
        config = SMPPClientConfig(host="127.0.0.1", port=PORT, username="app", password="secret")
        self.client = SMPPClientTransceiver(config, self.received)

    async def bind(self):
        self.smpp = await self.client.connectAndBind().asFuture(loop)

    async def submit(self, sms):
        features = [EsmClassGsmFeatures.UDHI_INDICATOR_SET] if sms.udh else []
        alphabet = DataCodingDefault.UCS2 if sms.data_coding == UCS2 else DataCodingDefault.SMSC_DEFAULT_ALPHABET
        pdu = SubmitSM(
            source_addr=NUMBER,
            dest_addr_ton=AddrTon.INTERNATIONAL,
            dest_addr_npi=AddrNpi.ISDN,
            destination_addr=DEVICE.lstrip("+"),
            esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.DEFAULT, features),
            data_coding=DataCoding(schemeData=alphabet),
            registered_delivery=RegisteredDelivery(RegisteredDeliveryReceipt.SMSC_DELIVERY_RECEIPT_REQUESTED),
            **{"message_payload" if sms.in_payload else "short_message": sms.octets},
        )
        # An encoder that has read a TLV expects that TLV's length of the next one that it writes.
        self.smpp.encoder = PDUEncoder()
        result = await self.smpp.sendDataRequest(pdu).asFuture(loop)
        return result.response.params["message_id"].decode()

    async def unbind(self):
        await self.smpp.unbindAndDisconnect().asFuture(loop)

    def received(self, smpp, pdu):
        params, tlvs = pdu.params, {}
        if "receipted_message_id" in params:
            tlvs[RECEIPTED_MESSAGE_ID] = params["receipted_message_id"] + b"\0"
        if "message_state" in params:
            tlvs[MESSAGE_STATE] = bytes([DELIVERED if params["message_state"].name == "DELIVERED" else 0])
        esm_class = EsmClassEncoder().encode(params["esm_class"])[0]
        octets = params["short_message"] or params.get("message_payload", b"")
        coding = UCS2 if params["data_coding"].schemeData == DataCodingDefault.UCS2 else 0
        self.delivered.append(Delivered(params["source_addr"].decode(), esm_class, coding, octets, tlvs))


loop.run_until_complete(scenario(Esme()))
