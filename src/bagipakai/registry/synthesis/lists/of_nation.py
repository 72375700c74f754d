"""A list of people of the synthetic nation, as an office there might keep one: to try matching with."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.synthesis.lists.writing import a_list, kinds
from bagipakai.registry.synthesis.nation import divide, numbers
from bagipakai.registry.synthesis.regency import make
from bagipakai.registry.tables import part
from bagipakai.showing import number

_CALLED = {"no_kk": "nomor_kk", "registry_id": "person_ordinal"}
_COLUMNS = (
    *("registry_id", "nik", "no_kk", "nama", "jenis_kelamin", "tempat_lahir", "tanggal_lahir", "nama_ibu", "alamat"),
    *("rt", "rw", "kode_desa", "kode_kec", "kode_kab", "kode_prov"),
)


class NotToMake(ValueError):
    """Why there is no such list. Carries the refusal."""

    def __init__(self, code: str, **detail: str) -> None:
        self.refusal = Refusal(code, detail)
        super().__init__(code)


def list_of_nation(people: int, seed: int, area: str, rows: int, kind: str) -> tuple[pa.Table, pa.Table]:
    """A list of `rows` rows of one kind of dirt (see `a_list`), and its truth, of those who live in `area` (the code of
    a province or regency) in the nation that `synthesise` makes of `people` and `seed`. That nation is made anew: no
    release is read, and nobody who exists can come into it.

    Raises NotToMake for an impossible size, seed, area, kind or number of rows.
    """
    if kind not in kinds():
        raise NotToMake("list-kind-unknown", kinds=", ".join(kinds()))
    try:
        nation, catalogue = divide(people, seed), Catalogue.on(numbers()["reference_day"])
    except ValueError:
        raise NotToMake("list-not-to-make") from None
    shares = [share for share in nation.shares if share.kab.startswith(area)]
    if len(area) not in (2, 4) or not shares:
        raise NotToMake("list-area-has-nobody")
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for share in shares:
            make(share, nation.families, seed, catalogue, Path(folder))
            tables.append(pq.read_table(Path(folder) / part(Unit.INDIVIDU, share.kab), partitioning=None))
    persons = _bare(pa.concat_tables(tables))
    most = persons.num_rows // 3
    if not 1 <= rows <= most:
        raise NotToMake("list-rows-are-too-many", area=area, most=number(most))
    made, truth = a_list(persons, rows, seed, kind)
    return made.drop_columns([name for name in made.column_names if name == "nama_ibu"]), truth


def _bare(persons: pa.Table) -> pa.Table:
    """The bare registry columns. DTSEN does not know mothers' names."""
    sex = pc.if_else(pc.equal(persons["jenis_kelamin"], "2"), "P", "L")
    nobody = pa.nulls(persons.num_rows, pa.string())
    made = {"jenis_kelamin": sex, "nama_ibu": nobody}
    columns = {name: made[name] if name in made else persons[_CALLED.get(name, name)] for name in _COLUMNS}
    kept = pc.and_(pc.is_valid(persons["nik"]), pc.is_valid(persons["tanggal_lahir"]))
    return pa.table(columns).filter(kept)
