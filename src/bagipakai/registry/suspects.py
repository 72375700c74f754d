"""Who a leaked sample may have come from, and how sure that is."""

from dataclasses import dataclass
from typing import Final

CERTAIN: Final = 1e-6  # the largest chance of a false accusation at which a package is named


@dataclass(frozen=True, slots=True)
class Suspect:
    """One package, and what speaks for it.

    `by`: what was compared, "pseudonim", "keanggotaan" (who is in it) or "tanda" (marked values). `rows` of the
    sample's `compared` rows, or marked values, fit it. `log10_ratio`: how much likelier the sample is if it came from
    here than if its rows were anybody's of the same regencies, as a power of ten. `bound`: the chance that such a
    sample of strangers would fit any of the packages looked at this well; by marks, that any of their recipients who
    had no part in it would. `certain`: its pseudonyms opened, or `bound` is at most CERTAIN.
    """

    package: str
    recipient: str
    by: str
    rows: int
    compared: int
    log10_ratio: float
    bound: float

    @property
    def certain(self) -> bool:
        return self.by == "pseudonim" or self.bound <= CERTAIN
