"""At every system call of the sealer, the disk fails or somebody kills it. What can be seen is a whole package or none,
nothing unencrypted lies about, and the same order tried again makes the whole package."""

import shutil

import pytest
from tests.recipient.packages import SEAL, a_package
from tests.security import faults

from bagipakai.registry.package import package_id, standing

pytestmark = pytest.mark.skipif(not faults.is_possible(), reason="strace is not installed, or may not trace here")

ROWS = 60


def work(place):
    a_package(place, rows=ROWS)


def seen(place):
    """What lies where recipients fetch."""
    folder = place / "packages"
    return {file.name for file in folder.iterdir()} if folder.exists() else set()


def is_whole(place):
    return standing(place / "packages" / package_id("O-1"), SEAL.public) is not None


def plaintext(place):
    """Any file that shows what is in the package."""
    words = (b"Orang", b"32010145038", b"Nomor")
    return [file for file in place.rglob("*") if file.is_file() and any(word in file.read_bytes() for word in words)]


def test_the_watch_would_see_plaintext(tmp_path):
    (tmp_path / "scratch").write_text("x,Orang 3\n")
    assert plaintext(tmp_path)


def test_after_a_fault_at_any_system_call_no_partial_package_is_seen(tmp_path):
    met, place = 0, tmp_path / "place"
    for fault in faults.faults(lambda: work(tmp_path / "undisturbed"), tmp_path):
        shutil.rmtree(place, ignore_errors=True)
        if not faults.disturbed(lambda: work(place), tmp_path, *fault):
            continue
        met += 1
        if seen(place):
            assert seen(place) == {package_id("O-1")} and is_whole(place), fault
        assert plaintext(place) == [], fault
        if not seen(place):
            work(place)
        assert is_whole(place), fault
    assert met >= 100
    print(f"{met} faults")
