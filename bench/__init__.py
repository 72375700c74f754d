"""Every figure the README states, each by one command. Ratios are taken inside one run, alternating, on one machine."""
