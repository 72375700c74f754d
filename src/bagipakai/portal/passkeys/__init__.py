"""Keys with which people sign: one's own, those of colleagues, and the signing of a decision."""
