"""Unknown is not "no": what every engine says about rows of which something is not known."""

from bagipakai.core.query import And, Between, Column, Compare, Const, Count, In, Missing, Not, Op, Or, Rows

LISTRIK = """
    nama | listrik:boolean
    -----+----------------
    A    | yes
    B    | no
    C    |
    """
DESIL = Column("desil")
AT_MOST_FOUR = Compare(Op.AT_MOST, DESIL, Const(4))


def test_a_boolean_alone_chooses_those_known_to_be_true(spec):
    spec(LISTRIK, Rows("keluarga", ("nama",), Column("listrik")), [("A",)])


def test_not_chooses_those_known_to_be_false(spec):
    """A household whose electricity is unknown is in neither answer."""
    spec(LISTRIK, Rows("keluarga", ("nama",), Not(Column("listrik"))), [("B",)])


def test_missing_chooses_the_unknown(spec):
    spec(LISTRIK, Rows("keluarga", ("nama",), Missing(Column("listrik"))), [("C",)])


def test_not_missing_chooses_the_known(spec):
    spec(LISTRIK, Rows("keluarga", ("nama",), Not(Missing(Column("listrik")))), [("A",), ("B",)])


def test_missing_asks_about_the_whole_of_what_stands_inside_it(spec):
    """`(NOT listrik) IS NULL`, not `NOT (listrik IS NULL)`: a general compiler got this wrong (decision 0007)."""
    spec(LISTRIK, Rows("keluarga", ("nama",), Missing(Not(Column("listrik")))), [("C",)])


def test_missing_of_a_comparison_is_true_where_the_value_is_unknown(spec):
    spec(
        """
        nama | desil:integer
        -----+--------------
        A    | 1
        B    | 9
        C    |
        """,
        Rows("keluarga", ("nama",), Missing(AT_MOST_FOUR)),
        [("C",)],
    )


def test_missing_is_itself_never_unknown(spec):
    spec(LISTRIK, Rows("keluarga", ("nama",), Missing(Missing(Column("listrik")))), [])


def test_a_comparison_with_an_unknown_value_chooses_nobody_and_neither_does_its_opposite(spec):
    rows = """
        nama | desil:integer
        -----+--------------
        A    | 4
        B    | 5
        C    |
        """
    spec(rows, Rows("keluarga", ("nama",), AT_MOST_FOUR), [("A",)])
    spec(rows, Rows("keluarga", ("nama",), Not(AT_MOST_FOUR)), [("B",)])
    spec(rows, Rows("keluarga", ("nama",), Compare(Op.DIFFERS, DESIL, Const(4))), [("B",)])


def test_two_unknown_values_are_not_equal(spec):
    spec(
        """
        nama | lahir:text | tinggal:text
        -----+------------+-------------
        A    | 3201       | 3201
        B    | 3201       | 3273
        C    | 3201       |
        D    |            |
        """,
        Rows("individu", ("nama",), Compare(Op.EQUAL, Column("lahir"), Column("tinggal"))),
        [("A",)],
    )


def test_in_does_not_choose_the_unknown_and_neither_does_not_in(spec):
    rows = """
        nama | lantai
        -----+-------
        A    | 1
        B    | 2
        C    |
        """
    spec(rows, Rows("keluarga", ("nama",), In(Column("lantai"), ("1", "9"))), [("A",)])
    spec(rows, Rows("keluarga", ("nama",), Not(In(Column("lantai"), ("1", "9")))), [("B",)])


def test_between_includes_both_ends_and_leaves_the_unknown(spec):
    rows = """
        nama | desil:integer
        -----+--------------
        A    | 1
        B    | 2
        C    | 4
        D    | 5
        E    |
        """
    spec(rows, Rows("keluarga", ("nama",), Between(DESIL, 2, 4)), [("B",), ("C",)])
    spec(rows, Rows("keluarga", ("nama",), Not(Between(DESIL, 2, 4))), [("A",), ("D",)])


def test_every_combination_of_and_and_or(spec):
    """The nine pairs of true, false and unknown."""
    rows = """
        nama | a:boolean | b:boolean
        -----+-----------+----------
        tt   | yes       | yes
        tf   | yes       | no
        tu   | yes       |
        ft   | no        | yes
        ff   | no        | no
        fu   | no        |
        ut   |           | yes
        uf   |           | no
        uu   |           |
        """
    both, either = And((Column("a"), Column("b"))), Or((Column("a"), Column("b")))
    said = {
        both: ["tt"],
        Not(both): ["tf", "ft", "ff", "fu", "uf"],
        Missing(both): ["tu", "ut", "uu"],
        either: ["tt", "tf", "tu", "ft", "ut"],
        Not(either): ["ff"],
        Missing(either): ["fu", "uf", "uu"],
    }
    for predicate, names in said.items():
        spec(rows, Rows("keluarga", ("nama",), predicate), [(name,) for name in names])


def test_a_missing_group_is_shown(spec):
    """A person whose district is unknown is counted, under 'unknown'."""
    spec(
        """
        kode_kec | desil:integer
        ---------+--------------
        320101   | 1
                 | 2
        """,
        Count("individu", by=("kode_kec",), where=AT_MOST_FOUR),
        {("320101",): 1, (None,): 1},
    )


def test_a_person_without_a_family_number_is_a_person_and_no_family(spec):
    spec(
        """
        kode_kec | id_keluarga:integer
        ---------+--------------------
        320101   | 7
        320101   |
        320102   |
        """,
        Count("individu", by=("kode_kec",)),
        {("320101",): (2, 1), ("320102",): (1, 0)},
    )
