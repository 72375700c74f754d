"""Regions: the code set of the edition, undotted, parents inside children's codes."""

from lokal import wilayah

from bagipakai.registry.regions import EDITION, parent_of, regions


def test_the_edition_has_the_totals_of_the_decree():
    assert [len(regions().at_level(level)) for level in (1, 2, 3, 4)] == [38, 514, 7285, 83762]
    assert "300.2.2-2138/2025" in EDITION


def test_every_region_lies_in_a_known_one():
    for code in regions():
        assert code.isascii() and code.isdigit() and len(code) in (2, 4, 6, 10)
        assert len(code) == 2 or parent_of(code) in regions()


def test_children_are_the_regions_one_level_below():
    assert [province.code for province in regions().children()][:2] == ["11", "12"]
    assert all(one.code.startswith("3201") and one.level == 3 for one in regions().children("3201"))
    assert regions()["3201"].name == "Kabupaten Bogor" and not regions()["3201"].is_city
    assert regions()["3276"].is_city


def test_regencies_stand_in_order_of_code():
    codes = [region.code for region in regions().at_level(2)]
    assert codes == sorted(codes)


def test_we_read_what_the_reference_package_says():
    for code in ("", "32", "3201", "320101"):
        theirs = [(one.code.replace(".", ""), one.name) for one in wilayah.list_wilayah(code or None)]
        assert theirs == [(one.code, one.name) for one in regions().children(code)]
