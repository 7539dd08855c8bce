"""The page of an evaluation says the result, what it is compared with, and what not to believe."""

import re

from experiments.reports import style
from experiments.reports.report import write_overview

METRICS = {
    "model": "b2igan",
    "protocol": "beatgan",
    "fold": 0,
    "seed": 3,
    "context": "none",
    "source": "mitdb",
    "select": "last",
    "uses_anomaly_labels": False,
    "auc": 0.9712,
    "ap": 0.9501,
    "auc_ci": [0.968, 0.974],
    "ap_ci": [0.945, 0.955],
    "per_class_auc": {"S": 0.9, "V": 0.99, "F": 0.95, "Q": None},
    "per_class_ap": {"S": 0.7312, "V": 0.8, "F": 0.4, "Q": None},
    "n_normal": 1000,
    "n_abnormal": 500,
    "per_class_n": {"S": 200, "V": 250, "F": 50, "Q": 0},
    "threshold": 2.5,
    "false_alarm_target": 0.05,
    "false_alarm_rate": 0.048,
    "sensitivity": 0.9,
    "per_class_sensitivity": {"S": 0.8, "V": 0.98, "F": 0.9, "Q": None},
    "ppv": 0.9,
    "f1": 0.9,
    "epochs": 8,
    "train_beats": 60000,
    "parameters": 400000,
}


def overview(tmp_path, metrics):
    figure = style.save(style.new_figure(1, 1), tmp_path / "beats.png")
    listed, path = [("Beats", "One row a beat.", figure)], tmp_path / "overview.html"
    return write_overview(path, metrics, listed, {"lr": 0.001}).read_text(encoding="utf-8")


def text_of(page):
    page = re.sub(r"(?s)<(style|head)>.*?</\1>|<[^>]+>", " ", page)
    return re.sub(r"\s+", " ", page)


def test_overview_needs_nothing_else(tmp_path):
    page = overview(tmp_path, METRICS)
    assert "data:image/png;base64," in page
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", page)
    assert addresses and all(address.startswith("data:") for address in addresses)
    assert not re.search("https?://|@import|<script", page)


def test_overview_says_the_result_and_what_it_is_compared_with(tmp_path):
    text = text_of(overview(tmp_path, METRICS))
    for expected in (
        "0.9712",
        "0.9680 to 0.9740",
        "0.9501",
        "0.9450 to 0.9550",
        "0.9447",
        "0.9108",
        "0.7312",
        "450 are found",
        "48 of the 1 000 normal ones are false alarms",
        "not a medical device",
    ):
        assert expected in text, expected
    assert "SIMULATED" not in text and "LABELLED ABNORMAL BEATS WERE USED" not in text


def test_simulated_data_and_used_labels_cannot_be_missed(tmp_path):
    page = overview(
        tmp_path, METRICS | {"source": "simulated", "uses_anomaly_labels": True, "select": "paper"}
    )
    text = text_of(page)
    assert page.count('class="banner"') == 2 and "<title>[SIMULATED]" in page
    assert text.index("SIMULATED DATA") < text.index("0.9712")
    assert "LABELLED ABNORMAL BEATS WERE USED" in text
    assert "0.9447" not in text  # no published figure beside simulated beats


def test_a_detector_trained_on_simulated_beats_is_told_apart(tmp_path):
    page = overview(tmp_path, METRICS | {"trained_on": "simulated"})
    assert page.count('class="banner"') == 1 and "TRAINED ON SIMULATED DATA" in page
    assert "0.9447" not in page
    assert 'banner" role' not in overview(tmp_path, METRICS | {"trained_on": "mitdb"})


def test_published_figures_stay_with_their_protocol(tmp_path):
    assert "0.9447" not in overview(tmp_path, METRICS | {"protocol": "interpatient"})
