"""A synthetic nation, what five sources would hand in of it a quarter later, and the release that is built of that."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.factories_registry import PUBLISHED_AT, STORAGE, in_clear

from bagipakai import cli
from bagipakai.core.plan import Unit
from bagipakai.core.sources import Sources
from bagipakai.registry.building.job import build
from bagipakai.registry.building.sets import Handed, of_folder
from bagipakai.registry.intake import Taken, take
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.matching import model, sources
from bagipakai.registry.matching.carrying import Same, Side, linked
from bagipakai.registry.matching.index import Index
from bagipakai.registry.matching.index import build as index
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.publishing import publish
from bagipakai.registry.releases import Release
from bagipakai.registry.synthesis.following import follow
from bagipakai.registry.synthesis.submissions import SHARES, submissions
from bagipakai.registry.vault import ShelfKey

LATER = date(2026, 10, 1)


def taken(folder, before, after):
    """The sets of all sources, as they are taken in."""
    found = []
    for file in submissions(before, after, 3, LATER, folder / "told"):
        source = file.stem
        one = take([file], Sources.on(LATER)[source], folder / source, day=LATER)
        assert isinstance(one, Taken), one
        assert one.accepted >= 0.9 * one.received > 0
        found.append(of_folder(folder / source))
    assert all(isinstance(one, Handed) for one in found)
    return found


def test_practice_sets_are_ones_that_a_ministry_could_hand_in(release, tmp_path, capsys):
    data = release.folder.parent.parent / "data"
    sets = taken(tmp_path, data, data)
    assert [one.source for one in sets] == list(SHARES)
    assert sum(len(rows) for rows in sets[0].tables()) == sets[0].rows > 0.9 * release.person_count
    told = ("synthesise", "--after", str(data), "--told", str(tmp_path), "--out", str(tmp_path / "x"))
    assert cli.main(["registry", *told]) == 1 and "[dataset-not-to-follow]" in capsys.readouterr().err


@pytest.mark.night
def test_a_nation_is_built_published_and_everybody_stays_who_they_are(release, tmp_path):
    data = release.folder.parent.parent / "data"
    follow(data, 11, tmp_path / "next", processes=2)
    sets = taken(tmp_path, data, tmp_path / "next")
    key, source = ShelfKey.new("index/test"), sources.source_of_release(release)
    index(sources.people_of_release(release, STORAGE), tmp_path / "index", key, source)
    weights = model.opened(model.SHIPPED)
    matching = Matching(Index.open(tmp_path / "index", key, source), weights, Decision.on(LATER))
    report = build(release, sets, matching, STORAGE, LATER, tmp_path / "out")
    assert isinstance(report, dict), report
    assert report["persons"]["now"] == release.person_count - report["persons"]["died"]
    new = publish(tmp_path / "out" / "data", tmp_path / "releases", "2026.4.0", PUBLISHED_AT, STORAGE)
    assert isinstance(new, Release), new
    assert Lineage.of_release(new.manifest).sets is not None and "sets" not in new.metadata()
    sides = [Side(lambda one=one: sources.rows_of_release(one, STORAGE), one.person_count) for one in (release, new)]
    same = [found for found in linked(*sides) if isinstance(found, Same)]
    old, now = (np.concatenate([getattr(one, name) for one in same]) for name in ("old", "new"))
    before, after = (pa.concat_tables(in_clear(one, Unit.INDIVIDU)) for one in (release, new))
    was, is_ = before.take(pa.array(old)), after.take(pa.array(now))
    nearly = [pc.fill_null(pc.utf8_slice_codeunits(one["nik"], 0, 15), "") for one in (was, is_)]
    for one, other in (nearly, (was["tanggal_lahir"], is_["tanggal_lahir"])):  # the last digit is what was mistyped
        assert not pc.any(pc.not_equal(one, other)).as_py()
    assert len(now) >= 0.999 * new.person_count
