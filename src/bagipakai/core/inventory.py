"""Every key that the house holds, as `policies/keys.toml` lists them: what for, where, who reads it, for how long.

Where the files lie is told relative to the keys' folder (`var/keys`). What lies there and is not listed is an error, as
is what is listed and does not lie there (trust reference 7, ASVS 11.1.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from bagipakai.core.policy import rules


@dataclass(frozen=True, slots=True)
class HouseKey:
    """One line of the inventory. `secret` and `public` are patterns of file names; `months` is the longest life, 0 for
    a key that time does not end; one that `renews_itself` needs nobody then; one that is made
    `at_first_use` may not be there yet. `only_if` says when there is one at all,
    nothing for always."""

    name: str
    purpose: str
    kind: str
    secret: tuple[str, ...]
    public: tuple[str, ...]
    reader: str
    months: int
    renews_itself: bool
    at_first_use: bool
    only_if: str
    commands: tuple[str, ...]
    rotate: str
    compromised: str
    basis: str

    def secrets(self, folder: Path) -> list[Path]:
        """The secret files of this key that lie in `folder`."""
        return sorted(file for pattern in self.secret for file in folder.glob(pattern))

    def files(self, folder: Path) -> list[Path]:
        """All its files, public halves included."""
        return self.secrets(folder) + sorted(file for pattern in self.public for file in folder.glob(pattern))

    def ends(self, made: date) -> date | None:
        """The first day on which a key made on that day is too old; None if time does not end it."""
        if not self.months:
            return None
        year, month = divmod(made.year * 12 + made.month - 1 + self.months, 12)
        return date(year, month + 1, min(made.day, 28))  # a day that each month has; never later than the whole months


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A key that this house relies on and somebody else holds."""

    name: str
    holder: str
    compromised: str
    basis: str


@dataclass(frozen=True, slots=True)
class Inventory:
    keys: tuple[HouseKey, ...]
    elsewhere: tuple[Elsewhere, ...]

    @classmethod
    def on(cls, day: date) -> "Inventory":
        """The inventory in force on `day`. Raises PolicyError, and NoRule for a line that leaves something out."""
        held, others = (rules("keys", table, ("name",)).in_force(day) for table in ("key", "elsewhere"))
        return cls(
            tuple(
                HouseKey(
                    name,
                    line["purpose"],
                    line["kind"],
                    tuple(line["secret"]),
                    tuple(line["public"]),
                    line["reader"],
                    line["months"],
                    bool(line.values.get("renews_itself", False)),
                    bool(line.values.get("at_first_use", False)),
                    str(line.values.get("only_if", "")),
                    tuple(line["commands"]),
                    line["rotate"],
                    line["compromised"],
                    line.basis,
                )
                for (name,), line in held.items()
            ),
            tuple(Elsewhere(name, line["holder"], line["compromised"], line.basis) for (name,), line in others.items()),
        )

    def unlisted(self, folder: Path) -> list[Path]:
        """What lies in the keys' folder and belongs to no line, except the settings of the signing desk."""
        known = {file for key in self.keys for file in key.files(folder)} | {folder / "control/signing/means.toml"}
        return [file for file in _files(folder) if file not in known]


def made_on(file: Path) -> date:
    """The day on which a key file was written; it is never written again. Raises OSError."""
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).date()


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if not file.is_dir())
