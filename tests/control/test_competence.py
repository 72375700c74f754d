"""What an institution's plans must lie inside of: told by its record, and where the record is silent, by what it is."""

import pytest

from bagipakai.control.models import Institution
from bagipakai.control.models.institutions import LOCAL, Kind
from bagipakai.core.plan import NATION


@pytest.mark.parametrize("kind", Kind)
def test_only_who_is_no_local_government_works_in_the_nation_for_want_of_a_region(kind):
    assert Institution(kind=kind, region="").competence == ("" if kind in LOCAL else NATION)
    assert Institution(kind=kind, region="5203").competence == "5203"
