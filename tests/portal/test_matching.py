"""How well lists are matched, as everybody reads it: what is measured and nothing else, and what to do about it."""

import html
import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import given, settings
from tests.factories import a_release
from tests.fakes import Registry
from tests.quality import CLERKS, CLERKS_1, CLERKS_2, a_statement, statements

from bagipakai.control import clock, matching_quality
from bagipakai.control.models import QualityStatement
from bagipakai.core.canonical import digest
from bagipakai.core.charts import SMALL, Element
from bagipakai.core.envelope import Signer, seal
from bagipakai.core.matching_quality import (
    KINDS,
    LABELLED,
    QUESTIONS,
    Clerks,
    MatchingQuality,
    Sampled,
    Share,
    Tally,
    wilson,
)
from bagipakai.portal.matching import words
from bagipakai.portal.matching.showing import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def registry() -> Signer:
    return Registry().keys.receipt


def page(address: str = "", language: str = "id", status: int = 200) -> str:
    """What the page says, as a person reads it."""
    client = Client()
    client.post(reverse("language"), {"language": language})
    answer = client.get(address or reverse("matching:show"))
    assert answer.status_code == status
    return answer.content.decode().split('<main id="isi" tabindex="-1">')[1].split("</main>")[0]


def text(markup: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", markup)))


def test_before_anything_was_stated_the_answers_are_explained():
    said = text(page())
    assert "Belum diukur" in said
    assert all(word in said for word in ("Cocok", "Perlu telaah", "Tidak cocok", "Bila menurut Anda jawabannya keliru"))
    assert "Riwayat" not in said


def test_how_often_it_errs_is_said_in_rows_not_in_shares(registry):
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page())
    assert "2 dari 10.000 baris yang dijawab cocok menunjuk orang yang keliru" in said
    assert "Kisarannya 0 sampai 6, menurut 17.950 baris" in said
    assert "30 dari 10.000 orang yang ada di DTSEN tidak langsung dijawab cocok" in said


def test_a_group_that_is_found_less_is_said_in_a_sentence(registry):
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page())
    assert "Jenis kelamin, perempuan: terjaring 98,76 % dari 9.000 orang, 0,94 poin di bawah semua." in said
    assert "Selisih sebesar itu masih bisa kebetulan." in said.split("Kelahiran, kembar")[1][:150]
    assert "Terlalu sedikit orangnya untuk ditampilkan: Provinsi 51;" in said
    fair = a_statement(groups={"sex": {"L": Tally(9_000, 9_000, 8_973, 8_973, 0, 0)}})
    matching_quality.hear(MatchingQuality.sealed(fair, registry))
    assert "Tidak ada temuan" in text(page())


def test_that_no_list_was_of_people_is_said_above_the_figures(registry):
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page())
    assert (
        "Semua angka di sini diukur pada daftar buatan: orangnya tidak ada" in said.split("Seberapa sering keliru")[0]
    )
    of_people = replace(a_statement().lists[0], kind=LABELLED, seed=None)
    both = a_statement(lists=(of_people, a_statement().lists[1]), measured_on=date(2026, 11, 21))
    matching_quality.hear(both.sealed(registry))
    said = text(page())
    assert "dinilai penelaah" in said and "diukur pada daftar buatan" not in said


def test_what_clerks_said_is_told_of_each_answer_apart(registry):
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page())
    assert "Dua penelaah sepakat 97,8 % dari 400 pasangan (95,7–98,9 %)" in said
    assert "Diputus penengah 2,0 % dari 400 pasangan" in said
    assert (
        "Sampel jawaban cocok 99,7 % menunjuk orang yang tepat (98,3–100,0 %), diperkirakan dari 346 pasangan" in said
    )
    assert "Mewakili 17.950 baris. 3 lagi tidak dapat dipastikan." in said
    assert "Sampel jawaban tidak cocok 3,5 % ternyata orang yang sama, jadi terlewat" in said
    assert "diperkirakan dari 58 pasangan" in said


def test_of_what_no_clerk_judged_nothing_is_told(registry):
    nothing = Sampled(0, 0, 0, 0, 0, 0)
    judged = a_statement(clerks=Clerks(0, 0, 0, Sampled(50, 50, 2, 2, 0, 2), nothing))
    matching_quality.hear(judged.sealed(registry))
    said = text(page())
    assert "Sampel jawaban cocok" in said
    assert not [one for one in ("Dua penelaah", "penengah", "Sampel jawaban tidak cocok") if one in said]


