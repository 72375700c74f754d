"""An order for rows without names, as its recipient opens it: alike to enough others, told as coarsely as was approved,
or refused with a way out."""

import csv
import json
from collections import Counter
from dataclasses import replace

import pytest
from tests.registry.orders import EXEMPTED, PSEUDONYMS, a_house, a_plan, an_order
from tests.registry.small import small_release
from tests.registry.test_deliver import done, rows_of

from bagipakai.core.exchange import Step
from bagipakai.core.manifest import MANIFEST_NAME, Manifest
from bagipakai.core.plan import Asked, Format, Protections, Unit
from bagipakai.core.query import And, Column, Compare, Const, Op, Or
from bagipakai.registry import handing
from bagipakai.registry.membership import Membership

HALF = Compare(Op.AT_MOST, Column("desil"), Const(5))
NOT_ALL = tuple(one for one in EXEMPTED if one.rule not in ("rows-alike", "rows-distribution", "rows-one-value"))
STAGES = (Asked("kode_kab", "wilayah"), Asked("umur", "sasaran", "TAHAP-HIDUP"), Asked("desil", "sasaran"))
FINE = (*(Asked(name, "x") for name in ("kode_kab", "umur", "jenis_kelamin", "status_perkawinan", "ijazah_tertinggi")),)
MOST = Compare(Op.AT_MOST, Column("desil"), Const(8))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return small_release(tmp_path_factory.mktemp("releases"), families=900, seed=5)


@pytest.fixture
def release(published):
    return published[0]


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def rows_plan(variables=STAGES, exempted=NOT_ALL, **changes):
    protections = Protections(PSEUDONYMS[Unit.INDIVIDU], 0, exempted)
    plan = a_plan("L2", population=HALF, format=Format.PARQUET, protections=protections)
    return replace(plan, **{"variables": variables, **changes})


def evidence(receipt):
    return next(done.evidence for done in receipt.steps if done.step is Step.ACCESS_SECURING)


def test_rows_leave_told_in_bands_and_alike_to_ten_others(release, published, house, tmp_path):
    receipt = done(an_order(rows_plan()), release, house)
    assert receipt.refusal == "", receipt.detail
    house.open(receipt.package, tmp_path / "opened")
    out = rows_of(tmp_path / "opened", Format.PARQUET)
    classes = Counter((row["kode_kab"], row["umur"]) for row in out)
    assert min(classes.values()) >= 10 and {age for _, age in classes} <= {0, 20, 60, None}
    chosen = [row for row in published[1][Unit.INDIVIDU] if row["desil"] is not None and row["desil"] <= 5]
    told = evidence(receipt)
    assert len(out) == receipt.rows and 0 <= told["rows_left_out"] - (len(chosen) - len(out)) < 10
    assert told["values_left_blank"] <= 0.05 * 2 * len(out) and told["exempted"].split() == [
        one.rule for one in NOT_ALL
    ]
    with (tmp_path / "opened" / "kamus.csv").open(encoding="utf-8", newline="") as text:
        lines = list(csv.DictReader(text))
    meaning = {line["kolom"]: line["definisi"] for line in lines}
    assert {line["kolom"]: line["arti_kode"] for line in lines}["umur"] == "0 = 0–19; 20 = 20–59; 60 = 60 ke atas"
    assert "Dalam paket ini disajikan menurut tahap kehidupan" in meaning["umur"]
    metadata = json.loads((tmp_path / "opened" / "metadata.json").read_text(encoding="utf-8"))
    assert "tahap kehidupan" in metadata["perbedaan"]["umur"]
    assert [one["bands"][-1]["start"] for one in metadata["variabel"] if one["name"] == "umur"] == [60]
    envelope = (house.places.packages / receipt.package / MANIFEST_NAME).read_bytes()
    manifest = Manifest.unsealed(envelope, house.keys.seal.public)
    assert manifest.plan.protections.exempted == NOT_ALL and "0143" in manifest.disclosure_method


def test_who_was_left_out_is_not_told_that_they_were_delivered(release, published, house):
    """Those of ten years are of one district alone, a few: nothing but leaving them out would help."""
    people = [row for row in published[1][Unit.INDIVIDU] if row["desil"] is not None and row["desil"] <= 5]
    living = Counter(row["kode_kec"] for row in published[1][Unit.INDIVIDU] if row["umur"] == 10)
    chosen = Counter(row["kode_kec"] for row in people if row["umur"] == 10)
    few, place = min((n, place) for place, n in chosen.items() if living[place] >= 10)
    ten = And((Compare(Op.EQUAL, Column("umur"), Const(10)), Compare(Op.EQUAL, Column("kode_kec"), Const(place))))
    younger = Compare(Op.LESS, Column("umur"), Const(10))
    plan = rows_plan(variables=(Asked("umur", "sasaran", "5-TAHUN"),), population=And((HALF, Or((younger, ten)))))
    receipt = done(an_order(plan), release, house)
    assert receipt.refusal == "", receipt.detail
    members = Membership.read(house.places.members(receipt.package))
    there = [row["umur"] for row in people if row["person_ordinal"] in members]
    assert len(there) == receipt.rows > 0 and 10 not in there and 0 < few < 10


