"""Questions: what is typed is kept, right or wrong; what is right is saved in its plain shape."""

import re
from datetime import timedelta

import pytest
from django.forms import model_to_dict
from django.urls import reverse
from tests.factories import a_matching_request, a_request, an_institution, answers
from tests.portal.steps import a_returned_request, entering

from bagipakai.control import clock
from bagipakai.control.models import Release
from bagipakai.core.preview import Preview
from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def draft():
    return a_request(at=Status.DRAFT, asking=an_institution(ready=False))


def address(chain, code: str, query: str = "") -> str:
    return reverse("requests:question", args=[chain.reference, code]) + query


def post(chain, code: str, typed: dict, query: str = "", seen: int | None = None):
    client = entering(chain.asking[Role.APPLICANT])
    told = {"seen": chain.state.n if seen is None else seen, **typed}
    return client.post(address(chain, code, query), told)


END = (clock.today() + timedelta(days=100)).isoformat()
ANSWERS = [
    ("purpose", {"purpose": "BANSOS"}, "BANSOS"),
    ("programme", {"programme": "  Program   Keluarga Harapan "}, "Program Keluarga Harapan"),
    ("programme_detail", {"programme_detail": "Baris satu\r\nBaris dua"}, "Baris satu\nBaris dua"),
    ("level", {"level": "L3"}, "L3"),
    ("unit", {"unit": "keluarga"}, "keluarga"),
    ("area", {"area": ["5203"]}, ["5203"]),
    ("release", {"release": "2026.3.0"}, "2026.3.0"),
    ("format", {"format": "xlsx"}, "xlsx"),
    ("ends_on", {"ends_on": END}, END),
    ("onward_sharing", {"onward_sharing": "tidak"}, False),
    (
        "handlers",
        {"nama": ["Ni Luh Astuti", ""], "jabatan": ["Pengelola Data", ""]},
        [{"name": "Ni Luh Astuti", "post": "Pengelola Data"}],
    ),
]


@pytest.mark.parametrize(("code", "typed", "kept"), ANSWERS, ids=[code for code, _, _ in ANSWERS])
def test_an_answer_is_kept_in_its_plain_shape(draft, code, typed, kept):
    assert post(draft, code, typed).status_code == 302
    assert draft.state.answers[code] == kept
    assert entering(draft.asking[Role.APPLICANT]).get(address(draft, code)).status_code == 200


@pytest.mark.parametrize(("level", "offered"), [("L1", True), ("L3", False)])
def test_sdmx_csv_is_offered_for_tables_only(draft, level, offered):
    assert post(draft, "level", {"level": level}).status_code == 302
    page = entering(draft.asking[Role.APPLICANT]).get(address(draft, "format")).content.decode()
    assert 'value="parquet"' in page
    assert ('value="sdmx-csv"' in page) is offered


CONDITIONS = [
    ({"dari.desil": "1", "sampai.desil": "4"}, {"variable": "desil", "from": 1, "to": 4}),
    ({"nilai.jenis_kelamin": ["2"]}, {"variable": "jenis_kelamin", "values": ["2"]}),
    ({"ya.bekerja": "tidak"}, {"variable": "bekerja", "is": False}),
    ({"salah_satu": ["bekerja", "peserta_pbi"]}, {"any_of": ["bekerja", "peserta_pbi"]}),
]


@pytest.mark.parametrize(("typed", "kept"), CONDITIONS)
def test_a_condition_of_each_shape(draft, typed, kept):
    post(draft, "unit", {"unit": "individu"})
    assert post(draft, "population", typed).status_code == 302
    assert draft.state.answers["population"] == [kept]
    page = entering(draft.asking[Role.APPLICANT]).get(address(draft, "population")).content.decode()
    assert "checked" in page or 'value="4"' in page


def test_variables_come_in_two_steps_and_each_needs_its_reason(draft):
    for code, value in (("purpose", "BANSOS"), ("level", "L2"), ("unit", "individu")):
        post(draft, code, {code: value})
    first = post(draft, "variables", {"variabel": ["umur", "desil"]})
    assert first.url.endswith("?langkah=alasan")
    second = {"variabel": ["umur", "desil"], "langkah": "alasan", "alasan.desil": "Menyaring yang berhak"}
    page = post(draft, "variables", second, "?langkah=alasan")
    assert page.status_code == 422
    assert "Isi alasan untuk Umur" in page.content.decode()
    assert "Menyaring yang berhak" in page.content.decode()
    post(draft, "variables", second | {"alasan.umur": "Batas usia"}, "?langkah=alasan")
    assert draft.state.answers["variables"] == [
        {"name": "desil", "reason": "Menyaring yang berhak"},
        {"name": "umur", "reason": "Batas usia"},
    ]


