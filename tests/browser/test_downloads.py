"""Each button of the download page saves a file, whole and under its own name, though the way there is a redirect."""

import pytest
from django.urls import reverse
from tests.browser.windows import entering
from tests.factories import a_request

from bagipakai.control import access
from bagipakai.core.manifest import LEAF_NAME, PROOF_NAME
from bagipakai.core.request import Role, Status

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_button_saves_its_file(browser, live_server, tmp_path):
    chain = a_request(at=Status.ACCESS_GRANTED)
    grant = access.grant_of(chain.reference)
    lies = {name: (access.packages() / grant.package / name).read_bytes() for name in access.parts(grant)}
    page = entering(browser, live_server.url, chain.asking[Role.AUTHORISED_HANDLER], accept_downloads=True)
    page.goto(live_server.url + reverse("downloads:show", args=[chain.reference]))
    saved = {}
    for button in page.locator("table").get_by_role("button").all():
        with page.expect_download() as waiting:
            button.click()
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        saved[waiting.value.suggested_filename] = (tmp_path / waiting.value.suggested_filename).read_bytes()
    assert saved == lies | access.proof_of(grant)
    assert {LEAF_NAME, PROOF_NAME} < set(saved)
    page.context.close()
