"""Beats and labels are matched one to one, and kinds and episodes counted."""

import numpy as np

from experiments import agreement, rhythms


def test_each_label_has_one_beat_at_most_and_the_nearest_first():
    reference, found = np.array([100, 200, 300]), np.array([90, 104, 290, 500])
    assert agreement.match(reference, found, 20).tolist() == [[0, 1], [2, 2]]
    assert agreement.match(np.array([100]), np.zeros(0, int), 20).shape == (0, 2)


def test_what_is_called_by_a_kind_is_counted_as_ec57_does():
    classes = np.array(["V", "V", "N", "F", "S", "S"])
    kinds = np.array(["V", "N", "V", "V", "V", "S", "V"])  # the last without a label
    found = agreement.kind_counts(classes, np.append(classes, ""), kinds)
    assert (found["V_right"], found["V_wrong"], found["V_called"]) == (1, 3, 5)
    assert (found["S_right"], found["S_wrong"], found["S_called"]) == (1, 0, 1)


def test_records_are_held_against_their_labels_at_any_rate(cohort, capsys):
    names = [path.stem for path in cohort.glob("*.hea")]
    given = ["--records", str(cohort), "--names", *names]
    (ours, scores, classes), (others, *_) = map(
        agreement.main, (given, [*given, "--resample", "250"])
    )
    for total in (ours.sum(), others.sum()):
        assert total["matched"] > 0.98 * total["beats"] and total["V_right"] > 0.8 * total["V"]
    assert np.median(scores[classes == "V"]) > np.quantile(scores[classes == "N"], 0.95)


def test_episodes_are_held_against_those_of_the_labels(cohort, tmp_path):
    tables = rhythms.main(["--records", str(cohort), "--outf", str(tmp_path)])
    couplets = tables["rhythms"].set_index(["records", "rhythm"]).loc["all", "V couplets"]
    assert couplets["annotated"] > 5 and float(couplets["F1"]) > 75
    assert set(tables["alarms"]["figure"]) == {"0.00"}
