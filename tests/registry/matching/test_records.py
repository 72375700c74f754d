"""A person's features go into 64 bytes and come out as they were."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.matching.people import COLUMNS, some_people

from bagipakai.registry.matching.records import FLAGS, PERSON, columns, packed

KEPT = [name for name in COLUMNS.names if not name.startswith(("name", "mother"))]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 30))
def test_features_come_back_as_they_were(seed, count):
    people = some_people(count, seed, gaps=0.3)
    found = columns(packed(people))
    assert list(found) == KEPT
    for name, column in found.items():
        assert column.type == COLUMNS.field(name).type and column.to_pylist() == people[name].to_pylist(), name


def test_a_person_is_64_bytes_and_every_flag_has_room():
    assert PERSON.itemsize == 64 and sum(FLAGS.values()) <= 32
    full = np.zeros(1, PERSON)
    full["flags"] = 2 ** sum(FLAGS.values()) - 1
    assert columns(full)["nik_sound"].to_pylist() == [31]
