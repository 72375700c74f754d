"""The catalogue as a page, made from the policy files: `python -m bagipakai.core.catalogue_page` writes
docs/reference/katalog.md. tests/core/test_catalogue_page.py compares it.
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bagipakai.core.plan import Level
from bagipakai.core.variables import Catalogue, Sensitivity, Variable

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "katalog.md"

CLASSES = {
    Sensitivity.PERSONAL_IDENTIFIER: "pengenal pribadi",
    Sensitivity.QUASI_IDENTIFIER: "pengenal tidak langsung",
    Sensitivity.SPECIFIC: "data spesifik",
    Sensitivity.GENERAL: "umum",
}

HEAD = """# Katalog variabel DTSEN

Halaman ini dibuat dari `policies/variables.toml` dan `policies/codes.toml`; ubahlah berkas itu, bukan halaman ini.

**Level** adalah level terendah yang boleh memuat variabel. Data spesifik (UU 27/2022 Pasal 4) hanya keluar sebagai
agregat (L1), atau sebagai baris di bawah tingkat kendali L4. **Tabel**: boleh menjadi dimensi tabel agregat.
Sumber setiap kelas dan level tercantum pada baris variabel di berkas kebijakan.
"""


def page(catalogue: Catalogue) -> str:
    """The whole page in Markdown."""
    return "\n".join(
        [HEAD, *_summary(catalogue), *_variables(catalogue), *_combinations(catalogue), *_codes(catalogue)]
    )


def _summary(catalogue: Catalogue) -> Iterator[str]:
    families, persons = len(catalogue.of_unit("keluarga")), len(catalogue.of_unit("individu"))
    yield f"Standar data: **{catalogue.standard}** · {len(catalogue)} variabel: {families} keluarga, {persons} individu"
    yield f"· sidik katalog `{catalogue.digest[:16]}…`"
    yield ""


def _variables(catalogue: Catalogue) -> Iterator[str]:
    both = [one for one in catalogue.values() if len(one.units) == 2]
    only = {unit: [one for one in catalogue.of_unit(unit) if len(one.units) == 1] for unit in ("keluarga", "individu")}
    for title, found in (
        ("Keluarga dan individu", both),
        ("Keluarga", only["keluarga"]),
        ("Individu", only["individu"]),
    ):
        yield f"## {title}\n"
        yield "| Kolom | Nama dan definisi | Isi | Kelas | Level | Tabel | Produsen |"
        yield "|---|---|---|---|---|---|---|"
        yield from (_row(variable) for variable in found)
        yield ""


def _row(variable: Variable) -> str:
    table = "ya" if variable.may_stand_in(Level.L1) else "–"
    level = "L1 / kendali L4" if variable.sensitivity is Sensitivity.SPECIFIC else variable.lowest_level.value
    told = f"**{variable.official_name}.** {variable.definition}" + (" *Wajib.*" if variable.required else "")
    cells = (
        f"`{variable.name}`",
        told,
        _content(variable),
        CLASSES[variable.sensitivity],
        level,
        table,
        variable.producer,
    )
    return "| " + " | ".join(cells) + " |"


def _content(variable: Variable) -> str:
    if variable.codes is not None:
        return f"kode [{variable.codes.id}](#{variable.codes.id})"
    bounds = f" {variable.low}–{variable.high}" if variable.low is not None and variable.high is not None else ""
    pattern = f" `{variable.pattern}`" if variable.pattern else ""
    return f"{variable.measure}{bounds}{pattern}"


def _combinations(catalogue: Catalogue) -> Iterator[str]:
    yield "## Gabungan\n"
    for rule in catalogue.combinations:
        one, other = (" atau ".join(f"`{name}`" for name in sorted(names)) for names in (rule.any_of, rule.with_any))
        yield f"- {one} bersama {other}: {rule.level.value}. {rule.basis}."
    yield ""


def _codes(catalogue: Catalogue) -> Iterator[str]:
    yield "## Daftar kode\n"
    lists = {one.codes.id: one.codes for one in catalogue.values() if one.codes is not None}
    for codes in lists.values():
        yield f"### {codes.id}\n"
        yield f"{codes.name}, edisi {codes.edition}. {codes.basis}.\n"
        yield "| Kode | Arti |"
        yield "|---|---|"
        yield from (f"| {code} | {codes.label(code)} |" for code in codes)
        yield ""


def main() -> int:
    """Writes the page. With --check, writes nothing and says whether it is as the policy says (0) or not (1)."""
    text = page(Catalogue.on(date.max))  # the newest row of each variable
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != text)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
