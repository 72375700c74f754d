"""Asking witnesses: a bad one costs the log that witness's vote, and neither time nor the office's work."""

import base64
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.control.trail.grounds import NAME

from bagipakai.control.trail import witnessing
from bagipakai.control.trail.sequencer import REST
from bagipakai.control.trail.witnessing import Asked, Disagrees, Silent, witnesses
from bagipakai.core.notes import Checkpoint, Kind, Note, NoteSigner, Signature
from bagipakai.core.tiles import Log, grown

SHORT = 0.5
LOG_KEY = NoteSigner(NAME, Kind.LOG, b"\1" * 32)
KEY = NoteSigner("saksi", Kind.ED25519_COSIGNATURE, b"\7" * 32)
OTHER = NoteSigner("saksi", Kind.ED25519_COSIGNATURE, b"\10" * 32)


def a_log(size, word="leaf"):
    files = {}
    empty = Log(files.__getitem__, 0)
    files.update(grown(empty, [f"{word} {number}".encode() for number in range(size)]))
    return Log(lambda name: files[name], size)


def a_checkpoint(log, *signers):
    checkpoint = Checkpoint(NAME, log.size, log.root())
    return Note(checkpoint.text, tuple(one.sign(checkpoint.text, int(time.time())) for one in signers)), checkpoint


LOG = a_log(10)
NOTE, CHECKPOINT = a_checkpoint(LOG, LOG_KEY)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    monkeypatch.setattr(witnessing, "PATIENCE", SHORT)


@pytest.fixture
def told():
    """Starts a witness that answers by `posted` and `shown`: each gives (status, body), or talks by itself."""
    servers = []

    def start(posted, shown=lambda _: (404, b"")):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self._say(posted)

            def do_GET(self):
                self._say(shown)

            def _say(self, how):
                if answer := how(self):
                    status, body, *headers = answer
                    self.send_response(status)
                    for name, value in headers:
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, args=[0.05], daemon=True).start()
        servers.append(serving)
        return asked(f"http://127.0.0.1:{serving.server_address[1]}")

    yield start
    for serving in servers:
        serving.shutdown()
        serving.socket.close()


def asked(url):
    return Asked("saksi", KEY.public, url, (LOG_KEY.public,))


def ask(one, seen=0):
    return one.cosign(NOTE, CHECKPOINT, LOG, seen)


def always(status, body=b"", *headers):
    return lambda _: (status, body, *headers)


def shows(log, *signers):
    return always(200, bytes(a_checkpoint(log, *signers)[0]))


def test_a_good_answer_is_a_cosignature(told):
    line = KEY.sign(NOTE.text, 1_800_000_000)
    assert ask(told(always(200, line.line.encode()))) == line
    both = OTHER.sign(NOTE.text, 5).line + line.line  # lines of keys that nobody asked for are passed over
    assert ask(told(always(200, both.encode()))) == line


FALSE = Signature(KEY.public.name, KEY.public.id, b"\0" * 72)


@pytest.mark.parametrize(
    "answer",
    [
        always(200, b""),
        always(200, b"ok\n"),
        always(200, b"\xff\xfe\n"),
        always(200, FALSE.line.encode()),
        always(200, OTHER.sign(NOTE.text, 5).line.encode()),
        always(200, KEY.sign(a_checkpoint(a_log(11))[0].text, 5).line.encode()),
        always(200, KEY.sign(NOTE.text, 5).line.encode()[:-1]),
        always(200, KEY.sign(NOTE.text, 5).line.encode() + b"\n"),
        always(201, KEY.sign(NOTE.text, 5).line.encode()),
        always(403),
        always(404),
        always(500, b"x" * 1000),
        always(409, b"seven\n"),
        always(409, b"7"),
        always(409, "７\n".encode()),
        always(409, b"10\n"),
        always(409, b"9" * 400 + b"\n"),
    ],
)
def test_what_is_no_answer_is_silence(told, answer):
    with pytest.raises(Silent, match="saksi"):
        ask(told(answer))


def test_nobody_there_is_silence():
    for url in (
        "http://127.0.0.1:9",
        "http://127.0.0.1:99999",
        "http://[",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "x",
    ):
        with pytest.raises(Silent):
            ask(asked(url))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(told, status):
    reached = []
    other = told(lambda _: reached.append(1) or (200, KEY.sign(NOTE.text, 5).line.encode()))
    with pytest.raises(Silent):
        ask(told(always(status, b"", ("Location", other.url + "/add-checkpoint"))))
    assert reached == []


def test_a_proxy_of_the_environment_is_not_asked(told, monkeypatch):
    reached = []
    proxy = told(lambda _: reached.append(1) or (200, b""))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    ask(told(always(200, KEY.sign(NOTE.text, 5).line.encode())))
    assert reached == []


def test_a_huge_answer_is_not_read(told):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while len(sent) < 1000:
                handler.wfile.write(b"x" * 100_000)
                sent.append(1)
        except OSError:
            pass

    with pytest.raises(Silent):
        ask(told(endless))
    assert len(sent) < 1000


def test_one_who_says_another_size_is_asked_again_from_there(told):
    line = KEY.sign(NOTE.text, 5)
    heard = []

    def posted(handler):
        heard.append(1)
        return (409, b"4\n") if len(heard) == 1 else (200, line.line.encode())

    assert ask(told(posted), seen=7) == line
    with pytest.raises(Silent):  # but not for ever
        ask(told(always(409, b"4\n")))


