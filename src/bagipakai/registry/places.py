"""The registry's folders for what it delivers."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The registry's folders. Workspaces and packages lie on one file system: publishing is one rename."""

    workspaces: Path
    packages: Path
    membership: Path
    holds: Path
    rosters: Path
    asked: Path
    alarms: Path
    reviews: Path
    published: Path
    budget: Path
    given: Path

    @classmethod
    def under(cls, var: Path) -> "Places":
        own = var / "registry"
        inside = ("membership", "holds", "rosters", "asked", "alarms", "reviews", "published", "budget", "given")
        places = cls(var / "worker", var / "packages", *(own / name for name in inside))
        private = (places.workspaces, *(own / name for name in inside))
        for folder, mode in ((places.packages, 0o755), *((folder, 0o700) for folder in private)):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
        return places

    def members(self, package: str) -> Path:
        """Who was in `package` (registry.membership)."""
        return self.membership / f"{package}.roar"

    def forget(self, package: str) -> None:
        """Removes what an earlier try of `package` kept of its members, and of whom was asked about, also where it was
        killed while writing."""
        asked = (*self.asked.glob(f"*.{package}.npy"), self.asked / f".{package}")
        for left in (self.members(package), *self.membership.glob(f".{package}.roar.*"), *asked):
            left.unlink(missing_ok=True)
