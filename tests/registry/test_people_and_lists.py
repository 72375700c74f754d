"""The people to be matched and the lists of them: the same for the same seed, built as numbers and families are, wrong
about as often as in life, and never without the truth.
"""

from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from bench.match_lists import joined

from bagipakai.registry.matching.evaluation import evaluated
from bagipakai.registry.regions import regions
from bagipakai.registry.synthesis.lists import a_list, kinds, registry, slips
from bagipakai.registry.synthesis.lists.population import SCHEMA
from bagipakai.registry.synthesis.lists.writing import COLUMNS, TRUTH

PEOPLE, ROWS = 20_000, 4_000


@pytest.fixture(scope="module")
def people():
    return registry(PEOPLE, 7)


@pytest.fixture(scope="module")
def dense():
    return registry(PEOPLE, 7, dense=True)


@pytest.fixture(scope="module")
def lists(people, dense):
    return {kind: a_list(dense if kind == "dense" else people, ROWS, 3, kind, "dinas sosial") for kind in kinds()}


@pytest.fixture
def ask(people, dense):
    with duckdb.connect() as base:
        base.register("people", people)
        base.register("dense", dense)
        yield lambda question: base.execute(question).fetchall()


# The people


def test_same_seed_same_people(people):
    assert registry(PEOPLE, 7).equals(people)
    assert not registry(PEOPLE, 8).equals(people)


def test_a_registry_has_the_bare_columns_and_the_number_of_people_asked_for(people):
    assert people.schema.equals(SCHEMA)
    assert [registry(n, 1).num_rows for n in (10, 11, 999)] == [10, 11, 999]
    with pytest.raises(ValueError, match="ten"):
        registry(9, 1)


def test_a_person_lives_in_a_village_that_exists(ask):
    villages = {code for (code,) in ask("SELECT DISTINCT kode_desa FROM people UNION SELECT kode_desa FROM dense")}
    assert villages <= set(regions())
    assert ask(
        "SELECT count(*) FROM people WHERE kode_desa NOT LIKE kode_kec || '%' OR kode_kec NOT LIKE kode_kab || '%'"
        " OR kode_kab NOT LIKE kode_prov || '%'"
    ) == [(0,)]


def test_thin_is_the_nation_and_dense_is_full_villages(ask):
    assert ask("SELECT count(DISTINCT kode_prov) FROM people") == [(38,)]
    full = [size for (size,) in ask("SELECT count(*) FROM dense GROUP BY kode_desa")]
    assert 1_500 < np.median(full) < 5_000


def test_a_number_is_built_from_district_date_and_sex(ask):
    """A district that exists, the row's own date with forty for women — but for about one in a hundred."""
    districts = {int(region.code) for region in regions().at_level(3)}
    issued = ask("SELECT DISTINCT CAST(nik[1:6] AS INT) FROM people WHERE length(nik) = 16 AND NOT nik LIKE '0%'")
    assert {district for (district,) in issued} <= districts
    ((own, home),) = ask("""
        WITH said AS (
            SELECT nik, kode_kec, strftime(tanggal_lahir, '%m%y') AS month,
                lpad(CAST(day(tanggal_lahir) + if(jenis_kelamin = 'P', 40, 0) AS VARCHAR), 2, '0') AS day
            FROM people WHERE nik IS NOT NULL)
        SELECT avg(CAST(nik[7:12] = day || month AS INT)), avg(CAST(nik[1:6] = kode_kec AS INT)) FROM said""")
    assert 0.98 < own < 0.998
    assert 0.80 < home < 0.93  # who has moved keeps the district of issue


def test_serials_follow_each_other(dense):
    niks = sorted(nik for nik in dense["nik"].to_pylist() if nik and len(nik) == 16 and not nik.endswith("0000"))
    steps = [int(b) - int(a) for a, b in pairwise(niks) if a[:12] == b[:12] and a != b]
    assert steps
    assert max(steps) < 9


def test_few_numbers_are_missing_broken_or_doubled(ask):
    ((missing, broken, doubled),) = ask("""
        SELECT avg(CAST(nik IS NULL AS INT)), avg(CAST(length(nik) <> 16 OR nik LIKE '%0000000000' AS INT)),
               1 - count(DISTINCT nik) / count(nik) FROM people""")
    assert 0.003 < missing < 0.010
    assert 0.001 < broken < 0.006
    assert 0.001 < doubled < 0.008


