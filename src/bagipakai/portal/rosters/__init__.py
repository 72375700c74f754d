"""Lists that an institution wants matched."""
