"""The network of kinds learns what labels say, and is written as it was fitted."""

import numpy as np
import torch

from experiments import fit_kinds
from experiments.screening.rhythm import kinds
from preprocess.readers.wfdb import Recording

RNG = np.random.default_rng(0)


def made(n=20_000, leads=2):
    """Beats of which two features tell the kind, one in thirty ventricular or supraventricular."""
    labels = RNG.choice(list("NSV"), n, p=[0.94, 0.03, 0.03])
    of_leads = RNG.standard_normal((n, leads, len(kinds.LEAD_FEATURES)))
    of_leads[:, :, kinds.LEAD_FEATURES.index("difference")] += 6 * (labels == "V")[:, None]
    of_beats = RNG.standard_normal((n, len(kinds.BEAT_FEATURES)))
    of_beats[:, kinds.BEAT_FEATURES.index("out_of_rhythm")] += 6 * (labels == "S")
    itself = np.tile(np.arange(n)[:, None, None], (1, leads, kinds.LIKEST_BEATS))
    seen, nowhere = kinds.Seen(of_leads, of_beats, itself), np.zeros(n, bool)
    return fit_kinds.Example("a", "1", seen, labels, np.arange(n), nowhere)


def test_what_tells_a_kind_is_learnt_and_unlabelled_beats_are_passed_over(tmp_path):
    known, other = made(), made(leads=1)
    fitted = fit_kinds.fit([known, made()._replace(labels=np.full(20_000, ""))])
    shares = kinds.probabilities(other.seen, fitted)
    kind, _ = kinds.decide(shares, other.fibrillation, other.fibrillation)
    assert (kind == other.labels).mean() > 0.98
    fitted.save(tmp_path / "kinds.safetensors")
    again = kinds.probabilities(other.seen, kinds.network(tmp_path / "kinds.safetensors"))
    np.testing.assert_array_equal(again, shares)


def test_pieces_hold_each_beat_once_with_those_beside_it():
    n, labels, reach = 300, np.array(list("NSV" * 100)), fit_kinds.REACH
    x = torch.arange(1.0, n + 1)[None]  # one feature
    piece, classes, weight = fit_kinds.pieces(x, labels, np.ones(n))
    known = classes != fit_kinds.UNKNOWN
    assert piece[:, 0][known].tolist() == x[0].tolist() and weight[known].sum() == n
    assert piece[1, 0, :reach].tolist() == piece[0, 0, -2 * reach : -reach].tolist()


def test_labels_are_the_annotators_and_q_where_they_have_no_beat():
    samples, symbols = np.array([1000, 2000, 3000, 4000]), np.array(["N", "V", "/", "e"])
    recording = Recording("1", "MLII", np.zeros(6000), samples, symbols)
    found = np.array([1010, 1990, 2500, 3000, 4030])
    assert fit_kinds.labels_of(recording, found).tolist() == ["N", "V", "Q", "", "N"]


def test_a_beat_of_a_rare_kind_weighs_more():
    weight = fit_kinds.weights(np.array(list("NNNNNNNNNV")))
    assert weight[-1] > weight[0] and weight[-1] < 9 * weight[0]
