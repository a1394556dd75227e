"""PyPI smpp34 as an SMSC that wasmsc binds to."""

import asyncio
import uuid

import smpp34

from helper import (
    APP_NUMBER,
    DELIVERED,
    DEVICE,
    GSM,
    MESSAGE_PAYLOAD,
    MESSAGE_STATE,
    MO_TEXT,
    NUMBER,
    PORT,
    RECEIPT,
    RECEIPTED_MESSAGE_ID,
    REPORT,
    Centre,
    gsm_encode,
    say,
)

SAR = [smpp34.TLV_SAR_MSG_REF_NUM, smpp34.TLV_SAR_TOTAL_SEGMENTS, smpp34.TLV_SAR_SEGMENT_SEQNUM]
centre = Centre()


async def deliver(esme, number, octets, **fields):
    # Its own choice for both addresses is TON 1, which a short code is not.
    addresses = {"source_addr": DEVICE.lstrip("+"), "source_addr_ton": 1, "dest_addr_ton": 0}
    response = await esme.deliver_sm(number, octets, **addresses, **fields)
    if not response.is_success:
        say(f"step mo FAILED deliver_sm_resp has command_status {response.command_status:#x}")


async def take(esme, event):
    message_id = str(uuid.uuid4())
    event.accept(message_id)
    tlvs = {tlv.tag: bytes(tlv.value) for tlv in event.tlvs}
    octets = event.short_message or tlvs.get(MESSAGE_PAYLOAD, b"")
    sar = tuple(int.from_bytes(tlvs[tag], "big") for tag in SAR) if SAR[0] in tlvs else (0, 1, 1)
    is_to_answer = centre.take(octets, event.esm_class, event.data_coding, sar)
    if event.registered_delivery & 1:
        tlvs = [
            smpp34.Tlv(RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
            smpp34.Tlv(MESSAGE_STATE, bytes([DELIVERED])),
        ]
        await deliver(esme, NUMBER, centre.receipt(message_id), esm_class=RECEIPT, tlvs=tlvs)
    if is_to_answer:
        await deliver(esme, APP_NUMBER, gsm_encode(MO_TEXT), data_coding=GSM)


async def main():
    server = smpp34.Server(host="127.0.0.1", port=PORT, system_id="smpp34")
    await server.start()
    say("listening")
    esme, tasks = None, []
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            esme = event
            say("step bind ok")
            tasks.append(asyncio.create_task(deliver(esme, NUMBER, REPORT.encode())))
        elif isinstance(event, smpp34.SubmitSmEvent):
            tasks.append(asyncio.create_task(take(esme, event)))
        elif isinstance(event, smpp34.Unbound):
            say("step unbind ok")
            break
    await server.stop()


asyncio.run(main())
