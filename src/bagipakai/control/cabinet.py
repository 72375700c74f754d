"""The filing cabinet: finding a request, and reading it as its events leave it."""

from django.db.models import Q, QuerySet

from bagipakai.control import institutions, ledger, situation
from bagipakai.control.acting import Acting, tenures_of
from bagipakai.control.models import Event, Request
from bagipakai.core.request import Event as Happened
from bagipakai.core.request import Role, State, fold

# Roles by which a reader sees no requests of the controllers that their house serves, or others than those.
SEEING_NONE_HERE = frozenset(
    {Role.DATA_PRODUCER, Role.AUDITOR, Role.READINESS_REVIEWER, Role.SOURCE_PROVIDER, Role.CLERK}
)


class UnknownRequest(LookupError):
    """There is no request of that reference, or it is not this reader's to see: the answer is the same."""


def find(reference: str) -> Request:
    """The request, whoever asks. Raises UnknownRequest."""
    try:
        return Request.objects.select_related("institution", "controller").get(reference=reference)
    except Request.DoesNotExist:
        raise UnknownRequest(reference) from None


def visible(acting: Acting) -> QuerySet[Request]:
    """The requests that a reader may see: those of the institution they ask for, and, once sent, those of the
    controllers they serve or whose fields their institution owns. An auditor sees every sent request."""
    allowed = Q(pk__in=[])
    sent = Q(sent_at__isnull=False)
    for tenure in tenures_of(acting):
        roles = set(tenure.post.roles)
        if roles & situation.ASKING:
            allowed |= Q(institution_id=tenure.post.institution_id)
        if Role.AUDITOR in roles:
            allowed |= sent
        if Role.DATA_PRODUCER in roles:
            allowed |= Q(owners__contains=[tenure.post.institution.code])
        if roles - situation.ASKING - SEEING_NONE_HERE:
            served = institutions.served_by(tenure.post.institution)
            allowed |= sent & Q(controller__in=served)
    return Request.objects.filter(allowed).select_related("institution", "controller").order_by("-id")


def get(reference: str, acting: Acting) -> Request:
    """The request, if it is this reader's to see. Raises UnknownRequest."""
    found = visible(acting).filter(reference=reference).first()
    if found is None:
        raise UnknownRequest(reference)
    return found


def state(reference: str) -> State:
    """The request as its events leave it. Raises UnknownRequest."""
    return state_of(find(reference))


def state_of(request: Request) -> State:
    return fold([Happened.from_json(one) for one in ledger.payloads(Event, request)], request.reference)
