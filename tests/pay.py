"""A peer of WeChat Pay that shares no line with us: wechatpayv3. As a client it speaks with our stand-in; as a server it checks what the hall
signs, signs its own answers, and seals a notification.

    pay.py client certificate|public order|paid BASE KEYS [TOLD]
    pay.py server KEYS CALLBACK
"""

import json
import os
import sys
import threading
import time
import uuid
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import requests
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpayv3.utils import load_certificate, load_private_key, rsa_sign, rsa_verify

CHINA = timezone(timedelta(hours=8))


def rfc3339(moment):
    return moment.astimezone(CHINA).isoformat(timespec="seconds")


def client(mode, step, base, keys, told):
    if mode == "certificate":
        # It asks for certificates while it is made, at the real address; here it does so a moment later.
        Core._init_certificates = lambda self: None
        proof = {}
    else:
        proof = {"public_key": keys["public_key"], "public_key_id": keys["public_id"]}
    wxpay = WeChatPay(wechatpay_type=WeChatPayType.NATIVE, mchid=keys["mchid"], private_key=keys["key"], cert_serial_no=keys["serial"],
                      apiv3_key=keys["secret"], appid=keys["appid"], notify_url="https://hall.example.org/callback/pay", **proof)
    wxpay._core._gate_way = base
    if mode == "certificate":
        wxpay._core._update_certificates()
        assert wxpay._core._certificates, "it reads our certificates"
    number = f"PEER-{mode}-1"
    if step == "order":
        code, message = wxpay.pay(description="门票", out_trade_no=number, amount={"total": 100})
        assert code == 200 and "/pay/wx" in json.loads(message)["code_url"], (code, message)
        code, message = wxpay.pay(description="门票", out_trade_no=number, amount={"total": 101})
        assert code == 400 and json.loads(message)["code"] == "INVALID_REQUEST", (code, message)
        code, message = wxpay.query(out_trade_no=number)
        assert code == 200 and json.loads(message)["trade_state"] == "NOTPAY", (code, message)
        other = f"PEER-{mode}-2"
        assert wxpay.pay(description="门票", out_trade_no=other, amount={"total": 1})[0] == 200
        code, message = wxpay.close(out_trade_no=other)
        assert code == 204, (code, message)
        assert json.loads(wxpay.query(out_trade_no=other)[1])["trade_state"] == "CLOSED"
        return
    with open(told, encoding="utf-8") as file:
        told = json.load(file)
    result = wxpay.callback(told["headers"], told["body"])
    assert result and result["event_type"] == "TRANSACTION.SUCCESS", result
    assert result["resource"]["out_trade_no"] == number and result["resource"]["amount"]["total"] == 100, result
    assert wxpay.callback(told["headers"], told["body"].replace("TRANSACTION", "TRANSACTI0N")) is None, "a forgery is none"
    code, message = wxpay.refund(out_refund_no=f"R-{number}", out_trade_no=number, amount={"refund": 40, "total": 100, "currency": "CNY"})
    assert code == 200 and json.loads(message)["status"] == "PROCESSING", (code, message)
    code, message = wxpay.query_refund(f"R-{number}")
    assert code == 200 and json.loads(message)["amount"]["refund"] == 40, (code, message)
    code, message = wxpay.trade_bill(bill_date=rfc3339(datetime.now(CHINA))[:10])
    assert code == 400 and json.loads(message)["code"] == "PARAM_ERROR", (code, message)