def test_a_province_has_the_name_that_the_newest_release_gives_it(registry):
    a_release()
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page())
    assert "Nusa Tenggara Barat" in said
    assert "Provinsi 51" in said


def test_it_is_told_in_english_too(registry):
    matching_quality.hear(a_statement().sealed(registry))
    said = text(page(language="en"))
    assert "2 of 10,000 rows answered match name the wrong person" in said
    assert "Sex, female: found 98.76% of 9,000 persons, 0.94 points below all." in said
    assert not re.search("(?i)keliru|terjaring|baris|bukan|kebetulan|tanggal|laki|orang", said)


def test_earlier_statements_stay_and_say_that_they_are_old(registry):
    old = matching_quality.hear(
        a_statement(model="2025.4", measured_on=a_statement().measured_on.replace(month=5)).sealed(registry)
    )
    new = matching_quality.hear(a_statement().sealed(registry))
    earlier = page(reverse("matching:earlier", args=[old.pk]))
    assert "Ini pernyataan lama" in earlier
    assert "2025.4" in text(earlier)
    newest = page()
    assert "Ini pernyataan lama" not in newest
    for row in (old, new):
        assert reverse("matching:earlier", args=[row.pk]) in newest
    assert Client().get(reverse("matching:earlier", args=[new.pk + 9])).status_code == 404


@pytest.mark.parametrize("clerks", [CLERKS_1, CLERKS_2], ids=["version 1", "version 2"])
def test_a_statement_of_an_older_form_stays_and_its_document_tells_what_the_page_does_not(registry, clerks):
    """It was heard before the form of today; as the newest, and in the history once there is a newer one."""
    told = a_statement(model="2025.4").to_json() | {"clerks": clerks}
    envelope = seal("application/vnd.bagipakai.matching-quality+json;v=2", told, registry)
    row = QualityStatement.objects.create(
        digest=digest(told), measured_on="2026-11-20", statement=told, envelope=envelope, heard_at=clock.now()
    )
    shown = page()
    matching_quality.hear(a_statement(measured_on=date(2026, 11, 21)).sealed(registry))
    for markup in (shown, page(reverse("matching:earlier", args=[row.pk]))):
        assert "2025.4" in text(markup) and "2 dari 10.000 baris" in text(markup)
        assert "hanya ada di dokumen yang disegel" in text(markup) and "Dua penelaah sepakat" not in text(markup)
    assert "hanya ada di dokumen yang disegel" not in text(page())
    assert Client().get(reverse("matching:statement", args=[row.pk])).content == envelope


def test_anybody_can_take_the_sealed_statement_and_check_who_said_it(registry):
    row = matching_quality.hear(a_statement().sealed(registry))
    answer = Client().get(reverse("matching:statement", args=[row.pk]))
    taken = MatchingQuality.unsealed(answer.content, registry.public)
    assert digest(taken.to_json()) == row.digest
    assert row.digest in page()
    assert Client().get(reverse("matching:statement", args=[row.pk + 9])).status_code == 404


def test_it_is_reached_from_every_page():
    assert Client().get(reverse("portal:home")).content.decode().count(f'href="{reverse("matching:show")}"') == 2


def test_every_list_and_group_has_a_name():
    assert set(words.KINDS) == set(KINDS)
    assert set(words.QUESTIONS) == set(QUESTIONS)
    assert {question: set(answers) for question, answers in words.ANSWERS.items()} == {
        question: set(answers) for question, answers in QUESTIONS.items() if answers
    }


# Every number comes from the statement

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
FIXED = {"10.000", "1", "95", "3", "24", "27", "2022", "6", "30", "10", "256", "200", "0,5", "90"}
"""Of the words themselves: among how many an error is told, certainty, articles of the law, F1, SHA-256, what makes a
finding and from how many persons, and the example of a probability."""


