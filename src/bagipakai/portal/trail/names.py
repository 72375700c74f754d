"""Which names the public may ask of the trail's folder: those of tiles and bundles (C2SP tlog-tiles), and no others."""

import re

from bagipakai.core.tiles import WIDTH, bundle_name, tile_name

NAME = re.compile(
    r"tile/(?P<level>[0-7]|entries)/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


def is_of_the_log(name: str) -> bool:
    """Whether the log would give this name to one of its files: spelled in the one way that the log spells it."""
    found = NAME.fullmatch(name)
    if found is None:
        return False
    index, width = int(found["number"].replace("x", "").replace("/", "")), int(found["width"] or WIDTH)
    if width > WIDTH:
        return False
    if found["level"] == "entries":
        return name == bundle_name(index, width)
    return name == tile_name(int(found["level"]), index, width)
