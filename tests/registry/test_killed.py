"""Killed at any moment, over intake, publishing and orders: nothing half-made is seen, nothing lies open, and in the
end there is what an undisturbed run makes, once. The same where the disk is full.

A child dies by SIGKILL, which nothing in it can catch: at the n-th moment at which it touches the registry's folders or
the mailbox, or after some milliseconds of its work, whatever it does then.
"""

import csv
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from tests.registry.mailboxes import an_office
from tests.registry.orders import OFFICE, a_house, a_plan, an_order
from tests.registry.small import small_release

from bagipakai.core.plan import Format
from bagipakai.registry.package import package_id, standing
from bagipakai.registry.publishing import draft_of
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release, published
from bagipakai.registry.vault import KEY

CHILD = """
import os, signal, sys, threading, time
at, milliseconds, world, *command = sys.argv[1:]
at, seen = int(at), 0

def moment(*_):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

def hook(event, arguments):
    if event in {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.scandir"}:
        if any(os.fsdecode(one).startswith(world) for one in arguments if isinstance(one, (str, bytes, os.PathLike))):
            moment()

from bagipakai.cli import main
from bagipakai.registry import deliver, publishing, seal, worker
from bagipakai.registry.folders import Progress
from bagipakai.registry.intake import taking
from bagipakai.registry.mailbox import Mailbox

def around(owner, name):
    whole = getattr(owner, name)
    def timed(*arguments, **names):
        moment()
        outcome = whole(*arguments, **names)
        moment()
        return outcome
    setattr(owner, name, timed)

for owner, name in (
    (Mailbox, "answer"), (seal.SealedFile, "write"), (deliver, "publish"),
    (taking.Checker, "judge"), (taking.Checker, "explain"), (taking.Accepted, "add"), (taking.Keys, "add"),
    (Progress, "add"), (publishing, "_measured"),
):
    around(owner, name)

def kill():
    time.sleep(int(milliseconds) / 1000)
    os.kill(os.getpid(), signal.SIGKILL)

if int(milliseconds):
    threading.Thread(target=kill, daemon=True).start()
sys.addaudithook(hook)
began = time.monotonic()
code = main(command)
print(f"\\nmoments {seen} milliseconds {(time.monotonic() - began) * 1000:.0f}")
raise SystemExit(code)
"""


@dataclass(frozen=True)
class World:
    """Where a command works. Everything that it writes lies under `folder`, and `var` in it."""

    folder: Path
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    def run(self, at: int = 0, milliseconds: int = 0, largest: int = 0) -> subprocess.CompletedProcess[str]:
        """The command, killed at a moment, after a time, or with no file larger than so many bytes."""
        environment = {**os.environ, "BAGIPAKAI_VAR": str(self.folder / "var"), **dict(self.environment)}
        command = [sys.executable, "-c", CHILD, str(at), str(milliseconds), str(self.folder), *self.command]

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=limited if largest else None,
        )

    def undisturbed(self) -> tuple[int, int]:
        """Runs it to its end; how many moments it had, and how many milliseconds it took."""
        done = self.run()
        told = re.search(r"moments (\d+) milliseconds (\d+)", done.stdout)
        assert told, done.stderr
        return int(told[1]), int(told[2])

    def killed(self, dice: Random, moments: int, milliseconds: int) -> bool:
        """Runs it and kills it at a random moment; whether that came before its end."""
        match dice.choice(["any", "any", "late", "time", "time"]):
            case "any":
                done = self.run(at=dice.randint(1, moments))
            case "late":  # around the rename, the receipt, and what is put away behind them
                done = self.run(at=dice.randint(moments - 6, moments))
            case _:
                done = self.run(milliseconds=dice.randint(1, milliseconds))
        assert done.returncode in (0, 1, 2, -signal.SIGKILL), done.stderr
        return done.returncode == -signal.SIGKILL


def open_to_all(folder: Path) -> Iterator[Path]:
    """Files under `folder` that every user of the machine could read."""
    for path in folder.iterdir():
        mode = path.stat().st_mode
        if path.is_dir():
            if mode & stat.S_IXOTH:
                yield from open_to_all(path)
        elif mode & stat.S_IROTH:
            yield path


# Intake.


