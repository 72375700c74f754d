"""Disclosure control: nothing that leaves isolates a person (disclosure reference 4)."""