def test_only_variables_of_the_level_and_purpose_are_offered(draft):
    for code, value in (("purpose", "BANSOS"), ("level", "L2"), ("unit", "individu")):
        post(draft, code, {code: value})
    page = entering(draft.asking[Role.APPLICANT]).get(address(draft, "variables")).content.decode()
    assert 'value="desil"' in page
    assert 'value="nik"' not in page


WRONG = [
    ("programme", {"programme": ""}, "Isi nama program yang akan memakai data", None),
    ("programme", {"programme": "x" * 201}, "201", "x" * 201),
    ("ends_on", {"ends_on": "besok"}, "", "besok"),
    ("ends_on", {"ends_on": "2020-01-01"}, "", "2020-01-01"),
    ("area", {"area": ["32"]}, "", 'value="32"'),
    ("handlers", {"nama": ["Sri Rahayu"], "jabatan": [""]}, "Isi jabatan Sri Rahayu", 'value="Sri Rahayu"'),
    ("handlers", {"nama": [""], "jabatan": ["Operator"]}, "Isi nama pemegang jabatan Operator", 'value="Operator"'),
]


@pytest.mark.parametrize(("code", "typed", "said", "shown"), WRONG)
def test_a_wrong_answer_says_what_to_do_and_loses_nothing(draft, code, typed, said, shown):
    before = draft.state.n
    page = post(draft, code, typed)
    text = page.content.decode()
    assert page.status_code in (409, 422)
    assert "<title>Kesalahan: " in text
    assert 'class="error-summary" role="alert"' in text
    assert said in text
    assert shown is None or shown in text
    assert draft.state.n == before


def test_a_stale_tab_keeps_what_was_typed(draft):
    """Two tabs: the second is told that something changed, and its words are on the page with the new number."""
    seen = draft.state.n
    post(draft, "programme", {"programme": "Dari layar pertama"}, seen=seen)
    page = post(draft, "legal_basis", {"legal_basis": "Ditulis di layar kedua"}, seen=seen)
    text = page.content.decode()
    assert page.status_code == 409
    assert "Ditulis di layar kedua" in text
    assert f'name="seen" value="{draft.state.n}"' in text
    assert "legal_basis" not in draft.state.answers
    assert post(draft, "legal_basis", {"legal_basis": "Ditulis di layar kedua"}).status_code == 302


def test_searching_a_region_saves_nothing_and_keeps_what_was_chosen(draft):
    page = post(draft, "area", {"area": ["5203"], "cari": "lombok", "lihat": "cari"})
    text = page.content.decode()
    assert page.status_code == 200
    assert 'value="5203" checked' in text
    assert "area" not in draft.state.answers


def test_a_row_more_keeps_what_was_typed(draft):
    page = post(draft, "handlers", {"nama": ["Budi"], "jabatan": ["Staf"], "lihat": "baris"})
    assert page.content.decode().count('name="nama"') == 3
    assert "Budi" in page.content.decode()


def test_only_what_was_returned_can_be_changed():
    chain = a_returned_request()
    assert post(chain, "legal_basis", {"legal_basis": "UU 13/2011 Pasal 8 ayat (1)"}).status_code == 302
    page = post(chain, "programme", {"programme": "Program lain"})
    assert page.status_code == 409
    assert chain.state.answers["programme"] == answers()["programme"]


def test_the_task_list_counts_what_is_left(draft):
    client = entering(draft.asking[Role.APPLICANT])
    page = client.get(reverse("requests:show", args=[draft.reference])).content.decode()
    assert "Belum dapat dimulai" in page
    draft.write(**answers("L1"))
    page = client.get(reverse("requests:show", args=[draft.reference])).content.decode()
    assert "4 dari 4 pertanyaan wajib terjawab" in page


def test_the_check_page_leads_back_to_itself():
    chain = a_request(at=Status.DRAFT, asking=an_institution(ready=False))
    chain.write(**answers("L1"))
    client = entering(chain.asking[Role.APPLICANT])
    check = reverse("requests:check", args=[chain.reference])
    page = client.get(check).content.decode()
    change = address(chain, "programme", "?dari=periksa")
    assert change in page
    back = client.post(change, {"seen": chain.state.n, "programme": "Nama baru"})
    assert back.url == check


def test_who_needs_no_variable_is_not_asked_for_reasons_and_has_answered():
    """Of a matching: no empty second step, and "none" on the page of answers."""
    chain = a_matching_request()
    post(chain, "answer", {"answer": "STATUS"})
    following = post(chain, "variables", {})
    assert following.status_code == 302 and "langkah=alasan" not in following.url
    assert post(chain, "variables", {}, "?dari=periksa").url == reverse("requests:check", args=[chain.reference])
    page = entering(chain.asking[Role.APPLICANT]).get(reverse("requests:check", args=[chain.reference]))
    asked = page.content.decode().split("<dt>Variabel apa yang perlu dikembalikan")[1].split("</div>")[0]
    assert "<dd>Tidak ada</dd>" in asked and "Belum diisi" not in asked


