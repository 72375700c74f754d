"""A leaked sample leads back to its package, and a stranger's list to none."""

import csv
import io
import random
from datetime import timedelta

import pytest
from tests.factories_registry import small_release
from tests.registry.orders import PLACED, THEM, US, a_house, a_plan, an_order, recipient

from bagipakai.core.plan import Area
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.registry.deliver import deliver
from bagipakai.registry.releases import Release
from bagipakai.registry.suspects import CERTAIN
from bagipakai.registry.trace import Unreadable, trace

NOW = PLACED + timedelta(hours=1)
POOR = Compare(Op.AT_MOST, Column("desil"), Const(4))
LESS_POOR = Compare(Op.AT_LEAST, Column("desil"), Const(3))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = small_release(tmp_path_factory.mktemp("nation"), people=6000)
    return Release.open(folder.parent, folder.name)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return a_house(tmp_path_factory.mktemp("house") / "var")


@pytest.fixture(scope="module")
def leaks(published, house, tmp_path_factory):
    """Each package that was delivered, and its rows as its recipient holds them."""

    def rows(order_id, plan, identity):
        receipt = deliver(an_order(plan, order_id), published, house.keys, house.places, clock=lambda: NOW)
        assert not receipt.refusal, receipt.refusal
        opened = house.open(receipt.package, tmp_path_factory.mktemp("open") / "out", identity)
        with (opened.folder / "bagian-0001.csv").open(encoding="utf-8", newline="") as text:
            return receipt.package, list(csv.DictReader(text))

    dinas, kementerian = recipient(US, "dinsos-3201"), recipient(THEM, "kemensos")
    return {
        "poor": rows("O-1", a_plan("L4", population=POOR, recipient=dinas), US),
        "rest": rows("O-2", a_plan("L4", population=LESS_POOR, recipient=kementerian), THEM),
        "all": rows("O-3", a_plan("L4", area=Area((), a_plan().area.edition), recipient=kementerian), THEM),
        "micro": rows("O-4", a_plan("L3", recipient=dinas), US),
        "other micro": rows("O-5", a_plan("L3", recipient=kementerian), THEM),
    }


def as_csv(rows, columns=None, delimiter=","):
    columns = columns or list(rows[0])
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def found(sample, published, house):
    return trace(sample, house.places, published.folder.parent, house.keys)


def drawn(rows, count, seed=1):
    return random.Random(seed).sample(rows, count)


def test_one_pseudonymised_row_names_its_recipient(leaks, published, house):
    package, rows = leaks["micro"]
    (named,) = found(as_csv(drawn(rows, 1)), published, house)
    assert (named.package, named.by, named.certain) == (package, "pseudonim", True)


def test_a_hundred_names_lead_to_the_list_that_held_them(leaks, published, house):
    """Sorted, in another format, with columns dropped."""
    package, rows = leaks["poor"]
    sample = sorted(drawn(rows, 100), key=lambda row: row["nama"])
    first, *_ = found(as_csv(sample, ["nama", "nik"], ";"), published, house)
    assert (first.package, first.certain, first.rows) == (package, True, first.compared)
    assert first.compared > 90  # a few have no NIK
    assert first.bound <= CERTAIN


def test_two_lists_put_together_show_both(leaks, published, house):
    one, other = leaks["poor"], leaks["rest"]
    mixed = as_csv(drawn(one[1], 200) + drawn(other[1], 60))
    fitting = {suspect.package: suspect.rows for suspect in found(mixed, published, house)}
    assert fitting[one[0]] >= 200
    assert fitting[other[0]] >= 60


def test_a_list_that_holds_everybody_is_never_named(leaks, published, house):
    """Whoever knows these persons at all would fit it."""
    everybody = next(
        one for one in found(as_csv(drawn(leaks["poor"][1], 100)), published, house) if one.package == leaks["all"][0]
    )
    assert (everybody.bound, everybody.certain) == (1.0, False)


def test_a_list_that_did_not_come_from_here_names_nobody(leaks, published, house):
    """Time and again, people drawn from everybody: an office's own list of its region."""
    everybody = leaks["all"][1]
    accused = 0
    for seed in range(25):
        named = found(as_csv(drawn(everybody, 50, seed)), published, house)
        accused += any(one.certain for one in named)
    assert accused == 0


def test_values_of_another_release_do_not_fit(leaks, published, house):
    package, rows = leaks["poor"]
    changed = [{**row, "desil": str((int(row["desil"]) % 10) + 1) if row["desil"] else "9"} for row in drawn(rows, 100)]
    suspects = {one.package: one for one in found(as_csv(changed), published, house)}
    assert suspects[package].rows == 0
    assert not suspects[package].certain


@pytest.mark.parametrize("sample", [b"", b"\xff\xfe", b"nik\n", b"nik,nik\n1,2\n"])
def test_what_is_no_table_is_refused(sample, published, house):
    with pytest.raises(Unreadable):
        found(sample, published, house)


def test_nobody_who_is_unknown_is_found(published, house, leaks):
    assert [one for one in found(b"nik,nama\n1111110101900001,A\n", published, house) if one.certain] == []
