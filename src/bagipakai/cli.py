"""`bagipakai ROOM VERB …`: one command, a room for each who uses it. A room is imported only when it is called."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

ROOMS = {
    "registry": "gudang data: buat, terbitkan, periksa rilis; jalankan pekerja",
    "control": "kantor: siapkan basis data, jalankan pekerja",
    "portal": "halaman: jalankan portal",
    "recipient": "penerima: buat kunci, periksa dan buka paket",
    "witness": "saksi: buat kunci, tanda tangani jejak",
    "verify": "siapa saja: periksa bukti, jejak, keputusan, paket",
    "demo": "peragaan: dari kesiapan sampai paket terbuka",
}
ELSEWHERE = {"verify": "bagipakai.verifier"}  # one file that also runs by itself, without the house


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. 0 done · 1 refused or failed, with a sentence on stderr · 2 not a command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="bagipakai", description="Berbagipakai DTSEN")
    rooms = parser.add_subparsers(dest="room", required=True, metavar="RUANG")
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, told in ROOMS.items():
        room = rooms.add_parser(name, help=told, description=told)
        if name == asked:
            commands = import_module(ELSEWHERE.get(name, f"bagipakai.{name}.commands"))
            commands.register(room.add_subparsers(required=True, metavar="PERINTAH"))
    options = parser.parse_args(arguments)
    return int(options.run(options) or 0)


if __name__ == "__main__":
    sys.exit(main())
