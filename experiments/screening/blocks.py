"""A recording in blocks of half an hour: the signal, what of it is readable, R peaks and beats.

So a day needs no more memory than an hour.
"""

from dataclasses import dataclass

import numpy as np

from preprocess import BadInput
from preprocess.beats import Beats, rr_intervals, windows
from preprocess.classes import CLASS_OF
from preprocess.constants import AFTER, BEFORE, FS_HZ
from preprocess.readers.source import Source
from preprocess.signal import quality, rpeaks
from preprocess.signal.atrial_fibrillation import like_usual, p_wave_coherence
from preprocess.signal.filters import bandpass

BLOCK_S = 1800.0  # the longest; a context of the recording's own beats is this long too
MARGIN_S = 30.0  # read on both sides: but for the height of a lead's beats nothing looks further
LARGEST_MV = 50.0  # no heart does more at the body's surface, nor does any electrode


@dataclass
class Block:
    """A part of a recording with its beats in the order of time.

    start, end: samples at FS_HZ from the recording's start; reason: (end - start,) of
    quality.REASONS, 0 where any lead can be read; beats: those of the margins too, beats.sample
    from the recording's start; bump: (n,) of quality.bump_between; noise: (n,) of
    quality.fast_noise.
    """

    start: int
    end: int
    reason: np.ndarray
    beats: Beats
    bump: np.ndarray
    noise: np.ndarray


def spans(source: Source) -> list[tuple[int, int]]:
    """Equal parts of at most BLOCK_S, as (start, end) in samples at FS_HZ."""
    parts = int(np.ceil(source.duration_s / BLOCK_S))
    edges = np.linspace(0, source.length, 1 + parts).astype(int)
    edges[1:-1] -= edges[1:-1] % quality.BIN
    return list(zip(edges[:-1].tolist(), edges[1:].tolist()))


class Reader:
    """Reads blocks of one recording. annotator: ending of a file with R peaks; r_peaks: (k,) rising
    samples at FS_HZ; None both: find them."""

    def __init__(
        self, source: Source, annotator: str | None = None, r_peaks: np.ndarray | None = None
    ):
        self.source, self.annotated = source, r_peaks
        if annotator and source.annotated is None:
            raise BadInput(
                f"{source.path} has no WFDB annotation file {annotator}: leave --annotator out to "
                "detect R peaks"
            )
        if annotator:
            samples, symbols = source.annotated(annotator)
            self.annotated = np.unique(samples[np.isin(symbols, list(CLASS_OF))])

    def read(self, start: int, end: int) -> Block:
        """Block from start to end: signal, quality, R peaks, beats."""
        # signal, with margins
        margin = round(MARGIN_S * FS_HZ)  # a whole number of bins
        first, last = max(0, start - margin), min(self.source.length, end + margin)
        leads_mv, there = (values.T for values in self.source.stretch(first, last))  # [leads, n]
        self._check_units(leads_mv)
        filtered_mv = np.stack([bandpass(signal_mv) for signal_mv in leads_mv])

        # quality, of each lead; where none can be read, an alarm of any goes before what the first
        # says
        envelopes = np.stack([rpeaks.qrs_envelope(signal_mv) for signal_mv in leads_mv])
        reasons = np.stack(
            [quality.judge(*each) for each in zip(leads_mv, there, filtered_mv, envelopes)]
        )
        quality.drop_contradicted(reasons)
        alarm = np.isin(reasons, quality.ALARMS)
        reason = np.where(
            alarm.any(0), reasons[alarm.argmax(0), np.arange(len(there[0]))], reasons[0]
        )
        reason = np.where((reasons == 0).any(0), 0, reason)
        readable = quality.readable(reasons)

        # R peaks, of all leads
        envelope = envelopes[0]
        if len(envelopes) > 1:
            envelope = rpeaks.combined_envelope(envelopes, reasons == 0)
        if self.annotated is None:
            first_readable = (reasons == 0).argmax(0)  # [n]
            shown_mv = filtered_mv[first_readable, np.arange(len(reason))]
            peaks = rpeaks.find_r_peaks(shown_mv, envelope, reason == 0)
        else:
            peaks = self.annotated[slice(*np.searchsorted(self.annotated, (first, last)))] - first

        # beats
        beats = self._beats(filtered_mv, readable, peaks, first)
        bump = quality.bump_between(envelope, beats.sample - first).astype(np.float32)
        noise = quality.fast_noise(beats.beat_mv).astype(np.float32)
        inside = slice(start - first, end - first)
        return Block(start, end, reason[inside], beats, bump, noise)

    def _check_units(self, signal_mv):
        largest_mv = np.abs(signal_mv).max()
        if largest_mv <= LARGEST_MV:
            return
        # a few wild samples are noise; a signal that is large throughout is in another unit
        deviation_mv = np.median(np.abs(signal_mv - np.median(signal_mv)))
        if deviation_mv > LARGEST_MV / 10:
            raise BadInput(
                f"{self.source.path} reaches {largest_mv:.0f} mV, which no heart does: "
                "say what its numbers are with --units uV"
            )

    def _beats(self, filtered_mv, readable, peaks, first):
        """Beats whose whole window is inside the block with its margins, and readable on a lead.

        filtered_mv, readable: (leads, n) each.
        """
        fits = (peaks >= BEFORE) & (peaks + AFTER < filtered_mv.shape[1])
        peaks = peaks[fits]
        unreadable_before = np.pad(np.cumsum(~readable, 1), ((0, 0), (1, 0)))
        # [leads, k]
        whole = unreadable_before[:, peaks + AFTER] == unreadable_before[:, peaks - BEFORE]
        peaks, whole = peaks[whole.any(0)], whole[:, whole.any(0)]
        if len(peaks) < 2:
            peaks, whole, rr_s = peaks[:0], whole[:, :0], np.zeros((0, 3), np.float32)
        else:
            rr_s = np.stack(rr_intervals(peaks), 1).astype(np.float32)
            # nothing is known of an interval with a gap in it
            gaps_before = np.r_[0, np.cumsum(~readable.any(0))]
            across = np.diff(gaps_before[peaks]) > 0
            rr_s[1:, 0][across] = rr_s[:-1, 1][across] = np.nan
        leads_mv = np.stack([windows(signal_mv, peaks) for signal_mv in filtered_mv], 1)
        shown = whole.argmax(0)  # [k], the first lead that can be read
        waves = leads_mv[np.arange(len(peaks)), shown]
        beats = Beats(None, waves, np.full(len(peaks), self.source.name), peaks + first, rr_s)
        if len(filtered_mv) > 1:
            leads_mv[~whole.T] = np.nan
            beats.leads_mv = leads_mv
        beats.usual = like_usual(waves)
        coherence = p_wave_coherence(waves, rr_s[:, 0], beats.usual)
        beats.p_coherence = coherence.astype(np.float32)
        return beats
