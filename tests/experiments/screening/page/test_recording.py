"""The page: whole, offline, and drawn in a real browser."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import wfdb
from matplotlib import colormaps
from screening_runs import lead_of, run

from experiments.reports.style import ERROR_COLOURS
from experiments.screening import corrections
from experiments.screening.page import trace
from experiments.screening.page.recording import TEMPLATES
from experiments.screening.page.words import headline
from preprocess import BadInput
from preprocess.constants import FS_HZ
from preprocess.signal.filters import bandpass

WAIT_S = 120  # at most: a busy machine is slow to draw
COLOURS_DRAWN = """
const c = arguments[0], image = c.getContext('2d').getImageData(0, 0, c.width, c.height);
return new Set(new Uint32Array(image.data.buffer)).size;
"""


def test_the_table_of_colours_is_the_figures_colour_map():
    table = np.loadtxt(TEMPLATES / f"{ERROR_COLOURS}.csv", delimiter=",", skiprows=1)
    expected = colormaps[ERROR_COLOURS](np.arange(256))[:, :3] * 255
    np.testing.assert_array_equal(table, np.round(expected))


def test_the_page_is_whole(screened, record):
    _, out = screened
    text = (out / f"{record.name}.html").read_text(encoding="utf-8")
    assert "http://" not in text and "https://" not in text and "src=" not in text


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
    flags = "headless no-sandbox disable-gpu disable-quic no-first-run window-size=1280,1000"
    flags += " disable-background-networking disable-component-update disable-sync"
    for flag in (*flags.split(), f"user-data-dir={profile}"):
        settings.add_argument(f"--{flag}")
    settings.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    page = webdriver.Chrome(options=settings, service=webdriver.ChromeService(driver))
    yield page
    page.quit()


def complaints(browser):
    """What the browser said of the page; its own start page, slow to open, is not ours."""
    own = "chrome://"
    return [said for said in browser.get_log("browser") if not said["message"].startswith(own)]


def test_page_opens_zooms_and_shows_a_cluster_without_network_or_errors(browser, screened, record):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    findings, out = screened
    # opened, with nothing asked of the network
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get((out / f"{record.name}.html").as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [request["request"]["url"] for request in requests]
    assert all(url.startswith(("file:", "data:", "about:")) for url in asked), asked
    assert headline(findings.summary, findings.flagged.sum()) in browser.title

    # zoomed, and to the next beat
    look = lambda: browser.find_element(By.ID, "where").text
    drawn = lambda: browser.execute_script("return document.getElementById('timeline').toDataURL()")
    whole, picture = look(), drawn()
    wait = WebDriverWait(browser, WAIT_S)
    browser.find_element(By.ID, "timeline").send_keys("+")
    wait.until(lambda _: look() != whole and drawn() != picture, "it zooms")
    browser.find_element(By.ID, "all").click()
    wait.until(lambda _: look() == whole, "all of it is shown again")
    browser.find_element(By.TAG_NAME, "body").send_keys("n")
    wait.until(lambda _: "shape" in browser.find_element(By.ID, "said").text, "a beat is named")

    # a cluster opened: it is filled when the browser tells that it was, a moment after it is open
    browser.find_element(By.TAG_NAME, "body").send_keys("j")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    colours = lambda canvas: browser.execute_script(COLOURS_DRAWN, canvas)
    cluster = lambda: browser.find_element(By.CSS_SELECTOR, "details[open]")
    canvases = lambda _: cluster().find_elements(By.TAG_NAME, "canvas")
    wait.until(lambda page: len(canvases(page)) >= 4, "a cluster shows its beat and examples")
    wait.until(lambda page: all(colours(c) > 3 for c in canvases(page)), "all of it is drawn")
    assert not complaints(browser)


def test_the_whole_trace_lies_beside_the_page_of_a_long_recording(
    browser, record, weights, tmp_path, monkeypatch
):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    # beside the page, in pieces; what a page without it leaves is gone
    monkeypatch.setattr(trace, "MOST_INSIDE_S", 0)
    monkeypatch.setattr(trace, "PIECE_S", 100)
    run(record, weights, tmp_path)
    beside = tmp_path / f"{record.name}.trace"
    signal_mv = bandpass(lead_of(record))[:: FS_HZ // trace.TRACE_HZ]
    pieces = int(np.ceil(len(signal_mv) / trace.TRACE_HZ / trace.PIECE_S))
    assert {path.name for path in beside.iterdir()} == {f"{k}.js" for k in range(pieces)}

    # a click on the timeline shows the ECG there, across the edge of two pieces too
    page = tmp_path / f"{record.name}.html"
    browser.get(page.as_uri())
    ask = browser.execute_script
    ask("$('timeline').scrollIntoView(); go(100);")
    timeline = browser.find_element(By.ID, "timeline")
    ActionChains(browser).move_to_element(timeline).click().perform()
    a, b = 99 * trace.TRACE_HZ, 101 * trace.TRACE_HZ
    there = lambda: ask("return Array.from(samples(0, arguments[0], arguments[1]))", a, b)
    wait = WebDriverWait(browser, WAIT_S)
    wait.until(lambda _: None not in there(), "its pieces are loaded")
    np.testing.assert_allclose(there(), signal_mv[a:b], atol=trace.STEP_MV)
    strip = browser.find_element(By.ID, "strip")
    wait.until(lambda _: ask(COLOURS_DRAWN, strip) > 20, "the strip is drawn")
    assert not complaints(browser)

    (beside / "mine.txt").touch()
    with pytest.raises(BadInput, match="holds other files"):
        run(record, weights, tmp_path, "--no-trace")
    (beside / "mine.txt").unlink()
    run(record, weights, tmp_path, "--no-trace")
    assert not beside.exists()
    browser.get(page.as_uri())
    assert not browser.find_element(By.ID, "strip").is_displayed() and not complaints(browser)


def test_the_print_is_a_report_of_few_pages_in_true_millimetres(browser, record, weights, tmp_path):
    run(record, weights, tmp_path, "--pdf")
    printed = (tmp_path / f"{record.name}.pdf").read_bytes()
    assert 2 <= len(re.findall(rb"/Type /Page\b", printed)) <= 6
    assert b"/MediaBox [0 0 594.9" in printed  # A4

    # as wide as A4 between its margins: nothing sticks out, so that nothing is made smaller
    browser.get((tmp_path / f"{record.name}.html").as_uri())
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    widths = browser.execute_script("""
        drawReport();
        const of = c => [c.getBoundingClientRect().width, c.width / 2];
        const strips = document.querySelectorAll("figure canvas");
        return [$("report").scrollWidth, ...Array.from(strips, of).flat()];
    """)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page_px = 186 / 25.4 * 96
    assert widths[0] <= np.ceil(page_px) and len(widths) > 4
    np.testing.assert_allclose(widths[1:], page_px, atol=0.5)
    assert not complaints(browser)


def test_what_a_reader_corrects_is_told_anew_as_python_tells_it(browser, screened, record):
    findings, out = screened
    table, generator = findings.table, np.random.default_rng(0)
    n, source = len(table), findings.source
    one_of = lambda letters: str(generator.choice(list(letters)))
    browser.get((out / f"{record.name}.html").as_uri())

    def random_edits():
        for _ in range(5):
            start, long = generator.integers(n), generator.integers(1, 20)
            beats = np.arange(start, min(start + long, n), generator.integers(1, 4))
            yield {"beats": table["sample"][beats].tolist(), "kind": one_of("VVVSSFQN|")}
        for _ in range(generator.integers(3)):
            yield {"added": int(generator.integers(source.n)), "kind": one_of("NVS")}
        if generator.random() < 0.5:
            at_s = generator.random() * source.duration_s
            yield {"noise": [at_s, at_s + generator.random() * 20]}
        if findings.episodes and generator.random() < 0.3:
            episode = findings.episodes[generator.integers(len(findings.episodes))]
            if episode.code not in corrections.OF_KINDS:
                yield {"removed": [episode.code, episode.start]}

    for _ in range(200):  # of five corrections and more
        summary, episodes, saved, beats = browser.execute_script(
            "edits.splice(0, edits.length, ...arguments[0]); apply();"
            "const stays = [...sample.keys()].filter(i => !isOut(i));"
            "const beats = stays.map(i => [sample[i], rr[i]]);"
            "return [now.summary, now.episodes, correctionsJson(), beats];",
            list(random_edits()),
        )
        expected = corrections.apply(findings, saved)
        told = [(e["code"], e["start"], e["end"], e["beats"]) for e in episodes]
        assert sorted(told) == sorted((e.code, e.start, e.end, e.beats) for e in expected.episodes)
        rr_ms = expected.table["rr_s"].fillna(0).clip(upper=65.535) * 1000
        of_beats = np.c_[expected.table["sample"], rr_ms]
        np.testing.assert_allclose(np.reshape(beats, (-1, 2)), of_beats, atol=0.51)
        assert summary.pop("hrv").items() <= expected.summary.pop("hrv").items()  # without LF, HF
        for name, of_python in expected.summary.items():
            if name not in ("schema", "episodes", "alarms", "not_judged", "recording"):
                assert summary[name] == of_python, name
    assert not complaints(browser)


def test_corrections_are_saved_taken_back_and_read(browser, screened, record, weights, tmp_path):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    findings, out = screened
    settings = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", settings)
    browser.get((out / f"{record.name}.html").as_uri())
    body, ask = browser.find_element(By.TAG_NAME, "body"), browser.execute_script
    v = lambda: ask("return now.summary.ventricular.count")
    before = v()

    # a beat that was missed becomes V by a key, a whole shape F; a beat is none; one is taken back
    missed = int(np.flatnonzero(~findings.flagged)[20])
    ask("choose(arguments[0])", missed)
    body.send_keys("v")
    assert v() == before + 1
    ask("choose(arguments[0])", missed + 1)
    body.send_keys("xvu")  # after x nothing is picked: v does nothing
    assert v() == before + 1 and not ask("return now.out.includes(1)")
    ask("choose(arguments[0])", int(np.flatnonzero(findings.table["cluster"] == 0)[0]))
    body.send_keys("F")
    tag = browser.find_element(By.CSS_SELECTOR, "details[data-cluster='0'] .kind")
    assert tag.text == "F"
    cards = browser.find_element(By.ID, "cards").text
    assert f"{ask('return now.summary.beats.f')} fusion" in cards

    # one is added between two others, by a double click on the strip
    between = findings.table["sample"][[missed, missed + 1]].mean() / FS_HZ
    ask("go(arguments[0] + 4 / speed()); $('strip').scrollIntoView();", between)
    ActionChains(browser).double_click(browser.find_element(By.ID, "strip")).perform()
    wait = WebDriverWait(browser, WAIT_S)
    wait.until(lambda _: ask("return added.size") == 1, "it is added")
    of_others = v()
    body.send_keys("v")
    assert v() == of_others + 1

    # annotations, and the corrections themselves
    for button, ending in (("save", ".b2ic"), ("save-json", ".corrections.json")):
        ask("$(arguments[0]).click()", button)
        wait.until(lambda _, e=ending: (tmp_path / f"{record.name}{e}").exists(), "it is saved")
    given = tmp_path / f"{record.name}.corrections.json"
    run(record, weights, tmp_path / "again", "--corrections", given)
    saved = wfdb.rdann(str(tmp_path / record.name), "b2ic")
    again = wfdb.rdann(str(tmp_path / "again" / record.name), "b2i")
    assert saved.fs == findings.source.fs_hz
    for symbols in ("NVSFQ", "+", "~", "[]"):
        pairs = [
            [(at, s) for at, s in zip(a.sample, a.symbol) if s in symbols] for a in (saved, again)
        ]
        assert pairs[0] == pairs[1]
    table = pd.read_csv(tmp_path / "again" / f"{record.name}.csv")
    kinds = table["kind"]
    assert (kinds[missed : missed + 2] == "V").all() and table["score"].isna().sum() == 1
    assert (kinds[table["shape"] == 1] == "F").all()

    # of another recording, or none at all, they are refused
    for text in (given.read_text().replace(record.name, "other"), "{}"):
        given.write_text(text)
        with pytest.raises(BadInput, match="corrections"):
            run(record, weights, tmp_path / "again", "--corrections", given)
    assert not complaints(browser)
