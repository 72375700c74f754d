"""The real nginx before the office, by the file that production uses: it hands out bytes only as the office says, one
stretch at a time, and answers Range and If-Range over them as if it held the file."""

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.urls import reverse
from tests import fakes
from tests.authenticators import order_about
from tests.factories import a_request
from tests.portal.conftest import plain_static_files
from tests.portal.steps import entering
from tests.portal.test_downloads import PART, at_most_three, link, ranges_told

from bagipakai.control import access
from bagipakai.control.models import Denial
from bagipakai.core.request import Role, Status
from bagipakai.portal.downloads.ranges import STRETCH

__all__ = ["at_most_three", "plain_static_files"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_nginx = pytest.mark.skipif(
    NGINX is None, reason="NGINX IS NOT INSTALLED: nothing here was tried (apt install nginx)"
)

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
SLICE = 1024 * 1024  # here instead of 8 MiB
SIZE = 15 * SLICE + 5
PARTS = os.urandom(SIZE)


def configured(folder: Path, port: int, office: str) -> str:
    """The file of production, on other ground; what it does not say otherwise stays as it is."""
    text = CONFIGURATION.read_text()
    for there, here, times in (
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port};", 1),
        (r"ssl_\w+ +[^;]+;", "", 3),
        ("127.0.0.1:8000; }", f"{office}; }}", 1),
        ("unix:/run/bagipakai/doorman.sock", f"unix:{folder}/doorman.sock", 2),
        ("/var/log/nginx/error.log crit", f"{folder}/error.log info", 2),
        ("/var/lib/bagipakai/packages/", f"{access.packages()}/", 1),
        ("slice 8m;", f"slice {SLICE};", 1),
    ):
        text, found = re.subn(there, here, text)
        assert found == times, there
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    top = f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log info; events {{}}"
    return f"{top} http {{ access_log off; {temporary}\n{text}\n}}"


