#!/usr/bin/env python3
"""Sends one SMS through a running wasmsc and shows the answer.

    python3 send_sms.py "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN"
    python3 send_sms.py --from +46700000001 --to 7001 STATUS

It plays the mobile network: it binds as the network account `sim` and submits the text as if the device
had sent it. The client is the package smpplib, which knows nothing of wasmsc.
"""

import argparse
import logging
import socket
import sys
import time

try:
    from smpplib.client import Client
    from smpplib.exceptions import ConnectionError, PDUError
    from smpplib.smpp import make_pdu
except ImportError:
    sys.exit(
        "This needs the Python package smpplib:\n"
        "    python3 -m venv /tmp/smpp && /tmp/smpp/bin/pip install smpplib==2.2.4\n"
        "    /tmp/smpp/bin/python send_sms.py ..."
    )

INTERNATIONAL, NATIONAL = 1, 2  # type of number
ISDN = 1  # numbering plan
GSM_DEFAULT, UCS2 = 0, 8  # data_coding


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="the SMS")
    parser.add_argument("--from", dest="device", default="+46700000001", metavar="DEVICE")
    parser.add_argument("--to", dest="number", default="7001", metavar="NUMBER")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2775)
    parser.add_argument("--system-id", default="sim")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--wait", type=float, default=5, metavar="SECONDS", help="for the answer")
    return parser.parse_args()


def submit(client, args):
    """Submits the text and returns its sequence_number, by which the response is known."""
    pdu = make_pdu(
        "submit_sm",
        client=client,
        source_addr_ton=INTERNATIONAL,
        source_addr_npi=ISDN,
        source_addr=args.device.lstrip("+"),
        dest_addr_ton=NATIONAL,
        dest_addr_npi=ISDN,
        destination_addr=args.number,
        data_coding=GSM_DEFAULT,
        short_message=args.text.encode("ascii"),
    )
    client.send_pdu(pdu)
    return pdu.sequence


def respond(client, command, request):
    response = make_pdu(command, client=client)
    response.sequence = request.sequence
    client.send_pdu(response)


def text_of(pdu):
    # ASCII is all of the GSM alphabet that the rule uses.
    encoding = "utf-16-be" if pdu.data_coding == UCS2 else "ascii"
    return pdu.short_message.decode(encoding, errors="replace")


def converse(client, args):
    """Prints the message id and the answers; returns the exit code."""
    sequence = submit(client, args)
    print(f"{args.device} -> {args.number}: {args.text}")
    deadline = time.monotonic() + args.wait
    while time.monotonic() < deadline:
        pdu = client.read_pdu()
        if pdu.command == "submit_sm_resp" and pdu.sequence == sequence:
            if pdu.is_error():
                print(f"refused with command_status 0x{pdu.status:08x}")
                return 1
            print(f"accepted, message id {pdu.message_id.decode()}")
        elif pdu.command == "enquire_link":
            respond(client, "enquire_link_resp", pdu)
        elif pdu.command == "deliver_sm":
            respond(client, "deliver_sm_resp", pdu)
            device = "+" + pdu.destination_addr.decode().lstrip("+")
            print(f"{pdu.source_addr.decode()} -> {device}: {text_of(pdu)}")
            if device.lstrip("+") == args.device.lstrip("+"):
                return 0
    raise socket.timeout


def main():
    args = arguments()
    logging.disable(logging.WARNING)  # smpplib warns of closing a link that was never open
    client = Client(args.host, args.port, timeout=args.wait, allow_unknown_opt_params=True)
    try:
        client.connect()
        client.bind_transceiver(system_id=args.system_id, password=args.password)
        code = converse(client, args)
        client.unbind()
    except socket.timeout:
        print(f"no answer within {args.wait:g} s")
        code = 1
    except (ConnectionError, PDUError) as error:
        why = error.args[0] if error.args else "the server closed the link"
        print(f"no conversation with {args.host}:{args.port}: {why}")
        code = 1
    client.disconnect()
    return code


if __name__ == "__main__":
    sys.exit(main())
