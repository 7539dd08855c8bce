"""The method: it learns, its parts can be read apart, and unseen patients are judged without what
was learnt of others by name."""

import numpy as np
import pytest
import torch
from synthetic_beats import reloaded

from models.b2igan.detector import B2IGAN
from options import training_of


def options(**more):
    return (
        training_of("b2igan")
        | {
            "seed": 0,
            "w_adv": 1.0,
            "shared_patients": True,
            "known_recordings": True,
            "without": [],
        }
        | more
    )


@pytest.fixture(scope="module")
def trained(data):
    """A detector after some steps on the cohort's normal beats, and beats of each kind."""
    torch.manual_seed(0)
    normal = np.flatnonzero(data.index["class"] == "N")
    detector, losses = B2IGAN(options()), []
    detector.prepare(data.beats(normal))
    for i in range(60):
        detector.begin_step(i / 60)
        rows = np.random.default_rng(i).choice(normal[::2], 128, replace=False)
        losses.append(detector.training_step(data.beats(np.sort(rows))))
    detector.finish(data.beats(normal[::2]), data.beats(normal[1::4]))
    detector.fit_error_map(data.beats(normal[::2]), data.beats(normal[1::4]))
    ventricular = np.flatnonzero(data.index["class"] == "V")
    return detector.eval(), losses, data.beats(normal[3::4]), data.beats(ventricular)


def test_it_learns(trained):
    _, losses, _, _ = trained
    for name in ("g_rec", "d_class"):
        assert np.mean([x[name] for x in losses[-5:]]) < np.mean([x[name] for x in losses[:5]])


def test_ventricular_beats_score_above_normal_ones_in_every_part(trained):
    detector, _, normal, ventricular = trained
    low, high = detector.standard_parts(normal), detector.standard_parts(ventricular)
    assert low.shape == (len(normal), 3)
    assert (np.median(high, 0) > np.quantile(low, 0.9, axis=0)).all()


def test_parts_of_unseen_normal_beats_are_on_a_common_scale(trained):
    detector, _, normal, _ = trained
    parts = detector.standard_parts(normal)
    assert (np.abs(np.median(parts, 0)) < 0.7).all()


def test_generated_image_gives_a_normal_beat_back(trained):
    detector, _, normal, ventricular = trained
    of_normal = np.square(detector.generate(normal) - normal.image).mean()
    of_ventricular = np.square(detector.generate(ventricular) - ventricular.image).mean()
    assert of_normal < 0.5 * np.square(normal.image).mean()
    assert of_ventricular > 2 * of_normal


def test_unseen_patients_are_judged_by_the_latent_alone_and_without_names(data):
    normal = np.flatnonzero(data.index["class"] == "N")[:600]
    detector = B2IGAN(options(shared_patients=False, known_recordings=False))
    detector.prepare(data.beats(normal))
    assert len(detector.record_names) == 0 and detector.discriminator.classes.out_features == 2
    detector.training_step(data.beats(normal[:128]))
    detector.finish(data.beats(normal[::2]), data.beats(normal[1::2]))
    beats = data.beats(normal[:50])
    np.testing.assert_allclose(detector.score(beats), detector.standard_parts(beats)[:, 0])
    # of a whole recording of theirs no image is read; of a patient met again it is
    assert detector.reads_image("none") and not detector.reads_image("record")
    known = B2IGAN(options(shared_patients=False, known_recordings=True))
    assert known.reads_image("record")


def test_a_part_left_out_has_no_say(trained):
    detector, _, _, ventricular = trained
    parts = detector.standard_parts(ventricular)
    try:
        detector.opt["without"] = ["features"]
        np.testing.assert_allclose(detector.score(ventricular), parts[:, 0] + parts[:, 2])
    finally:
        detector.opt["without"] = []


def test_options_and_a_file_of_tensors_rebuild_it(trained):
    detector, _, normal, ventricular = trained
    other = reloaded(detector).eval()
    assert detector.opt == options(), "training changes no option"
    np.testing.assert_array_equal(other.score(ventricular), detector.score(ventricular))
    np.testing.assert_array_equal(other.errors(normal)[1], detector.errors(normal)[1])
    first, second = (each._classes_of(normal.record) for each in (detector, other))
    assert torch.equal(first, second) and len(first.unique()) > 1


def test_context_is_learned_without_touching_what_it_was_given(trained, data):
    detector, _, normal, _ = trained
    names = data.index["record"].unique()[:2]
    rows = [np.flatnonzero(data.index["record"] == name) for name in names]
    given = [(data.beats(of), (data.index["class"] == "N").to_numpy()[of]) for of in rows]
    detector.fit_context(given, detector.score(normal))
    assert all(beats.image is not None for beats, _ in given)
    for context in ("rhythm", "record"):
        assert np.isfinite(detector.score(given[0][0], context)).all()
