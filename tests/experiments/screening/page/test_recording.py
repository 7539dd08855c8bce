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
from experiments.screening.page import trace
from experiments.screening.page.recording import TEMPLATES
from experiments.screening.page.words import headline
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
    signal_mv = bandpass(lead_of(record))[:: FS_HZ // trace.HZ]
    pieces = int(np.ceil(len(signal_mv) / trace.HZ / trace.PIECE_S))
    assert {path.name for path in beside.iterdir()} == {f"{k}.js" for k in range(pieces)}

    # a click on the timeline shows the ECG there, across the edge of two pieces too
    page = tmp_path / f"{record.name}.html"
    browser.get(page.as_uri())
    ask = browser.execute_script
    ask("$('timeline').scrollIntoView(); go(100);")
    timeline = browser.find_element(By.ID, "timeline")
    ActionChains(browser).move_to_element(timeline).click().perform()
    a, b = 99 * trace.HZ, 101 * trace.HZ
    there = lambda: ask("return Array.from(samples(0, arguments[0], arguments[1]))", a, b)
    wait = WebDriverWait(browser, WAIT_S)
    wait.until(lambda _: None not in there(), "its pieces are loaded")
    np.testing.assert_allclose(there(), signal_mv[a:b], atol=trace.STEP_MV)
    strip = browser.find_element(By.ID, "strip")
    wait.until(lambda _: ask(COLOURS_DRAWN, strip) > 20, "the strip is drawn")
    assert not complaints(browser)

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


def test_a_reader_renames_a_shape_and_saves_annotations(browser, screened, record, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait

    findings, out = screened
    settings = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", settings)
    browser.get((out / f"{record.name}.html").as_uri())
    row = browser.find_element(By.CSS_SELECTOR, "details[data-cluster='0']")
    row.find_element(By.TAG_NAME, "summary").click()
    old = findings.kind_of(0)
    new = "F" if old != "F" else "V"
    Select(row.find_element(By.TAG_NAME, "select")).select_by_value(new)
    assert row.find_element(By.CLASS_NAME, "kind").text == new
    browser.find_element(By.ID, "save").click()
    file = tmp_path / f"{record.name}.b2ic"
    WebDriverWait(browser, WAIT_S).until(lambda _: file.exists(), "the file is downloaded")

    saved = wfdb.rdann(str(tmp_path / record.name), "b2ic")
    table = pd.read_csv(out / f"{record.name}.csv")
    is_beat = np.isin(saved.symbol, list("NVSFQ"))
    expected = table["kind"].where(table["shape"] != 1, new)
    assert saved.fs == findings.source.fs_hz and old != new
    np.testing.assert_array_equal(saved.sample[is_beat], table["sample"])
    np.testing.assert_array_equal(np.array(saved.symbol)[is_beat], expected)
    assert f"corrected by a reader: shape 1 {new}".encode() in file.read_bytes()
    assert not complaints(browser)
