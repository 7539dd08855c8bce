"""The network of kinds learns what labels say, and is written as it was fitted."""

import numpy as np

from experiments import fit_kinds
from experiments.screening.rhythm import kinds
from preprocess.readers.wfdb import Recording

RNG = np.random.default_rng(0)


def made(n=20_000):
    """Beats of which two features tell the kind, one in thirty ventricular or supraventricular."""
    labels = RNG.choice(list("NSV"), n, p=[0.94, 0.03, 0.03])
    features = RNG.standard_normal((n, len(kinds.BEAT_FEATURES)))
    features[:, kinds.BEAT_FEATURES.index("difference")] += 6 * (labels == "V")
    features[:, kinds.BEAT_FEATURES.index("out_of_rhythm")] += 6 * (labels == "S")
    nowhere = np.zeros(n, bool)
    return fit_kinds.Example("a", "1", features, labels, np.arange(n), nowhere)


def test_what_tells_a_kind_is_learnt_and_unlabelled_beats_are_passed_over():
    known, other = made(), made()
    unknown = made()._replace(labels=np.full(20_000, ""))
    arrays = fit_kinds.fit([known, unknown])
    shares = kinds.probabilities(other.features, arrays)
    kind, _ = kinds.decide(shares, other.fibrillation, other.fibrillation)
    assert (kind == other.labels).mean() > 0.98
    again = fit_kinds.fit([known, unknown])
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)


def test_labels_are_the_annotators_and_q_where_they_have_no_beat():
    samples, symbols = np.array([1000, 2000, 3000, 4000]), np.array(["N", "V", "/", "e"])
    recording = Recording("1", "MLII", np.zeros(6000), samples, symbols)
    found = np.array([1010, 1990, 2500, 3000, 4030])
    assert fit_kinds.labels_of(recording, found).tolist() == ["N", "V", "Q", "", "N"]


def test_a_beat_of_a_rare_kind_weighs_more():
    weight = fit_kinds.weights(np.array(list("NNNNNNNNNV")))
    assert weight[-1] > weight[0] and weight[-1] < 9 * weight[0]
