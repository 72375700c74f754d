"""At its address the witness speaks C2SP tlog-witness, and gives nobody more than one short question needs."""

import re
import socket
import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest
from tests.verifier.world import LOG
from tests.witness.asking import FORK, SIGNER, TRUE, Door, cosignature, note, submission

from bagipakai.witness import serving
from bagipakai.witness.cosigning import Witness, digest_of
from bagipakai.witness.memory import Memory
from bagipakai.witness.serving import LONGEST_BODY, server

CHECKPOINT = f"/{digest_of(LOG.public.name)}/checkpoint"
TEXT = "text/plain; charset=utf-8"


@contextmanager
def opened(witness, life=30.0):
    with server(("127.0.0.1", 0), witness, life) as serving_now:
        thread = threading.Thread(target=serving_now.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Door(serving_now.server_address[1])
        finally:
            serving_now.shutdown()
            thread.join()


@pytest.fixture
def witness(tmp_path):
    return Witness(SIGNER, [LOG.public], Memory(tmp_path / "seen.sqlite"), lambda: 1000.0)


@pytest.fixture
def door(witness):
    with opened(witness) as door:
        yield door


def test_each_answer_of_the_protocol_comes_with_its_status(door):
    status, kind, body = door.post(submission(TRUE, 0, 100))
    assert (status, kind, cosignature(body, note(TRUE, 100).text)) == (200, TEXT, 1000)
    assert door.post(b"old") == (400, TEXT, "")
    assert door.post(submission(TRUE, 101, 100)) == (400, TEXT, "")
    more = submission(TRUE, 100, 200)
    assert door.post(more.replace(b"jejak.contoh.id\n200\n", b"jejak.contoh.id\n201\n")) == (403, TEXT, "")
    assert door.post(more.replace(b"jejak.contoh.id\n200\n", b"jejak.lain.id\n200\n")) == (404, TEXT, "")
    assert door.post(submission(TRUE, 3, 200)) == (409, "text/x.tlog.size", "100\n")
    assert door.post(submission(FORK, 100, 200)) == (422, TEXT, "")
    assert door.post(more)[0] == 200


def test_what_was_seen_is_there_to_be_compared(door):
    assert door.get(CHECKPOINT) == (404, TEXT, "")
    door.post(submission(TRUE, 0, 9))
    status, kind, body = door.get(CHECKPOINT)
    assert (status, kind) == (200, TEXT)
    assert body.startswith("jejak.contoh.id\n9\n")


def test_there_is_nothing_else_at_this_address(door):
    for path in (
        "/",
        "/checkpoint",
        "/add-checkpoint",
        f"{CHECKPOINT}/",
        f"/{'0' * 64}/checkpoint",
        "/../key",
        "/%2e%2e/key",
    ):
        assert door.get(path) == (404, TEXT, "")
    for path in ("/", "/add-checkpoint/", "/add-checkpoint?x", "/ADD-CHECKPOINT", CHECKPOINT):
        assert door.post(submission(TRUE, 0, 9), path) == (404, TEXT, "")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "BREW"):
        assert door.ask(method, "/add-checkpoint", b"x") == (405, TEXT, "")


@pytest.mark.parametrize("size", [LONGEST_BODY + 1, 2 * LONGEST_BODY, 3 * LONGEST_BODY])
def test_a_body_beyond_the_limit_is_refused_and_the_answer_arrives(door, size):
    assert door.post(b"x" * size) == (400, TEXT, "")
    assert door.post(submission(TRUE, 0, 9))[0] == 200


def test_a_body_of_the_greatest_size_is_read(door):
    assert door.post(submission(TRUE, 0, 9).ljust(LONGEST_BODY, b"\n"))[0] == 400