def test_the_oldest_have_default_dates(ask):
    ((old, young),) = ask("""
        WITH dated AS (
            SELECT year(tanggal_lahir) < 1960 AS old,
                strftime(tanggal_lahir, '%m%d') IN ('0101', '1231', '0701') AS stock
            FROM people)
        SELECT avg(CAST(stock AS INT)) FILTER (WHERE old), avg(CAST(stock AS INT)) FILTER (WHERE NOT old)
        FROM dated""")
    assert 0.05 < old < 0.18
    assert young < 0.03


def test_children_share_their_mother_and_some_are_twins(ask):
    ((families,),) = ask("""
        SELECT count(*) FROM (SELECT no_kk, nama_ibu FROM people WHERE tanggal_lahir > '2005-01-01'
                              GROUP BY ALL HAVING count(*) > 1)""")
    ((twins,),) = ask("""
        SELECT count(*) FROM (SELECT no_kk, nama_ibu, tanggal_lahir FROM people GROUP BY ALL HAVING count(*) > 1)""")
    assert families > 700
    assert 20 < twins < 200


def test_grown_up_siblings_live_in_families_of_their_own(ask):
    ((shared,),) = ask("""
        SELECT count(*) FROM people a JOIN people b USING (nama_ibu, kode_desa)
        WHERE a.no_kk < b.no_kk AND abs(year(a.tanggal_lahir) - year(b.tanggal_lahir)) < 16
          AND year(a.tanggal_lahir) < 2000""")
    assert shared > 200


def test_names_are_of_their_place(ask):
    ((bali, one_word),) = ask("""
        SELECT
            avg(CAST(regexp_matches(nama, '^(I |NI |IDA |I GUSTI|WAYAN|MADE)') AS INT)) FILTER (WHERE kode_prov = '51'),
            avg(CAST(NOT contains(nama, ' ') AS INT)) FILTER (WHERE kode_prov IN ('33', '34', '35'))
        FROM people""")
    ((distinct, commonest),) = ask("""
        WITH names AS (SELECT nama, count(*) AS bearers FROM people GROUP BY nama)
        SELECT count(*) / sum(bearers), max(bearers) / sum(bearers) FROM names""")
    assert bali > 0.6
    assert 0.08 < one_word < 0.30
    assert distinct > 0.7
    assert 0.0008 < commonest < 0.006


# The lists


def test_same_seed_same_list(people, lists):
    again = a_list(people, ROWS, 3, "dirty", "dinas sosial")
    assert all(one.equals(other) for one, other in zip(again, lists["dirty"], strict=True))


@pytest.mark.parametrize("kind", kinds())
def test_a_list_is_text_in_known_columns_and_every_row_has_its_truth(kind, lists):
    rows, truth = lists[kind]
    assert rows.num_rows == truth.num_rows == ROWS
    assert truth.schema.equals(TRUTH)
    assert rows["list_id"].equals(truth["list_id"])
    assert set(rows.column_names) <= {"list_id", *COLUMNS}
    assert all(column.type == pa.string() for column in rows.columns)
    assert ("nik" in rows.column_names) == (kind != "no_nik")


@pytest.mark.parametrize("kind", kinds())
def test_some_are_not_in_the_registry_and_some_come_twice(kind, lists):
    _, truth = lists[kind]
    known = [one for one in truth["registry_id"].to_pylist() if one is not None]
    assert 0.07 < 1 - len(known) / ROWS < 0.16
    assert 20 < len(known) - len(set(known)) < 50
    codes = [set(codes) for codes in truth["damage"].to_pylist()]
    absent = [any(code.startswith("absent.") for code in one) for one in codes]
    assert absent == [one is None for one in truth["registry_id"].to_pylist()]
    assert sum("twice" in one for one in codes) == ROWS // 100


@pytest.mark.parametrize(("kind", "precision", "recall"), [("typical", 0.982, 0.846), ("dirty", 0.908, 0.45)])
def test_a_plain_join_on_the_number_does_as_well_as_in_the_reference(kind, precision, recall, people, lists):
    score = evaluated(joined(people, lists[kind][0]), lists[kind][1]).overall
    assert score.precision == pytest.approx(precision, abs=0.02)
    assert score.recall == pytest.approx(recall, abs=0.03)


def test_an_undamaged_row_says_what_the_registry_says(people, lists):
    rows, truth = lists["typical"]
    with duckdb.connect() as base:
        for name, table in (("people", people), ("list", rows), ("truth", truth)):
            base.register(name, table)
        ((seen, same),) = base.execute("""
            SELECT count(*), count(*) FILTER (WHERE p.nama = l.nama AND p.nik IS NOT DISTINCT FROM l.nik
                AND p.nama_ibu IS NOT DISTINCT FROM l.nama_ibu AND p.kode_desa = l.kode_desa AND p.no_kk = l.no_kk)
            FROM list l JOIN truth t USING (list_id) JOIN people p USING (registry_id) WHERE len(damage) = 0
            """).fetchall()
    assert seen > ROWS // 8
    assert same == seen or same > 0.97 * seen  # a mother who is not recorded may be written "-"


