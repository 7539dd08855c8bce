"""What a reader is told: a cluster in a reader's words, what a recording is about, lengths."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.reports.pages import lasting
from experiments.screening.page import words
from experiments.screening.rhythm import episodes
from preprocess.beats import TIMES_S


def wave(at_s, width_s, height_mv):
    return height_mv * np.exp(-(((TIMES_S - at_s) / width_s) ** 2) / 2)


USUAL_MV = wave(-0.15, 0.02, 0.2) + wave(0, 0.012, 1.0)


@pytest.mark.parametrize(
    "beat_mv, before_s, after_s, told",
    [
        (wave(0, 0.04, 1.5), 0.6, 1.4, ["early (60 %", "wide QRS", "P wave absent", "full"]),
        (wave(0, 0.04, 1.5), 0.5, 0.5, ["early", "interpolated"]),
        (USUAL_MV, 0.6, 1.1, ["early", "other QRS", "incomplete pause"]),
        (USUAL_MV, 1.5, 1.0, ["late (150 %"]),
        (USUAL_MV, np.nan, np.nan, ["other QRS"]),
    ],
)
def test_a_cluster_is_told_in_a_readers_words(beat_mv, before_s, after_s, told):
    table = pd.DataFrame({"cluster": [-1, 0, -1], "rr_s": [1.0, before_s, after_s]})
    table = table.assign(rr_usual_s=1.0, span_start_s=-0.1, span_end_s=0.1)
    findings = SimpleNamespace(
        table=table,
        clusters=[SimpleNamespace(mean_mv=beat_mv)],
        patient_threshold=SimpleNamespace(record_median_mv=USUAL_MV),
    )
    said = words.describe(findings, 0)
    assert all(word in said for word in told) and "nan" not in said
    assert ("P wave absent" in said) == (beat_mv is not USUAL_MV)


def test_lost_rhythms_are_the_headline_however_few_beats_are_flagged():
    name = lambda code: {"code": code, "meaning": episodes.MEANINGS[code], "start_s": 100.0}
    lost, fast = name("(VF") | {"end_s": 180.0}, name("(TACHY") | {"end_s": 900.0}
    assert words.headline({"alarms": []}, 1) == "1 beat to look at"
    assert words.headline({"alarms": [fast, lost]}, 0) == "no organised rhythm, 1 min 20 s"


def test_lengths_are_told_one_way():
    told = [lasting(seconds) for seconds in (0, 2.64, 59.99, 540.6, 3600 * 24 + 60)]
    assert told == ["0 s", "2.6 s", "1 min 00 s", "9 min 01 s", "24 h 01 min"]
