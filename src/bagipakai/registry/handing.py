"""Rows without names on their way to whoever asked for them: beside all that they were given before, and remembered."""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bagipakai.core.deadlines import day_of
from bagipakai.core.disclosure import Grain, RowRule
from bagipakai.core.exchange import Order
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure import singling
from bagipakai.registry.disclosure.beside import Beside
from bagipakai.registry.disclosure.given import Gifts, Given
from bagipakai.registry.disclosure.rows import Protection, given, protection
from bagipakai.registry.disclosure.told import exempted
from bagipakai.registry.disclosure.weighing import Counting
from bagipakai.registry.engines import types_of
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

MEMORY: Final = "400MB"  # DuckDB's share of the one gigabyte that a delivery may take


@dataclass(frozen=True)
class Handing:
    """One order for rows of a `release` (version). `workspace`: private, for what does not fit into memory."""

    order: Order
    release: str
    catalogue: Catalogue
    gifts: Gifts
    counted: Counting
    workspace: Path

    def protected(self, clock: Callable[[], datetime]) -> Protection | Refusal:
        """What is done to the rows, or why they may not leave. Their recipient is taken to have them from now on.
        Raises EngineError, OSError."""
        order, plan = self.order, self.order.plan
        about = order.order_id, plan.recipient.institution, self.release, plan.unit.value
        try:
            if no := self._singled_out():
                return no
            while True:
                held = self.gifts.held(*about[1:])
                found = self._again(about, held) or self._beside(held)
                if isinstance(found, Refusal):
                    return found
                with self.gifts.turn():
                    if len(self.gifts.held(*about[1:])) == len(held):  # else somebody gave them others meanwhile
                        self.gifts.add(given(about, plan, found), clock())
                        return found
        except Damaged as damage:  # what they have is not known, so no rows leave
            log.error("given.damaged order=%s file=%s", order.order_id, damage.file)
            return damage.refusal

    def _singled_out(self) -> Refusal | None:
        plan = self.order.plan
        if "rows-alike" in exempted(plan):
            return None
        types, rule = types_of(self.catalogue, plan.unit.value), RowRule.on(day_of(self.order.placed_at), plan.level)
        return singling.objection(plan, rule, types, self.counted)

    def _again(self, about: tuple[str, str, str, str], held: tuple[Given, ...]) -> Protection | None:
        """As it was given before, if it was: that tells nothing new, whatever was given since."""
        plan = self.order.plan
        for one in (one for one in held if one.is_asked_by(plan)):
            found = self._beside(tuple(other for other in held if other.digest in one.beside))
            if isinstance(found, Protection) and given(about, plan, found).digest == one.digest:
                return found
        return None

    def _beside(self, held: tuple[Given, ...]) -> Protection | Refusal:
        plan, day = self.order.plan, day_of(self.order.placed_at)
        rule = RowRule.on(day, plan.level)
        met = any(one.may_meet(plan, self.catalogue) for one in held)
        beside = Beside(held, rule, self.catalogue) if met else None
        with tempfile.TemporaryDirectory(prefix="classes-", dir=self.workspace) as spill:
            return protection(plan, rule, Grain.on(day), self.counted, Path(spill), MEMORY, beside)
