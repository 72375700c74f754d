"""What would be enough, and how coarsely a variable is told, as officers and citizens read it."""

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories import a_request
from tests.portal.steps import entering, with_a_key

from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]
BANDS = [
    {"name": "kode_kab", "reason": "Kuota"},
    {"name": "desil", "reason": "Prioritas"},
    {"name": "umur", "reason": "Sasaran", "grain": "5-TAHUN"},
]


def test_whoever_examines_and_decides_reads_how_coarsely():
    chain = a_request(at=Status.COORDINATOR_DECISION, level="L2", variables=BANDS)
    for role in (Role.SUBSTANCE_VERIFIER, Role.COORDINATOR):
        page = with_a_key(chain.office[role]).get(reverse("examining:show", args=[chain.reference])).content.decode()
        assert "Umur (per kelompok 5 tahun): Sasaran" in page  # what is asked
        assert '<span class="remark">per kelompok 5 tahun</span>' in page  # variable by variable
    assert "<p>Umur (per kelompok 5 tahun)</p>" in page  # what is decided


def test_whoever_examines_reads_the_advice_without_buttons():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L2", purpose="PERENCANAAN", onward_sharing=False)
    page = entering(chain.office[Role.SUBSTANCE_VERIFIER]).get(reverse("examining:show", args=[chain.reference]))
    assert "Kolom Umur cukup dengan ketelitian “per kelompok 5 tahun”" in page.content.decode()
    assert 'name="saran"' not in page.content.decode()


def test_a_citizen_reads_how_coarsely():
    chain = a_request(at=Status.ACCESS_GRANTED, level="L2", variables=BANDS)
    page = Client().get(reverse("register:entry", args=[chain.reference])).content.decode()
    assert "Umur</a> (per kelompok 5 tahun)" in page and "Desil kesejahteraan</a> <span" in page
