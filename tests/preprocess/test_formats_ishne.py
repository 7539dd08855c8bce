"""ISHNE: what was written is what is read; what does not fit is refused."""

from binascii import crc_hqx
from datetime import datetime, time

import numpy as np
import pytest
from recordings import wave

from preprocess import BadInput, formats
from preprocess.formats_ishne import HEADER, MAGIC


def write_ishne(folder, leads_mv, fs_hz=250, codes=(6, 11), counts_all=False, day=(2, 1, 2026)):
    """leads_mv: (n, leads); resolution 2,500 nV."""
    n, leads = leads_mv.shape
    filled = lambda values, rest: [*values, *[rest] * (12 - leads)]
    fields = [0, n * leads if counts_all else n, 522, 522, 1, b"A", b"B", b"7", 0, 0]
    fields += [0, 0, 0, *day, 0, 0, 0, 3, 4, 5, leads]
    fields += [*filled(codes[:leads], -9), *filled([0] * leads, -9), *filled([2500] * leads, -9)]
    head = MAGIC + b"\0\0" + HEADER.pack(*fields, 0, b"maker", fs_hz)
    steps = np.where(np.isnan(leads_mv), -32768, np.round(leads_mv / 0.0025)).astype("<i2")
    path = folder / "r1.ecg"
    path.write_bytes(head.ljust(522, b"\0") + steps.tobytes())
    return path


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


def test_a_header_is_what_its_checksum_says(tmp_path):
    path = write_ishne(tmp_path, np.zeros((1000, 2)))
    whole = path.read_bytes()
    told = crc_hqx(whole[10:522], 0xFFFF)
    for order in ("little", "big"):  # writers differ
        summed = whole[:8] + told.to_bytes(2, order) + whole[10:]
        path.write_bytes(summed)
        assert formats.open_source(path).n == 1000
        path.write_bytes(summed.replace(b"maker", b"mayor"))
        with pytest.raises(BadInput, match="checksum"):
            formats.open_source(path)
