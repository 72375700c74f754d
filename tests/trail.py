"""A trail that others have seen: what the sequencer and three witnesses would have done by now, in the test's own
transaction, so that what the test has written is under a checkpoint that meets a policy."""

import secrets

from django.db import connection
from tests.owner import as_owner

from bagipakai.control import clock
from bagipakai.control.trail import house
from bagipakai.core.notes import Checkpoint, Kind, Note, NoteSigner
from bagipakai.core.tiles import grown

WITNESSES = [NoteSigner(f"saksi.uji/{n}", Kind.ML_DSA_COSIGNATURE, secrets.token_bytes(32)) for n in range(3)]


def witnessed() -> Checkpoint:
    """Numbers every leaf that waits, and has the log signed and cosigned at the office's present moment."""
    as_owner(
        "UPDATE trail.leaf SET seq = placed.seq FROM ("
        " SELECT id, (SELECT coalesce(max(seq) + 1, 0) FROM trail.leaf) + row_number() OVER (ORDER BY id) - 1 AS seq"
        " FROM trail.leaf WHERE seq IS NULL) AS placed WHERE leaf.id = placed.id"
    )
    house.establish()
    now, signers = int(clock.now().timestamp()), house.signers()
    lines = [f"log {signers[0].public}", *(f"witness w{n} {one.public}" for n, one in enumerate(WITNESSES))]
    house.policy_file().write_text("\n".join([*lines, "group saksi 2 w0 w1 w2", "quorum saksi", ""]))
    with house.store() as store:
        known = store.checkpoint("signed")
        log = store.log(known[1].size if known else 0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM trail.leaf WHERE seq >= %s ORDER BY seq", [log.size])
            entries = [body.encode() for (body,) in cursor.fetchall()]
        store.add(grown(log, entries))
        log = store.log(log.size + len(entries))
        checkpoint = Checkpoint(signers[0].public.name, log.size, log.root())
        note = Note(checkpoint.text, tuple(one.sign(checkpoint.text, now) for one in signers))
        store.replace("signed", bytes(note))
        store.replace("checkpoint", bytes(note.with_lines(*(one.sign(checkpoint.text, now) for one in WITNESSES))))
    return checkpoint