def planning(draft, level="L2", *names):
    for code, value in (("purpose", "PERENCANAAN"), ("level", level), ("unit", "individu")):
        post(draft, code, {code: value})
    post(draft, "variables", {"variabel": [*names]})


def reasons(draft, query="?langkah=alasan"):
    return entering(draft.asking[Role.APPLICANT]).get(address(draft, "variables", query)).content.decode()


def test_how_coarsely_is_chosen_with_the_reason_and_stays_when_others_are_chosen(draft):
    planning(draft, "L2", "desil", "umur")
    typed = {"variabel": ["desil", "umur"], "langkah": "alasan", "alasan.desil": "Sasaran", "alasan.umur": "Sasaran"}
    assert "ketelitian.desil" not in reasons(draft)
    post(draft, "variables", typed | {"ketelitian.umur": "10-TAHUN"}, "?langkah=alasan")
    told = {"name": "umur", "reason": "Sasaran", "grain": "10-TAHUN"}
    assert draft.state.answers["variables"][1] == told
    assert '<option value="10-TAHUN" selected>' in reasons(draft)
    post(draft, "variables", {"variabel": ["desil", "umur", "bekerja"]})
    assert draft.state.answers["variables"][1] == told
    post(draft, "variables", typed | {"ketelitian.umur": ""}, "?langkah=alasan")
    assert draft.state.answers["variables"][1] == {"name": "umur", "reason": "Sasaran"}


@pytest.mark.parametrize("level", ["L1", "L4"])
def test_tables_and_names_are_not_offered_it(draft, level):
    for code, value in (("purpose", "BANSOS"), ("level", level), ("unit", "individu")):
        post(draft, code, {code: value})
    post(draft, "variables", {"variabel": ["desil", "umur"], "ketelitian.umur": "10-TAHUN"})
    assert draft.state.asked == ("desil", "umur")
    assert "ketelitian." not in reasons(draft)


def test_what_was_chosen_is_dropped_where_the_level_offers_it_no_more(draft):
    planning(draft, "L2", "desil", "umur")
    post(
        draft,
        "variables",
        {"variabel": ["umur"], "langkah": "alasan", "alasan.umur": "x", "ketelitian.umur": "5-TAHUN"},
    )
    post(draft, "level", {"level": "L1"})
    assert "per kelompok 5 tahun" not in reasons(draft)
    post(draft, "variables", {"variabel": ["umur"]})
    assert draft.state.answers["variables"] == [{"name": "umur", "reason": "x"}]


def test_a_grain_that_does_not_exist_is_refused_and_loses_nothing(draft):
    planning(draft, "L2", "umur")
    typed = {"variabel": ["umur"], "langkah": "alasan", "alasan.umur": "Ditulis", "ketelitian.umur": "7-TAHUN"}
    page = post(draft, "variables", typed, "?langkah=alasan")
    assert page.status_code == 409 and "Ditulis" in page.content.decode()


def test_what_would_be_enough_stands_beside_the_reasons(draft):
    planning(draft, "L3", "desil", "umur", "kode_desa", "jam_kerja")
    page = reasons(draft)
    assert "Kolom Umur cukup dengan ketelitian “per kelompok 5 tahun”" in page
    assert "Kode kecamatan biasanya cukup, tanpa Kode desa/kelurahan" in page or "Kode kecamatan biasanya cukup" in page
    assert "Kolom Desil" not in page
    assert page.count('name="saran"') == 3  # each, and all


def test_nothing_is_advised_where_nothing_is_too_much(draft):
    planning(draft, "L2", "desil", "jenis_kelamin", "bekerja", "jam_kerja")
    assert 'name="saran"' not in reasons(draft) and "Lebih sedikit mungkin cukup" not in reasons(draft)


def test_taking_advice_keeps_what_was_typed(draft):
    planning(draft, "L2", "desil", "umur", "jam_kerja")
    typed = {"variabel": ["desil", "umur", "jam_kerja"], "langkah": "alasan", "alasan.desil": "Baru diketik"}
    page = post(draft, "variables", typed | {"saran": "umur"}, "?langkah=alasan&dari=periksa")
    assert page.status_code == 302 and page.url.endswith("?langkah=alasan&dari=periksa")
    assert draft.state.answers["variables"][:2] == [
        {"name": "desil", "reason": "Baru diketik"},
        {"name": "umur", "reason": "", "grain": "5-TAHUN"},
    ]


