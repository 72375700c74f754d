"""Who may know whom. What follows: no page can reach a person's row, not even through three imports."""

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "bagipakai"
CRYPTO = {"cryptography", "rfc8785"}
SIGNING = {"pyhanko", "pyhanko_certvalidator", "asn1crypto", "pkcs11"}  # PAdES (decision 0075)
HOUSE = {"postgres", "settings", "urls", "wsgi", "cli", "showing"}  # the front door and the wiring, not rooms
ALONE = {"verifier": {"cryptography"}}  # a file that strangers run without the house (decision 0072)

MAY_IMPORT = {
    "core": CRYPTO,
    "control": {"core", "postgres", "django", "psycopg", "puremagic", "typst", "pyrage", "webauthn"} | CRYPTO | SIGNING,
    "registry": {
        *(
            "core",
            "postgres",
            "blake3",
            "duckdb",
            "fsspec",
            "highspy",
            "opendp",
            "pyarrow",
            "numpy",
            "psycopg",
            "pyrage",
            "pyroaring",
            "pyspark",
            "rapidfuzz",
            "zstandard",
        ),
        *("rustpy_xlsxwriter", "lokal", "showing"),
        "splink",  # training alone, see below
    }
    | CRYPTO,
    "portal": {"core", "control", "django", "babel", "csp"},
    "recipient": {"core", "pyrage", "zstandard", "pyarrow", "tqdm"} | CRYPTO,
    "witness": {"core"} | CRYPTO,
    "demo": {"core", "control", "postgres", "showing", "django", "typst", "webauthn"} | CRYPTO,
}


def imports(file: Path) -> set[str]:
    """The rooms and packages that `file` names anywhere in it, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}: write the whole name of what you import"
            one_by_one = node.module == "bagipakai"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if one_by_one else [str(node.module)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            found.add(parts[1] if parts[0] == "bagipakai" and len(parts) > 1 else parts[0])
    return found - set(sys.stdlib_module_names) - {"__future__", "bagipakai"}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_the_table_allows(room):
    for file in (SOURCE / room).rglob("*.py"):
        surplus = imports(file) - MAY_IMPORT[room] - {room}
        assert not surplus, f"{file.relative_to(SOURCE)} may not import {sorted(surplus)}"


def test_every_room_stands_in_the_table():
    rooms = {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()}
    assert rooms == set(MAY_IMPORT)


def test_the_wiring_is_only_what_is_named_here():
    assert {file.stem for file in SOURCE.glob("*.py")} == HOUSE | set(ALONE) | {"__init__"}


@pytest.mark.parametrize("name", sorted(ALONE))
def test_what_strangers_run_needs_nothing_of_the_house(name):
    text = (SOURCE / f"{name}.py").read_text()
    assert imports(SOURCE / f"{name}.py") <= ALONE[name]
    assert "import bagipakai" not in text
    assert "from bagipakai" not in text
    assert len(text.splitlines()) <= 400


def test_an_import_in_a_function_is_seen(tmp_path):
    """The test above would be blind if it looked at the top of a file only."""
    file = tmp_path / "page.py"
    file.write_text(
        "def view():\n    from bagipakai.registry import releases\n    import duckdb\n    return releases\n"
    )
    assert imports(file) == {"registry", "duckdb"}


def test_a_room_imported_from_the_package_is_seen(tmp_path):
    file = tmp_path / "page.py"
    file.write_text("from bagipakai import registry\n")
    assert imports(file) == {"registry"}


def test_only_training_knows_splink_and_who_serves_knows_no_training():
    """A list is served by a model file: what trained it may change, or be gone (decision 0120)."""
    knowing = {file.name for file in SOURCE.rglob("*.py") if "splink" in imports(file)}
    assert knowing == {"training.py"}
    assert [file for file in SOURCE.rglob("*.py") if "matching.training" in file.read_text()] == [
        SOURCE / "registry" / "matching" / "training.py"  # how it is started
    ]
