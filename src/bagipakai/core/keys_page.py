"""The inventory of keys as a page: `python -m bagipakai.core.keys_page` writes docs/reference/keys.md from
policies/keys.toml. tests/core/test_keys_page.py compares it.
"""

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from bagipakai.core.inventory import HouseKey, Inventory

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "keys.md"

HEAD = """# Kunci

Halaman ini dibuat dari `policies/keys.toml`; ubahlah berkas itu, bukan halaman ini.

Setiap kunci yang dipegang rumah ini: untuk apa, di mana di bawah `var/keys`, siapa boleh membacanya, dan sampai kapan.
Berkas rahasia bermode 0600 di map bermode 0700; yang dapat dibaca orang lain ditolak saat dibaca. `bagipakai control
keys` menyebut umur setiap kunci, apa yang jatuh tempo, dan berkas yang tidak ada di daftar ini. Perintah untuk gudang
data dijalankan oleh pengelola yang boleh menulis di mapnya; pemilik berkas tidak berubah.
"""

COMMANDS = {"rotate": "`bagipakai control keys rotate {0}`", "compromised": "`bagipakai control keys compromised {0}`"}


def page(inventory: Inventory) -> str:
    """The whole page in Markdown."""
    return "\n".join([HEAD, *_held(inventory), *_drills(inventory), *_elsewhere(inventory)])


def _held(inventory: Inventory) -> Iterator[str]:
    yield "## Yang dipegang rumah ini\n"
    yield "| Kunci | Untuk | Jenis | Berkas rahasia | Berkas terbuka | Pembaca | Umur | Dasar |"
    yield "|---|---|---|---|---|---|---|---|"
    for key in inventory.keys:
        secret, public = ("<br>".join(f"`{one}`" for one in patterns) or "–" for patterns in (key.secret, key.public))
        name = f"`{key.name}`" + (f"<br>hanya bila {key.only_if}" if key.only_if else "")
        name += "<br>dibuat saat pertama dipakai" if key.at_first_use else ""
        cells = (name, key.purpose, key.kind, secret, public, key.reader, _life(key), key.basis)
        yield "| " + " | ".join(cells) + " |"
    yield ""


def _life(key: HouseKey) -> str:
    return f"{key.months} bulan" if key.months else "tidak berakhir karena waktu"


def _drills(inventory: Inventory) -> Iterator[str]:
    yield "## Mengganti, dan bila bocor\n"
    yield "Yang tidak punya perintah belum dapat dilakukan dengan selamat oleh program; langkahnya disebut.\n"
    yield "| Kunci | Mengganti | Bila bocor | Perintah |"
    yield "|---|---|---|---|"
    for key in inventory.keys:
        commands = "<br>".join(COMMANDS[one].format(key.name) for one in key.commands) or "tidak ada"
        yield f"| `{key.name}` | {key.rotate} | {key.compromised} | {commands} |"
    yield ""


def _elsewhere(inventory: Inventory) -> Iterator[str]:
    yield "## Yang dipegang orang lain\n"
    yield "| Kunci | Pemegang | Bila bocor | Dasar |"
    yield "|---|---|---|---|"
    yield from (f"| {one.name} | {one.holder} | {one.compromised} | {one.basis} |" for one in inventory.elsewhere)
    yield ""


def main() -> int:
    """Writes the page. With --check, writes nothing and says whether it is as the policy says (0) or not (1)."""
    text = page(Inventory.on(date.max))  # the newest row of each key
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != text)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
