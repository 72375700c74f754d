"""How well lists are matched, for everybody to see."""
