"""Readiness through its pages: an institution assesses itself, a reviewer judges, a certificate is given."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from tests.authenticators import press
from tests.factories import a_pdf, an_institution, an_office
from tests.portal.steps import entering

from bagipakai.control import clock, readiness
from bagipakai.control.models import ReadinessReview
from bagipakai.core.readiness import Status
from bagipakai.core.request import Role

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def house():
    an_office()
    return an_institution(ready=False)


def begun(house, levels=("L1",)) -> ReadinessReview:
    """A self-assessment that the applicant opened by the page."""
    page = entering(house[Role.APPLICANT]).post(reverse("readiness:new"), {"levels": levels})
    row = ReadinessReview.objects.get(institution=house.institution)
    assert page.url == reverse("readiness:show", args=[row.pk])
    return row


def seen(row) -> int:
    return readiness.state(row.pk).n


def say(client, row, code: str, **typed):
    return client.post(reverse("readiness:item", args=[row.pk, code]), {"seen": seen(row), **typed})


def act(client, row, action: str, **typed):
    address = reverse("readiness:act", args=[row.pk, action])
    prefix = action.replace("-", "_")
    return press(client, address, {"seen": seen(row)} | {f"{prefix}-{name}": value for name, value in typed.items()})


def answered(house, row) -> None:
    """Every item answered with yes, and shown where evidence is wanted."""
    client = entering(house[Role.APPLICANT])
    for code, item in readiness.instrument(readiness.state(row.pk)).items():
        assert say(client, row, code, apa="jawaban", answer="YES", note="").status_code == 302
        if item.evidence:
            file = SimpleUploadedFile("bukti.pdf", a_pdf(code).read())
            assert say(client, row, code, apa="bukti", berkas=file).status_code == 302


def judged(row, verdict_of=lambda code: "MET") -> None:
    """The reviewer takes the review up and judges every item."""
    client = entering(an_office()[Role.READINESS_REVIEWER])
    assert act(client, row, "take-up").status_code == 302
    for code in readiness.instrument(readiness.state(row.pk)):
        verdict = verdict_of(code)
        note = "" if verdict == "MET" else "Belum lengkap"
        assert say(client, row, code, apa="putusan", verdict=verdict, note=note).status_code == 302


def test_from_the_first_answer_to_the_certificate(house):
    row = begun(house)
    answered(house, row)
    head = entering(house[Role.ACCOUNTABLE_OFFICER])
    assert act(head, row, "declare", true="on").status_code == 302
    judged(row)
    reviewer = entering(an_office()[Role.READINESS_REVIEWER])
    until = (clock.today() + timedelta(days=200)).isoformat()
    done = act(reviewer, row, "certify", levels=["L1"], valid_until=until, reason="Semua terpenuhi")
    assert done.status_code == 302
    assert readiness.state(row.pk).status is Status.READY
    page = entering(house[Role.APPLICANT]).get(reverse("readiness:own")).content.decode()
    assert "Sertifikat kesiapan" in page
    assert readiness.state(row.pk).certificate.digest in page


def test_a_certificate_with_conditions_has_a_measure_for_each_shortfall(house):
    row = begun(house)
    answered(house, row)
    act(entering(house[Role.ACCOUNTABLE_OFFICER]), row, "declare", true="on")
    items = readiness.instrument(readiness.state(row.pk))
    short = next(iter(items))
    judged(row, lambda code: "PARTLY" if code == short else "MET")
    reviewer = entering(an_office()[Role.READINESS_REVIEWER])
    until, due = ((clock.today() + timedelta(days=days)).isoformat() for days in (200, 60))
    told = {"levels": ["L1"], "valid_until": until, "reason": "Cukup"}
    plain = act(reviewer, row, "certify", **told)
    assert plain.status_code == 409  # a shortfall needs conditions
    lacking = act(reviewer, row, "certify-with-conditions", **told)
    assert "Tuliskan yang harus dilakukan" in lacking.content.decode()
    measure = {f"measure.{short}": "Latih dua staf", f"due.{short}": due}
    assert act(reviewer, row, "certify-with-conditions", **told, **measure).status_code == 302
    page = reviewer.get(reverse("readiness:show", args=[row.pk])).content.decode()
    assert "Latih dua staf" in page


def test_nothing_is_sent_while_evidence_is_missing(house):
    """The page says what is missing instead of offering the button."""
    row = begun(house)
    client = entering(house[Role.APPLICANT])
    for code in readiness.instrument(readiness.state(row.pk)):
        say(client, row, code, apa="jawaban", answer="YES", note="")
    head = entering(house[Role.ACCOUNTABLE_OFFICER])
    page = head.get(reverse("readiness:show", args=[row.pk])).content.decode()
    assert "option__shut" in page
    assert "Bukti belum diunggah" in page
    assert act(head, row, "declare", true="on").status_code == 409
    assert readiness.state(row.pk).status is Status.NOT_STARTED


def test_a_verdict_short_of_met_needs_a_note_and_keeps_the_choice(house):
    row = begun(house)
    answered(house, row)
    act(entering(house[Role.ACCOUNTABLE_OFFICER]), row, "declare", true="on")
    client = entering(an_office()[Role.READINESS_REVIEWER])
    act(client, row, "take-up")
    code = next(iter(readiness.instrument(readiness.state(row.pk))))
    page = say(client, row, code, apa="putusan", verdict="NOT_MET", note="")
    text = page.content.decode()
    assert page.status_code == 422
    assert 'role="alert"' in text
    assert 'value="NOT_MET" ' in text and "checked" in text
    assert code not in readiness.state(row.pk).verdicts


def test_a_stale_answer_is_told_and_kept(house):
    row = begun(house)
    client = entering(house[Role.APPLICANT])
    first, second = list(readiness.instrument(readiness.state(row.pk)))[:2]
    old = seen(row)
    say(client, row, first, apa="jawaban", answer="YES", note="")
    typed = {"seen": old, "apa": "jawaban", "answer": "PARTLY", "note": "Sedang disusun"}
    page = client.post(reverse("readiness:item", args=[row.pk, second]), typed)
    assert "Sedang disusun" in page.content.decode()
    assert f'name="seen" value="{seen(row)}"' in page.content.decode()
    assert second not in readiness.state(row.pk).answers


def buttons(client) -> list[tuple[str, str]]:
    """The ways on that the readiness page offers: the class of each and where it leads."""
    page = client.get(reverse("readiness:own")).content.decode()
    return re.findall(r'<a class="(button[^"]*)" href="([^"]+)"', page)


def test_the_open_assessment_is_the_first_way_on(house):
    """A new one can still be begun, but as the second choice."""
    applicant, head = entering(house[Role.APPLICANT]), entering(house[Role.ACCOUNTABLE_OFFICER])
    new = reverse("readiness:new")
    assert buttons(applicant) == [("button", new)]
    assert buttons(head) == []
    row = begun(house)
    here = reverse("readiness:show", args=[row.pk])
    assert buttons(applicant) == [("button", here), ("button button--second", new)]
    assert buttons(head) == [("button", here)]


def test_a_finished_review_is_no_way_on():
    house = an_institution()
    assert buttons(entering(house[Role.APPLICANT])) == [("button", reverse("readiness:new"))]


def test_the_page_says_which_evidence_may_be_handed_in(house):
    row = begun(house)
    code = next(iter(readiness.instrument(readiness.state(row.pk))))
    page = entering(house[Role.APPLICANT]).get(reverse("readiness:item", args=[row.pk, code])).content.decode()
    assert "PDF, DOCX, XLSX paling besar 10 MB" in page
    assert 'accept=".pdf,' in page


def a_refused_one(house) -> tuple[ReadinessReview, str]:
    """A review that found one item short, and that item."""
    row = begun(house)
    answered(house, row)
    act(entering(house[Role.ACCOUNTABLE_OFFICER]), row, "declare", true="on")
    short = list(readiness.instrument(readiness.state(row.pk)))[1]
    judged(row, lambda code: "NOT_MET" if code == short else "MET")
    reviewer = entering(an_office()[Role.READINESS_REVIEWER])
    assert act(reviewer, row, "refuse", reason="Satu butir belum").status_code == 302
    return row, short


def test_who_was_refused_reads_what_was_short_and_mends_that_alone(house):
    """A new assessment begins with every answer and evidence that was found right."""
    row, short = a_refused_one(house)
    applicant, show = entering(house[Role.APPLICANT]), reverse("readiness:show", args=[row.pk])
    assert buttons(applicant)[0] == ("button", show)
    page = applicant.get(show).content.decode()
    assert "Satu butir belum" in page and "Belum lengkap" in page
    item = applicant.get(reverse("readiness:item", args=[row.pk, short])).content.decode()
    assert "Putusan peninjau" in item and "Belum lengkap" in item
    again = reverse("readiness:again", args=[row.pk])
    assert f'action="{again}"' in page
    new = ReadinessReview.objects.get(pk=int(applicant.post(again).url.split("/")[-2]))
    before, now = readiness.state(row.pk), readiness.state(new.pk)
    assert now.status is Status.NOT_STARTED and now.levels == before.levels and not now.verdicts
    assert dict(now.answers) == {code: said for code, said in before.answers.items() if code != short}
    assert short not in now.evidence
    for code, shown in now.evidence.items():
        assert [one.sha256 for one in shown] == [one.sha256 for one in before.evidence[code]]
    assert f'action="{again}"' not in applicant.get(show).content.decode()  # one new one is enough


def test_only_who_may_begin_an_assessment_repeats_one(house):
    row, _short = a_refused_one(house)
    again, stranger = reverse("readiness:again", args=[row.pk]), an_institution(region="3201", ready=False)
    assert entering(stranger[Role.APPLICANT]).post(again).status_code == 404
    assert entering(house[Role.ACCOUNTABLE_OFFICER]).post(again).status_code == 409
    assert ReadinessReview.objects.filter(institution=house.institution).count() == 1


def test_verdicts_are_read_by_the_institution_once_it_is_decided(house):
    row = begun(house)
    answered(house, row)
    act(entering(house[Role.ACCOUNTABLE_OFFICER]), row, "declare", true="on")
    short = next(iter(readiness.instrument(readiness.state(row.pk))))
    judged(row, lambda code: "PARTLY" if code == short else "MET")
    item = reverse("readiness:item", args=[row.pk, short])
    assert "Belum lengkap" in entering(an_office()[Role.READINESS_REVIEWER]).get(item).content.decode()
    applicant = entering(house[Role.APPLICANT])
    assert "Belum lengkap" not in applicant.get(item).content.decode()
    assert "Terpenuhi" not in applicant.get(reverse("readiness:show", args=[row.pk])).content.decode()