def exchange(door, sent, wait=True):
    """Raw bytes in, all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as call:
        call.sendall(sent)
        if not wait:
            call.shutdown(socket.SHUT_WR)
        received = b""
        while block := call.recv(65536):
            received += block
    return received


def statuses(received):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


BODY = submission(TRUE, 0, 9)
HEAD = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
AMBIGUOUS = {
    "no length": b"",
    "two lengths": b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(BODY),
    "the same length twice": b"Content-Length: %d\r\nContent-Length: %d\r\n" % (len(BODY), len(BODY)),
    "in pieces": b"Transfer-Encoding: chunked\r\n",
    "in pieces and with a length": b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n" % len(BODY),
    "a length with a sign": b"Content-Length: +%d\r\n" % len(BODY),
    "a length with a blank inside": b"Content-Length: 1 %d\r\n" % len(BODY),
    "a length in hexadecimal": b"Content-Length: 0x%x\r\n" % len(BODY),
    "a negative length": b"Content-Length: -1\r\n",
    "two lengths in one": b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY)),
    "Arabic digits": "Content-Length: ٩٩\r\n".encode(),
    "a length of thousands of digits": b"Content-Length: " + b"9" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("lengths", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_where_a_body_ends_is_said_in_one_plain_way_or_it_is_not_read(door, lengths):
    """And what follows is not taken for a second request."""
    hidden = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % CHECKPOINT.encode()
    received = exchange(door, HEAD + lengths + b"\r\n" + BODY + hidden, wait=False)
    assert statuses(received) == [400]
    assert door.get(CHECKPOINT)[0] == 404


def test_after_an_unread_body_the_connection_ends(door):
    hidden = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    for path in (b"POST /lain", b"GET /lain", b"PUT /add-checkpoint"):
        first = path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(hidden)
        assert len(statuses(exchange(door, first + hidden, wait=False))) == 1
    assert door.get(CHECKPOINT)[0] == 404


def test_one_connection_carries_several_questions(door):
    first = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    second = submission(TRUE, 9, 20)
    then = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(second) + second
    assert statuses(exchange(door, first + then)) == [200, 200]


def test_half_a_submission_is_none(door):
    """The sender breaks off where what it has sent so far would be a whole note."""
    more = BODY + note(TRUE, 9).signatures[0].line.encode()
    sent = HEAD + b"Content-Length: %d\r\n\r\n" % len(more) + BODY
    assert exchange(door, sent, wait=False) == b""
    assert door.get(CHECKPOINT)[0] == 404


def test_what_is_not_http_is_the_sender_s_fault(door):
    for nonsense in (
        b"\r\n\r\n",
        b"apa\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET " + b"x" * 70_000,
    ):
        received = exchange(door, nonsense, wait=False)
        assert b" 5" not in received.split(b"\r\n")[0]
    assert door.post(submission(TRUE, 0, 9))[0] == 200


def test_a_slow_sender_does_not_keep_the_others_waiting(door):
    slow = []
    try:
        for _ in range(20):
            one = socket.create_connection(("127.0.0.1", door.port), timeout=10)
            one.sendall(HEAD + b"Content-Length: 1000\r\n\r\nold")
            slow.append(one)
        start = time.monotonic()
        assert door.post(submission(TRUE, 0, 9))[0] == 200
        assert time.monotonic() - start < 5
    finally:
        for one in slow:
            one.close()


@pytest.mark.parametrize("sent", [b"", b"POST /add", HEAD, HEAD + b"Content-Length: 1000\r\n\r\n"])
def test_a_connection_has_a_short_life_however_slowly_it_is_fed(witness, sent):
    """One byte at a time keeps a socket awake for ever; here its time runs out."""
    with opened(witness, life=0.3) as door, socket.create_connection(("127.0.0.1", door.port), timeout=10) as call:
        call.sendall(sent)
        start = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - start < 5:
                call.sendall(b"o")
                time.sleep(0.02)
        assert time.monotonic() - start < 3


def test_one_connection_too_many_is_closed_and_the_rest_go_on(witness, monkeypatch):
    monkeypatch.setattr(serving, "MOST", 3)
    with opened(witness) as door:
        assert asked(door) == [404]
        held = [socket.create_connection(("127.0.0.1", door.port), timeout=10) for _ in range(3)]
        assert soon(lambda: asked(door) == [])
        for one in held:
            one.close()
        assert soon(lambda: asked(door) == [404])


def asked(door):
    """The status of a short question; none where the connection was closed at once."""
    try:
        return statuses(exchange(door, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    except ConnectionError:
        return []


def soon(true):
    """Whether it comes true within some seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_a_witness_that_cannot_remember_says_so_and_cosigns_nothing(tmp_path, capsys):
    """Not the sender's fault, so it may try again; nothing of the request is told to the operator's journal."""

    class Full(Memory):
        def move(self, before, now, note):
            raise sqlite3.OperationalError("database or disk is full")

    witness = Witness(SIGNER, [LOG.public], Full(tmp_path / "seen.sqlite"), lambda: 5.0)
    with opened(witness) as door:
        assert door.post(submission(TRUE, 0, 9)) == (503, TEXT, "")
        assert door.get(CHECKPOINT)[0] == 404
    assert capsys.readouterr().err == "saksi: OperationalError\n"


def test_nothing_is_told_about_the_machine_or_about_who_asks(door, capsys):
    received = exchange(door, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"Python" not in received
    assert b"\r\nServer: saksi\r\n" in received
    assert b"Python" not in exchange(door, b"apa saja\r\n\r\n", wait=False)
    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_many_logs_sending_at_once_are_all_answered_and_one_history_comes_out(door):
    start, answers = threading.Barrier(8), []

    def bring(trail):
        start.wait()
        for new in (50, 100, 200):
            status, _, body = door.post(submission(trail, 0, new))
            if status == 409 and int(body) <= new:
                status, _, body = door.post(submission(trail, int(body), new))
            answers.append((trail is TRUE, status))

    threads = [threading.Thread(target=bring, args=[trail]) for trail in (TRUE, FORK) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 24
    assert {status for _, status in answers} <= {200, 409, 422}
    assert len({which for which, status in answers if status == 200}) == 1
