"""The witness at its address: `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint` for comparing.

It stands in the open and knows nobody, so it gives nobody much: a body has one stated length and a limit, a connection
a short life, and there are never more than a few of them. What was not read to its end is not followed by more.
"""

import re
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Timer
from typing import Any

from bagipakai.core.notes import LONGEST
from bagipakai.witness.cosigning import Answer, Witness

LONGEST_BODY = LONGEST + 4096  # a note, and a proof of 63 lines before it
LIFE = 30.0  # seconds; whoever sends one byte at a time has no more of them
MOST = 128  # connections at a time
CONTENT_TYPES = {409: "text/x.tlog.size"}
NOT_OURS = {501: 405, 505: 400}  # faults of whoever asks, which the standard library calls ours


class Server(ThreadingHTTPServer):
    """One thread for each connection, `MOST` of them; one more is closed at once."""

    request_queue_size = MOST

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._free = BoundedSemaphore(MOST)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            return self.shutdown_request(request)
        try:
            return super().process_request(request, client_address)
        except BaseException:  # no thread came of it that would give the place back
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The kind of the fault; not whose request it was, nor what was in it."""
        print(f"saksi: {type(sys.exception()).__name__}", file=sys.stderr)


def server(address: tuple[str, int], witness: Witness, life: float = LIFE) -> Server:
    """A server bound to `address`, not yet serving. Port 0 takes a free one. A connection lasts `life` seconds."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self._end = Timer(life, self._cut)
            self._end.daemon = True
            self._end.start()

        def finish(self) -> None:
            self._end.cancel()
            super().finish()

        def _cut(self) -> None:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def do_POST(self) -> None:
            length = self._length()
            if self.path != "/add-checkpoint" or length is None or length > LONGEST_BODY:
                self._leave(length or 0)
                return self._say(Answer(400 if self.path == "/add-checkpoint" else 404))
            body = self.rfile.read(length)
            if len(body) < length:  # the sender is gone; half a submission is none
                self.close_connection = True
                return None
            return self._say(self._asked(lambda: witness.add_checkpoint(body)))

        def do_GET(self) -> None:
            if self._length() != 0:
                self._leave(0)
            digest, _, rest = self.path.removeprefix("/").partition("/")
            self._say(self._asked(lambda: witness.last(digest)) if rest == "checkpoint" else Answer(404))

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            self._leave(0)
            self._say(Answer(NOT_OURS.get(code, code)))

        def version_string(self) -> str:
            return "saksi"

        def log_message(self, format: str, *args: object) -> None:
            """The memory is the record; addresses of those who ask are not kept."""

        def _length(self) -> int | None:
            """How many bytes follow; None where that is not said in the one plain way."""
            stated = self.headers.get_all("Content-Length", [])
            if "Transfer-Encoding" in self.headers or len(stated) > 1:
                return None
            if not stated:
                return None if self.command == "POST" else 0
            return int(stated[0]) if re.fullmatch("[0-9]{1,9}", stated[0]) else None

        def _leave(self, length: int) -> None:
            """This connection ends here. A body a little too long is read away, so that the answer is not lost."""
            self.close_connection = True
            self.rfile.read(min(length, 4 * LONGEST_BODY))

        def _asked(self, what: Callable[[], Answer]) -> Answer:
            try:
                return what()
            except (sqlite3.Error, OSError) as error:  # a witness that cannot remember does not cosign
                print(f"saksi: {type(error).__name__}", file=sys.stderr)
                self.close_connection = True
                return Answer(503)

        def _say(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", CONTENT_TYPES.get(answer.status, "text/plain; charset=utf-8"))
            self.send_header("Content-Length", str(len(body)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Server(address, Handler)
