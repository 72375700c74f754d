"""Which columns of a list are which: by the names that Indonesian lists give them, or by what its sender says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bagipakai.registry.intake.reading import SetBroken
from bagipakai.registry.matching.numbers import DATED, as_digits

RUNNING: Final = ("nourut", "nomorurut")  # a running number
BARE: Final = ("no", "nomor")  # one, too, unless it is the number of something else
# Every column that is used, and what it is called elsewhere: letters and digits alone, what fits best first.
CALLED: Final[Mapping[str, tuple[str, ...]]] = {
    column: (column.replace("_", ""), *called.split())
    for column, called in {
        "list_id": f"id idlist iddaftar idbaris iddata idpenerima idpeserta idart {' '.join(RUNNING + BARE)}",
        "nik": "noktp nonik nomornik nikktp noktpnik noniknoktp noniktp nomorktp nonikktp nikpenduduk niknoktp"
        " nomorindukkependudukan noindukkependudukan indukkependudukan nikpenerima nikpeserta niksiswa nikanggota"
        " nikart ktp nopenduduk noidentitas nomoridentitas nikkepalakeluarga nationalid",
        "no_kk": "nomorkk kk nkk nikkk nomorkartukeluarga nokartukeluarga kartukeluarga nokeluarga nomerkk nokkk",
        "nama": "namalengkap namasesuaiktp namaktp namalengkapsesuaiktp nm nmlengkap namalgkp namapenduduk"
        " namapenerima namapenerimamanfaat namapm namakpm namapeserta namasiswa namaanggota namaanggotakeluarga"
        " namaart namawarga namaindividu namapengurus namakepalakeluarga namakk namakrt name fullname",
        "jenis_kelamin": "jk lp jkel jenkel jnskelamin jnskel jeniskel jekel kelamin sex gender",
        "tanggal_lahir": "tgllahir tgllhr tanggallhr tglahir tglhr tgllhir dob dateofbirth birthdate tanggalkelahiran"
        " tempattanggallahir tempattgllahir ttl tmptgllahir",
        "nama_ibu": "namaibukandung ibukandung namagadisibukandung namagadisibu namalengkapibukandung namalgkpibu"
        " nmibu nmibukandung ibu mothername mothersname",
        "alamat": "alamatlengkap alamatktp alamatsesuaiktp alamatrumah alamatdomisili alamattinggal jalan address",
        "rt": "nort nomorrt",
        "rw": "norw nomorrw",
        "kode_desa": "kodekelurahan kodedesakelurahan kodekelurahandesa kodekeldesa kodekel kddesa kdkel kdkeldesa"
        " iddesa idkelurahan kodewilayah kdwilayah kodewilayahdesa nokel",
        "kode_kec": "kodekecamatan kdkec kdkecamatan idkec idkecamatan nokec",
        "kode_kab": "kodekabupaten kodekabkota kodekabupatenkota kodekota kdkab kdkabkota kdkabupaten idkab nokab",
    }.items()
}
COLUMNS: Final = tuple(CALLED)
TELLING: Final = ("nik", "nama")  # one of them at least; by the rest alone nobody is found
_KNOWN: Final = {called: (column, rank) for column, names in CALLED.items() for rank, called in enumerate(names)}
_RUNS: Final = {_KNOWN[called] for called in RUNNING + BARE}
_MAY_BE_OTHERS: Final = {_KNOWN[called] for called in BARE}
_SPOKEN: Final = {word for column in COLUMNS for word in column.split("_")} | {
    "no",
    "nomor",
    "tgl",
    "kabupaten",
    "kota",
}
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
LONGEST: Final = 60  # letters of a name that are shown
_CUT = re.compile(r"… \(\d+\)$")


@dataclass(frozen=True, slots=True)
class Headings:
    """The header of a list and what its columns are taken for. `header`: fit to be shown, no long number survives in
    it. `places`: standard column → where it stands, counted from 0. `numbered`: `list_id` is a running number."""

    header: tuple[str, ...]
    places: Mapping[str, int]
    numbered: bool = False

    @property
    def unused(self) -> tuple[str, ...]:
        """What nothing was made of."""
        used = set(self.places.values())
        return tuple(cell for at, cell in enumerate(self.header) if at not in used and cell)


def bare(cell: str) -> str:
    """A column's name without what differs from list to list."""
    return re.sub(r"[\W_]+", "", cell.casefold())


def meaning(cell: str) -> tuple[str, int] | None:
    """The column that a name stands for, and how well it fits (0 best)."""
    for told in (bare(cell), bare(_ASIDE.sub("", cell))):
        for one in (told, told.removeprefix("nomer"), told.replace("nomer", "nomor")):
            if one in _KNOWN:
                return _KNOWN[one]
    return None


