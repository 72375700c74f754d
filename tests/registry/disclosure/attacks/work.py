"""What is done before an answer, without a clock: how often each function of ours, and of the solver, is called.

Left out is what hangs on the machine and not on the people: how a sealed file is read, block by block, by whichever
thread (`shelf`, `vault`), and what is written in a canonical form on the way.
"""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Answer = TypeVar("Answer")
NOT_OF_PEOPLE = ("bagipakai.registry.shelf", "bagipakai.registry.vault", "bagipakai.core.canonical")
HEAVY = (  # what reads a release, asks in SQL, compares with what was published, or solves
    "bagipakai.registry.releases.",
    "bagipakai.registry.engines.duckdb.Engine.",
    "bagipakai.registry.engines.duckdb._Session.",
    "bagipakai.registry.entering.",
    "bagipakai.registry.disclosure.ledger.",
    "bagipakai.registry.disclosure.union.",
    "bagipakai.registry.disclosure.bounds.",
    "bagipakai.registry.disclosure.audit.",
    "bagipakai.registry.disclosure.secondary.",
    "highspy",
)


def worked(do: Callable[[], Answer]) -> tuple[Answer, Counter[str]]:
    """Its answer, and the work that it took: SQL statements and rounds among it, each being a call of ours."""
    calls: Counter[str] = Counter()

    def called(frame: FrameType, event: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(("bagipakai.", "highspy")) and module not in NOT_OF_PEOPLE:
            calls[f"{module}.{frame.f_code.co_qualname}"] += 1

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        return do(), calls
    finally:
        sys.setprofile(before)
