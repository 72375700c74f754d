"""Every "no" can be said: a sentence in two languages that says what to do, and its source."""

import re
import string
from pathlib import Path

import pytest

from bagipakai.core import access, keybook, readiness, workflow
from bagipakai.core.gate import Measure
from bagipakai.core.policy import policy_file
from bagipakai.core.refusal import Refusal

SENTENCES = {row["code"]: row for row in policy_file("refusals")["refusal"]}
SOURCE = Path(access.__file__).parents[1]
# The recipient's tool works without the policies, and keeps its own sentences.
ROOMS = ("core", "control", "registry", "portal")


def codes_in_the_source() -> set[str]:
    found = set()
    for room in ROOMS:
        for file in (SOURCE / room).rglob("*.py"):
            found |= set(re.findall(r'\bRefusal\(\s*"([a-z-]+)"', file.read_text("utf-8")))
    return found


def codes_of_receipts() -> set[str]:
    """What the registry may answer an order with, beside what the office had refused already."""
    files = ("registry/worker.py", "registry/deliver.py", "registry/counter.py", "core/disclosure.py")
    return {
        code for file in files for code in re.findall(r'\bRefusal\("([a-z-]+)"', (SOURCE / file).read_text("utf-8"))
    }


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    "table", [workflow, access, readiness, keybook], ids=lambda one: one.__name__.rsplit(".", 1)[-1]
)
def test_every_objection_of_every_table_has_its_sentence(table):
    codes = {objects.__name__.replace("_", "-") for rule in table.RULES for objects in rule.objections}
    assert codes - SENTENCES.keys() == set()


def test_every_code_in_the_source_has_its_sentence():
    assert codes_in_the_source() - SENTENCES.keys() == set()


def test_every_sentence_has_somebody_who_says_it():
    """In quotes, as the name of an objection, or as a measure of quality."""
    text = "".join(file.read_text("utf-8") for file in SOURCE.rglob("*.py"))
    said = {*re.findall(r'"([a-z-]+)"', text), *(f"release-quality-{measure}" for measure in Measure)}
    said |= {name.replace("_", "-") for name in re.findall(r"^def ([a-z_]+)", text, re.MULTILINE)}
    assert SENTENCES.keys() - said == set()


def test_no_code_stands_twice():
    assert len(SENTENCES) == len(policy_file("refusals")["refusal"])


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_whole_in_both_languages(code):
    """It ends with a full stop, names the same blanks in both languages, and has its source."""
    row = SENTENCES[code]
    assert row["id"].endswith(".") and row["en"].endswith(".")
    assert blanks(row["id"]) == blanks(row["en"])
    assert row["basis"].strip() and row["id"] != row["en"]
    assert not re.search(r"(?i)wajib diisi|invalid|error", row["id"]), "says what is wrong, not what to do"


def test_blanks_are_filled_and_missing_ones_show_a_dash():
    no = Refusal("readiness-has-lapsed", {"until": "2026-12-31"})
    assert "(2026-12-31)" in no.sentence() and "(2026-12-31)" in no.sentence("en")
    assert "level – " in Refusal("readiness-does-not-cover-it", {"channel": "PORTAL"}).sentence()
    assert "reviu kesiapan" in no.basis


@pytest.mark.parametrize("unsaid", [{}, {"until": ""}, {"until": "–"}])
def test_a_sentence_reads_well_without_what_nobody_said(unsaid):
    no = Refusal("readiness-has-lapsed", unsaid)
    assert "ditangguhkan, atau berakhir. Selesaikan" in no.sentence()


@pytest.mark.parametrize("code", sorted(SENTENCES))
@pytest.mark.parametrize("lang", ["id", "en"])
def test_no_sentence_has_empty_brackets_quotes_or_lists(code, lang):
    said = Refusal(code).sentence(lang)
    assert not re.search(r"\([\s–,]*\)|(?<=\w) “[–]?”|: [–.]", said), said


@pytest.mark.parametrize("code", sorted(codes_of_receipts()))
@pytest.mark.parametrize("lang", ["id", "en"])
def test_what_a_receipt_says_no_with_reads_whole_without_its_details(code, lang):
    """A receipt carries the code alone."""
    said = Refusal(code).sentence(lang)
    assert "–" not in said and "  " not in said, said


def test_an_order_and_its_check_have_one_word_each():
    """The portal's words: pesanan, pemeriksaan mutu, lembaga, gudang data."""
    said = " ".join(row["id"] for row in SENTENCES.values()).lower()
    assert not re.findall(r"cek kualitas|instansi|registri|linimasa|\bperintah\b(?! synthesise)", said)


def test_an_unknown_code_has_no_sentence():
    with pytest.raises(KeyError):
        Refusal("ditolak-saja").sentence()
