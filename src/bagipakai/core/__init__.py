"""The rules: pure values and functions. No database, no web, no rows (see tests/architecture)."""