class Asked:
    """Asks a file for the columns of a list (reading.Headed). `chosen`: standard column → the name in the header that
    its sender chose for it, whole or as it was shown; without it, names are recognised. Of two names for one column the
    better fits."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._chosen = None if chosen is None else {bare(cell): column for column, cell in chosen.items()}
        self.headings = Headings((), {})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.headings.places)

    def likeness(self, cells: Sequence[str]) -> int:
        """How many names are recognised; if none is, how many cells could be names. "Nomor" stands in letterheads,
        too, and is none of them."""
        found = {told[0] for told in self._meanings(cells) if told is not None and not self._runs(told)}
        return 1000 * len(found) if found else min(sum(bool(bare(cell)) for cell in cells), 999)

    def places(self, header: Sequence[str], name: str) -> list[int]:
        best: dict[str, tuple[int, int]] = {}
        twice = set()
        for place, told in enumerate(_sure(self._meanings(header)) if self._chosen is None else self._meanings(header)):
            if told is not None:
                column, rank = told
                if column in best and best[column][0] == rank:
                    twice.add((column, rank))
                best[column] = min(best.get(column, (rank, place)), (rank, place))
        found = {column: best[column][1] for column in COLUMNS if column in best}
        runs = "list_id" in found and self._runs(("list_id", best["list_id"][0]))
        self.headings = Headings(tuple(shown(cell, place) for place, cell in enumerate(header)), found, runs)
        for column in found:
            if (column, best[column][0]) in twice:
                raise SetBroken("set-column-stands-twice", file=name, column=column)
        if self._chosen is not None:
            for column in self._chosen.values():
                if column not in found:
                    raise SetBroken("set-column-is-missing", file=name, column=column)
        if not set(TELLING) & set(found):
            raise SetBroken("list-has-no-usable-column", file=name)
        return list(found.values())

    def _meanings(self, cells: Sequence[str]) -> list[tuple[str, int] | None]:
        return [self._meaning(cell, place) for place, cell in enumerate(cells)]

    def _runs(self, told: tuple[str, int]) -> bool:
        """Whether it is a running number that nobody chose."""
        return self._chosen is None and told in _RUNS

    def _meaning(self, cell: str, place: int) -> tuple[str, int] | None:
        if self._chosen is None:
            return meaning(cell)
        names = (bare(cell), bare(shown(cell, place)))
        return next(((self._chosen[name], 0) for name in names if name and name in self._chosen), None)


def _sure(told: Sequence[tuple[str, int] | None]) -> list[tuple[str, int] | None]:
    """Without running numbers that may be something else: behind a column that is known, "No" may be the number of a
    house or a card; beside none, anything; and of two of one name nobody can say which runs."""
    known = [place for place, one in enumerate(told) if one is not None and one not in _RUNS]

    def is_sure(place: int, one: tuple[str, int] | None) -> bool:
        behind = one in _MAY_BE_OTHERS and place > min(known, default=0)
        return one not in _RUNS or (bool(known) and told.count(one) == 1 and not behind)

    return [one if is_sure(place, one) else None for place, one in enumerate(told)]


def shown(cell: str, place: int) -> str:
    """A name of a column; what could be somebody's number or a formula is not shown, since a file without a header
    begins with a person. A long one is cut, and says which column it is (from 1), since others may begin alike."""
    whole = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", cell).strip().lstrip("=+-@")
    told = whole[:LONGEST]
    if _is_telling(re.sub(r"[\W_]", "", told)):
        return "…"
    return told if told == whole else f"{told.rstrip()}… ({place + 1})"


def _is_telling(letters: str) -> bool:
    """Whether it has the digits of a number or a date, also where letters stand for some (numbers.as_digits)."""
    alike = re.finditer(rf"\d{{{DATED}}}", as_digits(letters))
    half = (sum(map(str.isdigit, letters[one.start() : one.end()])) * 2 >= DATED for one in alike)
    return bool(re.search(r"\d{5}", letters)) or any(half)


def is_header(headings: Headings) -> bool:
    """Whether the first row is one of names, as far as can be told where no column was recognised: it speaks as headers
    do, and has no digit. A file without a header begins with a person, of whom nothing may be shown."""
    words = {word for cell in headings.header for word in re.findall(r"[^\W\d_]+", cell.casefold())}
    return bool(headings.places) or (
        bool(words & _SPOKEN) and not any(re.search(r"\d|…", _CUT.sub("", one)) for one in headings.header)
    )
