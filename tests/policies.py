"""The house's policy files with something added, in a folder that nobody has looked into."""

import shutil

from bagipakai.core.policy import policies_dir

RANDOMISED = """
[[randomised]]
level = "{level}"
variable = "{variable}"
purposes = {purposes}
keep_percent = {keep}
from = 2026-01-01
basis = "uji coba"
"""


def with_policy(place, monkeypatch, added, file="disclosure.toml"):
    """What the policy files say, and `added` at the end of one: by these this process works from now on."""
    shutil.copytree(policies_dir(), place)
    text = (place / file).read_text("utf-8")
    (place / file).write_text(text + added, "utf-8")
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(place))


def randomised(level="L3", variable="jam_kerja", keep="80", purposes='["PERENCANAAN", "PENELITIAN"]'):
    return RANDOMISED.format(level=level, variable=variable, keep=keep, purposes=purposes)
