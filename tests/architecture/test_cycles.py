"""No two modules need each other: each can be read, and tested, before those that use it.

An import inside a function counts like one at the top, and so does one for types only: they hide a circle, they do not
open it.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"


def modules(source: Path) -> dict[str, Path]:
    """Every module by its name; a package by its own."""
    files = {file.relative_to(source).with_suffix(""): file for file in source.rglob("*.py")}
    return {".".join(part for part in path.parts if part != "__init__"): file for path, file in files.items()}


def imported(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules that `file` names, anywhere in it. `from package import name` names the module of that name, or else
    the package."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from (name for name in [inner if inner in known else str(node.module)] if name in known)


def circle(source: Path) -> list[str] | None:
    """The first circle of imports, its first module again at its end."""
    known = modules(source)
    try:
        TopologicalSorter({name: {*imported(file, known)} for name, file in known.items()}).prepare()
    except CycleError as found:
        return list(reversed(found.args[1]))
    return None


def test_no_module_imports_itself_by_way_of_others():
    assert (found := circle(SOURCE)) is None, " → ".join(found or ())


@pytest.mark.parametrize(
    "returning",
    [
        "from house.room import door\n",
        "import house.room.door\n",
        "def late():\n    from house.room.door import KNOB\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.room.door import KNOB\n",
    ],
)
def test_a_circle_is_seen_however_it_is_closed(tmp_path, returning):
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    (room / "__init__.py").write_text("")
    (room / "door.py").write_text("from house.room import hall\nKNOB = hall.LIGHT\n")
    (room / "hall.py").write_text("LIGHT = 1\n")
    assert circle(tmp_path) is None
    (room / "hall.py").write_text(f"{returning}LIGHT = 1\n")
    assert circle(tmp_path) in (
        ["house.room.door", "house.room.hall", "house.room.door"],
        ["house.room.hall", "house.room.door", "house.room.hall"],
    )


def test_a_package_that_needs_its_own_module_is_a_circle_if_that_needs_the_package(tmp_path):
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "__init__.py").write_text("from room.door import KNOB\nLIGHT = 1\n")
    (tmp_path / "room" / "door.py").write_text("KNOB = 1\n")
    assert circle(tmp_path) is None
    (tmp_path / "room" / "door.py").write_text("from room import LIGHT\nKNOB = LIGHT\n")
    assert circle(tmp_path) is not None
