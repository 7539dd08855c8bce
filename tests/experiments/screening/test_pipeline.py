"""Screening end to end: a recording in, four files out; bad input is one sentence."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from screening_runs import lead_of, options_for, run, write_record

import options
from experiments.agreement import match
from experiments.screening import blocks, pipeline
from experiments.screening.location import cluster_pictures
from experiments.screening.threads import in_threads
from experiments.training import checkpoint as checkpoints
from experiments.training.loop import complete_options
from models import MODELS
from preprocess import BadInput, spectrogram
from preprocess.readers import wfdb as records

ROOT = Path(__file__).parents[3]


def test_its_beats_are_those_of_the_recording(screened, record):
    found, truth = screened[0].table["sample"].to_numpy(), records.read(record)
    pairs = match(truth.samples, found, 54)
    assert len(pairs) > 0.97 * len(truth.samples) and len(pairs) > 0.97 * len(found)


def test_another_format_unit_and_rate_finds_the_same_beats(screened, record, weights, tmp_path):
    signal, fs_hz = lead_of(record), 250
    times_s = np.arange(0, len(signal) / 360 - 1, 1 / fs_hz)
    signal = np.interp(times_s, np.arange(len(signal)) / 360, signal)
    path = tmp_path / f"{record.name}.csv"
    columns = {"time_s": times_s, "V5": 0 * signal, "II (uV)": signal * 1000}
    pd.DataFrame(columns).to_csv(path, index=False)
    findings = run(path, weights, tmp_path / "out", "--false-alarms-per-hour", 60)
    ours, theirs = findings.table["sample"].to_numpy(), screened[0].table["sample"].to_numpy()
    assert findings.source.lead == "II"
    assert len(match(ours, theirs, 5)) > 0.97 * len(theirs)
    assert wfdb.rdann(str(tmp_path / "out" / record.name), "b2i").fs == fs_hz


def test_streaming_gives_what_one_go_gives(record, weights, tmp_path, monkeypatch):
    whole = run(record, weights, tmp_path / "a", "--context", "none")
    monkeypatch.setattr(blocks, "BLOCK_S", 100.0)
    parts = run(record, weights, tmp_path / "b", "--context", "none")
    np.testing.assert_array_equal(whole.table["sample"], parts.table["sample"])
    np.testing.assert_allclose(whole.table["score"], parts.table["score"], atol=1e-3)
    # a score within rounding of the threshold may fall on either side of it
    clear = (whole.table["score"] - whole.patient_threshold.value).abs() > 2e-3
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(whole.flagged[clear], parts.flagged[clear])


@pytest.mark.parametrize(
    "make, more, words",
    [
        (lambda f: f / "nothing", (), "no recording"),
        (lambda f: _file(f / "a.edf", b"no edf at all"), (), "cannot be read as EDF"),
        (lambda f: _file(f / "r1.csv", b"II\n" + b"0.5\n" * 20_000), (), "--fs"),
        (lambda f: write_record(f, np.ones(1800)), (), "5.0 s long"),
        (lambda f: write_record(f, np.full(36_000, np.nan)), (), "unreadable throughout"),
        (lambda f: write_record(f, np.sin(np.arange(36_000) / 2000)), (), "no R peaks|unreadable"),
        (lambda f: write_record(f, np.zeros(36_000)), ("--lead", "V9"), "no lead V9; it has MLII"),
        (lambda f: write_record(f, np.zeros(36_000)), ("--annotator", "qrs"), "r1.qrs is missing"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_earlier_outputs(make, more, words, weights, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "r1.csv").write_text("earlier")
    opt = options_for(weights, out, *more, paths=[make(tmp_path)])
    with pytest.raises(BadInput, match=words) as error:
        pipeline.screen_all(opt)
    assert "\n" not in str(error.value)
    assert [path.name for path in out.iterdir()] == ["r1.csv"]
    assert (out / "r1.csv").read_text() == "earlier"


def _file(path, content):
    path.write_bytes(content)
    return path


def _copy(record, folder):
    folder.mkdir(exist_ok=True)
    for ending in (".hea", ".dat"):
        shutil.copy(record.with_suffix(ending), folder)


def test_two_recordings_of_one_name_do_not_overwrite_each_other(record, weights, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        _copy(record, folder)
    with pytest.raises(BadInput, match="two recordings are called"):
        pipeline.screen_all(options_for(weights, tmp_path / "out", paths=folders))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["beatgan", "knn-image"])
def test_other_detectors_screen_too(name, data, record, tmp_path):
    opt = options.parse("main", ["--model", name])
    detector = MODELS[name](complete_options(opt)).eval()
    beats = data.beats(np.flatnonzero(data.index["class"] == "N")[:64])
    beats.image = spectrogram.stored_images(beats.beat_mv, detector.image or "complex")
    for learn in (lambda b, _: detector.prepare(b), detector.finish, detector.fit_error_map):
        learn(beats, beats)
    checkpoint = checkpoints.Checkpoint(
        name,
        detector.opt,
        data.manifest["settings"],
        "simulated",
        0,
        detector.state_dict(),
        reference={"none": np.quantile(detector.score(beats), np.linspace(0, 1, 101)).tolist()},
        finished=True,
    )
    checkpoint.save(tmp_path / "weights.pt")
    path = write_record(tmp_path, lead_of(record, 60))
    findings = run(path, tmp_path / "weights.pt", tmp_path, "--false-alarm-rate", 0.5)
    assert findings.table.loc[findings.flagged, "span_start_s"].notna().any()
    shown = cluster_pictures(findings.clusters, detector, findings.patient_threshold)
    assert shown and all(np.isfinite(picture.error).all() for picture in shown)


def test_one_recording_never_costs_the_others(record, weights, tmp_path, monkeypatch):
    """Whatever happens to it."""
    folder, out = tmp_path / "in", tmp_path / "out"
    _copy(record, folder)
    write_record(folder, lead_of(record, 60), "odd")
    screen = pipeline.screen

    def failing(path, *more, **named):
        if "odd" in str(path):
            raise KeyError("x")
        return screen(path, *more, **named)

    monkeypatch.setattr(pipeline, "screen", failing)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput, match="1 of 2 recordings(.|\n)*please send"):
        pipeline.screen_all(options_for(weights, out, paths=[folder]))
    assert (out / f"{record.name}.html").exists()


def test_weights_trained_on_beats_of_another_filter_are_refused(record, weights, tmp_path):
    trained = checkpoints.load(weights)
    trained.settings = trained.settings | {"band_hz": [3.0, 45.0]}
    path = tmp_path / "another_filter.pt"
    trained.save(path)
    with pytest.raises(BadInput, match="another filter"):
        pipeline.screen_all(options_for(path, tmp_path / "out", paths=[record]))


def test_blocks_side_by_side_come_in_order():
    for workers in (None, 1, 3):
        assert list(in_threads(lambda n: n * n, range(20), workers)) == [n * n for n in range(20)]


def test_screening_loads_neither_figures_nor_metrics(record, weights, tmp_path):
    path = write_record(tmp_path, lead_of(record, 60))
    program = (
        "import sys, options\n"
        "from experiments.screening.pipeline import screen_all\n"
        "screen_all(options.parse('main', sys.argv[1:]))\n"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    flags = ["--screen", path, "--outf", tmp_path, "--checkpoint", weights, "--device", "cpu"]
    command = [sys.executable, "-c", program, *map(str, flags)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "beats to look at" in result.stdout
    loaded = set(result.stderr.split())
    assert "torch" in loaded and not loaded & {"matplotlib", "sklearn", "sleepecg"}
