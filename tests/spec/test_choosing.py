"""What a sentence of the query language chooses, keeps and counts, on every engine."""

from datetime import date

from bagipakai.core.query import And, Between, Column, Compare, Const, Count, In, Not, Op, Or, Rows

FAMILIES = """
    nama  | kode_kab | kode_kec | kode_desa  | desil:integer
    ------+----------+----------+------------+--------------
    Ayu   | 3201     | 320101   | 3201012001 | 1
    Budi  | 3201     | 320102   | 3201022005 | 4
    Cici  | 3201     | 320102   |            | 5
    Dedi  | 3273     | 327301   | 3273011001 | 2
    Eka   | 3273     | 327302   | 3273021001 | 4
    """
PLACES = ("kode_prov", "kode_kab", "kode_kec", "kode_desa")


def test_rows_keep_the_asked_columns_in_the_asked_order(spec):
    spec(
        FAMILIES,
        Rows("keluarga", ("desil", "nama"), Compare(Op.EQUAL, Column("desil"), Const(4))),
        [(4, "Budi"), (4, "Eka")],
    )


def test_without_a_filter_every_row_is_chosen_in_release_order(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",)), [("Ayu",), ("Budi",), ("Cici",), ("Dedi",), ("Eka",)])


def test_an_area_is_a_regency_a_district_or_a_village(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("3273",)), [("Dedi",), ("Eka",)])
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("320102",)), [("Budi",), ("Cici",)])
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("3201012001",)), [("Ayu",)])


def test_areas_of_different_sizes_add_up(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("320101", "3273")), [("Ayu",), ("Dedi",), ("Eka",)])


def test_a_family_whose_village_is_unknown_is_in_its_district_but_in_no_village(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("3201022005", "3273021001")), [("Budi",), ("Eka",)])


def test_area_and_filter_must_both_hold(spec):
    poor = Compare(Op.AT_MOST, Column("desil"), Const(2))
    spec(FAMILIES, Rows("keluarga", ("nama",), poor, area=("3273",)), [("Dedi",)])


