"""The witness: a small service that another institution runs. It cosigns a log, and never a rewritten one."""
