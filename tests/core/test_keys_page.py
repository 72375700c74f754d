"""The page of the keys says what the inventory says."""

from datetime import date

from bagipakai.core.inventory import Inventory
from bagipakai.core.keys_page import PAGE, page

INVENTORY = Inventory.on(date.max)


def test_the_page_is_the_one_that_the_inventory_makes():
    """Otherwise: python -m bagipakai.core.keys_page"""
    assert PAGE.read_text("utf-8") == page(INVENTORY)


def test_the_page_has_every_key_twice_and_every_command_once():
    lines = page(INVENTORY).splitlines()
    for key in INVENTORY.keys:
        assert sum(line.startswith(f"| `{key.name}`") for line in lines) == 2, "what it is, and what to do"
        for command in ("rotate", "compromised"):
            told = sum(f"`bagipakai control keys {command} {key.name}`" in line for line in lines)
            assert told == (command in key.commands)


def test_a_key_ends_within_its_months_in_every_month():
    (seal,) = (key for key in INVENTORY.keys if key.name == "seal")
    assert seal.ends(date(2026, 1, 31)) == date(2028, 1, 28)
    assert seal.ends(date(2026, 12, 5)) == date(2028, 12, 5)
    kept = [key for key in INVENTORY.keys if not key.months]
    assert kept and all(key.ends(date(2026, 1, 1)) is None for key in kept)