def test_errors_come_together(lists):
    """A careless clerk makes several: more rows have many errors, and more have none, than if each fell by itself."""
    _, truth = lists["typical"]
    counts = np.array([sum("." in code for code in one) for one in truth["damage"].to_pylist()])
    assert counts.var() > 1.15 * counts.mean()  # it would be below the mean


def test_a_spreadsheet_rounds_numbers_and_loses_zeros(lists):
    rows, _ = lists["excel"]
    niks = [nik for nik in rows["nik"].to_pylist() if nik]
    assert 0.35 < sum(nik.endswith("0") and len(nik) == 16 for nik in niks) / len(niks) < 0.65
    assert any("E+15" in nik for nik in niks)
    assert not any(rt and rt.startswith("0") for rt in rows["rt"].to_pylist())


def test_dates_come_in_many_dresses(lists):
    texts = [text for text in lists["typical"][0]["tanggal_lahir"].to_pylist() if text]
    shapes = {
        "".join("9" if letter.isdigit() else "a" if letter.isalpha() else letter for letter in one) for one in texts
    }
    assert {"99-99-9999", "9999-99-99", "99/99/9999", "9999"} <= shapes
    assert len(shapes) > 8


def test_an_absent_relative_has_a_number_of_its_own_or_a_borrowed_one(people, lists):
    rows, truth = lists["typical"]
    held = set(people["nik"].to_pylist())
    for nik, codes in zip(rows["nik"].to_pylist(), truth["damage"].to_pylist(), strict=True):
        kinds_ = {code.split(".")[0] for code in codes}
        if "absent" in kinds_ and "nik" not in kinds_:
            assert nik not in held


def test_a_sender_has_not_every_column(people):
    rows, truth = a_list(people, 500, 1, "typical", "sekolah")
    assert "no_kk" not in rows.column_names
    assert not any(code.startswith("card.") for one in truth["damage"].to_pylist() for code in one)


def test_a_kind_a_sender_or_a_size_that_cannot_be_is_refused(people):
    for rows, kind, sender in (
        (10, "clean", None),
        (10, "typical", "nobody"),
        (PEOPLE, "typical", None),
        (0, "typical", None),
    ):
        with pytest.raises(ValueError, match=r"kinds|senders|a third"):
            a_list(people, rows, 1, kind, sender)


# One text


@pytest.mark.parametrize(
    ("slip", "text", "possible"),
    [
        (slips.swapped, "SITI AMINAH", {"AMINAH SITI"}),
        (slips.dropped, "SLAMET", {"SLAMET"}),
        (slips.dropped, "H. SLAMET", {"SLAMET", "H. SLAMET"}),
        (slips.joined, "NUR HAYATI", {"NURHAYATI"}),
        (slips.initials, "ABDUL RAHMAN", {"ABDUL R", "ABDUL R.", "A RAHMAN", "A. RAHMAN"}),
        (slips.untitled, "HJ. SITI AMINAH S.PD", {"SITI AMINAH"}),
        (slips.old_way, "SUTRISNO", {"SOETRISNO"}),
        (slips.rounded, "3201014501900003", {"3201014501900000"}),
        (slips.turned, "12", {"21"}),
        (slips.without_zeros, "003", {"3"}),
    ],
)
def test_what_a_slip_can_do(slip, text, possible):
    assert {slip(text, chance * 0x9E3779B97F4A7C15 % 2**63) for chance in range(200)} == possible


def test_a_number_shown_in_powers_of_ten_keeps_its_beginning():
    shown = {slips.scientific("3201014501900003", chance) for chance in range(600)}
    assert "3,20101E+15" in shown
    assert all(one[0] == "3" and one[2:6] == "2010" and one.endswith("E+15") for one in shown)


@pytest.mark.parametrize(
    "slip",
    [
        slips.typing,
        slips.sound,
        slips.split,
        slips.nickname,
        slips.shortened,
        slips.titled,
        slips.noisy,
        slips.digit,
        slips.longer_or_shorter,
        slips.decorated,
        slips.address,
    ],
)
def test_a_slip_needs_nothing_of_a_text(slip):
    for text in ("", "A", "NI", "I", "'", "X Y", "Ñ", "1"):
        for chance in (0, 1, 2**62 + 12345, 2**63 - 1):
            assert isinstance(slip(text, chance), str)
