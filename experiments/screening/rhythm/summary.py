"""What a cardiology report says first of a day's ECG, as one plain dict, ready for json.dump.

docs/summary.schema.json says what each key holds. Times are seconds from the recording's start, and
None stands for what is not known. Fusion beats count among the ventricular in couplets, runs and
bigeminy, and not in `ventricular.count`.
"""

import numpy as np
from scipy.signal import lombscargle

from experiments.screening.rhythm import episodes as rhythm
from preprocess.constants import FS_HZ

SCHEMA = "b2i-gan.summary/3"
NOT_JUDGED = ("ST segment", "QT interval", "conduction block", "pacemaker function", "axis")
COUPLETS = {"V": rhythm.V_CODES[0], "S": rhythm.S_CODES[0]}
RUNS = {"V": rhythm.V_CODES[1:], "S": rhythm.S_CODES[1:]}
MINUTE_S, HOUR_S, FIVE_MINUTES_S = 60, 3600, 300
MINUTE_BEATS, MINUTE_KNOWN_S = 10, 30.0  # that must be known of a minute for its rate
# HRV after the Task Force of ESC and NASPE, Circulation 93:1043-1065, 1996
NN_LIMITS_S = (0.3, 2.0)
NN_CHANGE = 0.2  # more against the interval before is no sinus beat, or a missed one
NN_SHARE = 0.9  # of five minutes: with more ectopy they do not tell it; ours
LF_HF_HZ = (0.04, 0.15, 0.4)  # edges of the two bands
HRV = ("sdnn_ms", "sdann_ms", "rmssd_ms", "pnn50_percent", "lf_ms2", "hf_ms2", "lf_hf")


def summarise(table, episodes, gaps, source):
    """The dict described above.

    table: `sample`, `kind` and `doubtful` of each beat, of Findings; episodes: of
    rhythm.episodes.episodes; gaps: [(start, end), ...] in samples, unreadable or without organised
    rhythm, in order, apart from each other; source: says duration_s and start.
    """
    peaks, kinds, doubtful = (table[name].to_numpy() for name in ("sample", "kind", "doubtful"))
    duration_s, start = source.duration_s, source.start
    rr_s = rhythm.known_rr_s(peaks, gaps)
    of_hours = np.append(np.arange(0, duration_s, HOUR_S), duration_s)
    left_out_s = covered_s(gaps, of_hours)
    analysed_s = float(duration_s - left_out_s.sum())
    no_rhythm_s = _total_s(_of(episodes, rhythm.VENTRICULAR_FIBRILLATION))
    minutes = minute_rates(peaks, rr_s)
    return {
        "schema": SCHEMA,
        "recording": {
            "duration_s": _number(duration_s, 3),
            "analysed_s": _number(analysed_s, 1),
            "unreadable_s": _number(max(left_out_s.sum() - no_rhythm_s, 0.0), 1),
            "no_rhythm_s": _number(no_rhythm_s, 1),
            "start": None if start is None else start.isoformat(),
        },
        "beats": {"total": len(peaks)} | {k.lower(): int((kinds == k).sum()) for k in "NVSFQ"},
        "rate_per_min": _rate(rr_s, minutes),
        "ventricular": _ectopy("V", kinds, doubtful, episodes, analysed_s)
        | {
            "bigeminy_s": _number(_total_s(_of(episodes, rhythm.BIGEMINY)), 1),
            "trigeminy_s": _number(_total_s(_of(episodes, rhythm.TRIGEMINY)), 1),
        },
        "supraventricular": _ectopy("S", kinds, doubtful, episodes, analysed_s),
        "fibrillation": _fibrillation(episodes, analysed_s),
        "pauses": _pauses(episodes),
        "alarms": [
            {key: _as_dict(e)[key] for key in ("code", "meaning", "start_s", "end_s")}
            for e in episodes
            if e.is_alarm
        ],
        "episodes": [_as_dict(e) for e in episodes],
        "hrv": heart_rate_variability(peaks, kinds, rr_s, episodes),
        "hours": _hours(peaks, kinds, episodes, of_hours, left_out_s, minutes),
        "not_judged": list(NOT_JUDGED),
    }


# ------------------------------------------------------------------------------------ rates


def minute_rates(peaks, rr_s):
    """Rates of whole minutes from the start (m,): beats a minute by the mean interval, NaN where
    too little is known."""
    minute = peaks // (MINUTE_S * FS_HZ)
    known = np.isfinite(rr_s)
    size = int(minute[-1]) + 1 if len(minute) else 0
    count = np.bincount(minute[known], minlength=size)
    total_s = np.bincount(minute[known], rr_s[known], minlength=size)
    enough = (count >= MINUTE_BEATS) & (total_s >= MINUTE_KNOWN_S)
    return np.where(enough, 60 * count / np.maximum(total_s, 1e-9), np.nan)


