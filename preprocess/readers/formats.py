"""Recordings of any kind: WFDB, EDF, ISHNE or CSV, each opened as a Source."""

from pathlib import Path

import numpy as np
import wfdb

from preprocess import BadInput
from preprocess.constants import LEAD
from preprocess.files import check_is_file
from preprocess.readers import annotations
from preprocess.readers import wfdb as records
from preprocess.readers.csv import open_csv
from preprocess.readers.edf import open_edf
from preprocess.readers.find import ISHNE_ENDINGS, find
from preprocess.readers.ishne import open_ishne
from preprocess.readers.source import Source, choose_lead, mv_of, plain_text

__all__ = ["Source", "find", "open_source"]

CSV_ENDINGS = (".csv", ".txt", ".tsv")
RATE_DIFFERS = 0.001  # of what --fs says: rates are rounded when they are told


def open_source(path, lead=None, fs_hz=None, units=None, likely=LEAD) -> Source:
    """Open a WFDB record (with or without ending), EDF, ISHNE or CSV file.

    lead: name or index from 0, None for the one called `likely` or its like (see choose_lead);
    fs_hz, units: of a file that does not say. Raises BadInput when it is none of these, or says
    something else.
    """
    path = Path(path)
    check_is_file(path)
    _check_name(path)
    if path.suffix.lower() in CSV_ENDINGS:
        return open_csv(path, lead, likely, fs_hz, units)
    source = _open_with_header(path, lead, units, likely)
    if fs_hz and abs(source.fs_hz - fs_hz) > RATE_DIFFERS * fs_hz:
        raise BadInput(
            f"--fs says {fs_hz:g} Hz, {path} itself {source.fs_hz:g} Hz: leave --fs out, it is for "
            "CSV files"
        )
    return source


def _open_with_header(path, lead, units, likely):
    """What says its own rate."""
    ending = path.suffix.lower()
    if ending == ".edf":
        return open_edf(path, lead, likely, units)
    if units:
        raise BadInput(f"--units is for CSV and EDF files, {path} says its own: leave it out")
    if ending in ISHNE_ENDINGS:
        return open_ishne(path, lead, likely)
    record = path.with_suffix("") if ending in (".hea", ".dat") else path
    header = record.with_name(record.name + ".hea")
    if not header.exists():
        raise BadInput(
            f"{path} is no recording: give a WFDB record (its name without ending), an .edf, "
            ".ecg or .csv file, or a folder of them"
            if path.exists()
            else f"there is no recording {path}"
        )
    check_is_file(header)
    return _open_wfdb(record, lead, likely)


def _check_name(path):
    """A name goes to terminals, pages and tables."""
    name = plain_text(path.name)
    if name != path.name or name != name.encode("utf-8", "ignore").decode():
        raise BadInput(f"{str(path)!r} has letters in its name that are none: rename it")


class WfdbSource(Source):
    channel: int
    header: wfdb.Record | wfdb.MultiRecord

    def read(self, start, end):
        start, end = int(start), int(end)
        record = records.read_signals(self.path, [self.channel], start, end, self.header)
        if not record.n_sig:  # no segment in this stretch has the lead
            return np.full(end - start, np.nan)
        return record.p_signal[:, 0] * mv_of(record.units[0] or "mV", self.path, self.lead)

    def annotated(self, annotator):
        file = self.path.with_name(f"{self.path.name}.{annotator}")
        samples, symbols = annotations.read(file, self.fs_hz, self.n)
        return np.round(samples * float(self.ratio)).astype(int), symbols


def _open_wfdb(path, lead, likely):
    header = records.read_header(path)
    leads = records.lead_names(path, header)
    if not leads or not header.sig_len:
        raise BadInput(
            f"{path}.hea describes no signal: is it the header of a record with a length and a "
            "signal?"
        )
    chosen = choose_lead(leads, lead, path, likely)
    n, fs_hz = int(header.sig_len), float(header.fs)
    source = WfdbSource(path.name, path, leads, leads[chosen], fs_hz, n)
    source.channel, source.header = chosen, header
    source.start = header.base_datetime or header.base_time
    if units := getattr(header, "units", None):
        mv_of(units[chosen] or "mV", path, leads[chosen])
    records.check_sum(path, header, chosen)
    return source
