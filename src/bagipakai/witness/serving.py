"""The witness at its address: `POST /add-checkpoint`, and `GET /<SHA-256 of the origin>/checkpoint` for comparing."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bagipakai.core.notes import LONGEST
from bagipakai.witness.cosigning import Answer, Witness

CONTENT_TYPES = {409: "text/x.tlog.size"}


def server(address: tuple[str, int], witness: Witness) -> ThreadingHTTPServer:
    """A server bound to `address`, not yet serving. Port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 20
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint":
                return self._say(Answer(404))
            if not (length.isascii() and length.isdigit()) or int(length) > LONGEST:
                self.close_connection = True  # what follows was not read
                return self._say(Answer(400))
            return self._say(witness.add_checkpoint(self.rfile.read(int(length))))

        def do_GET(self) -> None:
            digest, _, rest = self.path.removeprefix("/").partition("/")
            self._say(witness.last(digest) if rest == "checkpoint" else Answer(404))

        def _say(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", CONTENT_TYPES.get(answer.status, "text/plain; charset=utf-8"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The memory is the record; addresses of those who ask are not kept."""

    return ThreadingHTTPServer(address, Handler)
