"""Names go through a tensor unchanged."""

import pytest

from models.b2igan import record_names


@pytest.mark.parametrize("names", [[], ["100"], ["100", "a", "sim-07é", "Patient of long name"]])
def test_names_come_back(names):
    assert record_names.decode(record_names.encode(names)) == names
