"""Which engine does a plan: the operator's choice, told by the environment like everything that differs between
installations (docs/how-to/spark.md).

    BAGIPAKAI_SPARK_FROM   from so many persons in a plan's area, Spark does it; 0 is every plan; unset, DuckDB does all
    SPARK_REMOTE           a Spark Connect server: sc://host:15002/;use_ssl=true
    SPARK_MASTER           or a master: spark://host:7077, yarn, local[8]; unset, local[2]
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bagipakai.registry.engines import Engine, EngineError, Part, duckdb, spark
from bagipakai.registry.keys import StorageKey

if TYPE_CHECKING:
    from bagipakai.registry.releases import Release

LOCAL = "local[2]"


class BadChoice(EngineError):
    """A setting that says nothing; the text says which, and what it may be."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Spark from so many persons on, at this address; never if `spark_from` is None."""

    spark_from: int | None = None
    address: str = LOCAL

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Choice":
        """Raises BadChoice, and spark.SparkMissing if Spark is chosen and cannot be started here."""
        told = environment.get("BAGIPAKAI_SPARK_FROM", "").strip()
        if not told:
            return cls()
        if not (told.isascii() and told.isdigit()):
            raise BadChoice("BAGIPAKAI_SPARK_FROM adalah jumlah orang: angka saja, misalnya 50000000")
        address = environment.get("SPARK_REMOTE") or environment.get("SPARK_MASTER") or LOCAL
        spark.ready(address)
        return cls(int(told), address)

    def is_spark(self, persons: int) -> bool:
        """For a plan whose area holds so many persons."""
        return self.spark_from is not None and persons >= self.spark_from

    @contextmanager
    def reading(
        self,
        release: "Release",
        storage: StorageKey,
        unit: str,
        area: Sequence[str],
        scratch: Path,
        memory_limit: str,
    ) -> Iterator[tuple[Engine, tuple[Part, ...]]]:
        """The engine for a plan over `unit` in `area`, and the files it reads. `scratch`: private, for what does not
        fit memory, and for Spark the files laid open. `memory_limit` is DuckDB's. Raises EngineError, Damaged."""
        if self.is_spark(release.persons_in(area)):
            opened = release.laid_open(storage, unit, scratch, area)
            with opened as parts, spark.Engine(scratch, [scratch], self.address) as cluster:
                yield cluster, parts
            return
        reading = release.reading(storage, unit, area)
        with (
            reading as shelf,
            duckdb.Engine(scratch, shelf=shelf, memory_limit=memory_limit, tallies=shelf.tallies) as embedded,
        ):
            yield embedded, shelf.parts


EMBEDDED = Choice()
