"""The demonstration: drives the office as its officers would, and starts the other rooms as processes."""
