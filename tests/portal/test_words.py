"""The words of the pages: the glossary is whole, and the English pages are complete."""

import re

from bagipakai.core.exchange import Step
from bagipakai.core.plan import Format, Level, Unit
from bagipakai.core.variables import Sensitivity
from bagipakai.portal import glossary, messages


def test_english_is_complete():
    """Every sentence of every page has an English one, certain and with the same blanks."""
    assert messages.problems() == []


def test_a_new_sentence_is_noticed(monkeypatch):
    """The check above can fail: a sentence that nobody translated is named."""
    monkeypatch.setattr(messages, "_sentences", lambda: iter([("portal/x.py", "Kalimat yang tidak ada", None)]))
    assert messages.problems() == ["portal/x.py: not collected: Kalimat yang tidak ada"]


def test_each_term_is_told_in_both_languages():
    for one in glossary.terms():
        assert all([one.istilah, one.english, one.definisi, one.definition, one.sumber]), one.identifier


def test_no_word_explains_itself():
    """A definition says at least three words that the term does not."""
    for one in glossary.terms():
        for term, meaning in ((one.istilah, one.definisi), (one.english, one.definition)):
            assert len(words(meaning) - words(term)) >= 3, f"{term}: {meaning}"


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - {"dokumen", "document", "jenis", "pengguna", "kind", "of", "user"}


def test_what_the_rules_name_the_glossary_knows():
    for kind, names in {"level": Level, "unit": Unit, "format": Format, "step": Step, "class": Sensitivity}.items():
        for name in names:
            assert glossary.term(name, kind).label


def test_a_reader_sees_indonesian_until_they_choose_english(client, db):
    """Whatever language the browser asks for by itself."""
    assert '<html lang="id">' in client.get("/", headers={"accept-language": "en-US,en"}).content.decode()
    client.post("/bahasa/", {"language": "en", "next": "/"})
    assert '<html lang="en">' in client.get("/", headers={"accept-language": "id"}).content.decode()
