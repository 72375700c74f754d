"""What follows from a village: the codes and names above it, and whether it is of a city or of the country."""

from collections.abc import Mapping
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.registry.regions import regions

LEVELS = {"kode_prov": 2, "kode_kab": 4, "kode_kec": 6, "kode_desa": 10}  # digits


def placed(village: pa.Array) -> dict[str, pa.Array]:
    """Codes and names of all levels, by the code of the village; null where a code is not of the edition."""
    found = {}
    for name, digits in LEVELS.items():
        codes = pc.utf8_slice_codeunits(village, 0, digits).dictionary_encode()
        names = [_name(code) for code in codes.dictionary.to_pylist()]
        found[name] = codes.dictionary_decode()
        found[name.replace("kode_", "nama_")] = pa.array(names, pa.string()).take(codes.indices)
    return found


def kinds(village: pa.Array, told: Mapping[str, str], else_: pa.Array) -> pa.Array:
    """What `told` says of each village, or `else_`."""
    codes = village.dictionary_encode()
    known = pa.array([told.get(code) for code in codes.dictionary.to_pylist()], pa.string())
    return pc.coalesce(known.take(codes.indices), else_)


@lru_cache(maxsize=100_000)
def _name(code: str) -> str | None:
    everywhere = regions()
    return everywhere[code].name if code in everywhere else None
