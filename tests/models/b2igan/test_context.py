"""Parts are on the scale of normal beats, and unseen patients are held against themselves."""

import numpy as np
from ecg_recording import recording_with_wide_beats
from sklearn.metrics import roc_auc_score

from models.b2igan.context import Context, NegativeLogTail, ScoredRecording


def test_an_unseen_patient_is_held_against_himself():
    people = []
    for seed in range(3):
        recording, wide = _with_early_wide_beats(250, seed)
        people.append(ScoredRecording(recording, np.zeros(250), ~wide))
    context = Context(known_recordings=False)
    context.fit(people, np.zeros(20), seed=0)

    recording, wide = _with_early_wide_beats(300, seed=9)
    parts = context.parts(context.values(recording, np.zeros(300)))
    assert roc_auc_score(wide, parts["qrs"]) > 0.95
    # The beat's own window has no say: what other people's beats look like is no measure of his.
    scores = [context.score(recording, of, "record") for of in (np.zeros(300), 9.0 * wide)]
    np.testing.assert_array_equal(*scores)


def _with_early_wide_beats(n, seed):
    recording, wide = recording_with_wide_beats(n, 0.1, seed=seed)
    recording.sample[wide] -= 90
    return recording, wide


def test_recordings_are_scored_each_for_itself():
    first, wide = recording_with_wide_beats(120, 0.1)
    second, _ = recording_with_wide_beats(80, 0.3, seed=1)
    second.record[:] = "other"
    context = Context(known_recordings=True)
    scores = np.random.default_rng(0).normal(size=200)
    context.calibrate([ScoredRecording(first, scores[:120], ~wide)], scores)
    both = type(first)(
        None,
        np.concatenate([first.beat_mv, second.beat_mv]),
        np.concatenate([first.record, second.record]),
        np.concatenate([first.sample, second.sample]),
        np.concatenate([first.rr_s, second.rr_s]),
    )
    together = context.score(both, scores, "record")
    np.testing.assert_allclose(together[:120], context.score(first, scores[:120], "record"))
    np.testing.assert_allclose(together[120:], context.score(second, scores[120:], "record"))


def test_a_value_becomes_the_negative_logarithm_of_the_share_above_it():
    tail = NegativeLogTail()
    tail.fit(np.arange(1000.0))
    np.testing.assert_allclose(
        tail(np.array([-5, 500, 900])), [0, np.log(2), np.log(10)], atol=0.05
    )
    assert tail(np.array([5000.0])) >= tail(np.array([990.0]))
