"""How long a legal paper takes to be signed (PAdES B-LTA, by the local means) and to be validated: `python -m
bench.signing [--times N]`. Aims: 400 ms and 50 ms (trust reference 17)."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from bagipakai.control.signing.acts import Act, Holder
from bagipakai.control.signing.local import House
from bagipakai.control.signing.validation import Expected, Validated, validate
from bench.measure import keep

SEAL = Holder("SEGEL/BENCH", "Segel Instansi Contoh", "", "Instansi Contoh")
OFFICER = Holder("P1/J1", "Pejabat Contoh", "Kepala Pusat Data", "Instansi Contoh")
PAPER = "#set page(margin: (top: 22mm, bottom: 24mm, x: 22mm))\n= Perjanjian\n#lorem(1500)"


def measured(times: int) -> dict[str, Any]:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="bagipakai-bench-") as place:
        source = Path(place) / "paper.typ"
        source.write_text(PAPER)
        paper = typst.compile(source, ignore_system_fonts=True, timestamp=0)
        assert isinstance(paper, bytes)
        house = House(Path(place) / "signing")
        house.establish(now)
        seal, officer, roots = house.signer(SEAL), house.signer(OFFICER), house.roots()
        sealed = seal.sign(paper, Act("Menyegel", now))  # the first makes the keys and loads the libraries
        assert isinstance(sealed, bytes)
        both = officer.sign(sealed, Act("Menyetujui", now, "0" * 64))
        assert isinstance(both, bytes)

        def proven(pdf: bytes, *refs: str) -> None:
            assert isinstance(validate(pdf, roots, at=now, expected=[Expected(ref) for ref in refs]), Validated)

        return {
            "times": times,
            "bytes": {"paper": len(paper), "one_signature": len(sealed), "two_signatures": len(both)},
            "aims_ms": {"sign": 400, "validate": 50},
            "sign_ms": _spread(lambda: seal.sign(paper, Act("Menyegel", now)), times),
            "sign_the_second_ms": _spread(lambda: officer.sign(sealed, Act("Menyetujui", now)), times),
            "validate_ms": _spread(lambda: proven(sealed, SEAL.ref), times),
            "validate_two_ms": _spread(lambda: proven(both, SEAL.ref, OFFICER.ref), times),
        }


def _spread(work: Callable[[], object], times: int) -> dict[str, float]:
    taken, busy = [], []
    for _ in range(times):
        began, spent = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - spent) * 1000)
    return {
        "median": round(statistics.median(taken), 1),
        "p95": round(statistics.quantiles(taken, n=20)[-1], 1),
        "least": round(min(taken), 1),
        "cpu_median": round(statistics.median(busy), 1),
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=50, metavar="N")
    keep("signing", measured(options.parse_args().times))
