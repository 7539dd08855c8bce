"""ISHNE: what was written is what is read; what does not fit is refused."""

from datetime import datetime, time

import numpy as np
import pytest
from recordings import wave, write_ishne

from preprocess import BadInput
from preprocess.readers import formats


@pytest.mark.parametrize("counts_all", [False, True])
def test_what_is_read_was_written(counts_all, tmp_path):
    leads_mv = np.stack([wave(5000, 250), -wave(5000, 250, seed=1)], 1)
    leads_mv[1000:1100] = np.nan
    path = write_ishne(tmp_path, leads_mv, counts_all=counts_all)
    source = formats.open_source(path)
    assert (source.leads, source.lead, source.fs_hz, source.n) == (["II", "V1"], "II", 250, 5000)
    assert source.start == datetime(2026, 1, 2, 3, 4, 5)
    np.testing.assert_allclose(source.read(0, 5000), leads_mv[:, 0], atol=0.002)
    other = formats.open_source(path, lead="V1")
    np.testing.assert_allclose(other.read(990, 2000), leads_mv[990:2000, 1], atol=0.002)
    assert formats.find(tmp_path) == [path]


def test_leads_alike_are_numbered_and_a_date_may_be_missing(tmp_path):
    leads_mv = np.zeros((1000, 2))
    source = formats.open_source(write_ishne(tmp_path, leads_mv, codes=(0, 0), day=(0, 0, 0)))
    assert source.leads == ["unknown1", "unknown2"] and source.start == time(3, 4, 5)


def test_damaged_files_are_refused(tmp_path):
    path = write_ishne(tmp_path, np.zeros((1000, 2)))
    whole = path.read_bytes()
    for stored in (whole[:-2], whole[:300], whole[:100], b"", whole + b"\0\0", b"X" + whole[1:]):
        path.write_bytes(stored)
        with pytest.raises(BadInput, match="ISHNE|truncated|fetch it again"):
            formats.open_source(path)


@pytest.mark.parametrize("order", ["little", "big"])  # writers differ
def test_a_header_is_what_its_checksum_says(order, tmp_path):
    path = write_ishne(tmp_path, np.zeros((1000, 2)), is_summed=True, order=order)
    assert formats.open_source(path).n == 1000
    path.write_bytes(path.read_bytes().replace(b"maker", b"mayor"))
    with pytest.raises(BadInput, match="checksum"):
        formats.open_source(path)
