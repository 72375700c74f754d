"""The next DTSEN from what the sources handed in: rows matched with the persons of the release before, values chosen by
rule (core.survivorship), persons put into their households, and a data set that is published like any other."""