def a_set(folder: Path) -> Path:
    """A file of 400 rows of the population register, with faults of values, of rows and of the set."""
    dice, file, village = Random(5), folder / "kiriman.csv", regions().children("320101")[0].code
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        head = "nik,nomor_kk,nama,tempat_lahir,tanggal_lahir,jenis_kelamin,hubungan_kepala_keluarga,status_perkawinan,"
        head += "memiliki_akta_lahir,alamat,rt,rw,kode_prov,kode_kab,kode_kec,kode_desa,tanggal_meninggal"
        rows.writerow(head.split(","))
        for number in range(400):
            day, month = dice.randint(1, 28), dice.randint(1, 12)
            nik = f"320101{day:02}{month:02}80{number // 2 if number in (6, 7) else number + 1:04}"
            born = f"19{'80' if dice.random() < 0.97 else '81'}-{month:02}-{day:02}"
            place = ("32", "3201", "320101", village if dice.random() < 0.98 else "3201019999")
            card = f"320101010190{number // 4 + 1:04}"
            kin = "1" if number % 4 == 0 else "3"
            rows.writerow([nik, card, "Siti", "Bogor", born, "1", kin, "1", "true", "Jl. A", "001", "002", *place, ""])
    return file


def intake(folder: Path) -> World:
    folder.mkdir()
    command = ("registry", "intake", str(a_set(folder)), "--source", "dukcapil", "--day", "2026-11-26")
    return World(folder, (*command, "--out", str(folder / "hasil")))


def taken(world: World) -> tuple[object, ...]:
    """What a set that was taken is: its report, byte for byte, every accepted row, every returned line."""
    out = world.folder / "hasil"
    rows = [pq.read_table(path) for path in sorted((out / "accepted").iterdir())]
    back = {path.name: path.read_bytes() for path in sorted((out / "returned").iterdir())}
    assert {path.name for path in out.iterdir()} == {"accepted", "returned", "report.json"}
    return (out / "report.json").read_bytes(), rows, back


def intakes_killed(folder: Path, times: int, dice: Random) -> int:
    world = intake(folder / "intake")
    measure = world.undisturbed()
    wanted, result = taken(world), world.folder / "hasil"
    rows = json.loads(wanted[0])["rows"]
    assert rows["accepted"] > 300 and rows["returned"] > 10
    shutil.rmtree(result)
    deaths = 0
    for _ in range(times):
        deaths += world.killed(dice, *measure)
        if result.exists():
            assert taken(world) == wanted
            shutil.rmtree(result)
        assert {path.name for path in open_to_all(world.folder)} == {"kiriman.csv"}
    assert world.run().returncode == 2 and taken(world) == wanted
    assert sorted(path.name for path in world.folder.iterdir()) == ["hasil", "kiriman.csv", *_var(world)]
    return deaths


def _var(world: World) -> list[str]:
    return ["var"] if (world.folder / "var").exists() else []


# Publishing.

VERSION = "2026.3.0"


@pytest.fixture(scope="module")
def dataset(release) -> Path:
    """What the tests' release was made of. Nobody may change it."""
    return release.folder.parents[1] / "data"


def publication(folder: Path, dataset: Path) -> World:
    folder.mkdir()
    return World(folder, ("registry", "publish", str(dataset), "--version", VERSION))


def released(world: World) -> tuple[object, ...]:
    """What a release says, whatever key it lies under: content of each file, quality, digests of what it is read by."""
    releases = world.folder / "var" / "releases"
    release = Release.open(releases, VERSION)
    assert all(not isinstance(one, Exception) for one in release.checked()), "whole, or not there"
    assert published(releases) == [VERSION] and not (draft_of(releases, VERSION)).exists()
    own = {"published_at", "files", "tallies", "gate"}
    files = [(file.path, file.regencies) for file in release.files]
    files += [(tally.path, (tally.by, tally.rows, tally.bytes)) for tally in release.tallies]
    return {name: told for name, told in release.manifest.items() if name not in own}, files


def publications_killed(folder: Path, dataset: Path, times: int, dice: Random) -> int:
    world = publication(folder / "publish", dataset)
    measure = world.undisturbed()
    wanted, releases = released(world), world.folder / "var" / "releases"
    deaths = 0
    for _ in range(times):
        if releases.exists() and published(releases):
            assert released(world) == wanted
            shutil.rmtree(releases / VERSION)
        deaths += world.killed(dice, *measure)
        for path in (world.folder / "var").rglob("*"):
            assert not path.is_file() or path.read_bytes()[:4] != b"PAR1", "no row of a release lies in clear"
        unfinished = list((world.folder / "var").rglob(".*.dibuat"))
        assert len(unfinished) <= 1 and all(path.stat().st_mode & 0o077 == 0 for path in unfinished)
    last = world.run()
    assert last.returncode == 0 or "[release-exists]" in last.stderr, last.stderr
    assert released(world) == wanted
    assert list((world.folder / "var").rglob(".*.dibuat")) == []
    return deaths


