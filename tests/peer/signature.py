"""dkimpy as an independent peer: checks a mail that we signed against the record that we show. Speaks JSON over standard input and output."""

import base64
import json
import sys

import dkim as peer

asked = json.load(sys.stdin)
message = base64.b64decode(asked["message"])
name, value = asked["record"]


def dns(wanted, timeout=5):
    return value.encode() if wanted.decode().rstrip(".") == name else None


def holds(text):
    try:
        return peer.verify(text, dnsfunc=dns)
    except peer.DKIMException:
        return False


json.dump({"whole": holds(message), "bent": holds(message.replace(asked["part"].encode(), asked["other"].encode()))}, sys.stdout)
