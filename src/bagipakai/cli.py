"""`bagipakai ROOM VERB …`: one command, a room for each who uses it. A room is imported only when it is called."""

import argparse
import os
import select
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

ROOMS = {
    "registry": "gudang data: buat, terbitkan, periksa rilis; jalankan pekerja",
    "control": "kantor: siapkan basis data, jalankan pekerja",
    "recipient": "penerima: buat kunci, periksa dan buka paket",
    "witness": "saksi: buat kunci, tanda tangani jejak",
    "verify": "siapa saja: periksa bukti, jejak, keputusan, paket",
    "demo": "peragaan: dari kesiapan sampai paket terbuka",
}
ROOM, VERB = "RUANG", "PERINTAH"
CUT = 141  # what a shell expects of a command whose reader went away
ELSEWHERE = {"verify": "bagipakai.verifier"}  # one file that also runs by itself, without the house

SAYINGS = {  # what argparse says of a command that it cannot read
    "the following arguments are required: ": "Perintah belum lengkap. Sebutkan juga: ",
    "one of the arguments ": "Perintah belum lengkap. Sebutkan salah satu: ",
    " is required": "",
    ": not allowed with argument ": ": tidak dapat disebut bersama ",
    "unrecognized arguments: ": "Bagian perintah ini tidak dikenal: ",
    ": expected one argument": ": sebutkan nilainya",
    ": invalid int value: ": ": bukan bilangan bulat: ",
    ": invalid fromisoformat value: ": ": bukan tanggal yang ditulis TTTT-BB-HH: ",
    ": invalid choice: ": ": tidak ada pilihan ",
    "(choose from ": "(pilih dari ",
    "argument ": "Bagian perintah ",
}


class Parser(argparse.ArgumentParser):
    """argparse in Indonesian."""

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options | {"add_help": False})
        self._positionals.title, self._optionals.title = "yang disebut", "pilihan"
        self.add_argument("-h", "--help", action="help", help="tampilkan bantuan ini")

    def format_usage(self) -> str:
        return super().format_usage().replace("usage: ", "Cara pakai: ", 1)

    def format_help(self) -> str:
        return super().format_help().replace("usage: ", "Cara pakai: ", 1)

    def error(self, message: str) -> NoReturn:
        for english, ours in SAYINGS.items():
            message = message.replace(english, ours)
        asks_for_a_verb = message.endswith((VERB, ROOM))
        (self.print_help if asks_for_a_verb else self.print_usage)(sys.stderr)
        self.exit(2, f"{message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command. 0 done · 1 refused or failed, with a sentence on stderr · 2 not a command · 141
    whoever read the answer went away."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(prog="bagipakai", description="Berbagipakai DTSEN")
    rooms = parser.add_subparsers(dest="room", required=True, metavar=ROOM)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, told in ROOMS.items():
        room = rooms.add_parser(name, help=told, description=told)
        if name == asked:
            commands = import_module(ELSEWHERE.get(name, f"bagipakai.{name}.commands"))
            commands.register(room.add_subparsers(required=True, metavar=VERB))
    options = parser.parse_args(arguments)
    try:
        code = int(options.run(options) or 0)
        sys.stdout.flush()
    except (LookupError, ValueError) as wrong:
        if (policy := sys.modules.get("bagipakai.core.policy")) is None:
            raise
        if not isinstance(wrong, (policy.PolicyError, policy.NoRule)):
            raise
        return _unruled(wrong)
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end, quietly
        return CUT
    return code


def _unruled(wrong: Exception) -> int:
    """Says what is wrong with the policy that a room has read. Not every room reads one."""
    from bagipakai.core.policy import PolicyError
    from bagipakai.core.refusal import Refusal
    from bagipakai.showing import refused

    try:
        return refused(Refusal("policy-unusable", {"wrong": str(wrong)}))
    except PolicyError:  # the file of all sentences is what cannot be used
        print(f"Berkas kebijakan tidak dapat dipakai ({wrong}). Perbaiki BAGIPAKAI_POLICIES.", file=sys.stderr)
        return 1


def _nobody_reads() -> bool:
    """Whether whoever read stdout has seen enough (`| head`)."""
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in watched.poll(0))


if __name__ == "__main__":
    sys.exit(main())