class Peer(BaseHTTPRequestHandler):
    keys = {}
    callback = ""
    orders = {}

    def log_message(self, *_):
        pass

    def parts(self):
        header = self.headers["Authorization"].removeprefix("WECHATPAY2-SHA256-RSA2048 ")
        return dict(part.split("=", 1) for part in header.split(","))

    def signed(self, body):
        """Whether the hall signed this request: the peer's own check of a signature, over the text of a request."""
        parts = {name: value.strip('"') for name, value in self.parts().items()}
        if parts["mchid"] != self.keys["mchid"] or parts["serial_no"] != self.keys["serial"]:
            return False
        if abs(time.time() - int(parts["timestamp"])) > 300:
            return False
        key = load_certificate(self.keys["certificate"]).public_key()
        # rsa_verify puts the line ends between three parts; a request has five, of which the first two come first.
        head = f"{self.command}\n{self.path}\n{parts['timestamp']}"
        return rsa_verify(head, parts["nonce_str"], body, parts["signature"], key)

    def answer(self, status, value):
        body = "" if value is None else json.dumps(value)
        self.send_response(status)
        for name, text in proof(self.keys, body).items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if not self.signed(body):
            return self.answer(401, {"code": "SIGN_ERROR", "message": "no"})
        path = self.path.split("?")[0]
        if path == "/v3/certificates":
            return self.answer(200, {"data": [certificate(self.keys)]})
        if path == "/v3/pay/transactions/native":
            asked = json.loads(body)
            self.orders[asked["out_trade_no"]] = asked
            return self.answer(200, {"code_url": "weixin://wxpay/bizpayurl?pr=peer"})
        number = path.rsplit("/", 1)[-1]
        if number not in self.orders:
            return self.answer(404, {"code": "ORDER_NOT_EXIST", "message": "no"})
        self.answer(200, trade(self.keys, self.orders[number], "NOTPAY"))
        threading.Thread(target=notify, args=(self.keys, self.callback, self.orders[number])).start()

    do_GET = do_POST = handle_any


def proof(keys, body):
    timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
    signature = rsa_sign(load_private_key(keys["platform_key"]), f"{timestamp}\n{nonce}\n{body}\n")
    return {"Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce, "Wechatpay-Signature": signature,
            "Wechatpay-Serial": keys["platform_serial"], "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048"}


def sealed(keys, kind, text):
    nonce = uuid.uuid4().hex[:12]
    cipher = AESGCM(keys["secret"].encode()).encrypt(nonce.encode(), text.encode(), kind.encode())
    return {"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": kind, "ciphertext": b64encode(cipher).decode()}


def certificate(keys):
    now = datetime.now(CHINA)
    return {"serial_no": keys["platform_serial"], "effective_time": rfc3339(now - timedelta(days=1)), "expire_time": rfc3339(now + timedelta(days=365)),
            "encrypt_certificate": sealed(keys, "certificate", keys["platform_certificate"])}


def trade(keys, asked, state):
    out = {"appid": keys["appid"], "mchid": keys["mchid"], "out_trade_no": asked["out_trade_no"], "trade_state": state, "amount": asked["amount"]}
    if state == "SUCCESS":
        out |= {"transaction_id": "4200000000202611260000000001", "success_time": rfc3339(datetime.now(CHINA))}
    return out


def notify(keys, callback, asked):
    resource = sealed(keys, "transaction", json.dumps(trade(keys, asked, "SUCCESS"), ensure_ascii=False))
    resource["original_type"] = "transaction"
    body = json.dumps({"id": str(uuid.uuid4()), "create_time": rfc3339(datetime.now(CHINA)), "resource_type": "encrypt-resource",
                       "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功", "resource": resource}, ensure_ascii=False)
    said = requests.post(callback, data=body.encode(), headers={**proof(keys, body), "Content-Type": "application/json"}, timeout=20)
    print("notified", said.status_code, flush=True)


def server(keys, callback):
    Peer.keys, Peer.callback = keys, callback
    listening = HTTPServer(("127.0.0.1", 0), Peer)
    print(f"http://127.0.0.1:{listening.server_port}", flush=True)
    listening.serve_forever()


def main():
    os.environ["NO_PROXY"] = "127.0.0.1"
    if sys.argv[1] == "client":
        mode, step, base, path = sys.argv[2:6]
        with open(path, encoding="utf-8") as file:
            client(mode, step, base, json.load(file), sys.argv[6] if len(sys.argv) > 6 else None)
    else:
        with open(sys.argv[2], encoding="utf-8") as file:
            server(json.load(file), sys.argv[3])


main()
