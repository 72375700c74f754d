"""A folder appears whole or not at all, and what a killed process left behind goes with the next one."""

import subprocess
import sys

import pytest

from bagipakai.registry.folders import Progress, in_the_making

DYING = """
import os, pathlib, signal, sys
from bagipakai.registry.folders import in_the_making
with in_the_making(pathlib.Path(sys.argv[1])) as folder:
    (folder / "setengah").write_text("jadi")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_appears_with_everything_in_it_when_all_is_done(tmp_path):
    with in_the_making(tmp_path / "hasil") as folder:
        (folder / "isi").write_text("x")
        assert not (tmp_path / "hasil").exists()
    assert names(tmp_path) == ["hasil"] and names(tmp_path / "hasil") == ["isi"]


def test_an_empty_folder_of_that_name_is_no_hindrance(tmp_path):
    (tmp_path / "hasil").mkdir()
    with in_the_making(tmp_path / "hasil") as folder:
        (folder / "isi").write_text("x")
    assert names(tmp_path / "hasil") == ["isi"]


@pytest.mark.parametrize("hindrance", ["file", "full", "link"])
def test_it_never_takes_a_place_that_is_taken(tmp_path, hindrance):
    place = tmp_path / "hasil"
    if hindrance == "file":
        place.write_text("milik orang lain")
    elif hindrance == "link":
        place.symlink_to(tmp_path)
    else:
        place.mkdir()
        (place / "isi").write_text("milik orang lain")
    with pytest.raises(FileExistsError), in_the_making(place):
        raise AssertionError("not reached")
    assert names(tmp_path) == ["hasil"]


def test_a_place_taken_meanwhile_is_not_replaced(tmp_path):
    with pytest.raises(FileExistsError), in_the_making(tmp_path / "hasil") as folder:
        (folder / "isi").write_text("x")
        (tmp_path / "hasil").mkdir()
        (tmp_path / "hasil" / "lain").write_text("milik orang lain")
    assert names(tmp_path) == ["hasil"] and names(tmp_path / "hasil") == ["lain"]


def test_a_failure_leaves_nothing_also_when_files_were_made_read_only(tmp_path):
    with pytest.raises(ZeroDivisionError), in_the_making(tmp_path / "hasil") as folder:
        (folder / "dalam").mkdir()
        (folder / "dalam" / "isi").write_text("x")
        (folder / "dalam").chmod(0o500)
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_taken_away_by_the_next(tmp_path):
    killed = subprocess.run([sys.executable, "-c", DYING, str(tmp_path / "hasil")], check=False)
    assert killed.returncode == -9 and len(names(tmp_path)) == 1
    with in_the_making(tmp_path / "hasil") as folder:
        (folder / "isi").write_text("x")
    assert names(tmp_path) == ["hasil"]


def test_what_another_process_is_making_is_left_alone(tmp_path):
    with in_the_making(tmp_path / "hasil") as one:
        (one / "isi").write_text("satu")
        with pytest.raises(FileExistsError), in_the_making(tmp_path / "hasil") as other:
            (other / "isi").write_text("dua")
            (tmp_path / "hasil").write_text("")
        (tmp_path / "hasil").unlink()
        assert (one / "isi").read_text() == "satu"
    assert (tmp_path / "hasil" / "isi").read_text() == "satu"


INTERRUPTED = """
import os, pathlib, signal, sys
from bagipakai.registry.folders import Progress, in_the_making
with in_the_making(pathlib.Path(sys.argv[1]), what="a" * 64) as folder:
    progress = Progress(folder)
    (folder / "satu").write_text("jadi")
    progress.add("satu", {"rows": 1})
    (folder / "dua").write_text("seteng")
    with (folder / "progress.jsonl").open("a") as torn:
        torn.write('["dua", {"ro')
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_done_of_the_same_is_taken_up_after_a_kill(tmp_path):
    subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path / "hasil")], check=False)
    with in_the_making(tmp_path / "hasil", what="a" * 64) as folder:
        progress = Progress(folder)
        assert progress.done == {"satu": {"rows": 1}} and (folder / "satu").read_text() == "jadi"
        (folder / "dua").write_text("jadi")
        progress.add("dua", {"rows": 2})
        assert Progress(folder).done == {"satu": {"rows": 1}, "dua": {"rows": 2}}, "the torn line spoils none"
    assert names(tmp_path) == ["hasil"] and names(tmp_path / "hasil") == ["dua", "satu"]


def test_what_was_begun_of_something_else_is_taken_away(tmp_path):
    subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path / "hasil")], check=False)
    with in_the_making(tmp_path / "hasil", what="b" * 64) as folder:
        assert Progress(folder).done == {} and names(folder) == []


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_stop_by_hand_or_a_full_disk_keeps_what_was_done(tmp_path, failure):
    with pytest.raises(failure), in_the_making(tmp_path / "hasil", what="a" * 64) as folder:
        (folder / "satu").write_text("jadi")
        raise failure
    with in_the_making(tmp_path / "hasil", what="a" * 64) as folder:
        assert names(folder) == ["satu"]


def test_two_do_not_make_the_same_at_once(tmp_path):
    same = {"final": tmp_path / "hasil", "what": "a" * 64}
    with in_the_making(**same), pytest.raises(FileExistsError), in_the_making(**same):
        raise AssertionError("not reached")
