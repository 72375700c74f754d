"""What may not lie in the repository, whoever put it there."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
FILES = [ROOT / name for name in TRACKED.stdout.split("\0") if name and (ROOT / name).is_file()]

ADDRESSES = re.compile(rb"py" rb"pi\.org|python" rb"hosted|npm" rb"js\.org|deb\.deb" rb"ian|/wo" rb"rk/|/ro" rb"ot/")


def test_no_file_is_over_one_megabyte():
    assert [file.name for file in FILES if file.stat().st_size > 1_000_000] == []


def test_no_file_records_a_download_address_or_a_machine_path():
    assert [str(file.relative_to(ROOT)) for file in FILES if ADDRESSES.search(file.read_bytes())] == []


def test_every_pin_has_its_hash():
    for pins in (ROOT / "requirements").glob("*.txt"):
        text = re.sub(r"#.*", "", pins.read_text()).replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip()]
        assert lines
        assert all("--hash=sha256:" in line for line in lines), pins.name


def test_a_module_is_a_noun_from_the_office():
    vague = {"utils", "util", "helpers", "helper", "manager", "service", "services", "common", "misc"}
    assert [file.name for file in FILES if file.suffix == ".py" and file.stem in vague] == []