def spelled(quality: MatchingQuality) -> set[str]:
    """Every number that may stand on the page of this statement, as Indonesian writes it: computed here, not there."""
    found = set(FIXED)

    def whole(many: float) -> None:
        found.add(f"{many:,.0f}".replace(",", "."))

    def decimals(amount: float, *places: int) -> None:
        for place in places:
            found.add(f"{amount:,.{place}f}".translate(str.maketrans(",.", ".,")))

    def share(one: Share) -> None:
        whole(one.of)
        ratio(one.at, wilson(one.part, one.of))

    def ratio(at: float, ends: tuple[float, float]) -> None:
        decimals(100 * at, 1, 2)
        for way, end in zip((math.floor, math.ceil), ends, strict=True):
            for place in (1, 2):
                decimals(way(end * 100 * 10**place) / 10**place, place)
        for most in (0.999, 0.9999, 0.99999):  # "more than": of what is not quite everything
            decimals(100 * most, 1, 2)
            decimals(100 * (1 - most), 1, 2)

    def tally(one: Tally) -> None:
        whole(one.rows)
        for amount in (one.given, one.review, one.rows - one.given - one.review):
            decimals(100 * amount / one.rows if one.rows else 0, 2)
        share(one.accurate)
        share(one.found)
        decimals(one.f1, 4)
        for end in one.f1_between:
            decimals(end, 4)

    for one in quality.lists:
        tally(one.tally)
        tally(one.tally.with_review)
        whole(one.persons)
        found.add(str(one.seed))
    overall = quality.overall
    for wrong in (overall.accurate.rest, overall.found.rest, Share(overall.review, overall.rows)):
        low, high = wilson(wrong.part, wrong.of)
        for many in (round(10_000 * wrong.at), math.floor(10_000 * low), math.ceil(10_000 * high)):
            whole(many)
        whole(wrong.of)
    for question, answers in quality.groups.items():
        for answer, group in answers.items():
            found.update(str(int(one)) for one in re.findall("[0-9]+", answer) if question in ("age", "province"))
            if group is not None:
                tally(group)
                decimals(100 * abs(group.recall - overall.recall), 2)
    rows = [one for one in quality.bins.values() if one is not None]
    for tenth, one in quality.bins.items():
        if one is not None:
            share(one.true)
            decimals(100 * (one.stated / 1_000_000), 2)
            found.update({str(10 * tenth), str(10 * tenth + 10)})
    if rows:
        off = sum(one.rows * abs(one.stated / 1_000_000 - one.right / one.rows) for one in rows)
        decimals(100 * off / sum(one.rows for one in rows), 2)
    if quality.clerks:
        share(Share(quality.clerks.agreed, quality.clerks.twice))
        share(Share(quality.clerks.arbitrated, quality.clerks.twice))
        for one in (quality.clerks.matched, quality.clerks.nobody):
            same = one.same_rows / one.rows if one.rows else 0.0
            ratio(same, wilson(one.effective * same, one.effective))
            whole(one.decided)
            whole(one.rows)
            whole(one.unsure)
    rule = quality.thresholds
    decimals(rule.accept / 10, 0, 1)
    decimals(rule.consider / 10, 0, 1)
    found.add(str(rule.margin))
    for day in (rule.since, quality.measured_on):
        found.update({str(day.day), str(day.year)})
    found.update(NUMBER.findall(quality.model))
    return found


def said(value: object) -> Iterator[str]:
    """Every text in what the page is told; of a drawing what is written in it, but not its scale."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Element):
        small = value.name == "text" and value.attributes["font-size"] == SMALL and str(value.children[0]).endswith("%")
        yield from () if small else (text for part in value.children for text in said(part))
    elif isinstance(value, tuple):
        yield from (text for part in value for text in said(part))
    elif is_dataclass(value):
        yield from (text for one in fields(value) if one.name != "name" for text in said(getattr(value, one.name)))


@settings(deadline=None, max_examples=60)
@given(quality=statements())
def test_every_number_that_is_told_comes_from_the_statement(quality):
    with translation.override("id"):
        numbers = {number for one in said(told(quality, {})) for number in NUMBER.findall(one)}
    strange = numbers - spelled(quality)
    assert strange == set()


APART = (
    "<h2>Bagaimana komputer menimbang</h2>.*?</figure>",  # the invented pair
    '<(?:span|dd) class="digits.*?</(?:span|dd)>',  # digests
    '<text [^>]*font-size="13"[^>]*>[^<]*%</text>',  # the scale of a chart
    "seperti 1 Januari",
)


def test_the_page_adds_no_number(registry):
    """But for those of the law, and of the invented pair."""
    matching_quality.hear(a_statement().sealed(registry))
    markup = page().split('<h2 id="riwayat"')[0]
    strange = set(NUMBER.findall(text(re.sub("|".join(APART), "", markup, flags=re.DOTALL)))) - spelled(a_statement())
    assert strange == set()


def test_a_number_from_elsewhere_is_seen():
    """The tests above would see it."""
    other = replace(a_statement(), clerks=replace(CLERKS, agreed=390))
    with translation.override("id"):
        numbers = {number for one in said(told(other, {})) for number in NUMBER.findall(one)}
    assert numbers - spelled(a_statement()) == {"97,5", "95,4"}
