"""ISHNE Holter files (Badilini F, Ann Noninvasive Electrocardiol 3:263-266, 1998), part by part.

After eight magic bytes and a checksum come 512 bytes of header, a block of variable length, and
then the samples of all leads in turn, 16 bits each. Writers disagree on whether the header counts
samples of one lead or of all; the length of the file says which.
"""

import struct
from binascii import crc_hqx
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path

import numpy as np

from preprocess import BadInput
from preprocess.readers.source import Source, plain_names, read_leads

MAGIC = b"ISHNE1.0"
HEADER = struct.Struct("<3i i h 40s 40s 20s 2h 3h 3h 3h 3h h 12h 12h 12h h 40s h")
HEADER_AT = 10  # after the magic bytes and the checksum
FIXED_BYTES = 522  # of magic bytes, checksum and the part of fixed length
CRC_STARTS = (0xFFFF, 0, 0x1D0F)  # writers differ
LEAD_NAMES = "unknown,bipolar,X,Y,Z,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6,ES,AS,AI".split(",")
MOST_LEADS_OF_FILE = 12
NV_PER_MV = 1e6
NOT_RECORDED = -32768


def open_file(path: Path, asked) -> Source:
    """Raises BadInput where header and file do not agree."""
    with open(path, "rb") as file:
        head = file.read(HEADER_AT + HEADER.size)
        if head[: len(MAGIC)] != MAGIC or len(head) < HEADER_AT + HEADER.size:
            raise BadInput(f"{path} cannot be read as ISHNE: it does not begin with a whole header")
        fields = HEADER.unpack(head[HEADER_AT:])
        count, data_at, n_leads, fs_hz = fields[1], fields[3], fields[22], float(fields[-1])
        file.seek(HEADER_AT)
        summed = file.read(max(data_at, FIXED_BYTES) - HEADER_AT)
    # the checksum (CRC-CCITT) is of all before the samples; 0 is what writers put that do not sum
    told = {int.from_bytes(head[len(MAGIC) : HEADER_AT], order) for order in ("little", "big")}
    is_summed_up = told == {0} or told & {crc_hqx(summed, start) for start in CRC_STARTS}
    if not (is_summed_up and 1 <= n_leads <= MOST_LEADS_OF_FILE and data_at >= FIXED_BYTES):
        raise BadInput(f"the header of {path} is damaged, or cut: fetch it again")
    stored = path.stat().st_size - data_at
    n = stored // (2 * n_leads)
    if n < 1 or stored != 2 * n * n_leads or count not in (n, n * n_leads):
        raise BadInput(
            f"{path} holds {n} samples of {n_leads} leads and its header says {count}: is it "
            "truncated? fetch it again"
        )
    codes, resolutions = fields[23 : 23 + n_leads], fields[47 : 47 + n_leads]
    leads = plain_names([dict(enumerate(LEAD_NAMES)).get(code, "unknown") for code in codes])

    def size_mv(k):
        if resolutions[k] <= 0:
            raise BadInput(f"{path} gives {leads[k]} {resolutions[k]} nV a step: that cannot be mV")
        return resolutions[k] / NV_PER_MV

    mv = read_leads(leads, [fs_hz] * n_leads, size_mv, path, **asked, all_ecg=True)
    channels, mv_per_step = list(mv), np.array(list(mv.values()))
    samples = np.memmap(path, "<i2", "r", data_at, (n, n_leads))

    def piece(first, last):
        steps = samples[first:last, channels]
        return np.where(steps == NOT_RECORDED, np.nan, steps * mv_per_step)

    names, start = [leads[k] for k in mv], _start(fields[13:16], fields[19:22])
    return Source(path.stem, path, leads, names, fs_hz, n, [(0, n, piece)], start)


def _start(recorded, started):
    """A datetime, a time where the date is none, or None."""
    with suppress(ValueError):
        return datetime.combine(date(*recorded[::-1]), time(*started))
    with suppress(ValueError):
        return time(*started) if any(started) else None
    return None
