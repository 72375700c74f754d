"""Every "no" that the office can say has a sentence: what is wrong and what to do, in two languages."""

import ast
from pathlib import Path

import pytest

from bagipakai.core.refusal import Refusal

CONTROL = Path(__file__).parents[2] / "src" / "bagipakai" / "control"


def codes() -> set[str]:
    """The codes that stand in the office's source, in a Refusal or an Unfit."""
    found = set()
    for file in CONTROL.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if named and node.func.id in ("Refusal", "Unfit", "_refused") and node.args:
                found |= {
                    inner.value
                    for argument in node.args[:2]
                    for inner in ast.walk(argument)
                    if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and "-" in inner.value
                }
    return found


def test_the_search_finds_codes():
    assert {"document-empty", "changed-meanwhile", "receipt-not-trusted", "area-unknown"} <= codes()


@pytest.mark.parametrize("code", sorted(codes()))
def test_a_code_has_its_sentence(code):
    no = Refusal(code)
    assert no.sentence("id") != no.sentence("en")
    assert no.basis
