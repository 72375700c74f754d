"""One readiness review as one reader sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.http import Http404, HttpRequest

from bagipakai.control import readiness
from bagipakai.control.door import Possibility
from bagipakai.control.models import ReadinessReview, Tenure
from bagipakai.core.readiness import Action, Item, Review, Status
from bagipakai.portal.accounts import posts


@dataclass(frozen=True)
class ReviewDossier:
    """`row` is the review's entry in the office, `review` what its events leave."""

    row: ReadinessReview
    review: Review
    tenure: Tenure

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """The questions that count for the declared levels."""
        return readiness.instrument(self.review)

    @cached_property
    def possible(self) -> Mapping[Action, Possibility]:
        """What the reader can do or is kept from, by action; an open way counts before a shut one."""
        found: dict[Action, Possibility] = {}
        for one in readiness.possible(self.row.pk, self.tenure):
            if one.action not in found or found[one.action].refusal is not None:
                found[one.action] = one
        return found

    @property
    def told(self) -> Mapping[str, tuple[str, str, str]]:
        """The verdicts, by item: those who are judged read them once it is decided, not while it is being weighed."""
        mine = self.tenure.post.institution_id == self.row.institution_id
        return {} if mine and self.review.status is Status.UNDER_REVIEW else self.review.verdicts

    @property
    def seen(self) -> str:
        """The number of the last event, as a form posts it back."""
        return str(self.review.n)


def opened(http: HttpRequest, review: int) -> ReviewDossier:
    """The review as this reader sees it; Http404 if it is not theirs to see, as for one that never was."""
    tenure = posts.current(http)
    try:
        if tenure is None:
            raise Http404
        row = readiness.get(review, tenure)
    except readiness.UnknownReview:
        raise Http404 from None
    return ReviewDossier(row, readiness.state(row.pk), tenure)
