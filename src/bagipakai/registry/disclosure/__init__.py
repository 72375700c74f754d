"""Disclosure control beside the rows: what leaves isolates no person (disclosure reference §4)."""
