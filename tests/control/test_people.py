"""Accounts and the office's own commands."""

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from tests.factories import a_pdf, an_office

from bagipakai.control import commands, documents, institutions, people
from bagipakai.control.models import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

PASSWORD = "kata sandi yang panjang"


def test_a_person_logs_in_by_address_whatever_its_capitals():
    person = people.register("Siti@Contoh.go.id", "Siti Rahmawati", PASSWORD, nip="198001012005012001")
    assert authenticate(username="siti@contoh.go.id", password=PASSWORD) == person
    assert authenticate(username="SITI@contoh.go.id", password=PASSWORD) == person
    assert authenticate(username="siti@contoh.go.id", password="lain sama sekali") is None
    assert person.password.startswith("argon2")


def test_a_suspended_person_does_not_log_in():
    person = people.register("siti@contoh.go.id", "Siti", PASSWORD)
    Person.objects.filter(pk=person.pk).update(state="SUSPENDED")
    assert authenticate(username="siti@contoh.go.id", password=PASSWORD) is None


@pytest.mark.parametrize(
    ("email", "nip", "password"),
    [
        ("bukan alamat", "", PASSWORD),
        ("a@contoh.go.id", "123", PASSWORD),
        ("a@contoh.go.id", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨", PASSWORD),
        ("a@contoh.go.id", "", "pendek"),
        ("a@contoh.go.id", "", "password1234"),
    ],
)
def test_what_is_not_an_account_is_refused(email, nip, password):
    with pytest.raises(ValidationError):
        people.register(email, "Siti", password, nip=nip)


def test_one_address_is_one_account():
    people.register("siti@contoh.go.id", "Siti", PASSWORD)
    with pytest.raises(ValidationError):
        people.register("SITI@contoh.go.id", "Siti lain", PASSWORD)


def test_a_person_has_no_nik():
    assert not [field.name for field in Person._meta.get_fields() if "nik" in field.name]


def test_an_appointment_keeps_its_instrument():
    office = an_office()
    document = documents.store(a_pdf("Inpres"), "inpres.pdf", office.who["CONTROLLER"])
    institutions.file_appointment(office.institution, document)
    office.institution.refresh_from_db()
    assert documents.read(office.institution.appointment_file).startswith(b"%PDF")


def test_the_worker_has_nothing_to_do_in_a_quiet_office():
    an_office()
    assert commands.work() == 0
    commands.tidy()