def _rate(rr_s, minutes):
    known = rr_s[np.isfinite(rr_s)]
    extremes = {"slowest": None, "fastest": None}
    if np.isfinite(minutes).any():
        for name, at in (("slowest", np.nanargmin(minutes)), ("fastest", np.nanargmax(minutes))):
            extremes[name] = {"per_min": _number(minutes[at], 1), "at_s": int(at) * MINUTE_S}
    return {"mean": _number(60 / known.mean(), 1) if len(known) else None} | extremes


def heart_rate_variability(peaks, kinds, rr_s, episodes):
    """Over intervals between two normal beats, outside fibrillation, in stretches of five minutes
    of which these are NN_SHARE: nothing but the number of intervals where there is none."""
    normal = (kinds == "N") & ~in_episodes(peaks, episodes, (rhythm.FIBRILLATION,))
    nn = normal & np.r_[False, normal[:-1]] & np.isfinite(rr_s)
    nn &= (rr_s > NN_LIMITS_S[0]) & (rr_s < NN_LIMITS_S[1])
    change_s = np.r_[np.nan, np.diff(rr_s)][: len(rr_s)]
    nn &= ~(np.r_[False, nn[:-1]] & (np.abs(change_s) > NN_CHANGE * np.r_[np.nan, rr_s[:-1]]))
    counts = {"intervals": int(nn.sum()), "five_minutes": 0}
    stretch = peaks // (FIVE_MINUTES_S * FS_HZ)
    nn_s = np.bincount(stretch[nn], rr_s[nn], stretch.max(initial=0) + 1)
    enough = nn_s >= NN_SHARE * FIVE_MINUTES_S
    nn &= enough[stretch]
    if not nn.any():
        return dict.fromkeys(HRV) | counts
    nn_ms, changes_s = 1000 * rr_s[nn], change_s[nn & np.r_[False, nn[:-1]]]
    parts = [np.flatnonzero(nn & (stretch == k)) for k in np.flatnonzero(enough)]
    means_ms = [1000 * rr_s[part].mean() for part in parts]
    lf, hf = np.mean([_powers_ms2(peaks[part] / FS_HZ, 1000 * rr_s[part]) for part in parts], 0)
    values = (
        nn_ms.std(ddof=1),
        np.std(means_ms, ddof=1) if len(parts) > 1 else np.nan,
        1000 * np.sqrt(np.square(changes_s).mean()),
        100 * (np.abs(changes_s) > 0.05).mean(),
        lf,
        hf,
        lf / hf if hf else np.nan,
    )
    counts = {"intervals": len(nn_ms), "five_minutes": len(parts)}
    return dict(zip(HRV, (_number(value, 1) for value in values))) | counts


def _powers_ms2(at_s, nn_ms):
    """Power of intervals that end at_s in the bands LF and HF, by a Lomb-Scargle periodogram in
    steps of one in five minutes: together all frequencies have the intervals' variance."""
    steps = np.arange(round(LF_HF_HZ[0] * FIVE_MINUTES_S), round(LF_HF_HZ[2] * FIVE_MINUTES_S))
    found = lombscargle(at_s, nn_ms - nn_ms.mean(), 2 * np.pi * steps / FIVE_MINUTES_S)
    power_ms2, is_lf = 2 * found / len(nn_ms), steps < LF_HF_HZ[1] * FIVE_MINUTES_S
    return power_ms2[is_lf].sum(), power_ms2[~is_lf].sum()


# --------------------------------------------------------------------------------- episodes


def _of(episodes, *codes):
    return [episode for episode in episodes if episode.code in codes]


def _total_s(episodes):
    return sum(episode.duration_s for episode in episodes)


def _ectopy(kind, kinds, doubtful, episodes, analysed_s):
    count, runs = int((kinds == kind).sum()), _of(episodes, *RUNS[kind])
    return {
        "count": count,
        "doubtful": int(((kinds == kind) & doubtful).sum()),
        "per_hour": _number(count / max(analysed_s / HOUR_S, 1e-9), 1),
        "percent": _number(100 * count / max(len(kinds), 1), 2),
        "couplets": len(_of(episodes, COUPLETS[kind])),
        "runs": len(runs),
        "longest_run": _run(max(runs, key=lambda e: e.beats, default=None)),
        "fastest_run": _run(max(runs, key=lambda e: e.rate_per_min, default=None)),
    }


