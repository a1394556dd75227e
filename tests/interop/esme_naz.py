"""PyPI naz as an application.

naz answers by itself and hands the application raw PDUs, so that smpplib reads them here.
"""

import asyncio

import naz
from smpplib.client import Client
from smpplib.smpp import parse_pdu

from helper import (
    DEVICE,
    MESSAGE_STATE,
    NUMBER,
    PORT,
    RECEIPTED_MESSAGE_ID,
    UCS2,
    Delivered,
    gsm_decode,
    scenario,
    until,
)


class Esme(naz.hooks.BaseHook):
    cannot = {"payload": "writes message_payload with a NUL at its end, which is @ in GSM 03.38"}

    def __init__(self):
        self.delivered = []
        self.message_ids = {}  # by naz's log_id
        self.commands = []
        self.parser = Client("127.0.0.1", PORT, allow_unknown_opt_params=True)  # never connected
        self.client = naz.Client(
            smsc_host="127.0.0.1",
            smsc_port=PORT,
            system_id="app",
            password="secret",
            broker=naz.broker.SimpleBroker(),
            hook=self,
            logger=naz.log.SimpleLogger("naz", level="ERROR"),
        )

    async def bind(self):
        await self.client.connect()
        await self.client.tranceiver_bind()
        self.tasks = [asyncio.create_task(self.client.receive_data()), asyncio.create_task(self.client.dequeue_messages())]
        await until(lambda: self.client.current_session_state == naz.state.SmppSessionState.BOUND_TRX, "bind")

    async def submit(self, sms):
        log_id = str(len(self.message_ids))
        self.message_ids[log_id] = None
        await self.client.send_message(
            naz.protocol.SubmitSM(
                # naz encodes text only; any header of octets below 0x80 is some text in GSM 03.38.
                short_message=gsm_decode(sms.udh) + sms.text,
                source_addr=NUMBER,
                source_addr_ton=0,
                destination_addr=DEVICE.lstrip("+"),
                log_id=log_id,
                esm_class=sms.esm_class,
                encoding="ucs2" if sms.data_coding == UCS2 else "gsm0338",
            )
        )
        return await until(lambda: self.message_ids[log_id], "submit_sm_resp")

    async def unbind(self):
        await self.client.unbind()  # shutdown() hangs up before the response
        await until(lambda: "unbind_resp" in self.commands, "unbind_resp")
        for task in self.tasks:
            task.cancel()

    async def to_smsc(self, smpp_command, log_id, hook_metadata, pdu):
        pass

    async def from_smsc(self, smpp_command, log_id, hook_metadata, status, pdu):
        self.commands.append(smpp_command)
        if smpp_command == "submit_sm_resp":
            assert status.code == "ESME_ROK", status
            self.message_ids[log_id] = parse_pdu(pdu, client=self.parser).message_id.decode()
        elif smpp_command == "deliver_sm":
            self.delivered.append(self.read(parse_pdu(pdu, client=self.parser)))

    def read(self, pdu):
        tlvs = {}
        if pdu.receipted_message_id is not None:
            tlvs[RECEIPTED_MESSAGE_ID] = pdu.receipted_message_id + b"\0"
        if pdu.message_state is not None:
            tlvs[MESSAGE_STATE] = bytes([pdu.message_state])
        source, text = pdu.source_addr.decode(), pdu.short_message or pdu.message_payload or b""
        return Delivered(source, pdu.esm_class, pdu.data_coding, text, tlvs)


async def main():
    await scenario(Esme())


asyncio.run(main())
