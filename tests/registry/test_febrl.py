"""How the outside set is brought into our columns."""

from bench.febrl import person, whose

ROW = {
    "rec_id": "rec-1070-dup-0",
    "given_name": "michaela",
    "surname": "",
    "suburb": "winston hills",
    "postcode": "822",
    "date_of_birth": "19151111",
}


def test_what_has_a_counterpart_is_used():
    told = person(ROW)
    assert told["nama"] == "michaela"
    assert told["tanggal_lahir"] == "19151111"
    assert (told["kode_kab"], told["kode_kec"]) == ("3108", "310822")
    assert len(told["kode_desa"]) == 10 and told["kode_desa"].startswith("310822")
    assert whose(ROW) == 1070


def test_what_is_empty_is_unknown():
    told = person({**ROW, "given_name": "", "postcode": "", "date_of_birth": ""})
    assert set(told.values()) == {None}
    assert person({**ROW, "suburb": ""})["kode_desa"] is None