def test_taking_all_advice_from_the_check_page(draft):
    """One click, no script; what is left is what was said, and there is nothing more to advise."""
    planning(draft, "L3", "desil", "umur", "kode_desa", "jam_kerja")
    page = post(draft, "variables", {"saran": "semua"}, "?dari=periksa")
    assert page.status_code == 302 and page.url == reverse("requests:check", args=[draft.reference])
    assert draft.state.answers["level"] == "L2"
    assert draft.state.asked == ("kode_kec", "desil", "umur", "jam_kerja")
    assert 'name="saran"' not in reasons(draft)


@pytest.mark.parametrize("wanted", ["desil", "", "L1", "semua'--"])
def test_what_is_no_advice_changes_nothing(draft, wanted):
    planning(draft, "L2", "desil", "umur", "jam_kerja")
    before = draft.state.n
    typed = {"variabel": ["desil", "umur", "jam_kerja"], "langkah": "alasan", "alasan.desil": "Tetap di layar"}
    page = post(draft, "variables", typed | {"saran": wanted}, "?langkah=alasan")
    assert page.status_code == 200 and "Tetap di layar" in page.content.decode()
    assert draft.state.n == before


def test_of_a_list_that_is_matched_nothing_is_advised():
    chain = a_matching_request()
    chain.write(purpose="BANSOS", variables=[{"name": "tanggal_lahir", "reason": "Memastikan"}])
    page = entering(chain.asking[Role.APPLICANT]).get(address(chain, "variables", "?langkah=alasan")).content.decode()
    assert "Memastikan" in page and "Lebih sedikit mungkin cukup" not in page


# About how many


@pytest.fixture
def counted(draft):
    """A draft about persons; of the release is known in which bands its counts lie."""
    row = (0, 3, 3, *[2] * 8)  # nobody of unknown decile; 10,000 to 100,000 in deciles 1 and 2; 1,000 to 10,000 above
    bands = {"individu": {"5203": row, "5201": row}, "keluarga": {"5203": (0,) * 11}}
    preview = Preview((100, 1_000, 10_000, 100_000, 1_000_000_000), bands)
    newest = model_to_dict(Release.objects.get(), exclude=["id"])
    newest |= {"version": "2026.4.0", "published_on": clock.today(), "preview": preview.to_json()}
    Release.objects.create(**newest)
    post(draft, "unit", {"unit": "individu"})
    return draft


def estimated(page) -> str:
    return re.search(r'data-part="estimate" role="status">(.*?)</p>', page.content.decode())[1]


def test_without_a_preview_nothing_is_guessed(draft):
    post(draft, "unit", {"unit": "individu"})
    post(draft, "area", {"area": ["5203"]})
    page = entering(draft.asking[Role.APPLICANT]).get(address(draft, "population"))
    assert estimated(page) == "Belum ada perkiraan untuk rilis ini."


def test_an_area_is_estimated_while_it_is_chosen_and_nothing_is_saved(counted):
    before = counted.state.n
    page = post(counted, "area", {"area": ["5203"], "lihat": "perkiraan"})
    assert estimated(page) == "Sekitar 28.000–290.000 orang."
    assert 'value="5203" checked' in page.content.decode() and counted.state.n == before


def test_so_is_a_population_and_what_the_bands_do_not_know_only_bounds_it(counted):
    post(counted, "area", {"area": ["5203"]})
    poor = {"dari.desil": "1", "sampai.desil": "2", "lihat": "perkiraan"}
    assert estimated(post(counted, "population", poor)) == "Sekitar 20.000–200.000 orang."
    young = poor | {"sampai.umur": "17"}
    assert estimated(post(counted, "population", young)) == "Paling banyak sekitar 200.000 orang."
    assert estimated(post(counted, "population", poor | {"sampai.desil": "x"})) == "Jawab dulu satuan data dan wilayah."
    assert "population" not in counted.state.answers


def test_families_are_estimated_for_themselves_and_few_stay_hidden(counted):
    post(counted, "unit", {"unit": "keluarga"})
    page = post(counted, "area", {"area": ["5203"], "lihat": "perkiraan"})
    assert estimated(page) == "Paling banyak sekitar 1.100 keluarga."


def test_beside_other_questions_and_lists_nothing_is_estimated(counted):
    page = entering(counted.asking[Role.APPLICANT]).get(address(counted, "programme")).content.decode()
    assert "data-estimate" not in page
    matching = a_matching_request()
    page = entering(matching.asking[Role.APPLICANT]).get(address(matching, "area")).content.decode()
    assert "data-estimate" not in page and 'value="perkiraan"' not in page


def test_continue_is_what_the_enter_key_presses(counted):
    """Of several buttons the first is the one."""
    page = entering(counted.asking[Role.APPLICANT]).get(address(counted, "population")).content.decode()
    form = page[page.index("<main") :]
    assert form.index(">Lanjutkan</button>") < form.index('value="perkiraan"')
    assert form[: form.index(">Lanjutkan</button>")].count("<button") == 1
