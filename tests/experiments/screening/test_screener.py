"""The call from Python: samples in, findings out, and they are those of the command line."""

import numpy as np
import pandas as pd
import pytest
import wfdb
from screening_runs import lead_of

import options
from experiments.screening import Screener, Settings
from preprocess import BadInput


@pytest.fixture(scope="module")
def screener(weights):
    return Screener(weights, "cpu")


@pytest.fixture(scope="module")
def findings(screener, record):
    both = wfdb.rdrecord(str(record))
    return screener.screen(both.p_signal, 360, lead=both.sig_name)


def test_the_call_finds_what_the_command_line_writes(findings, screened, record):
    written = pd.read_csv(screened[1] / f"{record.name}.csv")
    assert list(findings.beats.columns) == list(written.columns)
    np.testing.assert_array_equal(findings.beats["sample"], written["sample"])
    np.testing.assert_allclose(findings.beats["score"], written["score"], atol=6e-5)
    # a score within rounding of the threshold may fall on either side of it
    clear = (written["score"] - findings.patient_threshold.value).abs() > 1e-3
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(findings.beats["flagged"][clear], written["flagged"][clear])


def test_names_of_pyod(screener, findings, record):
    signal_mv = lead_of(record)
    scores = screener.decision_function(signal_mv, 360, name=7)
    predicted, share = screener.predict(signal_mv, 360), screener.predict_proba(signal_mv, 360)
    assert len(scores) == len(predicted) == len(share) == len(findings.beats)
    np.testing.assert_allclose(share.sum(1), 1)
    assert scores[predicted == 1].min() > scores[predicted == 0].max()
    np.testing.assert_array_equal(share[:, 1] > 0.5, predicted == 1)
    assert share[predicted == 1, 1].min() > share[predicted == 0, 1].max()


def test_a_file_and_its_samples_give_the_same(screener, findings, record):
    pd.testing.assert_frame_equal(screener.screen(record).beats, findings.beats)


def test_r_peaks_that_are_given_are_taken(screener, findings, record):
    given = findings.beats["sample"].to_numpy()[::2]
    found = screener.screen(lead_of(record), 360, r_peaks=given)
    assert set(found.beats["sample"]) <= set(given) and len(found.beats) > len(given) / 2
    with pytest.raises(BadInput, match="in samples"):
        screener.screen(lead_of(record), 360, r_peaks=given / 360)


def test_a_sample_that_is_no_number_is_missing(screener, findings, record):
    signal_mv = lead_of(record)
    signal_mv[20_000] = np.inf
    assert len(screener.screen(signal_mv, 360).beats) > 0.9 * len(findings.beats)


def test_what_is_printed_is_short(screener, findings):
    assert len(str(findings).splitlines()) <= 20 and len(repr(screener)) < 100


def test_it_writes_nothing_until_asked_to(screener, findings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    screener.write(findings, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    endings = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert endings == {".b2i", ".csv", ".html", ".json"}


def test_settings_are_the_flags_with_their_defaults():
    flags = vars(options.parse("main", ["--screen", "x"]))
    assert {name: flags[name] for name in vars(Settings())} == vars(Settings())


@pytest.mark.parametrize(
    "signal_mv, words",
    [
        (np.zeros(100), "0.3 s long"),
        (np.zeros((3600, 2)), "shape \\(3600, 2\\) and 1 names of leads"),
        (["a", "b"], "no array of numbers"),
        (np.tile([200.0, -200.0], 3600), "no heart does: give it in mV"),
    ],
)
def test_what_is_no_lead_is_one_sentence(screener, signal_mv, words):
    with pytest.raises(BadInput, match=words):
        screener.screen(signal_mv, 360)


def test_settings_that_no_flag_takes_are_named(weights):
    with pytest.raises(BadInput, match="its settings are context, false_alarms_per_hour"):
        Screener(weights, "cpu", sensitivity=0.9)
    with pytest.raises(BadInput, match="pause: -1 must be at least 1"):
        Screener(weights, "cpu", pause=-1)
