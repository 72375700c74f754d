"""Disclosure control: nothing that leaves isolates a person."""
