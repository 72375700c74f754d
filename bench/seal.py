"""What sealing costs against the `age` program, on the same bytes: `python -m bench.seal [--mib N] [--times N]`.

Ours is what the registry does with the rows of an order, in a process of its own: parts of at most 512 MiB, both
digests taken, each part synced to disk. The program takes no digest and does not sync. Both read a file of random bytes
that lies in the system's cache; both write beside it. Once, `age` opens what we sealed and finds those bytes.

Aims: at most 4.5 × the time and 64 MB of memory at 4 GiB.
"""

import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bagipakai.core.manifest import PART_LIMIT
from bagipakai.core.plan import Format
from bagipakai.registry.package import Draft
from bagipakai.registry.seal import recipient
from bench.measure import Figures, keep, run

MIB = 1024 * 1024
PIECES = {"rows": 8 * 1024, "blocks": MIB}  # as a writer of text hands on, and as a writer of columns does


def measured(mib: int, times: int, place: Path) -> dict[str, Any]:
    """Both in turn, `times` each."""
    if shutil.disk_usage(place).free < 3 * mib * MIB:
        sys.exit(f"bench.seal: {place} needs {3 * mib} MiB free")
    with tempfile.TemporaryDirectory(prefix="bagipakai-bench-", dir=place) as name:
        here = Path(name)
        content, key, out = here / "content", here / "key", here / "out"
        digest = _fill(content, mib)
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
        to = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
        ours = [sys.executable, "-m", "bench.seal", "--to", to, "--from", str(content), "--out", str(out)]
        commands = {
            "age": ["age", "-r", to, "-o", str(out), str(content)],
            **{kind: [*ours, "--piece", str(size)] for kind, size in PIECES.items()},
        }
        runs: dict[str, list[Figures]] = {side: [] for side in commands}
        highest: dict[str, float] = dict.fromkeys(PIECES, 0.0)
        for number in range(times):
            for side, command in commands.items():
                runs[side].append(run(command))
                if side in PIECES:
                    highest[side] = max(highest[side], float((out / "peak").read_text()))
                    assert number or _opened(out, key) == digest
                _away(out)
    middle = {side: statistics.median(one.seconds for one in figures) for side, figures in runs.items()}
    return {
        "mib": mib,
        "times": times,
        "aims": {"ratio_seconds": 4.5, "peak_rss_mb": 64},
        "age_version": subprocess.run(["age", "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        "seconds": middle,
        "cpu_seconds": {side: statistics.median(one.cpu_seconds for one in figures) for side, figures in runs.items()},
        "ratio_seconds": {kind: round(middle[kind] / middle["age"], 2) for kind in PIECES},
        "ratio_seconds_of_each_turn": {
            kind: [round(one.seconds / age.seconds, 2) for one, age in zip(runs[kind], runs["age"], strict=True)]
            for kind in PIECES
        },
        "peak_rss_mb": highest,
        "peak_pss_mb": {side: max(one.peak_mb for one in figures) for side, figures in runs.items()},
    }


def seal(content: Path, to: str, out: Path, piece: int) -> None:
    """The bytes of `content` as the parts of a package under `out`, handed on `piece` bytes at a time."""
    out.mkdir()
    with (
        Draft(out / "parts", recipient(to), Format.CSV, sheet_rows=0) as draft,
        content.open("rb", buffering=0) as rows,
    ):
        part = draft.next()
        while block := rows.read(piece):
            if part.tell() + len(block) > PART_LIMIT:
                part = draft.next()
            part.write(block)
        draft.parts()
    highest = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert highest
    (out / "peak").write_text(f"{int(highest[1]) * 1024 / 1e6:.1f}")  # MB


def _fill(content: Path, mib: int) -> str:
    digest = hashlib.sha256()
    with content.open("wb") as file:
        for _ in range(mib):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _opened(out: Path, key: Path) -> str:
    digest = hashlib.sha256()
    for part in sorted((out / "parts").iterdir()):
        with subprocess.Popen(["age", "-d", "-i", key, part], stdout=subprocess.PIPE) as opening:
            assert opening.stdout
            while block := opening.stdout.read(MIB):
                digest.update(block)
        assert opening.returncode == 0
    return digest.hexdigest()


def _away(out: Path) -> None:
    """Deleted, and what is still on its way to the disk awaited, so that no side waits for another's bytes."""
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    os.sync()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=4096, metavar="N")
    parser.add_argument("--times", type=int, default=5, metavar="N")
    parser.add_argument(
        "--place", type=Path, default=Path("var/bench"), metavar="FOLDER", help="three times N MiB free"
    )
    parser.add_argument("--from", dest="content", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--to", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--piece", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.content:
        seal(options.content, options.to, options.out, options.piece)
    else:
        options.place.mkdir(parents=True, exist_ok=True)
        keep("seal", measured(options.mib, options.times, options.place))


if __name__ == "__main__":
    main()
