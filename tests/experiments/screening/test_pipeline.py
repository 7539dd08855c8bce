"""Screening: a real recording in, three files out that field tools and a real browser open; bad input is one sentence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
import pytest
import wfdb

import options
from experiments.agreement import match
from experiments.screening import pipeline as screen
from experiments.screening.clusters import Shapes
from experiments.training import checkpoint as checkpoints
from experiments.training.loop import complete_options
from models import MODELS
from preprocess import BadInput, records
from preprocess.beats import WINDOW

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def record(cohort):
    return sorted(cohort.glob("*.hea"))[0].with_suffix("")


def options_for(weights, out, *more):
    return options.parse(
        "main",
        [
            "--screen",
            "x",
            "--checkpoint",
            str(weights),
            "--outf",
            str(out),
            "--device",
            "cpu",
            *map(str, more),
        ],
    )


def run(path, weights, out, *more):
    checkpoint = checkpoints.load(weights)
    return screen.screen(path, checkpoint, checkpoint.detector(), options_for(weights, out, *more))


@pytest.fixture(scope="module")
def screened(record, weights, tmp_path_factory):
    out = tmp_path_factory.mktemp("screened")
    return run(record, weights, out, "--false-alarms-per-hour", 60), out


def test_annotations_read_back_agree_with_the_table(screened, record):
    findings, out = screened
    table = pd.read_csv(out / f"{record.name}.csv")
    found = wfdb.rdann(str(out / record.name), "b2i")
    is_beat = np.isin(found.symbol, ["N", "Q"])
    assert sorted(out.iterdir()) == [out / f"{record.name}{e}" for e in (".b2i", ".csv", ".html")]
    np.testing.assert_array_equal(found.sample[is_beat], table["sample"])
    np.testing.assert_array_equal(np.array(found.symbol)[is_beat] == "Q", table["flagged"] == 1)
    notes = np.array(found.aux_note)[is_beat][table["flagged"] == 1]
    assert len(notes) and all("score" in note and "span" in note for note in notes)
    assert (table["score"][table["flagged"] == 1] > findings.alarm.threshold - 1e-3).all()
    assert (table["tail_probability"].diff()[table["score"].diff() > 0.01] <= 0).all()


def test_its_beats_are_those_of_the_recording(screened, record):
    _, out = screened
    found, truth = pd.read_csv(out / f"{record.name}.csv"), records.read(record)
    pairs = match(truth.samples, found["sample"].to_numpy(), 54)
    assert len(pairs) > 0.97 * len(truth.samples) and len(pairs) > 0.97 * len(found)


def test_matching_is_one_to_one_and_nearest():
    pairs = match(np.array([100, 200, 300]), np.array([95, 104, 250, 297]), 10)
    assert pairs.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("kind", ["edf", "csv"])
def test_other_formats_and_rates_find_the_same_beats(kind, screened, record, weights, tmp_path):
    signal, fs_hz = wfdb.rdrecord(str(record), channels=[0]).p_signal[:, 0], 250
    signal = np.interp(
        np.arange(0, len(signal) / 360 - 1, 1 / fs_hz), np.arange(len(signal)) / 360, signal
    )
    path = tmp_path / f"{record.name}.{kind}"
    if kind == "edf":
        signal = signal[: len(signal) // fs_hz * fs_hz]
        edfio.Edf(
            [edfio.EdfSignal(signal * 1000, fs_hz, label="ECG II", physical_dimension="uV")]
        ).write(path)
    else:
        pd.DataFrame(
            {"time_s": np.arange(len(signal)) / fs_hz, "V5": 0 * signal, "II (uV)": signal * 1000}
        ).to_csv(path, index=False)
    findings = run(path, weights, tmp_path / "out", "--false-alarms-per-hour", 60)
    ours, theirs = findings.table["sample"].to_numpy(), screened[0].table["sample"].to_numpy()
    assert findings.source.lead in ("ECG II", "II") and len(match(ours, theirs, 5)) > 0.97 * len(
        theirs
    )
    assert wfdb.rdann(str(tmp_path / "out" / record.name), "b2i").fs == fs_hz


def test_streaming_gives_what_one_go_gives(record, weights, tmp_path, monkeypatch):
    whole = run(record, weights, tmp_path / "a", "--context", "none")
    monkeypatch.setattr(screen, "BLOCK_S", 100.0)
    parts = run(record, weights, tmp_path / "b", "--context", "none")
    np.testing.assert_array_equal(whole.table["sample"], parts.table["sample"])
    np.testing.assert_allclose(whole.table["score"], parts.table["score"], atol=1e-3)
    np.testing.assert_array_equal(whole.table["group"], parts.table["group"])


def write(folder, signal, name="r1", fs_hz=360):
    wfdb.wrsamp(
        name,
        fs=fs_hz,
        units=["mV"],
        sig_name=["MLII"],
        fmt=["16"],
        p_signal=signal[:, None],
        write_dir=str(folder),
        adc_gain=[200],
        baseline=[0],
    )
    return folder / name


def test_unreadable_stretches_are_listed_and_not_scored(record, weights, tmp_path):
    signal, rng = wfdb.rdrecord(str(record), channels=[0]).p_signal[:, 0], np.random.default_rng(0)
    at = {"missing": 60, "flat": 100, "at a rail": 140, "noise": 180}
    second = lambda reason: slice(at[reason] * 360, (at[reason] + 12) * 360)
    signal[second("missing")] = np.nan
    signal[second("flat")] = 0.1
    signal[second("at a rail")] = np.where(
        np.arange(12 * 360) % 180 < 120, 5, signal[second("at a rail")]
    )
    signal[second("noise")] += 1.5 * rng.standard_normal(12 * 360)
    findings = run(write(tmp_path, signal), weights, tmp_path)
    for reason, start_s in at.items():
        found = [r for a, b, r, _ in findings.bad if a / 360 < start_s + 6 < b / 360]
        assert found == [reason]
        inside = (findings.table["sample"] / 360 - start_s).between(1, 11)
        assert not inside.any(), reason
    assert findings.unreadable_s == pytest.approx(48, abs=8)
    found = wfdb.rdann(str(tmp_path / "r1"), "b2i")
    assert found.symbol.count("~") == 2 * len(findings.bad)


def test_named_annotations_are_used_instead_of_detection(record, weights, tmp_path):
    findings = run(record, weights, tmp_path, "--annotator", "atr")
    truth = records.read(record)
    assert set(findings.table["sample"]) <= set(truth.samples)


def test_alike_beats_are_one_group():
    t = np.arange(WINDOW)
    wave = lambda width: np.exp(-0.5 * ((t - 140) / width) ** 2)
    shapes, rng = Shapes(wave(6)), np.random.default_rng(0)
    wide = wave(25) + 0.02 * rng.standard_normal((3000, WINDOW))
    usual = wave(6) + 0.02 * rng.standard_normal((10, WINDOW))
    index = shapes.add(np.concatenate([wide, usual]), np.array(["on time"] * 3000 + ["early"] * 10))
    assert [group.count for group, _ in shapes.merged()] == [3000, 10]
    assert len(set(index)) == 2 and shapes.merged()[1][0].timing == "early"


@pytest.mark.parametrize(
    "make, more, words",
    [
        (lambda f: f / "nothing", (), "no recording"),
        (lambda f: _file(f / "a.csv", b"\xff\xfe\x00binary"), ("--fs", 360), "not a text file"),
        (lambda f: _file(f / "a.edf", b"no edf at all"), (), "cannot be read as EDF"),
        (lambda f: _file(f / "a.dat", b"1234"), (), "no recording"),
        (lambda f: _csv(f, np.sin(np.arange(20_000) / 30)), (), "--fs"),
        (lambda f: _csv(f, np.sin(np.arange(20_000) / 30), 250), ("--fs", 360), "--fs says 360 Hz"),
        (lambda f: write(f, np.random.default_rng(0).standard_normal(1800)), (), "5.0 s long"),
        (lambda f: write(f, np.zeros(36_000)), (), "unreadable throughout"),
        (lambda f: write(f, np.full(36_000, np.nan)), (), "unreadable throughout"),
        (lambda f: write(f, np.sin(np.arange(36_000) / 2000)), (), "no R peaks|unreadable"),
        (lambda f: write(f, np.zeros(36_000), fs_hz=50), (), "50 Hz"),
        (lambda f: write(f, np.zeros(36_000)), ("--lead", "V9"), "no lead V9; it has MLII"),
        (lambda f: write(f, np.zeros(36_000)), ("--annotator", "qrs"), "r1.qrs is missing"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_earlier_outputs(make, more, words, weights, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "r1.csv").write_text("earlier")
    with pytest.raises(BadInput, match=words) as error:
        screen.screen_all(_with_paths(options_for(weights, out, *more), make(tmp_path)))
    assert "\n" not in str(error.value)
    assert [p.name for p in out.iterdir()] == ["r1.csv"] and (
        out / "r1.csv"
    ).read_text() == "earlier"


def _with_paths(opt, *paths):
    opt.screen = [str(path) for path in paths]
    return opt


def _file(path, content):
    path.write_bytes(content)
    return path


def _csv(folder, values, fs_hz=None):
    columns = {} if fs_hz is None else {"time_s": np.arange(len(values)) / fs_hz}
    pd.DataFrame(columns | {"II": values}).to_csv(folder / "r1.csv", index=False)
    return folder / "r1.csv"


def test_two_recordings_of_one_name_do_not_overwrite_each_other(record, weights, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for ending in (".hea", ".dat"):
            shutil.copy(record.with_suffix(ending), tmp_path / name)
    opt = options_for(weights, tmp_path / "out")
    opt.screen = [str(tmp_path / "a"), str(tmp_path / "b")]
    with pytest.raises(BadInput, match="two recordings are called"):
        screen.screen_all(opt)
    assert not (tmp_path / "out").exists()


def test_a_recording_is_not_overwritten_by_its_results(record, weights, tmp_path):
    signal = wfdb.rdrecord(str(record), channels=[0]).p_signal[:, 0]
    path = tmp_path / "night.csv"
    np.savetxt(path, signal[:36_000], header="MLII", comments="", fmt="%.3f")
    before = path.read_bytes()
    with pytest.raises(BadInput, match="overwritten"):
        run(path, weights, tmp_path, "--fs", 360)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_results_in_a_folder_are_no_recordings(record, weights, tmp_path):
    for ending in (".hea", ".dat"):
        shutil.copy(record.with_suffix(ending), tmp_path)
    opt = options_for(weights, tmp_path)
    opt.screen = [str(tmp_path)]
    for _ in range(2):
        screen.screen_all(opt)
    assert (tmp_path / f"{record.name}.csv").exists()


def test_first_minutes_that_cannot_be_read_are_passed_over(record, weights, tmp_path):
    signal = wfdb.rdrecord(str(record), channels=[0]).p_signal[:, 0]
    signal[: 150 * 360] = 0.1
    findings = run(write(tmp_path, signal), weights, tmp_path, "--calibration-minutes", 1)
    assert np.ptp(findings.alarm.usual_mv) > 0.5


@pytest.mark.parametrize("name", ["b2igan-seed", "beatgan", "knn-image"])
def test_other_detectors_screen_too(name, data, record, tmp_path):
    opt = options.parse("main", ["--model", name])
    detector = MODELS[name](complete_options(opt)).eval()
    beats = data.beats(np.flatnonzero(data.index["class"] == "N")[:64])
    beats.image = screen.images(beats.beat_mv, detector.image or "complex")
    for learn in (lambda b, _: detector.prepare(b), detector.finish, detector.fit_error_map):
        learn(beats, beats)
    reference = {"none": np.quantile(detector.score(beats), np.linspace(0, 1, 101)).tolist()}
    checkpoint = checkpoints.Checkpoint(
        name,
        detector.opt,
        data.manifest["settings"],
        "simulated",
        0,
        detector.state_dict(),
        reference=reference,
        finished=True,
    )
    checkpoint.save(tmp_path / "weights.pt")
    signal = wfdb.rdrecord(str(record), channels=[0]).p_signal[: 60 * 360, 0]
    findings = run(
        write(tmp_path, signal), tmp_path / "weights.pt", tmp_path, "--false-alarm-rate", 0.5
    )
    assert (
        findings.flagged.any()
        and findings.table.loc[findings.flagged, "span_start_s"].notna().any()
    )
    assert findings.panels and all(np.isfinite(panel.error).all() for panel in findings.panels)


def test_in_a_folder_the_others_are_still_screened(record, weights, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for file in record.parent.glob(f"{record.name}.*"):
        shutil.copy(file, folder)
    write(folder, np.zeros(36_000), "flat")
    command = [
        sys.executable,
        "main.py",
        "--screen",
        folder,
        "--outf",
        out,
        "--checkpoint",
        weights,
        "--device",
        "cpu",
    ]
    result = subprocess.run([str(c) for c in command], cwd=ROOT, capture_output=True, text=True)
    assert (
        result.returncode == 2
        and "1 of 2 recordings" in result.stderr
        and "unreadable throughout" in result.stderr
    )
    assert "Traceback" not in result.stderr and (out / f"{record.name}.html").exists()
    assert "beats to look at" in result.stdout


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError(28, "No space left on device"), "No space left"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_full_disk_or_an_interrupt_leaves_nothing_half_written(
    error, words, record, weights, tmp_path, monkeypatch
):
    def fail(*_):
        raise error

    (tmp_path / f"{record.name}.csv").write_text("earlier")
    monkeypatch.setattr(screen.screen_page, "render", fail)
    with pytest.raises(BadInput, match=words):
        screen.screen_all(_with_paths(options_for(weights, tmp_path), record))
    assert [p.name for p in tmp_path.iterdir()] == [f"{record.name}.csv"]
    assert (tmp_path / f"{record.name}.csv").read_text() == "earlier"


# ------------------------------------------------------------------------------------------------ in a real browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium, driver = (
        next((p for name in names if (p := shutil.which(name))), None)
        for names in (("chromium", "chromium-browser", "google-chrome"), ("chromedriver",))
    )
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (chromium and driver):
        pytest.skip("there is no Chromium with its chromedriver here")
    settings = webdriver.ChromeOptions()
    settings.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={profile}",
        "window-size=1280,1000",
    ):
        settings.add_argument(f"--{flag}")
    settings.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    page = webdriver.Chrome(options=settings, service=webdriver.ChromeService(driver))
    yield page
    page.quit()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_opens_zooms_and_shows_a_group_without_network_or_errors(
    scheme, browser, screened, record
):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    findings, out = screened
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get((out / f"{record.name}.html").as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    ]
    assert all(url.startswith(("file:", "data:", "about:")) for url in asked), asked
    assert str(int(findings.flagged.sum())) in browser.title

    look = lambda: browser.find_element(By.ID, "where").text
    drawn = lambda: browser.execute_script("return document.getElementById('timeline').toDataURL()")
    whole, picture = look(), drawn()
    browser.find_element(By.ID, "timeline").send_keys("+")
    assert look() != whole and drawn() != picture
    browser.find_element(By.ID, "all").click()
    assert look() == whole
    browser.find_element(By.TAG_NAME, "body").send_keys("n")
    assert "shape" in browser.find_element(By.ID, "said").text

    browser.find_element(By.TAG_NAME, "body").send_keys("j")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    group = browser.find_element(By.CSS_SELECTOR, "details[open]")
    canvases = group.find_elements(By.TAG_NAME, "canvas")
    assert len(canvases) >= 4
    for canvas in canvases:
        colours = browser.execute_script(
            "const c = arguments[0]; return new Set(new Uint32Array(c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.buffer)).size",
            canvas,
        )
        assert colours > 3
    assert not browser.get_log("browser")
    assert os.path.getsize(out / f"{record.name}.html") < 8e6
