"""The national e-sign service, in small: our assumed contract, answered on this machine alone. What is promised of it
is checked by the same tests as the local signer (test_signing.py)."""

import base64
import hashlib
import json
import tempfile
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from bagipakai.control.signing import pades
from bagipakai.control.signing.acts import Holder
from bagipakai.control.signing.local import House

TOKEN = "kunci-layanan-untuk-uji"


class NationalService:
    """A service whose authority is `house`. It answers as a good service does; `instead` maps "METHOD path" (its first
    word) to what it answers once instead: a status and a body."""

    def __init__(self, house: House) -> None:
        self.house, self.at, self.waiting, self.lies = house, None, 0, False
        self.instead: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.asked: list[dict] = []
        self.bodies: list[bytes] = []

    def __enter__(self) -> "NationalService":
        service = self

        class Answering(BaseHTTPRequestHandler):
            def log_message(self, *told) -> None: ...

            def do_GET(self) -> None:
                self.answer("GET", b"")

            def do_POST(self) -> None:
                self.answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, method: str, body: bytes) -> None:
                service.bodies.append(body)
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    status, content, more = 401, b"{}", {}
                else:
                    status, content, more = service.answered(method, self.path.lstrip("/"), body)
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.token = Path(self.folder.name) / "token"
        self.token.write_text(TOKEN + "\n")
        self.token.chmod(0o600)
        return self

    def __exit__(self, *told) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def stands_at(self, at: datetime) -> None:
        self.at = at

    def credential(self):
        return self.house.signer(Holder("SEGEL/KEMENSOS", "Segel Kementerian Sosial")).credential(self.at)

    def answered(self, method: str, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        if instead := self.instead.pop(f"{method} {path.split('/', maxsplit=1)[0]}", None):
            return instead
        match method, path.split("/"):
            case "GET", ["signers", _]:
                der = [self.credential().certificate, self.house.authority.root]
                told = {
                    "certificates": [_text(one.public_bytes(Encoding.DER)) for one in der],
                    "time_certificates": [_text(self.house.time.root.public_bytes(Encoding.DER))],
                    "crls": [_text(self.house.authority.crl(self.at)), _text(self.house.time.crl(self.at))],
                }
                return 200, json.dumps(told).encode(), {}
            case "POST", ["signatures"]:
                self.asked.append(json.loads(body))
                return 201, json.dumps({"id": f"t{len(self.asked)}"}).encode(), {}
            case "GET", ["signatures", request]:
                if self.waiting:
                    self.waiting -= 1
                    return 200, b'{"status": "WAITING"}', {}
                digest = bytes.fromhex(self.asked[int(request[1:]) - 1]["sha256"])
                if self.lies:
                    digest = hashlib.sha256(digest).digest()
                signature = self.credential().key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
                return 200, json.dumps({"status": "SIGNED", "signature": _text(signature)}).encode(), {}
            case "POST", ["timestamps"]:
                clock = self.house.clock(self.at)
                answer = pades.awaited(clock.async_request_tsa_response(tsp.TimeStampReq.load(body)))
                return 200, answer.dump(), {}
        return 404, b"{}", {}


def _text(der: bytes) -> str:
    return base64.b64encode(der).decode()
