"""wechatpy as an independent peer: opens what we sealed, and seals for us to open. Speaks JSON over standard input and output."""

import json
import sys

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as CorpCrypto

asked = json.load(sys.stdin)
Crypto = CorpCrypto if asked["corp"] else WeChatCrypto
crypto = Crypto(asked["token"], asked["key"], asked["id"])
opened = []
for one in asked["sealed"]:
    plain = crypto.decrypt_message({"Encrypt": one["encrypt"]}, one["signature"], one["timestamp"], one["nonce"])
    opened.append(plain.decode() if isinstance(plain, bytes) else plain)
sealed = []
for number, message in enumerate(asked["messages"]):
    nonce = f"peer{number}"
    xml = xmltodict.parse(crypto.encrypt_message(message, nonce, asked["timestamp"]))["xml"]
    sealed.append({"encrypt": xml["Encrypt"], "signature": xml["MsgSignature"], "timestamp": xml["TimeStamp"], "nonce": xml["Nonce"]})
json.dump({"opened": opened, "sealed": sealed}, sys.stdout)
