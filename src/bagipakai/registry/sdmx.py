"""A table of counts in the words of SDMX 3.0: its lines as SDMX-CSV 2.0, its structure as SDMX-JSON 2.0.

One line is one observation. The codes that no list of ours has are those of SDMX: `_T` total and `_U` unknown (generic
codes of its guidelines for code lists), `A` normal and `Q` missing, suppressed (CL_OBS_STATUS), `C` confidential
(CL_CONF_STATUS). Small cells and their partners carry the same mark: another one would tell which of the two was small.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import AREA_COLUMNS, Scalar
from bagipakai.core.variables import Catalogue, Type, Variable
from bagipakai.registry.regions import EDITION, regions
from bagipakai.registry.releases import Release

AGENCY: Final = "DTSEN"
_SCHEMA: Final = "https://json.sdmx.org/2.0.0/sdmx-json-structure-schema.json"  # its name, by which readers know it
_LINES: Final = 16_384  # turned into codes at a time
TOTAL, UNKNOWN = "_T", "_U"
_SPECIAL = {TOTAL: ("Jumlah", "Total"), UNKNOWN: ("Tidak diketahui", "Unknown")}
_STATUS = {"A": ("Tampil", "Normal value"), "Q": ("Ditutup", "Missing value; suppressed")}
_CONFIDENTIAL = {"C": ("Rahasia statistik", "Confidential statistical information")}
_MEASURES = {Unit.INDIVIDU: ("ORANG", "Orang", "Persons"), Unit.KELUARGA: ("KELUARGA", "Keluarga", "Families")}
_TRUTHS = {"false": ("Tidak", "No"), "true": ("Ya", "Yes")}
_LEVEL_OF = {column: level for level, column in enumerate(AREA_COLUMNS.values(), start=1)}
_CONCEPTS = {
    "TIME_PERIOD": ("Hari acuan", "Reference day"),
    "OBS_VALUE": ("Cacah", "Count"),
    "OBS_STATUS": ("Keadaan cacah", "Observation status"),
    "CONF_STATUS": ("Kerahasiaan", "Confidentiality status"),
    "UNIT_MEASURE": ("Satuan", "Unit of measure"),
}

Names = tuple[str, str]  # Indonesian, English


class Cube:
    """The table of one plan and release. Its lines pass first, then its structure is told: a value that no list knows
    (an invalid one: decision 0014) is added to the list that it was met in."""

    def __init__(self, plan: Plan, release: Release, catalogue: Catalogue) -> None:
        self._unit, self._release = plan.unit, release
        self._variables = [catalogue[name] for name in plan.columns]
        self._dimensions = [name.upper() for name in plan.columns]
        self._met: dict[str, set[str]] = {name: set() for name in plan.columns}
        names = ("STRUCTURE", "STRUCTURE_ID", "ACTION", *self._dimensions, *_CONCEPTS)
        self.schema = pa.schema([(name, pa.int64() if name == "OBS_VALUE" else pa.string()) for name in names])

    @property
    def id(self) -> str:
        """The same for each table of this unit, these dimensions and this release."""
        return "_".join(("CACAH", self._unit.value.upper(), *self._dimensions))

    def observations(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The lines of the table (engines.arrow_table), in its order, as observations."""
        depths = _Depths(len(self._variables))
        for batch in (whole.slice(start, _LINES) for whole in batches for start in range(0, whole.num_rows, _LINES)):
            told = [values.to_pylist() for values in batch.columns]
            keys = list(zip(*told[: len(self._variables)], strict=True))
            codes = [self._codes(key, depths.of(key, kind)) for key, kind in zip(keys, told[-3], strict=True)]
            hidden = told[-1]
            columns: dict[str, list[Any]] = {
                "STRUCTURE": ["datastructure"] * len(keys),
                "STRUCTURE_ID": [f"{AGENCY}:{self.id}({self._release.version})"] * len(keys),
                "ACTION": ["I"] * len(keys),
                **{name: [line[at] for line in codes] for at, name in enumerate(self._dimensions)},
                "TIME_PERIOD": [self._release.reference_day.isoformat()] * len(keys),
                "OBS_VALUE": told[-2],
                "OBS_STATUS": ["Q" if one else "A" for one in hidden],
                "CONF_STATUS": ["C" if one else None for one in hidden],
                "UNIT_MEASURE": [_MEASURES[self._unit][0]] * len(keys),
            }
            yield pa.record_batch(columns, schema=self.schema)

    def _codes(self, key: tuple[Scalar | None, ...], depth: int) -> list[str]:
        found = []
        for at, (variable, value) in enumerate(zip(self._variables, key, strict=True)):
            code = TOTAL if at >= depth else UNKNOWN if value is None else _spelled(value)
            found.append(code)
            self._met[variable.name].add(code)
        return found

    def structure(self, moment: datetime) -> bytes:
        """`struktur.json`: the data structure with its concepts and code lists, whole, so that nothing is looked up
        elsewhere. Every artefact has the version of the release; editions stand in the descriptions."""
        lists = self._lists
        value = {
            "meta": {
                "schema": _SCHEMA,
                "id": self.id,
                "prepared": moment.astimezone(UTC).isoformat(timespec="seconds"),
                "sender": {"id": AGENCY},
                "contentLanguages": ["id", "en"],
            },
            "data": {
                "codelists": [
                    self._artefact(f"CL_{name}", title, about) | {"codes": [_named(*one) for one in codes.items()]}
                    for name, (title, about, codes) in lists.items()
                ],
                "conceptSchemes": [
                    self._artefact("KONSEP", ("Konsep", "Concepts"), self._release.standard)
                    | {"concepts": [*map(_concept, self._variables), *(_named(*one) for one in _CONCEPTS.items())]}
                ],
                "dataStructures": [self._data_structure()],
            },
        }
        return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")

    @cached_property
    def _lists(self) -> dict[str, tuple[Names, str, Mapping[str, Names]]]:
        """Component → names, description and codes of its list."""
        measure, *named = _MEASURES[self._unit]
        lists: dict[str, tuple[Names, str, Mapping[str, Names]]] = {}
        for variable in self._variables:
            if (known := self._known(variable)) is not None:
                met = {
                    code: (f"{code} (di luar daftar)", f"{code} (not in the list)") for code in self._met[variable.name]
                }
                codes = {**known[1], **_SPECIAL}
                odd = {code: met[code] for code in sorted(met.keys() - codes.keys())}
                lists[variable.name.upper()] = (_titles(variable), known[0], {**codes, **odd})
        lists["OBS_STATUS"] = (_CONCEPTS["OBS_STATUS"], "SDMX CL_OBS_STATUS", _STATUS)
        lists["CONF_STATUS"] = (_CONCEPTS["CONF_STATUS"], "SDMX CL_CONF_STATUS", _CONFIDENTIAL)
        lists["UNIT_MEASURE"] = (_CONCEPTS["UNIT_MEASURE"], AGENCY, {measure: (named[0], named[1])})
        return lists

    def _known(self, variable: Variable) -> tuple[str, dict[str, Names]] | None:
        """Where the codes of a dimension come from, and they; None for names, which have no codes."""
        if variable.codes is not None:
            return f"{variable.codes.id} ({variable.codes.edition})", dict(variable.codes.labels)
        if variable.name in _LEVEL_OF and self._release.region_edition == EDITION:
            places = regions().at_level(_LEVEL_OF[variable.name])
            return EDITION, {place.code: (place.name, place.name) for place in places}
        if variable.type is Type.BOOLEAN:
            return variable.producer, _TRUTHS
        if variable.type is Type.INTEGER and variable.low is not None and variable.high is not None:
            return variable.producer, {str(one): (str(one), str(one)) for one in range(variable.low, variable.high + 1)}
        return None

    def _data_structure(self) -> dict[str, Any]:
        dimensions = [self._component(name) | {"position": at} for at, name in enumerate(self._dimensions, start=1)]
        time = self._component("TIME_PERIOD", "ObservationalTimePeriod")
        attributes = [
            self._component(name) | {"usage": usage, "attributeRelationship": {"observation": {}}}
            for name, usage in (("OBS_STATUS", "mandatory"), ("CONF_STATUS", "optional"), ("UNIT_MEASURE", "mandatory"))
        ]
        measure = self._component("OBS_VALUE", "Long") | {"usage": "optional"}
        names = (f"Cacah {self._unit.value}", f"Count of {_MEASURES[self._unit][2].lower()}")
        return self._artefact(self.id, names, self._release.standard) | {
            "dataStructureComponents": {
                "dimensionList": {"id": "DimensionDescriptor", "dimensions": dimensions, "timeDimension": time},
                "measureList": {"id": "MeasureDescriptor", "measures": [measure]},
                "attributeList": {"id": "AttributeDescriptor", "attributes": attributes},
            }
        }

    def _component(self, name: str, kind: str = "String") -> dict[str, Any]:
        listed = name in self._lists
        return {
            "id": name,
            "conceptIdentity": f"{self._urn('conceptscheme.Concept', 'KONSEP')}.{name}",
            "localRepresentation": {"enumeration": self._urn("codelist.Codelist", f"CL_{name}")}
            if listed
            else {"format": {"dataType": kind}},
        }

    def _artefact(self, name: str, titles: Names, about: str) -> dict[str, Any]:
        return {**_named(name, titles), "description": about, "agencyID": AGENCY, "version": self._release.version}

    def _urn(self, kind: str, name: str) -> str:
        return f"urn:sdmx:org.sdmx.infomodel.{kind}={AGENCY}:{name}({self._release.version})"


class _Depths:
    """How many dimensions a line has a value of its own in; over the rest it sums. Empty alone does not tell: unknown
    is empty too. The order does (core.disclosure.Table): a margin's first part follows it, one deeper; a margin that
    follows a cell is where the two first differ."""

    def __init__(self, width: int) -> None:
        self._width, self._depth = width, -1
        self._before: tuple[Scalar | None, ...] = ()

    def of(self, key: tuple[Scalar | None, ...], kind: str) -> int:
        if kind == "sel":
            depth = self._width
        elif self._depth < self._width:
            depth = self._depth + 1
        else:
            depth = 1 + next(at for at, pair in enumerate(zip(key, self._before, strict=True)) if pair[0] != pair[1])
        self._before, self._depth = key, depth
        return depth


def _spelled(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _titles(variable: Variable) -> Names:
    return variable.official_name, variable.english


def _concept(variable: Variable) -> dict[str, Any]:
    return _named(variable.name.upper(), _titles(variable)) | {"description": variable.definition}


def _named(name: str, titles: Names) -> dict[str, Any]:
    return {"id": name, "name": titles[0], "names": {"id": titles[0], "en": titles[1]}}
