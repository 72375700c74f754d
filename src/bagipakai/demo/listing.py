"""A list to be matched: made of the synthetic nation with the mistakes of a clerk, handed over, read, confirmed."""

from pathlib import Path

from bagipakai.control import commands, inflows, rosters
from bagipakai.control.models import Person
from bagipakai.core.refusal import Refusal
from bagipakai.core.rosters import Action
from bagipakai.demo.nation import SEED
from bagipakai.demo.processes import Stopped, bagipakai, passed

ROWS = 100  # of the smallest demonstration a third of one province
BLOCK = 64 * 1024


def a_list(keep: Path, people: int, area: str) -> Path:
    """A list of those who live in `area`, as the office would keep it, and some who do not."""
    file = keep / "daftar-peragaan.csv"
    bagipakai(
        *("registry", "synthesise-list", "--people", people, "--seed", SEED, "--area", area),
        *("--rows", ROWS, "--out", file, "--json"),
    )
    return file


def hand_over(file: Path, sender: Person) -> str:
    """Uploads the list, has it read, and confirms that it was read as it is meant; what it is called. Raises Stopped
    with the sentence of whoever said no."""
    row = passed(rosters.begin(sender))
    inflow = inflows.Inflow(row, sender, file.name)
    with file.open("rb") as content:
        while block := content.read(BLOCK):
            inflow.feed(block)
    if no := inflow.end():
        passed(no)
    passed(rosters.handle(row.reference, Action.SEND, sender))
    bagipakai("registry", "worker", "--once")
    commands.work()
    outcome = rosters.state(row).outcome
    if outcome is None:
        raise Stopped("Gudang data belum membaca daftar. Lihat catatan pekerjanya, lalu ulangi peragaan.")
    if outcome.refusal:
        passed(Refusal(outcome.refusal))
    passed(rosters.handle(row.reference, Action.CONFIRM, sender))
    return str(row.reference)
