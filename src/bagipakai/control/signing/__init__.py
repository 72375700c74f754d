"""Signatures on legal papers: PAdES B-LTA, made by one of three means, validated always by us.

acts         what a signature says, and the one interface that every means answers
pades        the one way in which a signature gets into a file
local        means 1: the office's own certificate and time-stamp authorities (`authority`, `timestamps`)
device       means 2: a card or a hardware module, through PKCS#11
national     means 3: the national e-sign service, through an HTTP contract of our own assumption
validation   whether a file is signed as it must be, or the name of what is wrong
desk         which means seals here; sealing and checking as the rest of the office asks for it
"""

import logging

# Their warnings quote certificate holders by name; what we log is a code (house style: logs count, they do not name).
for library in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(library).setLevel(logging.CRITICAL)
