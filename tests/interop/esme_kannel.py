"""Kannel as an application: bearerbox with `smsc = smpp`, and smsbox, which is used through its HTTP interface.

Kannel calls back over HTTP: with what the device sends, and with the fate of what it submitted. Message ids
stay inside, so that the receipt step shows that Kannel recognised the receipt as that of its message.
"""

import asyncio
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from urllib.request import urlopen

from helper import (
    DEVICE,
    EMOJI,
    MO_TEXT,
    NUMBER,
    PARTS,
    PATIENCE_SECONDS,
    PAYLOAD,
    PLAIN,
    PORT,
    free_ports,
    step,
    until,
)

DELIVERED, ACCEPTED, ALL = 1, 8, 31  # dlr-mask

CONFIG = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 0

group = smsc
smsc = smpp
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = app
smsc-password = secret
system-type = ""
enquire-link-interval = 5

group = smpp-tlv
name = payload
tag = 0x0424
type = octetstring
length = 1000

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 0

group = sendsms-user
username = app
password = secret
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "{callback}/mo?from=%p&text=%a"
"""


class Callback(BaseHTTPRequestHandler):
    """Takes /mo and /dlr requests of Kannel."""

    calls = []  # (path, query)

    def do_GET(self):
        url = urlsplit(self.path)
        self.calls.append((url.path, {name: values[0] for name, values in parse_qs(url.query).items()}))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


class Kannel:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.callback = f"http://127.0.0.1:{self.http.server_port}"
        self.admin, smsbox, self.sendsms = free_ports(3)
        config = CONFIG.format(
            folder=folder, port=PORT, admin=self.admin, smsbox=smsbox, sendsms=self.sendsms, callback=self.callback
        )
        (self.folder / "kannel.conf").write_text(config)
        self.boxes = []

    def start(self, box):
        log = open(self.folder / f"{box}.out", "w")
        command = [f"/usr/sbin/{box}", str(self.folder / "kannel.conf")]
        self.boxes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    async def bind(self):
        self.start("bearerbox")
        await until(lambda: "(online" in self.admin_page("status.txt"), "link that is online")
        self.start("smsbox")
        await until(lambda: "smsbox:" in self.admin_page("status.txt"), "smsbox")

    def admin_page(self, page):
        try:
            with urlopen(f"http://127.0.0.1:{self.admin}/{page}?password=secret", timeout=PATIENCE_SECONDS) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    async def send(self, tag, **fields):
        """Sends one text; waits until it is accepted and delivered. Of a long one Kannel asks that of one part."""
        query = {
            "username": "app",
            "password": "secret",
            "from": NUMBER,
            "to": DEVICE,
            "charset": "UTF-8",
            "dlr-mask": ALL,
            "dlr-url": f"{self.callback}/dlr?of={tag}&type=%d",
            **fields,
        }
        url = f"http://127.0.0.1:{self.sendsms}/cgi-bin/sendsms?" + urlencode(query, quote_via=quote)
        with urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            said = answer.read().decode()
        assert said.startswith("0:"), said
        for kind in (ACCEPTED, DELIVERED):
            await until(lambda: kind in self.reports(tag), f"report of type {kind} on {tag}")
        assert sorted(self.reports(tag)) == [DELIVERED, ACCEPTED], self.reports(tag)

    def reports(self, tag):
        return [int(query["type"]) for path, query in Callback.calls if path == "/dlr" and query["of"] == tag]

    async def take_mo(self):
        calls = lambda: [query for path, query in Callback.calls if path == "/mo"]
        mo = (await until(calls, "MO"))[0]
        assert mo == {"from": DEVICE, "text": MO_TEXT}, mo

    async def unbind(self):
        smsbox, bearerbox = self.boxes[1], self.boxes[0]
        smsbox.terminate()
        assert smsbox.wait(PATIENCE_SECONDS) == 0, "smsbox did not end well"
        bearerbox.terminate()
        assert bearerbox.wait(PATIENCE_SECONDS) == 0, "bearerbox did not end well"
        log = (self.folder / "bearerbox.log").read_text(errors="replace")
        assert "unbind_resp" in log, "no unbind_resp in bearerbox.log"

    def stop(self):
        for box in self.boxes:
            if box.poll() is None:
                box.kill()
                box.wait()


async def main():
    with tempfile.TemporaryDirectory(prefix="wasmsc-kannel-") as folder:
        kannel = Kannel(folder)
        try:
            with step("bind", vital=True):
                await kannel.bind()
            with step("receipt"):
                await kannel.send("plain", text=PLAIN.text)
            with step("mo"):
                await kannel.take_mo()
            with step("parts"):
                await kannel.send("parts", text="".join(part.text for part in PARTS))
            with step("ucs2"):
                await kannel.send("ucs2", text=EMOJI.text, coding=2)
            with step("payload"):
                payload = quote(PAYLOAD.octets.decode("latin-1"), encoding="latin-1")
                await kannel.send("payload", **{"meta-data": f"?smpp?payload={payload}"})
            with step("unbind"):
                await kannel.unbind()
        finally:
            kannel.stop()


asyncio.run(main())
