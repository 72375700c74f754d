"""Each thing that must be refused is refused, by its own code, at its own place; and what holds is not."""

import re
from collections import Counter

import pytest
from tests.corpus.cases import CASES, VERBS, handed
from tests.verifier.strangers import alone, told

from bagipakai.verifier import SENTENCES

KINDS = sorted({case.kind for case in CASES})


def command(made, kind):
    """The same question as words of a command line."""
    words = ["proof" if kind == "policy" else VERBS.get(kind, kind)]
    for name, value in made.options.items():
        for one in value if isinstance(value, list) else [value]:
            words += [one] if name in ("file", "folder") else [f"--{name}", one]
    return words


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_spoiled_holds(kind, tmp_path, capsys):
    made = handed(kind, tmp_path / "x")
    status, code, line = told(capsys, VERBS.get(kind, kind), **made.options)
    assert (status, code, line[:4]) == (0, "", "SAH:")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_it_is_refused_by_name(case, tmp_path, capsys):
    made = handed(case.kind, tmp_path / "x")
    case.spoil(made)
    status, code, line = told(capsys, VERBS.get(case.kind, case.kind), **made.options)
    assert (status, code) == (1, case.code), line
    assert line.startswith(f"TIDAK SAH: {SENTENCES[code]}")
    assert re.search(case.where, line), line


FIRST_OF_EACH = {(case.kind, case.code): case for case in reversed(CASES)}


@pytest.mark.parametrize("kind_and_code", sorted(FIRST_OF_EACH), ids="-".join)
def test_the_file_alone_says_the_same(kind_and_code, tmp_path):
    """One case of each kind and code, by a copy of the file in an empty folder."""
    case = FIRST_OF_EACH[kind_and_code]
    made = handed(case.kind, tmp_path / "x")
    case.spoil(made)
    run = alone(tmp_path / "kosong", *command(made, case.kind))
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.endswith(f"[{case.code}]\n")
    assert re.search(case.where, run.stderr)


def test_the_corpus_is_as_large_as_promised_and_no_case_is_there_twice():
    assert len(CASES) >= 120
    assert [name for name, count in Counter((case.kind, case.name) for case in CASES).items() if count > 1] == []


def test_every_sentence_is_met_by_a_case():
    """A code that no case provokes may be dead, or wrong."""
    assert {case.code for case in CASES} == set(SENTENCES)