class Gate:
    """nginx, as whoever follows a link meets it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.cookie = ""

    def open(self, address: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        asking.putrequest(method, address, skip_accept_encoding=True)
        for name, value in {"Cookie": self.cookie, **headers}.items():
            asking.putheader(name.replace("_", "-"), value)
        asking.endheaders()
        return asking.getresponse()

    def get(self, address: str, method: str = "GET", **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
        with closing(self.open(address, method, **headers)) as answer:
            return answer.status, answer.read(), answer.headers

    def errors(self) -> str:
        return (self.folder / "error.log").read_text()


@pytest.fixture
def gate(live_server, settings, plain_static_files, tmp_path_factory):
    settings.ACCEL = "/kiriman/"
    folder = tmp_path_factory.mktemp("n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = folder / "nginx.conf"
    file.write_text(configured(folder, port, live_server.url.removeprefix("http://")))
    with subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(file)], stderr=subprocess.PIPE) as nginx:
        try:
            for _ in range(200):
                with socket.socket() as door:
                    if door.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert nginx.poll() is None, nginx.stderr.read().decode()
                time.sleep(0.05)
            yield Gate(folder, port)
        finally:
            nginx.terminate()


@pytest.fixture
def chain(monkeypatch):
    monkeypatch.setattr(fakes, "SEALED", PARTS)
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain):
    return access.grant_of(chain.reference)


@pytest.fixture
def handler(chain, gate):
    reader = entering(chain.asking[Role.AUTHORISED_HANDLER])
    gate.cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in reader.cookies.items())
    return reader


def stretches(first: int, last: int) -> list[tuple[int, int]]:
    """What the office is asked for, and tells the trail, when these bytes are sent."""
    numbers = range(first // SLICE, last // SLICE + 1)
    return [(number * SLICE, min((number + 1) * SLICE, SIZE) - 1) for number in numbers]


def test_production_asks_for_no_more_at_once_than_the_office_leaves_to_nginx():
    text = CONFIGURATION.read_text()
    assert re.findall(r"slice (\d+)m;", text) == [str(STRETCH // 1024**2)]
    assert re.search(r"BAGIPAKAI_ACCEL=(\S+)", text)[1] == re.search(r"location (\S+) \{ +# BAGIPAKAI_ACCEL", text)[1]


@needs_nginx
def test_a_part_comes_whole_and_in_pieces_each_stretch_asked_for_and_told(gate, chain, grant, handler):
    address, etag = link(chain, handler), f'"{access.manifest_of(grant).parts[0].sealed_sha256}"'
    status, content, headers = gate.get(address)
    assert (status, content) == (200, PARTS)
    kept = ("ETag", "Content-Length", "Content-Disposition", "Cache-Control", "X-Content-Type-Options", "Content-Type")
    assert [headers[name] for name in kept] == [
        *(etag, str(SIZE), f'attachment; filename="{PART}"', "private, no-store", "nosniff"),
        "application/octet-stream",
    ]
    assert headers.get_all("ETag") == [etag] and headers["Accept-Ranges"] == "bytes"
    assert headers["Last-Modified"] is None and headers["X-Accel-Redirect"] is None
    told = stretches(0, SIZE - 1)
    assert ranges_told(grant) == told and len(told) == 16

    half = SIZE // 2
    for asked, first, last in (
        ("bytes=100-199", 100, 199),
        (f"bytes={half}-", half, SIZE - 1),
        (f"bytes={SLICE - 1}-{SLICE}", SLICE - 1, SLICE),
        (f"bytes={SIZE - 1}-{9 * SIZE}", SIZE - 1, SIZE - 1),
    ):
        status, content, headers = gate.get(address, Range=asked)
        assert (status, content) == (206, PARTS[first : last + 1]), asked
        assert headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}" and headers["ETag"] == etag
        told += stretches(first, last)
        assert ranges_told(grant) == told, asked
    status, content, _ = gate.get(address, Range="bytes=-7")  # where the end is, the first stretch must say
    assert (status, content) == (206, PARTS[-7:])
    told += [*stretches(0, 0), *stretches(SIZE - 7, SIZE - 1)]
    assert ranges_told(grant) == told
    status, content, headers = gate.get(address, "HEAD")
    assert (status, content, headers["Content-Length"], headers["ETag"]) == (200, b"", str(SIZE), etag)
    status, _, headers = gate.get(address, Range=f"bytes={SIZE * 2}-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert ranges_told(grant) == told


@needs_nginx
def test_a_transfer_is_resumed_on_the_same_file_and_on_no_other(gate, chain, grant, handler):
    address, half = link(chain, handler), SIZE // 2
    etag = gate.get(address, "HEAD")[2]["ETag"]
    status, content, _ = gate.get(address, Range=f"bytes={half}-", If_Range=etag)
    assert (status, content) == (206, PARTS[half:])
    for stale in ('"' + "0" * 64 + '"', f"W/{etag}", "Thu, 26 Nov 2026 00:00:00 GMT"):
        status, content, _ = gate.get(address, Range=f"bytes={half}-", If_Range=stale)
        assert (status, content) == (200, PARTS), stale
    assert gate.get(address, Range="bytes=0-1,5-9")[:2] == (200, PARTS), "two at once: the whole"
    (access.packages() / grant.package / PART).write_bytes(PARTS[:-1])
    assert gate.get(address, Range="bytes=0-9")[0] == 404, "no other bytes go by the manifest's digest"


@needs_nginx
def test_an_ended_right_is_told_at_the_next_range_and_ends_a_transfer(gate, chain, grant, handler):
    """S09: what nginx has begun it goes on with, so it never has more than one stretch to begin with."""
    address, other = link(chain, handler), link(chain, handler, "kamus.csv.age")
    assert gate.get(other, Range="bytes=0-1")[:2] == (206, PARTS[:2])
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    slow.connect(("127.0.0.1", gate.port))
    slow.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {gate.cookie}\r\n\r\n".encode())
    with slow, closing(http.client.HTTPResponse(slow)) as answer:
        answer.begin()
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))
        begun = answer.read(SLICE // 2)
        order_about(grant, access.Action.REVOKE, chain.office[Role.CONTROLLER], "Perjanjian diakhiri")
        with pytest.raises(http.client.IncompleteRead) as broken:
            answer.read()
    came = begun + broken.value.partial
    left = ranges_told(grant)
    assert came == PARTS[: len(came)] and len(came) <= left[-1][1] + 1 < SIZE
    status, page, _ = gate.get(other, Range="bytes=2-3")
    assert status == 409 and PARTS[2:4] not in page[:2]
    assert gate.get(address)[0] == 409 and ranges_told(grant) == left
    assert Denial.objects.filter(person=chain.asking[Role.AUTHORISED_HANDLER]).count() == 3


@needs_nginx
def test_nothing_leads_to_the_store_but_the_office(gate, chain, grant, handler):
    address, lies = link(chain, handler), f"{grant.package}/{PART}"
    ways = [
        f"/kiriman/{lies}",
        f"//kiriman/{lies}",
        f"/%6biriman/{lies}",
        f"/kiriman/../kiriman/{lies}",
        f"/permintaan/x/unduh/../../../kiriman/{lies}",
        f"/permintaan/x/unduh/..%2f..%2f..%2fkiriman%2f{lies}/x",
        "/kiriman/../keys/control/session.key",
        "/kiriman/..%2fkeys/control/session.key",
        "/kiriman../keys/control/session.key",
        "/permintaan/%2e%2e/unduh/%2e%2e/keys",
        reverse("downloads:send", args=[chain.reference, PART, "x"]).replace(PART, "..%2f..%2fkeys"),
    ]
    secret = (access.packages().parent / "keys" / "control" / "session.key").read_bytes()
    for way in ways:
        status, content, _ = gate.get(way, X_Accel_Redirect=f"/kiriman/{lies}")
        assert status in (302, 400, 404, 405, 410), (way, status)
        assert PARTS[:64] not in content and secret not in content, way
    with socket.socket(socket.AF_UNIX) as door:  # nor does who stands at the doorman's own door
        door.connect(str(gate.folder / "doorman.sock"))
        door.sendall(f"GET /kiriman/{lies} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert door.recv(64).split()[1] == b"404"
    cookie, gate.cookie = gate.cookie, ""
    assert gate.get(address)[0] == 302, "nobody follows a link without logging in"
    gate.cookie = cookie
    (access.packages() / grant.package / PART).unlink()
    (access.packages() / grant.package / PART).symlink_to(Path("/dev/zero"))
    assert gate.get(address, Range="bytes=0-1")[0] == 404
    assert ranges_told(grant) == []


@needs_nginx
def test_who_hammers_is_told_to_wait(gate, chain, grant, handler, at_most_three):
    address = link(chain, handler)
    for _ in range(3):
        assert gate.get(address, Range="bytes=0-0")[:2] == (206, PARTS[:1])
    status, page, headers = gate.get(address, Range="bytes=0-0")
    assert status == 429 and 780 <= int(headers["Retry-After"]) <= 900 and b"too-many-ranges" in page
    assert ranges_told(grant) == 3 * stretches(0, 0)
