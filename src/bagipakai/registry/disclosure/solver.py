"""The solver of linear and integer programmes (`highspy`), silent and on one thread."""

from typing import Final

import highspy

_ALWAYS: Final[dict[str, bool | int | str]] = {"output_flag": False, "threads": 1, "parallel": "off"}


class Solver(highspy.Highs):
    """With these options of its own; no callbacks, which print a line before anybody can ask for silence."""

    def __init__(self, **options: bool | int | float | str) -> None:
        super(highspy.Highs, self).__init__()
        for name, value in (_ALWAYS | options).items():
            self.setOptionValue(name, value)
