"""The public register and the catalogue, as a citizen reads them: in their own language, with somebody to write to."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories import a_matching_request, a_request, an_institution

from bagipakai.core.request import Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture(params=["id", "en"])
def reader(request) -> Client:
    """Somebody without an account, who reads this language."""
    client = Client()
    client.post(reverse("language"), {"language": request.param})
    client.speaks = request.param
    return client


def main_of(client: Client, name: str, *rest: str) -> str:
    """What the page says, without the frame around it."""
    return client.get(reverse(name, args=rest)).content.decode().split("<main")[1].split("</main>")[0]


def test_a_sharing_is_told_in_the_language_of_its_reader(reader):
    """Purpose, area and population are ours to say; programme and legal basis stay as they were written, and marked."""
    chain = a_request(at=Status.ACCESS_GRANTED, level="L2", population=[{"variable": "desil", "from": 1, "to": 4}])
    page = main_of(reader, "register:entry", chain.reference)
    said = {"id": ("Penyaluran bantuan sosial", "Desil kesejahteraan: 1 sampai 4"), "en": ("Welfare decile: 1 to 4",)}
    other = said["en" if reader.speaks == "id" else "id"]
    assert all(words in page for words in said[reader.speaks])
    assert not [words for words in other if words in page]
    assert '<span lang="id">Program Keluarga Harapan</span>' in page
    assert ("Penyaluran bantuan sosial" in main_of(reader, "register:list")) == (reader.speaks == "id")


def test_a_citizen_finds_whom_to_write_to_and_what_rights_there_are(reader):
    """Both institutions with address and contact, the number to give, the articles of the law; no officer's name."""
    house = an_institution(address="Jalan Prof. M. Yamin 57, Selong")
    chain = a_request(at=Status.ACCESS_GRANTED, level="L2", asking=house)
    page = main_of(reader, "register:entry", chain.reference)
    assert "Jalan Prof. M. Yamin 57, Selong" in page
    assert page.count("mailto:ppdp@contoh.go.id") == 2
    assert chain.office.institution.name in page and house.institution.name in page
    for article in (5, 6, 7, 8, 10, 11, 12, 14, 15, 30, 32):
        assert re.search(rf"(Pasal|Articles?) [0-9a-z, ]*\b{article}\b", page), article
    people = [*house.who.values(), *chain.office.who.values()]
    assert not [person.name for person in people if re.search(rf"\b{person.name}\b", page)]
    assert "Pejabat PDP" not in page  # the officer's name stays inside; the contact is the office's


def test_a_table_is_not_told_as_data_about_persons():
    chain = a_request(at=Status.ACCESS_GRANTED, level="L1")
    page = main_of(Client(), "register:entry", chain.reference)
    assert "tabel jumlah, bukan data tentang satu orang" in page
    assert "memusnahkannya" not in page


def test_official_definitions_are_marked_as_indonesian_and_said_to_be_once(reader):
    for name, rest in (("catalogue:list", ()), ("catalogue:variable", ("desil",))):
        page = main_of(reader, name, *rest)
        assert re.search(r'<(td|p)[^>]* lang="id"', page)
        assert page.count("Official definitions and sources are written in Indonesian") == (reader.speaks == "en")


def test_of_a_matching_nobody_is_told_that_everybody_of_the_area_is_in_it(reader):
    chain = a_matching_request(Status.ACCESS_GRANTED)
    page = main_of(reader, "register:entry", chain.reference)
    said = {
        "id": "Hanya orang dalam daftar penerima yang ditemukan di wilayah itu",
        "en": "Only people in the recipient&#x27;s list who are found in that area",
    }
    assert said[reader.speaks] in page and "<dd>semua</dd>" not in page and "<dd>everybody</dd>" not in page
