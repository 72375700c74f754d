"""What ministries send: read in any usual form, checked row by row against its contract, taken or returned."""

from bagipakai.registry.intake.taking import FaultCount, Received, SentBack, Taken, take

__all__ = ["FaultCount", "Received", "SentBack", "Taken", "take"]
