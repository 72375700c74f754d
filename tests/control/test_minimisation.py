"""How coarsely a variable is told goes from the answer to the paper, and nobody on the way makes it finer."""

import io

import pytest
from pypdf import PdfReader
from tests.factories import a_request, answers, done

from bagipakai.control import clock, documents, forms, requests
from bagipakai.control.passkeys import requested
from bagipakai.control.passkeys.summary import drawn
from bagipakai.core.decisions import Signing
from bagipakai.core.minimisation import Measure, steps
from bagipakai.core.plan import Asked, Level
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]
BANDS = [
    {"name": "kode_kab", "reason": "Kuota"},
    {"name": "desil", "reason": "Prioritas"},
    {"name": "umur", "reason": "Sasaran", "grain": "5-TAHUN"},
]
VERDICT = {"verdict": "APPROVE", "level": "L2", "reason": "Cukup"}


@pytest.fixture
def chain():
    return a_request(at=Status.COORDINATOR_DECISION, level="L2", variables=BANDS)


def test_what_was_asked_coarsely_is_decided_and_ordered_so(chain):
    plan = requests.plan(chain.reference)
    assert plan.variables[2] == Asked("umur", "Sasaran", "5-TAHUN")
    filled = requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Sesuai"}
    act = done(
        requests.DOOR.answer(chain.request, Action.APPROVE, chain.office[Role.COORDINATOR], filled, seen=chain.state.n)
    )
    shown = drawn(requested.of_request(chain.request, act), Signing.on(clock.today()).acts["request", "APPROVE"], "id")
    assert any("Umur (umur): per kelompok 5 tahun (5-TAHUN)" in line.values for line in shown.lines)
    chain.approve()
    assert requests.plan(chain.reference) == plan
    paper = io.BytesIO(documents.read_bytes(chain.request.papers.get(kind="AGREEMENT").sha256))
    words = " ".join(" ".join(page.extract_text() for page in PdfReader(paper).pages).split())
    assert "Umur (per kelompok 5 tahun)" in words and "Sasaran" in words


def test_fewer_variables_keep_their_grain(chain):
    less = requests.plan(chain.reference, variables=["umur"], level="L2")
    assert less.variables == (Asked("umur", "Sasaran", "5-TAHUN"),)


def test_rows_of_bands_are_not_lowered_to_a_table_of_single_years(chain):
    """It would tell more of each age than was asked for: approved ⊆ asked."""
    no = requests.plan(chain.reference, variables=["umur", "desil"], level="L1")
    assert isinstance(no, Refusal) and no.code == "plan-grain-unknown"
    assert not isinstance(requests.plan(chain.reference, variables=["desil"], level="L1"), Refusal)


@pytest.mark.parametrize("level", ["L1", "L4"])
def test_what_was_chosen_for_rows_without_names_counts_for_nothing_else(level):
    """The applicant changed the level afterwards, where nothing is offered."""
    chain = a_request(at=Status.DRAFT)
    done(chain.write(**answers("L2", variables=BANDS)))
    done(chain.write(level=level))
    assert [asked.grain for asked in requests.plan(chain.reference).variables] == ["", "", ""]


def test_a_narrower_level_without_names_keeps_it():
    chain = a_request(at=Status.COORDINATOR_DECISION, level="L3", variables=BANDS)
    lowered = requests.plan(chain.reference, variables=["kode_kab", "desil", "umur"], level="L2")
    assert lowered.level is Level.L2 and lowered.variables[2].grain == "5-TAHUN"


def test_the_answers_of_a_step_are_taken_as_they_are():
    """What a button writes passes the same checks as what is typed."""
    chain = a_request(at=Status.DRAFT)
    done(chain.write(**answers("L3", purpose="PERENCANAAN")))
    while found := steps(forms.wish(chain.state.answers), Measure.on(clock.today())):
        done(chain.write(**forms.wished(found[0].wish)))
    assert not isinstance(requests.plan(chain.reference), Refusal)
    assert chain.state.answers["level"] == "L2"
    assert chain.state.asked == ("kode_kec", "desil", "umur")
