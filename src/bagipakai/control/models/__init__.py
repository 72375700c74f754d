"""What the office keeps."""

from bagipakai.control.models.access import Grant, GrantEvent, Reading, Region, Release
from bagipakai.control.models.documents import Document
from bagipakai.control.models.institutions import (
    CompetenceAttestation,
    Institution,
    Kind,
    Post,
    ProcessorMandate,
    RecipientKeyEvent,
    Tenure,
    TenureKind,
)
from bagipakai.control.models.matching import QualityStatement
from bagipakai.control.models.passkeys import Credential, KeyEvent, PendingDecision, SignedDecision, SigningAttempt
from bagipakai.control.models.people import LoginFailure, Person
from bagipakai.control.models.readiness import ReadinessEvent, ReadinessReview
from bagipakai.control.models.requests import Claim, Denial, Event, Notice, Paper, PlacedOrder, Request, SignedCopy
from bagipakai.control.models.reviews import Review, Sheet, SheetEvent
from bagipakai.control.models.rosters import PlacedRoster, Roster, RosterEvent
from bagipakai.control.models.submissions import PlacedIntake, Submission, SubmissionEvent
from bagipakai.control.models.uploads import Holder, UploadedFile, UploadedPiece

__all__ = [
    "Claim",
    "CompetenceAttestation",
    "Credential",
    "Denial",
    "Document",
    "Event",
    "Grant",
    "GrantEvent",
    "Holder",
    "Institution",
    "KeyEvent",
    "Kind",
    "LoginFailure",
    "Notice",
    "Paper",
    "PendingDecision",
    "Person",
    "PlacedIntake",
    "PlacedOrder",
    "PlacedRoster",
    "Post",
    "ProcessorMandate",
    "QualityStatement",
    "ReadinessEvent",
    "ReadinessReview",
    "Reading",
    "RecipientKeyEvent",
    "Region",
    "Release",
    "Request",
    "Review",
    "Roster",
    "RosterEvent",
    "Sheet",
    "SheetEvent",
    "SignedCopy",
    "SignedDecision",
    "SigningAttempt",
    "Submission",
    "SubmissionEvent",
    "Tenure",
    "TenureKind",
    "UploadedFile",
    "UploadedPiece",
]
