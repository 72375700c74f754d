"""The world outside, in small. What is promised here is checked against the real thing in tests/registry."""

import hashlib
import uuid
from datetime import UTC, datetime

from django.db import connection

from bagipakai import postgres
from bagipakai.control import access, plans
from bagipakai.core.exchange import Order, Receipt, Step, StepDone
from bagipakai.core.manifest import MANIFEST_NAME, DeliveredColumn, Kind, Manifest, Part
from bagipakai.core.variables import Catalogue
from bagipakai.registry import keys as registry_keys

SEALED = b"sealed"  # what a part of a package holds


class Registry:
    """A registry that holds nobody: it reads the orders in the mailbox and answers each with a sealed package of one
    line and a signed receipt, by the same values and keys as the real one."""

    def __init__(self) -> None:
        folder = postgres.var() / "keys"
        registry_keys.establish(folder)
        self.keys = registry_keys.read(folder)

    def orders(self) -> list[Order]:
        """The unfinished orders, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT orders.envelope FROM exchange.orders LEFT JOIN exchange.receipts USING (order_id)"
                " WHERE receipts.order_id IS NULL AND order_id LIKE 'PES-%' ORDER BY placed_at, order_id"
            )
            return [Order.unsealed(bytes(row[0]), self.keys.order) for row in cursor.fetchall()]

    def answer(self, order: Order, *, more: tuple[str, ...] = (), **told: object) -> Receipt:
        """Makes the package of `order` and puts the receipt into the mailbox. `more`: columns that the package has too
        many; `told` changes what the receipt says of the package."""
        manifest = self._manifest(order, more)
        envelope = manifest.sealed(self.keys.seal)
        folder = access.packages() / manifest.package
        folder.mkdir(parents=True)
        for part in manifest.parts:
            (folder / part.name).write_bytes(SEALED)
        (folder / MANIFEST_NAME).write_bytes(envelope)
        done = StepDone(Step.PROVISIONING, _now(), _now(), {"package": manifest.package})
        facts = {
            "order_id": order.order_id,
            "plan_digest": order.plan.digest,
            "release": order.release,
            "package": manifest.package,
            "manifest": hashlib.sha256(envelope).hexdigest(),
            "rows": manifest.rows,
            "columns": tuple(column.name for column in manifest.columns),
            "hidden_cells": manifest.hidden_cells,
            "package_bytes": 12_345,
            "steps": (*manifest.processing, done),
        }
        receipt = Receipt(**(facts | told))
        self.post(order.order_id, receipt.sealed(self.keys.receipt))
        return receipt

    def refuse(self, order: Order, code: str) -> None:
        receipt = Receipt(order.order_id, order.plan.digest, order.release, refusal=code)
        self.post(order.order_id, receipt.sealed(self.keys.receipt))

    def post(self, order_id: str, envelope: bytes) -> None:
        """Puts these bytes into the mailbox as the receipt of an order."""
        with connection.cursor() as cursor:
            cursor.execute(  # see tests/conftest.py
                "SELECT as_owner(format('INSERT INTO exchange.receipts (order_id, envelope) VALUES (%%L, %%L)',"
                " %s::text, %s::bytea))",
                [order_id, envelope],
            )

    def _manifest(self, order: Order, more: tuple[str, ...]) -> Manifest:
        plan, catalogue = order.plan, Catalogue.on(order.placed_at.date())
        package = f"paket-{uuid.uuid4()}"
        names = [*sorted(plans.derived(plan)), *plan.columns, *more]
        columns = tuple(
            DeliveredColumn(
                name,
                catalogue[name].type.value if name in catalogue else "text",
                catalogue[name].sensitivity.value if name in catalogue else "GENERAL",
            )
            for name in names
        )
        kinds = [(f"bagian-0001.{plan.format.value}.age", Kind.DATA, 812)]
        kinds += [("kamus.csv.age", Kind.DICTIONARY, 0), ("metadata.json.age", Kind.METADATA, 0)]
        sha256 = hashlib.sha256(SEALED).hexdigest()
        parts = tuple(
            Part(name, kind, at, len(kinds), rows, len(SEALED), sha256, len(SEALED), sha256)
            for at, (name, kind, rows) in enumerate(kinds, start=1)
        )
        return Manifest(
            package=package,
            order=order.order_id,
            request=plan.request,
            decision=order.decision,
            agreement=order.agreement,
            policy=order.policy,
            plan=plan,
            release=order.release,
            release_digest="ab" * 32,
            standard=catalogue.standard,
            region_system=plan.area.system,
            region_edition=plan.area.edition,
            columns=columns,
            rows=812,
            hidden_cells=14 if plan.level == "L1" else 0,
            content_digest="cd" * 32,
            disclosure_method="",
            smallest_cell=plan.protections.smallest_cell,
            pseudonym_scheme="",
            random_ids={},
            guarded={},
            parts=parts,
            processing=tuple(StepDone(step, _now(), _now(), {"rows": 812}) for step in list(Step)[:4]),
            created_at=_now(),
            expires_on=plan.ends_on,
            destroy_by=plan.ends_on,
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