def _run(episode):
    if episode is None:
        return None
    of = _as_dict(episode)
    return {"beats": episode.beats, "at_s": of["start_s"], "per_min": of["per_min"]}


def _fibrillation(episodes, analysed_s):
    found = _of(episodes, rhythm.FIBRILLATION)
    total_s, intervals = _total_s(found), sum(e.beats - 1 for e in found)
    return {
        "burden_percent": _percent(total_s, analysed_s, 2),
        "episodes": len(found),
        "longest_s": _number(max((e.duration_s for e in found), default=0.0), 1),
        "mean_rate_per_min": _number(60 * intervals / total_s, 0) if total_s else None,
    }


def _pauses(episodes):
    found = _of(episodes, rhythm.PAUSE)
    longest = max(found, key=lambda e: e.duration_s, default=None)
    return {
        "count": len(found),
        "longest_s": longest and _number(longest.duration_s, 2),
        "longest_at_s": longest and _number(longest.start / FS_HZ, 2),
    }


def _as_dict(episode):
    return {
        "code": episode.code,
        "meaning": rhythm.MEANINGS[episode.code],
        "start_s": _number(episode.start / FS_HZ, 2),
        "end_s": _number(episode.end / FS_HZ, 2),
        "beats": episode.beats,
        "per_min": _number(episode.rate_per_min, 0),
    }


def in_episodes(peaks, episodes, codes):
    """(n,) bool: beats inside episodes of these codes."""
    inside = np.zeros(len(peaks), bool)
    for episode in _of(episodes, *codes):
        inside[slice(*np.searchsorted(peaks, (episode.start, episode.end + 1)))] = True
    return inside


# ------------------------------------------------------------------------------ hour by hour


def _hours(peaks, kinds, episodes, edges_s, left_out_s, minutes):
    edges = edges_s * FS_HZ
    count = {kind: np.histogram(peaks[kinds == kind], edges)[0] for kind in "VS"}
    beats = np.histogram(peaks, edges)[0]
    starting = {
        name: np.histogram([e.start for e in _of(episodes, *codes)], edges)[0]
        for name, codes in (
            ("v_runs", RUNS["V"]),
            ("s_runs", RUNS["S"]),
            ("pauses", (rhythm.PAUSE,)),
        )
    }
    starting["alarms"] = np.histogram([e.start for e in episodes if e.is_alarm], edges)[0]
    fibrillation = [(e.start, e.end) for e in _of(episodes, rhythm.FIBRILLATION)]
    fibrillating_s = covered_s(fibrillation, edges_s)
    result = []
    for i, start_s in enumerate(edges_s[:-1]):
        of_hour = minutes[i * HOUR_S // MINUTE_S : (i + 1) * HOUR_S // MINUTE_S]
        of_hour = of_hour[np.isfinite(of_hour)]
        analysed_s = edges_s[i + 1] - start_s - left_out_s[i]
        mean, slowest, fastest = (
            (of_hour.mean(), of_hour.min(), of_hour.max()) if len(of_hour) else (np.nan,) * 3
        )
        result.append(
            {
                "start_s": _number(start_s, 0),
                "analysed_s": _number(analysed_s, 1),
                "beats": int(beats[i]),
                "mean_per_min": _number(mean, 1),
                "slowest_per_min": _number(slowest, 1),
                "fastest_per_min": _number(fastest, 1),
                "v": int(count["V"][i]),
                "s": int(count["S"][i]),
                **{name: int(numbers[i]) for name, numbers in starting.items()},
                "fibrillation_percent": _percent(fibrillating_s[i], analysed_s, 1),
            }
        )
    return result


def covered_s(spans, edges_s):
    """[(start, end), ...] in samples, apart from each other, to how much of each part between
    edges (k + 1,) in s they cover: (k,) in s."""
    if len(spans) == 0:
        return np.zeros(len(edges_s) - 1)
    start_s, end_s = np.asarray([(a, b) for a, b, *_ in spans], float).T[:, None] / FS_HZ
    left, right = edges_s[:-1, None], edges_s[1:, None]
    return np.clip(np.minimum(end_s, right) - np.maximum(start_s, left), 0, None).sum(1)


def _percent(part_s, whole_s, digits):
    return _number(min(100.0, 100 * part_s / max(whole_s, 1e-9)), digits)


def _number(value, digits):
    """A plain number for JSON, None for NaN."""
    if not np.isfinite(value):
        return None
    return round(float(value), digits) if digits else int(round(float(value)))