# Orders.

FORMS = (Format.CSV, Format.XLSX)


def orders_killed(folder: Path, times: int, dice: Random) -> int:
    """A house where every order is disturbed, and its twin, of the same keys, where none is."""
    house = a_house(folder / "orders" / "var")
    small_release(house.var / "releases", seal=house.keys.seal)
    with an_office() as office, an_office() as quiet_office:
        shutil.copytree(folder / "orders", folder / "quiet")
        environment = (("REGISTRY_DATABASE_URL", office.registry_url),)
        quiet_environment = (("REGISTRY_DATABASE_URL", quiet_office.registry_url),)
        command = ("registry", "worker", "--once")
        world = World(folder / "orders", command, environment)
        quiet = World(folder / "quiet", command, quiet_environment)
        orders = [
            an_order(a_plan(dice.choice(["L2", "L4"]), format=dice.choice(FORMS)), f"O-{number}")
            for number in range(times + 1)
        ]
        for order in orders:
            quiet_office.place(order.order_id, order.sealed(OFFICE))
        office.place("O-0", orders[0].sealed(OFFICE))
        moments, milliseconds = world.undisturbed()
        assert moments > 25
        deaths = 0
        for order in orders[1:]:
            office.place(order.order_id, order.sealed(OFFICE))
            deaths += world.killed(dice, moments, milliseconds)
            assert all(standing(house.places.packages / name, house.keys.seal.public) for name in house.packages)
            assert {path.parent.parent for path in open_to_all(world.folder) if "paket-" in str(path)} <= {
                house.places.packages
            }
        world.undisturbed()
        quiet.undisturbed()
        for order in orders:
            receipt, other = office.receipts(house)[order.order_id], quiet_office.receipts(house)[order.order_id]
            assert (receipt.refusal, receipt.package) == ("", package_id(order.order_id)) == ("", other.package)
            assert packed(world, house, receipt.package) == packed(quiet, house, receipt.package)
            assert standing(house.places.packages / receipt.package, house.keys.seal.public)[1] == receipt.manifest
        assert house.packages == sorted(package_id(order.order_id) for order in orders)
        assert len(office.envelopes()) == len(orders) and house.left_behind() == []
    return deaths


def packed(world: World, house, package: str) -> tuple[object, ...]:
    """What a package says, and of whom."""
    manifest, _ = standing(world.folder / "var" / "packages" / package, house.keys.seal.public)
    members = (world.folder / "var" / "registry" / "membership" / f"{package}.roar").read_bytes()
    return manifest.content_digest, [part.rows for part in manifest.parts], members


# The promises.


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_everything_is_made_once(seed, dataset, tmp_path):
    dice = Random(seed)
    deaths = intakes_killed(tmp_path, 5, dice) + publications_killed(tmp_path, dataset, 3, dice)
    assert deaths + orders_killed(tmp_path, 8, dice) >= 10


@pytest.mark.night
@pytest.mark.parametrize("seed", range(100, 105))
def test_killed_at_random_moments_all_night(seed, dataset, tmp_path):
    dice = Random(seed)
    deaths = [
        intakes_killed(tmp_path, 9, dice),
        publications_killed(tmp_path, dataset, 9, dice),
        orders_killed(tmp_path, 9, dice),
    ]
    print("deaths", deaths)
    assert sum(deaths) >= 20


# Where the disk is full: no file may grow beyond a limit, which is told as the disk tells that it is full.


def test_a_set_that_finds_no_room_goes_back_and_is_taken_when_there_is(tmp_path):
    world = intake(tmp_path / "intake")
    for largest in (1, 3_000):
        full = world.run(largest=largest)
        assert full.returncode == 1 and "[intake-has-no-room]" in full.stderr, (largest, full.stderr)
        assert sorted(path.name for path in world.folder.iterdir()) == ["kiriman.csv", *_var(world)]
    assert world.run().returncode == 2
    assert taken(world)


def test_a_release_that_finds_no_room_is_taken_up_when_there_is(dataset, tmp_path):
    world = publication(tmp_path / "publish", dataset)
    full = world.run(largest=40_000)
    assert full.returncode == 1 and "[release-has-no-room]" in full.stderr, full.stderr
    assert not (world.folder / "var" / "releases").exists()
    (key,) = (world.folder / "var" / "drafts").rglob(KEY)
    under = key.read_bytes()
    assert world.run().returncode == 0 and released(world)
    assert (world.folder / "var" / "releases" / VERSION / KEY).read_bytes() == under, "what was sealed is kept"
