"""Pages for matching clerks: what waits, the sheet that only their browser reads, what they did."""
