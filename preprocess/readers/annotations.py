"""WFDB annotation files: the one reader, which says where a file is damaged.

The format (annot(5) of WFDB) is a row of 16-bit words, a code in the upper 6 bits and a number in
the lower 10: the samples since the annotation before. A word of 0 ends it. Every byte is looked at
once, so that no file takes long, and a file without its end is half a file.
"""

import re
from pathlib import Path

import numpy as np
from wfdb.io.annotation import ann_label_table

from preprocess import BadInput
from preprocess.files import check_is_file

NUM, SUB, CHN, AUX = 60, 61, 62, 63  # WFDB's names; of the annotation before
SKIP = 59  # a step of more than 1023 samples: two words more
NOTE = 22
SYMBOLS = dict(zip(ann_label_table["label_store"].tolist(), ann_label_table["symbol"].tolist()))
OWN_CODES = range(42, 50)  # free for the user; their symbols are defined in notes
LARGEST_BYTES = 1 << 28
RESOLUTION = re.compile(r"## time resolution: (\d+\.?\d*)")
DEFINITION = re.compile(r"(\d+) (\S+) .+")


def read(file: Path, fs_hz: float, length: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples (k,) int64 and symbols (k,) of an annotation file.

    fs_hz, length: of its signal, 0 where unknown; a file with a time resolution of its own is
    brought to it. Raises BadInput where it is damaged or goes beyond the signal.
    """
    file = Path(file)
    check_is_file(file)
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise BadInput(f"{file} is too large for an annotation file")
        stored = file.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(
            f"{file} is missing: every record needs its .hea, .dat and (for training) .atr file"
        ) from error
    samples, codes, notes = _walk(stored, file)
    definitions = (samples == 0) & (codes == NOTE)
    symbols, own_hz = _defined(notes, definitions, file)
    samples, codes = samples[~definitions], codes[~definitions]
    if own_hz and own_hz != fs_hz:
        samples = np.round(samples * (fs_hz / own_hz)).astype(np.int64)
    if length and len(samples) and samples[-1] >= length:
        raise BadInput(
            f"{file} goes on to sample {samples[-1]} and the signal ends at {length}: one of them "
            "is damaged or of another record; fetch both again"
        )
    if unknown := sorted(set(codes.tolist()) - set(symbols)):
        raise _damaged(file, f"code {unknown[0]} is none of the format's")
    return samples, np.array([symbols[code] for code in codes.tolist()], "<U8")


def _walk(stored, file):
    """Samples (k,), codes (k,) and {row: text} of the bytes of a file."""
    words = np.frombuffer(stored[: len(stored) // 2 * 2], "<u2").tolist()
    samples, codes, notes = [], [], {}
    at, now = 0, 0
    while at < len(words):
        word = words[at]
        code, number = word >> 10, word & 1023
        at += 1
        if word == 0:
            break
        if code == SKIP:
            if at + 2 > len(words):
                raise _damaged(file, "it ends within a step")
            step = words[at] << 16 | words[at + 1]
            now += step - (1 << 32) if step >= 1 << 31 else step
            at += 2
        elif code == AUX:
            stop = 2 * at + number
            if stop > len(stored):
                raise _damaged(file, "it ends within a note")
            notes[len(samples) - 1] = stored[2 * at : stop].decode("latin-1").rstrip("\0")
            at = (stop + 1) // 2
        elif code in (NUM, SUB, CHN):
            continue
        else:
            now += number
            if now < 0 or samples and now < samples[-1]:
                raise _damaged(file, f"annotation {len(samples) + 1} is before the one before it")
            if code:  # 0 only carries time on
                samples.append(now)
                codes.append(code)
    else:
        raise _damaged(file, "its end is missing")
    if any(words[at:]) or any(stored[2 * len(words) :]):
        raise _damaged(file, f"more follows its end, at annotation {len(samples)}")
    return np.array(samples, np.int64), np.array(codes, int), notes


def _defined(notes, definitions, file):
    """{code: symbol}, the user's own among them, and the file's samples a second or None."""
    symbols, own_hz = {code: s for code, s in SYMBOLS.items() if code}, None
    for row, text in notes.items():
        if row < 0 or not definitions[row]:
            continue
        if found := RESOLUTION.fullmatch(text):
            own_hz = float(found[1])
            if own_hz <= 0:
                raise _damaged(file, "its time resolution is 0")
        elif found := DEFINITION.fullmatch(text):
            symbols[int(found[1])] = found[2][:8]
    unnamed = {code: f"[{code}]" for code in OWN_CODES}  # "?" would be a beat of class Q
    return unnamed | symbols, own_hz


def _damaged(file, what):
    return BadInput(f"{file} is no whole annotation file ({what}): fetch it again")