def test_too_fine_a_plan_is_refused_and_told_what_would_pass(release, house, tmp_path):
    receipt = done(an_order(rows_plan(FINE)), release, house)
    assert receipt.refusal == "rows-alike" and house.packages == [] and house.left_behind() == []
    assert any(name in dict(receipt.detail)["proposal"] for name in ("umur", "kode_kab", "ijazah_tertinggi"))


@pytest.mark.parametrize("asked", ["rows-families", "rows-presence", "rows-share"])
def test_a_rule_that_is_not_exempted_holds(asked, release, house):
    others = tuple(rule for rule in NOT_ALL if rule.rule != asked)
    receipt = done(an_order(rows_plan(exempted=others, population=MOST)), release, house)
    assert receipt.refusal == asked and house.packages == []


def test_persons_whom_nothing_ties_to_their_family_need_no_exemption(release, house):
    plan = rows_plan(exempted=tuple(rule for rule in NOT_ALL if rule.rule != "rows-families"))
    alone = replace(plan, protections=replace(plan.protections, pseudonyms=("nik",)))
    assert done(an_order(alone), release, house).refusal == ""


def test_the_same_plan_makes_the_same_content_on_any_number_of_threads(release, house, tmp_path):
    digests = set()
    for name in ("a", "b"):
        other = a_house(tmp_path / name)
        receipt = done(an_order(rows_plan()), release, replace(other, keys=house.keys))
        formatting = next(done.evidence for done in receipt.steps if done.step is Step.FORMATTING)
        digests.add(formatting["content_digest"])
    assert len(digests) == 1


def test_families_are_rows_too(release, house, tmp_path):
    plan = a_plan("L2", "keluarga", population=HALF, format=Format.PARQUET)
    variables = (Asked("kode_kab", "x"), Asked("jumlah_anggota_keluarga", "x", "KELOMPOK"), Asked("desil", "x"))
    plan = replace(plan, variables=variables, protections=replace(plan.protections, exempted=NOT_ALL))
    receipt = done(an_order(plan), release, house)
    assert receipt.refusal == "", receipt.detail
    house.open(receipt.package, tmp_path / "opened")
    out = rows_of(tmp_path / "opened", Format.PARQUET)
    assert min(Counter((row["kode_kab"], row["jumlah_anggota_keluarga"]) for row in out).values()) >= 10
    assert {row["jumlah_anggota_keluarga"] for row in out} <= {1, 2, 4, 6, None}


def test_the_report_lies_in_the_package_and_says_what_the_evidence_says(release, house, tmp_path):
    receipt = done(an_order(rows_plan()), release, house)
    house.open(receipt.package, tmp_path / "rows")
    said = (tmp_path / "rows" / "laporan.html").read_text(encoding="utf-8")
    told = evidence(receipt)
    assert f"<td>{told['recognised']}</td>" in said and "Dikecualikan oleh dua orang" in said
    assert "rows-presence" in said and "uji coba dengan data buatan" in said and "tahap kehidupan" in said
    for number, (level, words) in enumerate(
        (("L1", "Ditutup tidak berarti nol"), ("L4", "tidak ada nilai yang diubah"))
    ):
        plan = a_plan(level, variables=("kode_prov",)) if level == "L1" else a_plan(level)
        receipt = done(an_order(plan, f"O-{number}"), release, house)
        house.open(receipt.package, tmp_path / level)
        assert words in (tmp_path / level / "laporan.html").read_text(encoding="utf-8")


def test_nothing_is_said_to_be_measured_that_was_not(release, house, tmp_path):
    receipt = done(an_order(a_plan("L2")), release, house)
    house.open(receipt.package, tmp_path / "rows")
    said = (tmp_path / "rows" / "laporan.html").read_text(encoding="utf-8")
    assert "tidak diukur" in said and "dipenuhi" not in said and said.count("dikecualikan") >= 5
    assert "Semua dari 7 aturan untuk baris tanpa nama dikecualikan" in said
    assert "tanpa mengetahuinya" not in said and "tanpa mengenal orangnya" not in said
    assert "sebesar ini" not in said and "seluruh sebuah kelompok serupa dapat ikut keluar" in said


def test_the_report_begins_with_how_many_rules_are_met(release, house, tmp_path):
    """Each rule is named in words beside its code. Nobody signs it: the package is sealed."""
    receipt = done(an_order(rows_plan()), release, house)
    house.open(receipt.package, tmp_path / "rows")
    said = (tmp_path / "rows" / "laporan.html").read_text(encoding="utf-8")
    first = said.partition("Lampiran</h2>")[0]
    verdict = (
        '<p class="verdict"><strong>3 dari 7 aturan untuk baris tanpa nama dipenuhi; 4 dikecualikan oleh dua orang.'
    )
    assert first.index(verdict) < first.index("<h2>")
    for one in NOT_ALL:
        assert f" ({one.rule})" in first and f">{one.rule}<" not in said
    assert "Tebakan dari kelompok serupa (rows-inference)" in said and "memuat pengganti nomor KK" in first
    assert "Pengesahan" not in said and "segel manifesnya" in first and "belum berdasar pada peraturan" in first


