"""The link to one part: for one person, under one grant, for a quarter of an hour. It opens nothing by itself: who
follows it must be logged in as that person and still have the right."""

from django.core import signing

from bagipakai.control import access, clock

SALT = "bagipakai.portal.downloads"


def made(grant: int, part: str, person: int) -> str:
    """What stands at the end of the link: when it was made, and a signature over that, grant, part and person."""
    whose = _whose(grant, part, person)
    return _signer().sign(whose).removeprefix(f"{whose}:")


def holds(token: str, grant: int, part: str, person: int) -> bool:
    """Whether the link was made for this grant, part and person, and not too long ago (`policies/downloads.toml`)."""
    try:
        _signer().unsign(f"{_whose(grant, part, person)}:{token}", max_age=access.link_lives(clock.today()))
    except signing.BadSignature:
        return False
    return True


def _whose(grant: int, part: str, person: int) -> str:
    return f"{grant}/{person}/{part}"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)
