"""What a matching job says, row by row: for the house alone. What leaves is what a grant names."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

ENDINGS = ("", ".parquet", ".csv")
DELIMITERS = ",;\t|"
LONGEST = 64 * 1024  # bytes of a header
LISTS = ("damage",)  # of the truth of a synthetic list: words in one cell
DISTINCT = ("list_id", "registry_id", "probability", "score", "margin", "bits_kerabat")  # nearly so, row by row
TWICE = "GANDA_DALAM_DAFTAR"
REASONS = {
    "NIK_DAN_DATA_COCOK": "NIK dan datanya cocok",
    "NIK_SALAH_KETIK": "datanya cocok; NIK di daftar berbeda, mungkin salah ketik",
    "NIK_RUSAK_EXCEL": "datanya cocok; NIK di daftar rusak oleh Excel",
    "TANPA_NIK_DATA_COCOK": "datanya cocok; tanpa NIK",
    "DIPASTIKAN_PENELAAH": "seorang penelaah memastikan orangnya",
    "NIK_GANDA": "lebih dari satu orang dengan NIK itu: perlu dipilih",
    "KANDIDAT_SERUPA": "ada calon lain yang serupa: perlu dipilih",
    "BUKTI_KURANG": "ada calon, tetapi buktinya kurang",
    "KUNCI_TERLALU_UMUM": "terlalu banyak orang dengan data seperti ini: lengkapi barisnya",
    "NIK_MILIK_ORANG_LAIN": "NIK itu milik orang lain",
    "TIDAK_DITEMUKAN": "tidak ditemukan",
    "MENINGGAL": "ditemukan; menurut pemutakhiran terakhir seluruh anggota keluarganya meninggal",
    "WILAYAH_BERBEDA": "ditemukan, tetapi tinggal di luar wilayah yang disetujui",
    TWICE: "mengulang orang yang sudah dipadankan dengan baris lain",
}


def result(list_id: pa.ChunkedArray, found: pa.Table, *, one_to_one: bool = False) -> pa.Table:
    """`list_id, band, registry_id, probability, reason, list_duplicate_of`, then the evidence (see job.Matching.of).

    With `one_to_one` a person stays with the row that is likeliest to be that person (of equal ones the first); the
    others say GANDA_DALAM_DAFTAR and nobody: none of them is pushed to a second-best person.
    """
    first = found["duplicate_of"].combine_chunks()
    told = found.drop_columns(["duplicate_of", "nearest"])  # who is not the row's person is not told of it
    twice = list_id.combine_chunks().take(first)
    if one_to_one:
        told = _one_to_one(told)
    columns = {"list_id": list_id, **{name: told[name] for name in ("band", "registry_id", "probability", "reason")}}
    columns["list_duplicate_of"] = twice
    return pa.table(columns | {name: told[name] for name in told.column_names if name not in columns})


def _one_to_one(told: pa.Table) -> pa.Table:
    ids = told["registry_id"].dictionary_encode().combine_chunks().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    probability = told["probability"].to_numpy()
    order = np.lexsort((np.arange(len(ids)), -probability, ids))
    again = np.zeros(len(ids), dtype=bool)
    again[order[1:]] = (ids[order][1:] == ids[order][:-1]) & (ids[order][1:] >= 0)
    gone = pa.array(again)
    nobody = pa.scalar(None, told["registry_id"].type)
    for name, value in (("band", "none"), ("registry_id", nobody), ("reason", TWICE)):
        at = told.column_names.index(name)
        told = told.set_column(at, name, pc.if_else(gone, value, told[name]))
    return told


def write(told: pa.Table, out: Path) -> None:
    """As Parquet, or CSV where the name ends so, for its owner alone; whole or not at all. In a CSV the words of a list
    are parted by blanks. Raises OSError."""
    beside = out.with_name(f".{out.name}.part")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            if out.suffix.lower() == ".csv":
                pc_csv.write_csv(_flat(told), file)
            else:
                repeating = [name for name in told.column_names if name not in DISTINCT]
                pq.write_table(told, file, compression="zstd", use_dictionary=repeating)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def _flat(told: pa.Table) -> pa.Table:
    for at, field in enumerate(told.schema):
        if pa.types.is_list(field.type):
            told = told.set_column(at, field.name, pc.binary_join(told[field.name], " "))
    return told


def is_writable(out: Path) -> bool:
    """Whether its name promises a form that `write` knows."""
    return out.suffix.lower() in ENDINGS


def read(file: Path) -> pa.Table:
    """What `write` wrote, also with the delimiter of another spreadsheet. Numbers of rows are text, also those with
    zeros in front. Raises OSError, or pyarrow's ArrowInvalid where it is neither."""
    if file.suffix.lower() != ".csv":
        return pq.read_table(file)
    text = dict.fromkeys(("list_id", "list_duplicate_of"), pa.string())
    with file.open("rb") as source:
        header = source.readline(LONGEST).decode("utf-8", "replace")
    found = pc_csv.read_csv(
        file,
        parse_options=pc_csv.ParseOptions(delimiter=max(DELIMITERS, key=header.count)),
        convert_options=pc_csv.ConvertOptions(column_types=text),
    )
    for at, name in enumerate(found.column_names):
        if name in LISTS:
            words = [(cell or "").split() for cell in found[name].cast(pa.string()).to_pylist()]
            found = found.set_column(at, name, pa.array(words, pa.list_(pa.string())))
    return found