# Saying that it has seen more, or other


LONGER, FORKED = a_log(12), a_log(10, "other")


@pytest.mark.parametrize(
    ("answer", "seen"),
    [(always(409, b"12\n"), LONGER), (always(422), FORKED), (always(422), a_log(7, "other"))],
)
def test_one_who_can_show_a_checkpoint_of_ours_that_does_not_fit_is_believed(told, answer, seen):
    with pytest.raises(Disagrees) as error:
        ask(told(answer, shows(seen, LOG_KEY, KEY)))
    assert error.value.testimony.by == "saksi"
    assert error.value.testimony.checkpoint.root == seen.root()
    assert LOG_KEY.public.signed(error.value.testimony.note)


@pytest.mark.parametrize("answer", [always(409, b"12\n"), always(422)])
@pytest.mark.parametrize(
    "shown",
    [
        always(404),
        always(500),
        always(200, b"twelve"),
        shows(LONGER, KEY),  # which the log never signed: any witness could make it up
        shows(LONGER, LOG_KEY),  # which the witness does not stand for
        shows(LONGER, LOG_KEY, OTHER),
        shows(LOG, LOG_KEY, KEY),  # which agrees
        shows(a_log(4), LOG_KEY, KEY),
        always(200, bytes(Note(NOTE.text, (FALSE, *NOTE.signatures)))),
    ],
)
def test_a_word_alone_does_not_stop_the_office(told, answer, shown):
    with pytest.raises(Silent):
        ask(told(answer, shown))


def test_the_last_it_saw_is_told_with_both_signatures(told):
    assert told(always(404)).last(NAME) is None
    found = told(always(404), shows(LONGER, LOG_KEY, KEY)).last(NAME)
    assert found.checkpoint == Checkpoint(NAME, 12, LONGER.root())
    with pytest.raises(Silent):
        told(always(404), shows(LONGER, LOG_KEY, KEY)).last("jejak.lain")


# Time


def drip(handler):
    """One byte at a time, each within everybody's patience with one byte."""
    try:
        for _ in range(200):
            handler.wfile.write(b"H")
            time.sleep(0.05)
    except OSError:
        pass


def test_a_slow_witness_does_not_keep_the_others_waiting(ground, monkeypatch):
    ground.witness("satu")
    ground.witness("dua")
    ground.witness("lambat", serve=lambda address, _: slow(address, drip))
    ground.commit(3)
    with ground.sequencer(least=2) as sequencer:
        sequencer.step()
        began = time.monotonic()
        assert sequencer.witness() == ["lambat"]
        assert time.monotonic() - began < SHORT + 1
        assert ground.store.checkpoint("checkpoint")[1].size == 3
        began = time.monotonic()
        assert sequencer.witness() == ["lambat"]  # it rests, and costs nothing
        assert time.monotonic() - began < SHORT
        monkeypatch.setattr(time, "monotonic", lambda later=time.monotonic: later() + REST + 1)
        assert threading.active_count() < 12
        assert sequencer.witness() == ["lambat"]  # and is not asked twice while it still talks


test_a_slow_witness_does_not_keep_the_others_waiting.pytestmark = [pytest.mark.django_db]


def slow(address, how):
    class Handler(BaseHTTPRequestHandler):
        do_POST = do_GET = how

        def log_message(self, *_):
            pass

    serving = ThreadingHTTPServer(address, Handler)
    serving.daemon_threads = True
    return serving


def test_one_who_takes_the_call_and_says_nothing_is_silence():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        began = time.monotonic()
        with pytest.raises(Silent):
            ask(asked(f"http://127.0.0.1:{deaf.getsockname()[1]}"))
        assert time.monotonic() - began < SHORT + 1


@pytest.mark.django_db
def test_a_witness_that_comes_back_is_heard_again(ground, monkeypatch):
    ground.witness("satu")
    ground.witness("dua")
    line = ground.witnesses["dua"]
    ground.silence("dua")
    ground.commit(3)
    assert ground.step(least=1) == ["dua"]
    ground.witnesses["dua"] = line
    ground.commit(3)
    assert ground.step(least=2) == []
    assert ground.store.checkpoint("checkpoint")[1].size == 6
    assert ground.verified(least=2)


def test_a_witness_without_an_address_is_not_asked(ground_policy="log {}\nwitness a {}\nquorum a\n"):
    from bagipakai.core.witnesses import Policy

    policy = Policy.read(ground_policy.format(LOG_KEY.public, KEY.public))
    assert witnesses(policy) == []


def test_the_proof_of_a_submission_is_the_one_that_the_witness_needs(told):
    heard = []

    def posted(handler):
        return (200, KEY.sign(NOTE.text, 5).line.encode())

    class Listening(Asked):
        def _call(self, method, path, body=None):
            heard.append(body)
            return super()._call(method, path, body)

    one = told(posted)
    Listening(one.name, one.key, one.url, one.logs).cosign(NOTE, CHECKPOINT, LOG, 4)
    head, _, note = heard[0].decode().partition("\n\n")
    first, *proof = head.split("\n")
    assert first == "old 4" and note.encode() == bytes(NOTE)
    assert [base64.b64decode(one) for one in proof] == LOG.consistency(4)
