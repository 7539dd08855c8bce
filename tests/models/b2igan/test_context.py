"""Parts of the context are on the scale of normal beats, and unseen patients are held against
themselves."""

import numpy as np
from ecg_recording import recording_with_wide_beats
from sklearn.metrics import roc_auc_score

from models.b2igan.context import Context, NegativeLogTail, ScoredRecording


def test_an_unseen_patient_is_held_against_himself():
    recording, wide = recording_with_wide_beats(300, 0.1)
    # All of the patient's latents are far from anyone else's.
    latents = np.random.default_rng(1).normal(5, 0.1, (300, 8)) + 2 * wide[:, None]
    beat_scores, context = np.full(300, 9.0), Context()
    known = [ScoredRecording(recording, beat_scores, latents, ~wide)]
    context.calibrate(known, beat_scores, {"rhythm"})
    parts = context.parts(recording, beat_scores, latents, {"rhythm"})
    assert "beat" not in parts and roc_auc_score(wide, parts["record_latent"]) > 0.95
    assert "record_latent" not in context.parts(recording, beat_scores, None, {"rhythm"})


def test_recordings_are_scored_each_for_itself():
    first, wide = recording_with_wide_beats(120, 0.1)
    second, _ = recording_with_wide_beats(80, 0.3, seed=1)
    second.record[:] = "other"
    context = Context()
    scores = np.random.default_rng(0).normal(size=200)
    context.calibrate([ScoredRecording(first, scores[:120], None, ~wide)], scores, ())
    both = type(first)(
        None,
        np.concatenate([first.beat_mv, second.beat_mv]),
        np.concatenate([first.record, second.record]),
        np.concatenate([first.sample, second.sample]),
        np.concatenate([first.rr_s, second.rr_s]),
    )
    together = context.score(both, scores, None, "record")
    np.testing.assert_allclose(together[:120], context.score(first, scores[:120], None, "record"))
    np.testing.assert_allclose(together[120:], context.score(second, scores[120:], None, "record"))


def test_a_value_becomes_the_negative_logarithm_of_the_share_above_it():
    tail = NegativeLogTail()
    tail.fit(np.arange(1000.0))
    np.testing.assert_allclose(
        tail(np.array([-5, 500, 900])), [0, np.log(2), np.log(10)], atol=0.05
    )
    assert tail(np.array([5000.0])) >= tail(np.array([990.0]))