def test_what_does_not_occur_is_not_said_to(release, house, tmp_path):
    """The rule of families is exempted, and no family is tied together."""
    for number, plan in enumerate((rows_plan(), a_plan("L2", "keluarga", variables=("kode_prov", "desil")))):
        pseudonyms = tuple(
            one for one in plan.protections.pseudonyms if plan.unit is Unit.KELUARGA or one != "nomor_kk"
        )
        alone = replace(plan, protections=replace(plan.protections, pseudonyms=pseudonyms))
        receipt = done(an_order(alone, f"O-{number}"), release, house)
        assert receipt.refusal == "", receipt.detail
        house.open(receipt.package, tmp_path / str(number))
        said = (tmp_path / str(number) / "laporan.html").read_text(encoding="utf-8")
        assert "Tidak terjadi dalam paket ini" in said and "memuat pengganti nomor KK" not in said


def test_a_table_in_a_package_is_signed_with_its_fingerprint(release, house, tmp_path):
    receipt = done(an_order(a_plan("L1", variables=("kode_prov",))), release, house)
    house.open(receipt.package, tmp_path / "table")
    said = (tmp_path / "table" / "laporan.html").read_text(encoding="utf-8")
    first = said.partition("Lampiran</h2>")[0]
    content = next(done.evidence for done in receipt.steps if done.step is Step.FORMATTING)["content_digest"]
    assert content in first and "telah membaca lembar ini" in first and 'verdict"' not in said
    assert "aturan untuk baris" not in said and "segel manifesnya" not in said


def test_who_holds_rows_already_is_given_others_only_beside_them(release, house, tmp_path):
    """What was given is remembered sealed, by recipient and release; the report names it."""
    places, coarser = (rows_plan((Asked(name, "x"), Asked("desil", "x"))) for name in ("kode_kab", "kode_prov"))
    first, again = (done(an_order(plan, f"O-{at}"), release, house) for at, plan in enumerate((places, coarser), 1))
    assert not first.refusal and not again.refusal
    assert "held_beside" not in evidence(first) and evidence(again)["held_beside"] == 1
    house.open(again.package, tmp_path / "again")
    told = (tmp_path / "again" / "laporan.html").read_text(encoding="utf-8")
    assert "Penerima sudah memegang baris tentang orang yang sama dari rilis ini, dalam 1 paket lain" in told
    kept = sorted(house.places.given.glob("*.dsse.json"))
    assert len(kept) == 2 and done(an_order(places, "O-1"), release, house).package
    assert sorted(house.places.given.glob("*.dsse.json")) == kept, "what stands is only receipted again"
    kept[0].write_bytes(kept[1].read_bytes())
    assert done(an_order(places, "O-3"), release, house).refusal == "given-rows-broken"


def test_rows_that_need_not_be_alike_are_not_said_to_be_so_beside_others(release, house, tmp_path):
    some = tuple(rule for rule in EXEMPTED if rule.rule != "rows-distribution")
    for at, name in enumerate(("kode_kab", "kode_prov")):
        receipt = done(an_order(rows_plan((Asked(name, "x"),), some), f"O-{at}"), release, house)
        assert receipt.refusal == "", receipt.detail
    house.open(receipt.package, tmp_path / "again")
    said = (tmp_path / "again" / "laporan.html").read_text(encoding="utf-8")
    assert "<td>rows-beside</td><td>dikecualikan</td>" in said


def test_the_same_again_is_given_as_it_was_whatever_was_given_since(release, house, tmp_path):
    """Beside the others it would be something else; but whoever has it already learns nothing from it."""
    first, since = (rows_plan((Asked(name, "x"), Asked("desil", "x"))) for name in ("kode_prov", "kode_kab"))
    receipts = [done(an_order(plan, f"O-{at}"), release, house) for at, plan in enumerate((first, since, first))]
    assert [one.refusal for one in receipts] == ["", "", ""]
    assert ["held_beside" in evidence(one) for one in receipts] == [False, True, False]
    for at in (0, 2):
        house.open(receipts[at].package, tmp_path / str(at))
    one, again = (
        Counter(
            tuple(sorted((name, str(row[name])) for name in first.columns))
            for row in rows_of(tmp_path / str(at), Format.PARQUET)
        )
        for at in (0, 2)
    )
    assert one == again


def test_somebody_who_is_given_others_meanwhile_is_looked_at_again(release, house, monkeypatch):
    """Between counting and remembering, another order of theirs was done."""
    looked, real = [], handing.Gifts.held

    def held(self, *about):
        found = real(self, *about)
        looked.append(len(found))
        if len(looked) == 1:
            done(an_order(rows_plan(), "O-2"), release, house)
        return found

    monkeypatch.setattr(handing.Gifts, "held", held)
    told = done(an_order(rows_plan((Asked("kode_prov", "x"),)), "O-1"), release, house)
    assert not told.refusal and looked[-2:] == [1, 1] and evidence(told)["held_beside"] == 1
