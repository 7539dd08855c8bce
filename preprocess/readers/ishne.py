"""ISHNE Holter files (Badilini F, Ann Noninvasive Electrocardiol 3:263-266, 1998), part by part.

After eight magic bytes and a checksum come 512 bytes of header, a block of variable length, and
then the samples of all leads in turn, 16 bits each. Writers disagree on whether the header counts
samples of one lead or of all; the length of the file says which.
"""

import struct
from binascii import crc_hqx
from datetime import date, datetime, time
from pathlib import Path

import numpy as np

from preprocess import BadInput
from preprocess.readers.source import Source, choose_leads, numbered

MAGIC = b"ISHNE1.0"
HEADER = struct.Struct("<3i i h 40s 40s 20s 2h 3h 3h 3h 3h h 12h 12h 12h h 40s h")
HEADER_AT = 10  # after the magic bytes and the checksum
FIXED_BYTES = 522  # of magic bytes, checksum and the part of fixed length
CRC_STARTS = (0xFFFF, 0, 0x1D0F)  # writers differ
LEAD_NAMES = "unknown,bipolar,X,Y,Z,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6,ES,AS,AI".split(",")
MOST_LEADS = 12
NV_PER_MV = 1e6
NO_SAMPLE = -32768


class IshneSource(Source):
    """channels: places of the leads that are read; mv_per_step: of each; data_at: byte of the first
    sample."""

    channels: list
    mv_per_step: np.ndarray
    data_at: int

    def read(self, start, end):
        width = 2 * len(self.leads)
        with open(self.path, "rb") as file:
            file.seek(self.data_at + int(start) * width)
            stored = file.read((int(end) - int(start)) * width)
        steps = np.frombuffer(stored, "<i2").reshape(-1, len(self.leads))[:, self.channels]
        return np.where(steps == NO_SAMPLE, np.nan, steps * self.mv_per_step)


def open_ishne(path: Path, lead, likely, most) -> IshneSource:
    """Raises BadInput where header and file do not agree."""
    with open(path, "rb") as file:
        head = file.read(HEADER_AT + HEADER.size)
    if head[: len(MAGIC)] != MAGIC or len(head) < HEADER_AT + HEADER.size:
        raise BadInput(f"{path} cannot be read as ISHNE: it does not begin with a whole header")
    fields = HEADER.unpack(head[HEADER_AT:])
    count, data_at, n_leads, fs_hz = fields[1], fields[3], fields[22], fields[-1]
    _check_sum(path, head, data_at)
    recorded, started = fields[13:16], fields[19:22]
    if not 1 <= n_leads <= MOST_LEADS:
        raise BadInput(f"{path} says that it has {n_leads} leads; 1 to {MOST_LEADS} can be read")
    codes, resolutions = fields[23 : 23 + n_leads], fields[47 : 47 + n_leads]
    known = dict(enumerate(LEAD_NAMES))
    leads = numbered([known.get(code, "unknown") for code in codes])
    channels = choose_leads(leads, lead, path, likely, all_ecg=True)
    channels = channels if lead else channels[:most]
    for k in channels:
        if resolutions[k] <= 0:
            raise BadInput(
                f"{path} gives lead {leads[k]} {resolutions[k]} nV a step: it cannot be turned "
                "into mV"
            )
    n = _samples(path, count, n_leads, data_at)
    source = IshneSource(path.stem, path, leads, [leads[k] for k in channels], float(fs_hz), n)
    source.channels, source.data_at = channels, data_at
    source.mv_per_step = np.array(resolutions)[channels] / NV_PER_MV
    source.start = _start(recorded, started)
    return source


def _check_sum(path, head, data_at):
    """The format's checksum (CRC-CCITT of all before the samples) is the only one it has: samples
    have none. 0 is what writers put that do not sum."""
    told = int.from_bytes(head[len(MAGIC) : HEADER_AT], "little")
    with open(path, "rb") as file:
        summed = file.read(max(data_at, FIXED_BYTES))[HEADER_AT:]
    sums = [crc_hqx(summed, start) for start in CRC_STARTS]
    if told and not {told, told >> 8 | (told & 255) << 8} & set(sums):
        raise BadInput(
            f"the header of {path} is not what its checksum says: it is damaged, fetch it again"
        )


def _samples(path, count, n_leads, data_at):
    """Of each lead."""
    stored = path.stat().st_size - data_at
    for n in (count, count // n_leads):
        if stored == 2 * n * n_leads and n > 0 and data_at >= FIXED_BYTES:
            return n
    raise BadInput(
        f"{path} holds {stored // (2 * n_leads)} samples of {n_leads} leads and its header says "
        f"{count}: is it truncated? fetch it again"
    )


def _start(recorded, started):
    """A datetime, a time where the date is none, or None."""
    try:
        of_day = time(*started)
    except ValueError:
        return None
    try:
        day, month, year = recorded
        return datetime.combine(date(year, month, day), of_day)
    except ValueError:
        return of_day if any(started) else None
