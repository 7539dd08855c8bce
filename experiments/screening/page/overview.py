"""What the page says first of a recording: its summary in words, and its rhythm episodes."""

from experiments.screening.findings import Findings
from experiments.screening.rhythm.episodes import (
    ASYSTOLE,
    BRADYCARDIA,
    COUPLET,
    FIBRILLATION,
    MEANINGS,
    PAUSE,
    S_COUPLET,
    TACHYCARDIA,
    VENTRICULAR_FIBRILLATION,
)
from experiments.screening.times import clock, wall_clock
from preprocess.constants import FS_HZ

MOST_ALARMS = 5  # named at the top of the page, which is one screen
NO_BAND = (COUPLET, S_COUPLET)  # too short to be seen in the timeline
# Colours of bands, names of CSS variables; any other of supraventricular beats or rate alone.
COLOURS = {
    VENTRICULAR_FIBRILLATION: "lost",
    ASYSTOLE: "lost",
    PAUSE: "lost",
    FIBRILLATION: "af",
    BRADYCARDIA: "beat",
    TACHYCARDIA: "beat",
}
# Of what follows from the kinds of beats nothing goes into annotations that a reader corrected.
WITHOUT_KINDS = tuple(COLOURS)
KIND_NAMES = {
    "V": "ventricular",
    "S": "supraventricular",
    "F": "fusion",
    "Q": "other",
    "N": "normal",
}


def overview(findings: Findings) -> dict:
    """What the template's first screen shows."""
    summary = findings.summary
    start = summary["recording"]["start"]
    return {
        "summary": summary,
        "start": start,
        "slowest": _minute(summary["rate_per_min"]["slowest"], start),
        "fastest": _minute(summary["rate_per_min"]["fastest"], start),
        "ventricular": _ectopy(summary["ventricular"], start),
        "supraventricular": _ectopy(summary["supraventricular"], start),
        "pause_at": _at(summary["pauses"]["longest_at_s"], start),
        "alarms": [_alarm(alarm, start) for alarm in first_alarms(summary)],
        "more_alarms": len(summary["alarms"][MOST_ALARMS:]),
        "analysed": clock(summary["recording"]["analysed_s"]),
        "episodes": _by_code(summary["episodes"], start),
        "hours": [
            hour | {"at": wall_clock(hour["start_s"], start)[: None if start else -3]}
            for hour in summary["hours"]
        ],
        "kinds": KIND_NAMES,
    }


def first_alarms(summary: dict) -> list[dict]:
    """Those that are named: what has no organised rhythm, then what has none, the longest first."""
    ranks = list(MEANINGS)
    graver = lambda a: (ranks.index(a["code"]), a["start_s"] - a["end_s"])
    return sorted(summary["alarms"], key=graver)[:MOST_ALARMS]


def alarm_strips(findings: Findings) -> list:
    """The trace in the middle of each of first_alarms, None where none was kept."""
    strips = []
    for alarm in first_alarms(findings.summary):
        start, end = (round(alarm[edge] * FS_HZ) for edge in ("start_s", "end_s"))
        shared = [(min(end, s.end) - max(start, s.start), s.strip_mv) for s in findings.alarms]
        most, strip_mv = max(shared, key=lambda pair: pair[0], default=(0, None))
        strips.append(strip_mv if most > 0 else None)
    return strips


def bands(findings: Findings) -> list[list]:
    """Episodes for the timeline: start and end in s, colour, meaning; the gravest last, on top."""
    ranks = list(MEANINGS)
    shown = [e for e in findings.summary["episodes"] if e["code"] not in NO_BAND]
    shown.sort(key=lambda episode: -ranks.index(episode["code"]))
    return [[e["start_s"], e["end_s"], _colour(e["code"]), e["meaning"]] for e in shown]


def _colour(code):
    ventricular = MEANINGS[code].find("ventricular") >= 0 and "supra" not in MEANINGS[code]
    return COLOURS.get(code, "v" if ventricular else "s")


def _at(seconds, start):
    return None if seconds is None else wall_clock(seconds, start)


def _minute(minute, start):
    return None if minute is None else minute | {"at": wall_clock(minute["at_s"], start)}


def _ectopy(counts, start):
    runs = ("longest_run", "fastest_run")
    shown = counts | {name: counts[name] and _minute(counts[name], start) for name in runs}
    return shown | {"alternating": alternating(counts)}


def alternating(counts: dict) -> str:
    """How long ectopics were every second or third beat, in words; "" where they never were."""
    lasting = {name: counts.get(f"{name}_s") or 0 for name in ("bigeminy", "trigeminy")}
    return ", ".join(f"{name} {clock(seconds)}" for name, seconds in lasting.items() if seconds)


def _alarm(alarm, start):
    seconds = alarm["end_s"] - alarm["start_s"]
    return alarm | {"at": wall_clock(alarm["start_s"], start), "seconds": seconds}


def _by_code(episodes, start):
    """A row for each kind of episode, in the order in which a reader wants them."""
    rows = []
    for code, meaning in MEANINGS.items():
        of_code = [episode for episode in episodes if episode["code"] == code]
        if not of_code:
            continue
        longest = max(of_code, key=lambda episode: episode["end_s"] - episode["start_s"])
        rates = [e["per_min"] for e in of_code if e["per_min"] is not None and code != PAUSE]
        rows.append(
            {
                "meaning": meaning,
                "colour": _colour(code),
                "count": len(of_code),
                "total": sum(e["end_s"] - e["start_s"] for e in of_code),
                "longest": longest["end_s"] - longest["start_s"],
                "longest_at": wall_clock(longest["start_s"], start),
                "longest_start": longest["start_s"],
                "beats": longest["beats"],
                "fastest": max(rates, default=None),
            }
        )
    return rows
