"""Who guesses at people through matching is told nothing, counted, and seen by the house alone."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.factories_registry import STORAGE, in_clear
from tests.registry import small
from tests.registry.lists import as_csv
from tests.registry.orders import PLACED, a_house, an_order, recipient
from tests.registry.test_matched import a_list, as_sent, delivered, matching

from bagipakai.cli import main
from bagipakai.core.exchange import Step
from bagipakai.core.plan import Unit
from bagipakai.registry import asked
from bagipakai.registry import deliver as delivering
from bagipakai.registry.alarms import Alarm, Alarms, Sign, all_of
from bagipakai.registry.asked import Asked
from bagipakai.registry.deliver import deliver
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.matching import honey, indexes
from bagipakai.registry.matching.policy import Abuse
from bagipakai.registry.vault import Damaged

NOW = PLACED + timedelta(hours=1)
DAY = PLACED.date()
POLICY = Abuse.on(DAY)


@pytest.fixture(scope="module")
def people(release):
    return pa.concat_tables(in_clear(release, Unit.INDIVIDU)).to_pylist()


@pytest.fixture(scope="module")
def index(release):
    return indexes.opened(indexes.of_release(release, STORAGE), STORAGE)


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def invented(index) -> list[dict]:
    """The honey records of an index, as rows of a list."""
    found = index.people(np.arange(honey.real(index), len(index), dtype=np.uint32)).to_pylist()
    return [
        {
            "nik": str(one["nik"]),
            "nama": one["name"],
            "jenis_kelamin": " LP"[one["sex"]],
            "tanggal_lahir": one["born"].isoformat(),
            "kode_desa": str(one["desa"]),
        }
        for one in found
    ]


def alarms(house) -> list[Alarm | Damaged]:
    return list(all_of(house.places.alarms, [house.keys.receipt.public]))


def test_an_index_of_a_release_holds_people_who_are_nobody(index, release, people):
    rows = invented(index)
    assert len(rows) == release.person_count // POLICY.honey_share == 3
    assert not {row["nik"] for row in rows} & {one["nik"] for one in people}
    names = {word for one in people for word in (one["nama"] or "").split()}
    assert all(set(row["nama"].split()) & names for row in rows)
    districts = {one["kode_kec"] for one in people}
    assert all(row["nik"][:6] in districts and row["kode_desa"][:6] == row["nik"][:6] for row in rows)


def test_they_are_drawn_from_a_secret(release):
    real = list(indexes.of_release(release, STORAGE).people())[:-1]

    def drawn(secret: bytes) -> list[int]:
        return list(honey.among(iter(real), secret, POLICY, release.person_count))[-1]["nik"].to_pylist()

    assert drawn(b"a" * 32) == drawn(b"a" * 32) != drawn(b"b" * 32)


@pytest.mark.parametrize("damage", ["", "nama"])
def test_who_meets_one_is_told_of_nobody_and_the_house_sees_it(house, release, people, index, tmp_path, caplog, damage):
    rows = [*a_list(people), *({"list_id": f"m{at}", **one} for at, one in enumerate(invented(index)))]
    if damage:  # the number alone
        rows = [{**row, "nama": "ZZYX QOWERU"} if row["list_id"].startswith("m") else row for row in rows]
    told, receipt = delivered(house, release, matching(house, rows, reasons=True, variables=("nik",)), tmp_path)
    met = [row for row in told if row["list_id"].startswith("m")]
    assert len(met) == 3
    assert all((row["hasil"], row["alasan"], row["nik"]) == ("tidak cocok", "TIDAK_DITEMUKAN", "") for row in met)
    (alarm,) = alarms(house)
    assert (alarm.sign, alarm.order, alarm.institution, alarm.count) == (Sign.HONEY, "O-1", "dinsos-3201", 3)
    assert "sign=HONEY order=O-1 count=3" in caplog.text
    steps = {one.step: one.evidence for one in receipt.steps}
    assert steps[Step.PROVISIONING]["alarms"] == 1
    opened = house.open(receipt.package, tmp_path / "again")
    assert "alarm" not in repr(opened.manifest).lower() and "honey" not in repr(opened.manifest).lower()


def test_the_house_itself_is_not_shown_who_is_nobody(house, tmp_path, monkeypatch):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    release, rows = small.small_release(house.var / "releases", seal=house.keys.seal)
    with monkeypatch.context() as patched:
        patched.setattr(Abuse, "on", lambda day: replace(POLICY, honey_share=20))
        index = indexes.opened(indexes.of_release(release, house.keys.storage), house.keys.storage)
        given = invented(index)
        assert len(given) == len(rows[Unit.INDIVIDU]) // 20
        (tmp_path / "list.csv").write_bytes(as_csv(given))
        files = ["--list", str(tmp_path / "list.csv"), "--out", str(tmp_path / "out.parquet")]
        assert main(["registry", "match", "--release", str(release.folder), *files]) == 0
    told = pq.read_table(tmp_path / "out.parquet")
    assert set(told["band"].to_pylist()) == {"none"} and told["registry_id"].null_count == len(given)
    assert told["score"].null_count == len(given)


def test_what_was_not_delivered_is_not_counted(house, release, people, monkeypatch):
    plan = matching(house, a_list(people))

    def full(*_):
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(delivering, "publish", full)
        with pytest.raises(OSError, match="no room"):
            ordered(house, release, plan, "O-1")
    assert ordered(house, release, plan, "O-1").refusal == ""
    assert len(list(asked.entries(house.places.asked))) == 1
    delivering.cancelled(an_order(plan, "O-1"), house.places)
    assert list(asked.entries(house.places.asked)) == [] and house.left_behind() == []


def test_an_honest_list_sounds_no_alarm(house, release, people, tmp_path):
    _, receipt = delivered(house, release, matching(house, a_list(people)), tmp_path)
    assert alarms(house) == []
    assert {one.step: one.evidence for one in receipt.steps}[Step.PROVISIONING]["alarms"] == 0


def variants(person: dict, count: int, first: int = 0) -> list[dict]:
    """One person with other dates."""
    return [
        {**as_sent(person), "tanggal_lahir": (date(1970, 1, 1) + timedelta(days=at)).isoformat()}
        for at in range(first, first + count)
    ]


def ordered(house, release, plan, order_id):
    return deliver(an_order(plan, order_id), release, house.keys, house.places, clock=lambda: NOW)


@pytest.mark.parametrize("exists", [True, False])
def test_somebody_who_is_asked_about_again_and_again_is_not_answered(house, release, people, exists):
    """Over many lists, each harmless; and the same where nobody has that number, so that the refusal tells nothing."""
    person = next(one for one in people if one["nik_number"])
    if not exists:
        person = {**person, "nik": "3201014506890019"}
    answers = []
    for at in range(4):
        rows = [*a_list(people, at), *variants(person, 8, 8 * at)]
        rows = [{**row, "list_id": f"{place}"} for place, row in enumerate(rows)]
        answers.append(ordered(house, release, matching(house, rows, roster=f"D-{at}"), f"O-{at}").refusal)
    assert answers == ["", "", "order-matching-asks-again", "order-matching-asks-again"]
    assert [(one.sign, one.order) for one in alarms(house)] == [(Sign.ALTERED, f"O-{at}") for at in (1, 2, 3)]


def test_the_same_list_again_is_no_other_question(house, release, people):
    rows = a_list(people)
    for at in range(3):
        assert ordered(house, release, matching(house, rows, roster=f"D-{at}"), f"O-{at}").refusal == ""
    assert alarms(house) == []


def test_an_institution_has_a_quota_of_its_own(house, release, people, monkeypatch):
    plan = matching(house, a_list(people))
    with monkeypatch.context() as patched:
        patched.setattr(Abuse, "on", classmethod(lambda cls, day: replace(POLICY, quota_rows=100)))
        assert ordered(house, release, plan, "O-1").refusal == ""
        assert ordered(house, release, plan, "O-1").refusal == ""  # the same order is no other
        assert ordered(house, release, plan, "O-2").refusal == "order-matching-quota"
        later = an_order(plan, "O-3", placed_at=PLACED + timedelta(days=POLICY.quota_days))
        assert deliver(later, release, house.keys, house.places, clock=lambda: NOW).refusal == ""
    assert [(one.sign, one.count) for one in alarms(house)] == [(Sign.QUOTA, 140)]
    assert recipient().institution == alarms(house)[0].institution


def some_asked(folder, institution="dinsos-3201", master=b"m" * 32) -> Asked:
    return Asked(folder, MasterKey(master), institution)


def test_tokens_tell_nobody_and_cannot_be_compared(tmp_path):
    niks, none = np.array([3201014506890019, 0]), np.array([0, 77])
    said = np.array([1, 2])
    one, other = (some_asked(tmp_path, name).pairs(niks, none, said) for name in ("dinsos-3201", "PLN"))
    stranger = some_asked(tmp_path, master=b"n" * 32).pairs(niks, none, said)
    assert not set(one["person"].tolist()) & (set(other["person"].tolist()) | set(stranger["person"].tolist()))
    some_asked(tmp_path).keep(one, 2, DAY, "paket-1")
    (file,) = tmp_path.iterdir()
    assert "dinsos" not in file.name
    for number in niks.tolist():
        assert number.to_bytes(8, "little") not in file.read_bytes() or number == 0


def test_what_is_not_remembered_any_more_is_gone(tmp_path):
    asks = some_asked(tmp_path)
    pairs = asks.pairs(np.array([5]), np.array([0]), np.array([1]))
    asks.keep(pairs, 1, DAY - timedelta(days=POLICY.asked_days), "paket-1")
    asks.keep(pairs, 1, DAY - timedelta(days=1), "paket-2")
    again = asks.pairs(np.array([5]), np.array([0]), np.array([2]))
    assert asks.altered(again, DAY, POLICY, "").tolist() == [2]
    assert asks.altered(again, DAY, POLICY, "paket-2").tolist() == [1]
    assert asks.rows(DAY, POLICY, "") == 1
    assert asked.tidy(tmp_path, DAY) == 1 and [one.package for one in asked.entries(tmp_path)] == ["paket-2"]


def test_what_is_to_be_looked_at_is_shown(house, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    assert main(["registry", "alarms"]) == 0
    assert "Tidak ada tanda" in capsys.readouterr().out
    alarm = Alarm(Sign.HONEY, "O-7", "D-1", "dinsos-3201", 2, PLACED)
    Alarms(house.places.alarms, house.keys.receipt).sound(alarm)
    assert alarms(house) == [alarm]
    assert main(["registry", "alarms"]) == 0
    assert "pesanan O-7" in capsys.readouterr().out
    (file,) = house.places.alarms.iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    assert main(["registry", "alarms", "--json"]) == 1


def beside(column: str, number: str) -> dict:
    """A number in the column of the card, or with a digit too many or too few, or rounded; and the date that it has."""
    odd = {"odd": f"9{number}", "odd-within": f"{number[:14]}7{number[14:]}", "short": f"{number[:14]}{number[15:]}"}
    odd |= {"early": f"{number[:3]}5{number[3:]}", "no-place": f"{number[:2]}{number[3:]}"}
    day = int(number[6:8]) % 40
    century = 19 if int(number[10:12]) > 26 else 20
    born = f"{day:02d}-{number[8:10]}-{century}{number[10:12]}"
    return {"tanggal_lahir": born} | ({"nik": odd[column]} if column in odd else {column: number})


@pytest.mark.parametrize("column", ["nik", "no_kk", "odd", "odd-within", "short"])
def test_a_honey_record_is_met_by_its_number_wherever_it_stands(column, house, release, people, index, tmp_path):
    rows = [*a_list(people)]
    for at, one in enumerate(invented(index)):
        rows.append({"list_id": f"m{at}", "nama": "ZZYX QOWERU", **beside(column, one["nik"])})
    told, _ = delivered(house, release, matching(house, rows, reasons=True), tmp_path)
    assert {row["hasil"] for row in told if row["list_id"].startswith("m")} == {"tidak cocok"}
    assert [(one.sign, one.count) for one in alarms(house)] == [(Sign.HONEY, 3)]


@pytest.mark.parametrize("column", ["nik", "no_kk", "odd", "early", "no-place"])
def test_one_person_tried_with_many_numbers_is_not_answered_wherever_they_stand(column, house, release, people):
    """Over several lists, too; and not even where the name is written otherwise each time, so that only the right
    number would meet the person."""
    person = next(one for one in people if one["nik"] and one["nik"].endswith("1") and one["tanggal_lahir"])
    first = int(person["nik"]) // 10_000 * 10_000 + 1
    names = [
        f"{person['nama'][: at % 5]}{chr(65 + at % 26)}Q{chr(65 + at % 23)}{person['nama'][at % 5 :]}"
        for at in range(32)
    ]
    answers = []
    for turn in range(4):
        guesses = [{"nama": names[at], **beside(column, str(first + 7 * at))} for at in range(8 * turn, 8 * turn + 8)]
        rows = [{**row, "list_id": str(at)} for at, row in enumerate([*a_list(people, turn), *guesses])]
        plan = matching(house, rows, reasons=True, roster=f"D-{turn}")
        answers.append(ordered(house, release, plan, f"O-{turn}").refusal)
    assert answers == ["", "", "order-matching-asks-again", "order-matching-asks-again"]
    assert {one.sign for one in alarms(house)} == {Sign.ALTERED}


def test_a_family_in_list_after_list_without_numbers_is_nobodys_guess(house, release, people):
    """Five of them on one card, month after month, their names written a little otherwise."""
    family = [
        {"nama": f"NAMA {chr(65 + at)}", "tanggal_lahir": f"0{at + 1}-02-199{at}", "no_kk": "3201011505120007"}
        for at in range(5)
    ]
    for turn in range(5):
        written = [{**one, "nama": f"{one['nama']} {'BIN' * (turn % 2)} {turn}"} for one in family]
        rows = [{**row, "list_id": str(at)} for at, row in enumerate([*a_list(people), *written])]
        plan = matching(house, rows, roster=f"D-{turn}")
        assert ordered(house, release, plan, f"O-{turn}").refusal == ""
    assert alarms(house) == []
