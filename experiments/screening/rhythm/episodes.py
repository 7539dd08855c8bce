"""Rhythm episodes by definition, from R peaks and the kind of each beat: docs/rhythms.md has the
definitions with their sources. What is found and what annotators wrote go the same way.

Codes are WFDB's rhythm codes where there is one, and like them where none is.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from preprocess.constants import FS_HZ
from preprocess.signal.quality import NO_ACTIVITY, NO_RHYTHM

VENTRICULAR_FIBRILLATION, ASYSTOLE, PAUSE, LOST = "(VF", "(ASYS", "(PAUSE", "(LOST"
FIBRILLATION, SHORT_FIBRILLATION = "(AFIB", "(SAFIB"
BIGEMINY, TRIGEMINY, ATRIAL_BIGEMINY = "(B", "(T", "(AB"
COUPLET, VT, SLOW_RUN = "(COUPLET", "(VT", "(IVR"
S_COUPLET, SVTA, SLOW_S_RUN = "(SCOUPLET", "(SVTA", "(SRUN"
BRADYCARDIA, TACHYCARDIA = "(SBR", "(TACHY"
VENTRICULAR = ("V", "F")  # a fusion beat is half a ventricular one
MEANINGS = {
    VENTRICULAR_FIBRILLATION: "no organised rhythm: ventricular fibrillation or flutter",
    ASYSTOLE: "no electrical activity with the lead attached",
    LOST: "signal lost",
    PAUSE: "pause",
    FIBRILLATION: "atrial fibrillation or flutter",
    SHORT_FIBRILLATION: "irregular without P waves, under 30 s",
    VT: "ventricular tachycardia",
    SLOW_RUN: "slow ventricular run",
    COUPLET: "ventricular couplet",
    BIGEMINY: "ventricular bigeminy",
    TRIGEMINY: "ventricular trigeminy",
    SVTA: "supraventricular tachycardia",
    SLOW_S_RUN: "slow supraventricular run",
    S_COUPLET: "supraventricular couplet",
    ATRIAL_BIGEMINY: "atrial bigeminy",
    BRADYCARDIA: "bradycardia",
    TACHYCARDIA: "tachycardia",
}  # in the order in which a reader wants them
V_CODES, S_CODES = (COUPLET, VT, SLOW_RUN), (S_COUPLET, SVTA, SLOW_S_RUN)
REGULAR = (BIGEMINY, TRIGEMINY, ATRIAL_BIGEMINY)
SUPRAVENTRICULAR_CODES = (*S_CODES, ATRIAL_BIGEMINY)
SINUS = "(N"
PRIORITY = (  # where episodes overlap: what is shorter, or graver, first
    VENTRICULAR_FIBRILLATION,
    ASYSTOLE,
    LOST,
    PAUSE,
    VT,
    SLOW_RUN,
    COUPLET,
    SVTA,
    SLOW_S_RUN,
    S_COUPLET,
    FIBRILLATION,
    SHORT_FIBRILLATION,
    BIGEMINY,
    TRIGEMINY,
    ATRIAL_BIGEMINY,
    BRADYCARDIA,
    TACHYCARDIA,
)
# From when on something is an episode.
PAUSE_S, ASYSTOLE_S, LOST_S = 2.0, 6.0, 60.0
FIBRILLATION_S = 30.0  # a shorter one is SHORT_FIBRILLATION
ALARM_PER_MIN, ALARM_S = 150.0, 10.0  # tachycardias of which more and longer are alarms
BUMP = 0.22  # from which a bump in a pause is a missed beat; true pauses of DS1: 0.20
SLOW_PER_MIN, FAST_PER_MIN = 50.0, 100.0  # brady- and tachycardia
RUN_PER_MIN, RUN_BEATS = 100.0, 3  # a slower run is no tachycardia
CYCLES = 3  # of bigeminy and trigeminy
RATE_BEATS, RATE_S = 8, 15.0  # intervals whose mean is the rate, and how long it must last


@dataclass(frozen=True)
class Episode:
    """start, end: samples at FS_HZ, of its first and last beat (of a pause: of those around it);
    code: of MEANINGS; beats: how many; rate_per_min: their mean rate, NaN where there are none."""

    start: int
    end: int
    code: str
    beats: int
    rate_per_min: float

    @property
    def duration_s(self):
        return (self.end - self.start) / FS_HZ

    @property
    def is_alarm(self):
        """Whether it is what a reader must see first."""
        if self.code in (VT, SVTA, TACHYCARDIA):
            return self.rate_per_min > ALARM_PER_MIN and self.duration_s > ALARM_S
        return self.code in (VENTRICULAR_FIBRILLATION, ASYSTOLE, LOST)


def episodes(peaks, kinds, fibrillation, gaps=(), alarms=(), bumps=None, pause_s=PAUSE_S):
    """Everything a reader of rhythms would mark, in order of time; episodes may overlap.

    peaks: (n,) R peaks in samples at FS_HZ, in order; kinds: (n,) WFDB codes N, V, S, F or Q;
    fibrillation: (n,) bool, beats in atrial fibrillation (preprocess.signal.atrial_fibrillation);
    gaps: [(start, end), ...] in samples, where no beat could have been seen: nothing is counted
    across one; alarms: [(start, end, reason), ...] of preprocess.signal.quality.spans, without
    organised rhythm or electrical activity. The latter are no gaps: there the heart does not beat.
    bumps: (n,) of preprocess.signal.quality.bump_between: a missed beat has one, a pause has none.
    """
    rr_s = known_rr_s(peaks, gaps)
    lost = [(a, b) for a, b, reason in alarms if reason == NO_RHYTHM]
    found = [_without_beats(a, b, VENTRICULAR_FIBRILLATION) for a, b in lost]
    found += [_without_beats(*gap, LOST) for gap in gaps if gap not in lost]
    found = [e for e in found if e.code != LOST or e.duration_s >= LOST_S]
    still = [(a, b) for a, b, reason in alarms if reason == NO_ACTIVITY]
    found += _asystoles(peaks, rr_s, still)
    if len(peaks):
        linked = np.r_[False, np.isfinite(rr_s[1:])]
        found += _pauses(peaks, rr_s, bumps, pause_s, {(e.start, e.end) for e in found})
        for a, b in marked_runs(fibrillation, linked):
            episode = _episode(peaks, a, b, FIBRILLATION)
            is_short = episode.duration_s < FIBRILLATION_S
            found.append(replace(episode, code=SHORT_FIBRILLATION) if is_short else episode)
        ventricular, supraventricular = np.isin(kinds, VENTRICULAR), kinds == "S"
        of_v, of_s = marked_runs(ventricular, linked), marked_runs(supraventricular, linked)
        found += [_ectopics(peaks, a, b, V_CODES) for a, b in of_v]
        found += [_ectopics(peaks, a, b, S_CODES) for a, b in of_s]
        for ectopic, period, code in (
            (ventricular, 2, BIGEMINY),
            (ventricular, 3, TRIGEMINY),
            (supraventricular, 2, ATRIAL_BIGEMINY),
        ):
            found += [_episode(peaks, a, b, code) for a, b in _every(ectopic, linked, period)]
        in_runs = np.zeros(len(peaks), bool)
        for a, b in of_v + of_s:  # a short one ends no tachycardia
            in_runs[a:b] = peaks[b - 1] - peaks[a] > ALARM_S * FS_HZ
        found += _rates(peaks, rr_s, fibrillation | in_runs)
    return sorted((e for e in found if e is not None), key=lambda e: (e.start, e.end))


def rhythm_changes(found):
    """Episodes, which may overlap, to [(sample, code), ...]: the rhythm from each sample on.

    Of several the first of PRIORITY holds; SINUS is WFDB's for what no episode is in.
    """
    edges = sorted({edge for e in found for edge in (e.start, e.end)})
    # episodes that run over each stretch between two edges
    rank = np.full(len(edges), len(PRIORITY))
    for episode in found:
        inside = slice(*np.searchsorted(edges, (episode.start, episode.end)))
        rank[inside] = np.minimum(rank[inside], PRIORITY.index(episode.code))
    result, last = [], None
    for edge, at in zip(edges, rank.tolist()):
        if at != last:
            result.append((edge, (*PRIORITY, SINUS)[at]))
        last = at
    return result


def episode_codes(peaks, found):
    """(n,) codes of the episodes that each beat is in, without their "(", apart by blanks."""
    result = np.full(len(peaks), "", object)
    for episode in found:
        inside = slice(*np.searchsorted(peaks, (episode.start, episode.end + 1)))
        code = episode.code.lstrip("(")
        result[inside] = [f"{before} {code}".lstrip() for before in result[inside]]
    return result


def known_rr_s(peaks, gaps=()):
    """(n,) R peaks to RR before each (n,) in s; NaN before the first, and across a gap."""
    rr_s = np.r_[np.nan, np.diff(peaks) / FS_HZ][: len(peaks)]
    if len(gaps) and len(peaks):
        starts, ends = np.asarray(sorted((g[0], g[1]) for g in gaps)).T
        last_end = np.maximum.accumulate(ends)
        before = np.searchsorted(starts, peaks) - 1  # the last gap that starts before the beat
        reached = np.where(before >= 0, last_end[before], -1)
        rr_s[1:][reached[1:] > peaks[:-1]] = np.nan
    return rr_s


# -------------------------------------------------------------------------------- each kind


def _asystoles(peaks, rr_s, still):
    """Stretches without activity, each from the beat before to the beat after where nothing hides
    them, that are longer than ASYSTOLE_S."""
    found = []
    for start, end in still:
        after = int(np.searchsorted(peaks, (start + end) / 2))
        if 0 < after < len(peaks) and np.isfinite(rr_s[after]):
            start, end = peaks[after - 1], peaks[after]
        found.append(_without_beats(start, end, ASYSTOLE))
    return list(dict.fromkeys(e for e in found if e.duration_s > ASYSTOLE_S))


def _without_beats(start, end, code):
    return Episode(int(start), int(end), code, 0, np.nan)


def _pauses(peaks, rr_s, bumps, pause_s, known):
    long = rr_s > pause_s
    if bumps is not None:
        long &= bumps < BUMP
    between = [(int(peaks[i - 1]), int(peaks[i])) for i in np.flatnonzero(long)]
    return [
        Episode(start, end, PAUSE, 0, 60 * FS_HZ / (end - start))
        for start, end in between
        if (start, end) not in known
    ]


def _ectopics(peaks, a, b, codes):
    """Beats a to b, all of one ectopic kind, to their Episode; None where it is a single one."""
    couplet, fast, slow = codes
    if b - a < 2:
        return None
    if b - a < RUN_BEATS:
        return _episode(peaks, a, b, couplet)
    run = _episode(peaks, a, b, fast)
    return run if run.rate_per_min >= RUN_PER_MIN else _episode(peaks, a, b, slow)


def _every(ectopic, linked, period):
    """Where every second or third beat is ectopic and none between: [(first, after the last)],
    from the beat before the first ectopic on."""
    at = np.flatnonzero(ectopic)
    if len(at) < CYCLES:
        return []
    breaks = np.cumsum(~linked)
    regular = (np.diff(at) == period) & (breaks[at[1:]] == breaks[at[:-1]])
    return [
        (max(int(at[a]) - 1, 0), int(at[b]) + 1)
        for a, b in marked_runs(regular)
        if b - a >= CYCLES - 1
    ]


def _rates(peaks, rr_s, other):
    """Brady- and tachycardia, outside fibrillation and long runs."""
    known = np.isfinite(rr_s) & ~other
    rr = np.where(known, np.round(rr_s * FS_HZ), 0)  # whole samples: their sums are exact
    share = uniform_filter1d(known.astype(float), RATE_BEATS, mode="constant")
    mean = uniform_filter1d(rr, RATE_BEATS, mode="constant") / np.maximum(share, 1e-9)
    enough = known & (share > 0.5)
    rate = np.where(enough, 60 * FS_HZ / np.maximum(mean, 1), np.nan)
    linked = np.isfinite(rate)
    found = [
        _episode(peaks, a, b, code)
        for code, marked in (
            (BRADYCARDIA, rate < SLOW_PER_MIN),
            (TACHYCARDIA, rate > FAST_PER_MIN),
        )
        for a, b in marked_runs(marked, linked)
    ]
    return [episode for episode in found if episode.duration_s >= RATE_S]


# ---------------------------------------------------------------------------------- helpers


def marked_runs(marked, linked=None):
    """(n,) bool to [(first, after the last), ...]; a run ends before a beat not linked."""
    starts = marked & ~np.r_[False, marked[:-1]]
    ends = marked & ~np.r_[marked[1:], False]
    if linked is not None:
        starts |= marked & ~linked
        ends |= marked & ~np.r_[linked[1:], False]
    return list(zip(np.flatnonzero(starts).tolist(), (np.flatnonzero(ends) + 1).tolist()))


def _episode(peaks, a, b, code):
    """Beats a to b (left out) as an Episode."""
    seconds = (peaks[b - 1] - peaks[a]) / FS_HZ
    rate = 60 * (b - 1 - a) / seconds if b - a > 1 else np.nan
    return Episode(int(peaks[a]), int(peaks[b - 1]), code, int(b - a), float(rate))