def test_an_area_where_nobody_lives_chooses_nobody(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",), area=("3171",)), [])
    spec(FAMILIES, Count("keluarga", ("desil",), area=("3171",)), {})
    spec(FAMILIES, Count("keluarga", (), area=("3171",)), {})


def test_a_group_that_does_not_occur_is_not_in_the_answer(spec):
    spec(
        FAMILIES,
        Count("keluarga", ("desil",), Compare(Op.AT_MOST, Column("desil"), Const(2))),
        {(1,): 1, (2,): 1},
    )


def test_a_filter_that_chooses_nobody_leaves_no_group_not_even_the_total(spec):
    nobody = Compare(Op.MORE, Column("desil"), Const(10))
    spec(FAMILIES, Count("keluarga", ("desil",), nobody), {})
    spec(FAMILIES, Count("keluarga", (), nobody), {})
    spec(FAMILIES, Rows("keluarga", ("nama",), nobody), [])


def test_without_dimensions_there_is_one_count(spec):
    spec(FAMILIES, Count("keluarga", ()), {(): 5})


def test_groups_cross_every_dimension(spec):
    spec(
        FAMILIES,
        Count("keluarga", ("kode_kab", "desil")),
        {("3201", 1): 1, ("3201", 4): 1, ("3201", 5): 1, ("3273", 2): 1, ("3273", 4): 1},
    )


def test_persons_are_counted_with_the_families_they_come_from(spec):
    """A family with members on both sides of a division counts once on each."""
    spec(
        """
        jenis_kelamin | id_keluarga:integer
        --------------+--------------------
        1             | 1
        2             | 1
        1             | 1
        2             | 2
        2             | 66
        """,
        Count("individu", ("jenis_kelamin",)),
        {("1",): (2, 1), ("2",): (3, 3)},
    )


def test_families_are_counted_with_their_members(spec):
    spec(
        """
        desil:integer | member_count:integer
        --------------+---------------------
        1             | 4
        1             | 2
        9             | 1
        """,
        Count("keluarga", ("desil",)),
        {(1,): (6, 2), (9,): (1, 1)},
    )


def test_or_inside_and_keeps_its_brackets(spec):
    """`(a OR b) AND c`: without brackets SQL reads `a OR (b AND c)` and chooses Ayu."""
    first_or_fifth = Or((Compare(Op.EQUAL, Column("desil"), Const(1)), Compare(Op.EQUAL, Column("desil"), Const(4))))
    in_bandung = Compare(Op.EQUAL, Column("kode_kab"), Const("3273"))
    spec(FAMILIES, Rows("keluarga", ("nama",), And((first_or_fifth, in_bandung))), [("Eka",)])
    spec(FAMILIES, Rows("keluarga", ("nama",), Not(Or((first_or_fifth, in_bandung)))), [("Cici",)])


def test_a_constant_may_stand_on_the_left(spec):
    spec(FAMILIES, Rows("keluarga", ("nama",), Compare(Op.LESS, Const(4), Column("desil"))), [("Cici",)])


def test_text_is_compared_byte_by_byte(spec):
    """Case counts, and an accent comes after z, on every engine and in every locale."""
    rows = """
        nama
        -------
        Ayu
        ayu
        zaki
        émil
        ""
        """
    spec(rows, Rows("individu", ("nama",), Compare(Op.AT_LEAST, Column("nama"), Const("b"))), [("zaki",), ("émil",)])
    spec(rows, Rows("individu", ("nama",), Compare(Op.EQUAL, Column("nama"), Const("Ayu"))), [("Ayu",)])
    spec(rows, Rows("individu", ("nama",), Compare(Op.EQUAL, Column("nama"), Const(""))), [("",)])


def test_quotes_and_semicolons_are_only_letters(spec):
    rows = """
        nama
        ------------------------------
        O'Brien
        "D""Arcy"
        '; DROP TABLE registry; --
        getvariable('p0')
        """
    for name in ("O'Brien", 'D""Arcy', "'; DROP TABLE registry; --", "getvariable('p0')"):
        spec(rows, Rows("individu", ("nama",), Compare(Op.EQUAL, Column("nama"), Const(name))), [(name,)])
        spec(rows, Rows("individu", ("nama",), In(Column("nama"), (name, "$1"))), [(name,)])


def test_leading_zeros_are_part_of_a_text(spec):
    spec(
        """
        nama | nomor
        -----+------------------
        A    | 0012345678901234
        B    | 12345678901234
        """,
        Rows("individu", ("nama", "nomor"), Compare(Op.EQUAL, Column("nomor"), Const("0012345678901234"))),
        [("A", "0012345678901234")],
    )


def test_days_are_calendar_days(spec):
    rows = """
        nama | lahir:date
        -----+-----------
        A    | 1899-12-31
        B    | 2008-02-29
        C    | 2008-03-01
        D    |
        """
    adult = Compare(Op.AT_MOST, Column("lahir"), Const(date(2008, 2, 29)))
    spec(rows, Rows("individu", ("nama",), adult), [("A",), ("B",)])
    leap = Between(Column("lahir"), date(2008, 2, 29), date(2008, 3, 1))
    spec(rows, Rows("individu", ("nama", "lahir"), leap), [("B", date(2008, 2, 29)), ("C", date(2008, 3, 1))])
    spec(rows, Count("individu", ("lahir",), Not(adult)), {(date(2008, 3, 1),): 1})


def test_whole_numbers_keep_every_digit(spec):
    largest = 2**53 - 1
    spec(
        f"""
        nama | rupiah:integer
        -----+---------------
        A    | {largest}
        B    | {largest - 1}
        C    | -5
        """,
        Rows("keluarga", ("nama", "rupiah"), Compare(Op.EQUAL, Column("rupiah"), Const(largest))),
        [("A", largest)],
    )


def test_yes_and_no_divide_a_table(spec):
    spec(
        """
        listrik:boolean
        ---------------
        yes
        no
        yes

        """,
        Count("keluarga", ("listrik",), Compare(Op.DIFFERS, Column("listrik"), Const(False))),
        {(True,): 2},
    )
