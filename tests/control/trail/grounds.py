"""The trail without the office's pages: its database, its folder, its keys, and witnesses that listen."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from bagipakai import postgres, verifier
from bagipakai.control.trail import house
from bagipakai.control.trail.sequencer import Sequencer
from bagipakai.control.trail.store import Store
from bagipakai.core.notes import Kind, NoteSigner
from bagipakai.core.witnesses import Policy
from bagipakai.witness.cosigning import Witness
from bagipakai.witness.memory import Memory
from bagipakai.witness.serving import server

NAME = "berbagipakai.dtsen/jejak"
TABLES = ("leaf", "opening", "stop", "lift")


def at_database(url, name):
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextlib.contextmanager
def clear(owner, name):
    """A copy of the tests' database under another name, without the office that may stand there, for as long as the
    block lasts. Nobody may be in the first."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(connection.settings_dict["NAME"])
    )
    with psycopg.connect(owner, autocommit=True) as opened:
        opened.execute(drop)
        opened.execute(copy)
        with psycopg.connect(at_database(owner, name)) as copied:
            fenced = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'stays' ORDER BY 1"
            tables = [table for (table,) in copied.execute(fenced)]
            for table in tables:
                copied.execute(f"ALTER TABLE {table} DISABLE TRIGGER stays")
            copied.execute("TRUNCATE control_institution, control_person, control_release CASCADE")
            for table in tables:
                copied.execute(f"ALTER TABLE {table} ENABLE TRIGGER stays")
        yield
        opened.execute(drop)


def superuser():
    """The address of the embedded server's own superuser, or None: on a foreign server nobody gives it to us."""
    parts = urlsplit(postgres.url(postgres.OWNER))
    if any(os.environ.get(variable) for variable in postgres.ADDRESSES.values()):
        return None
    return urlunsplit(parts._replace(netloc="postgres@"))


def body(number, event="request.SUBMIT"):
    """A leaf's text as tests write it without the office."""
    told = {
        "at": "2026-12-01T03:00:00.000+00:00",
        "event": event,
        "object_hash": f"{number:064x}",
        "object_ref": f"PMT-2026-{number:06d}#1",
        "v": 1,
    }
    return json.dumps(told, separators=(",", ":"))


def says(check, *arguments):
    """What the stand-alone verifier says, and whether all holds."""
    parser = argparse.ArgumentParser()
    verifier.register(parser.add_subparsers(required=True))
    options = parser.parse_args([check, *map(str, arguments)])
    return options.run(options) == 0


class Ground:
    """`database` is emptied; `folder` holds the trail and what the witnesses remember."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.store = Store(folder / "trail")
        self.signers = [
            NoteSigner(NAME, Kind.LOG, b"\1" * 32),
            NoteSigner(NAME, Kind.ML_DSA_COSIGNATURE, b"\2" * 32),
        ]
        self.witnesses, self._servers = {}, []
        self.now = time.time

    def __enter__(self):
        with self.connect(postgres.OWNER) as owner:
            for table in TABLES:
                owner.execute(f"ALTER TABLE trail.{table} DISABLE TRIGGER USER")
            owner.execute(f"TRUNCATE {', '.join(f'trail.{table}' for table in TABLES)} RESTART IDENTITY")
            for table in TABLES:
                owner.execute(f"ALTER TABLE trail.{table} ENABLE TRIGGER USER")
        return self

    def __exit__(self, *_):
        for serving in self._servers:
            serving.shutdown()
            serving.server_close()

    def connect(self, role, **more):
        return psycopg.connect(at_database(postgres.url(role), self.database), **more)

    def as_superuser(self):
        address = superuser()
        if address is None:
            pytest.skip("a foreign server's superuser is not ours to be")
        return psycopg.connect(at_database(address, self.database), autocommit=True)

    def installed(self, monkeypatch, least=None, *names):
        """From now on this ground is an installation: keys and folder of its own under `BAGIPAKAI_VAR`, and witnesses
        with `names` of which `least` must agree."""
        monkeypatch.setenv("BAGIPAKAI_VAR", str(self.folder))
        monkeypatch.setattr(house, "store", lambda: self.store)
        house.establish()
        self.signers = house.signers()
        for name in names:
            self.witness(name)
        house.policy_file().write_text(self.policy_text(least))
        return self

    def run(self, *words, role=postgres.SEQUENCER, database=None):
        """A command of the product, in a process that knows this role's address and no other."""
        foreign = {*postgres.ADDRESSES.values(), "DJANGO_SETTINGS_MODULE"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        address = at_database(postgres.url(role), database or self.database)
        return subprocess.run(
            [sys.executable, "-m", "bagipakai.cli", *map(str, words)],
            env={**kept, postgres.ADDRESSES[role]: address},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    # Leaves

    def commit(self, count):
        """So many leaves by the office's login, in one transaction."""
        with self.connect(postgres.OFFICE) as office:
            (before,) = office.execute("SELECT count(*) FROM trail.leaf").fetchone()
            with office.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO trail.leaf (body) VALUES (%s)", [[body(before + one)] for one in range(count)]
                )

    def committed(self):
        with self.connect(postgres.OFFICE) as office:
            return [row[0].encode() for row in office.execute("SELECT body FROM trail.leaf ORDER BY seq, id")]

    def in_the_log(self, name="signed"):
        _, checkpoint = self.store.checkpoint(name)
        return list(self.store.log(checkpoint.size).entries())

    # Witnesses

    def witness(self, name, kind=Kind.ML_DSA_COSIGNATURE, clock=time.time, serve=None):
        """One that listens. `serve` puts another server in the place of the honest one."""
        signer = NoteSigner(name, kind, (name.encode() * 32)[:32])
        memory = Memory(self.folder / f"{name}.sqlite")
        serving = (serve or server)(("127.0.0.1", 0), Witness(signer, [self.signers[0].public], memory, clock))
        threading.Thread(target=serving.serve_forever, args=[0.05], daemon=True).start()
        self._servers.append(serving)
        self.witnesses[name] = f"witness {name} {signer.public} http://127.0.0.1:{serving.server_address[1]}"
        return signer

    def silence(self, name):
        """From now on nobody listens at this witness's address."""
        line = self.witnesses[name]
        self.witnesses[name] = f"{line.rpartition(':')[0]}:9"

    def policy_text(self, least=None):
        log = f"log {self.signers[0].public}"
        if not self.witnesses:
            return f"{log}\nquorum none\n"
        group = f"group saksi {least or len(self.witnesses)} {' '.join(self.witnesses)}"
        return "\n".join([log, *self.witnesses.values(), group, "quorum saksi", ""])

    def policy(self, least=None):
        return Policy.read(self.policy_text(least))

    # The sequencer

    @contextlib.contextmanager
    def sequencer(self, least=None, store=None):
        with (
            self.connect(postgres.SEQUENCER) as opened,
            Sequencer(opened, store or self.store, self.signers, self.policy(least), self.now) as made,
        ):
            yield made

    def step(self, least=None):
        """One step, witnesses included; the names of those that were silent."""
        with self.sequencer(least) as sequencer:
            sequencer.step()
            return sequencer.witness()

    def verified(self, *older, least=None):
        """Whether the stand-alone verifier accepts the public log, as a continuation of `older`."""
        policy = self.folder / "policy"
        policy.write_text(self.policy_text(least))
        more = [word for file in older for word in ("--checkpoint", file)]
        return says("log", "--policy", policy, *more, self.store.folder)
