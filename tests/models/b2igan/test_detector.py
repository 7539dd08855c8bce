"""The method: it learns, its parts can be read apart, strangers are judged without what was learnt of others by name."""

import numpy as np
import pytest
import torch

from models.b2igan.detector import B2IGAN, discriminator_loss, evenly_by_record, generator_loss
from models.b2igan.networks import Decoder, Discriminator, Encoder
from models.compared.b2igan_original import B2IGANSeed
from preprocess import spectrogram
from preprocess.synthetic import synthetic


def options(**more):
    return B2IGAN.defaults | {"seed": 0, "w_adv": 1.0, "protocol": "beatgan", "without": []} | more


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
    detector.learn_where(data.beats(normal[::2]), data.beats(normal[1::4]))
    return (
        detector.eval(),
        losses,
        data.beats(normal[3::4]),
        data.beats(np.flatnonzero(data.index["class"] == "V")),
    )


def test_it_learns(trained):
    _, losses, _, _ = trained
    for name in ("g_rec", "d_class"):
        assert np.mean([x[name] for x in losses[-5:]]) < np.mean([x[name] for x in losses[:5]])


def test_ventricular_beats_score_above_normal_ones_in_every_part(trained):
    detector, _, normal, ventricular = trained
    low, high = detector.read(normal)[0], detector.read(ventricular)[0]
    assert low.shape == (len(normal), 3)
    assert (np.median(high, 0) > np.quantile(low, 0.9, axis=0)).all()


def test_parts_of_unseen_normal_beats_are_on_a_common_scale(trained):
    detector, _, normal, _ = trained
    parts = detector.read(normal)[0]
    assert (np.abs(np.median(parts, 0)) < 0.7).all()


def test_generated_image_gives_a_normal_beat_back(trained):
    detector, _, normal, ventricular = trained
    own = np.square(detector.generate(normal) - normal.image).mean()
    assert own < 0.5 * np.square(normal.image).mean()
    assert np.square(detector.generate(ventricular) - ventricular.image).mean() > 2 * own


def test_strangers_are_judged_by_the_latent_alone_and_without_names(data):
    normal = np.flatnonzero(data.index["class"] == "N")[:600]
    detector = B2IGAN(options(protocol="interpatient"))
    detector.prepare(data.beats(normal))
    assert (
        detector.opt["records"] == ["anyone"] and detector.discriminator.classes.out_features == 2
    )
    detector.training_step(data.beats(normal[:128]))
    detector.finish(data.beats(normal[::2]), data.beats(normal[1::2]))
    beats = data.beats(normal[:50])
    np.testing.assert_allclose(detector.score(beats), detector.read(beats)[0][:, 0])


def test_a_part_left_out_has_no_say(trained):
    detector, _, _, ventricular = trained
    parts = detector.read(ventricular)[0]
    try:
        detector.opt["without"] = ["features"]
        np.testing.assert_allclose(detector.score(ventricular), parts[:, 0] + parts[:, 2])
    finally:
        detector.opt["without"] = []


def test_discriminator_step_leaves_the_generator_alone():
    encoder, decoder, discriminator = Encoder(), Decoder(), Discriminator(3)
    real, record = torch.randn(8, 2, 32, 32), torch.randint(3, (8,))
    loss, _, named = discriminator_loss(
        discriminator, real, torch.randn_like(real), decoder(encoder(real)), record
    )
    loss.backward()
    assert all(p.grad is None for p in [*encoder.parameters(), *decoder.parameters()])
    assert set(named) == {"d_class", "d_reality"} and all(
        isinstance(v, float) for v in named.values()
    )


def test_feature_matching_counts_by_its_weight():
    discriminator, real, latent = (
        Discriminator(3).eval(),
        torch.randn(8, 2, 32, 32),
        torch.randn(8, 48),
    )
    generated, features = torch.randn_like(real), torch.randn(8, 64)
    values = [
        generator_loss(discriminator, real, generated, latent, features, w)[0].item()
        for w in (0, 1, 2)
    ]
    assert values[0] < values[1] and values[2] - values[1] == pytest.approx(
        values[1] - values[0], rel=1e-3
    )


def test_strongest_point_is_where_most_is_wrong_and_marks_stay(trained):
    localiser = trained[0].localiser
    level = localiser.mark_from.item()
    error = np.full((1, 320), level - 1)
    error[0, 40:60], error[0, 140:160] = (
        level + 2,
        level + 1,
    )  # surer of the first, but the second departs further
    departure_mv = np.zeros((1, 320))
    departure_mv[0, 40:60], departure_mv[0, 140:160] = 0.1, 1.0
    sized = localiser.sized(error, departure_mv)
    assert 140 <= sized.argmax() < 160
    np.testing.assert_array_equal(sized > level, error > level)
    np.testing.assert_array_equal(sized[error <= level], error[error <= level])


def test_synthetic_anomalies_differ_from_their_beats_and_stay_in_range(data):
    beats = torch.as_tensor(data.beats(np.flatnonzero(data.index["class"] == "N")[:700]).beat_mv)
    torch.manual_seed(0)
    wrong = synthetic(beats)
    assert torch.isfinite(wrong).all() and wrong.abs().max() < 6 * beats.abs().max()
    changed = (wrong - beats).abs().amax(1) > 0.02
    assert changed.float().mean() > 0.9


def test_memory_holds_as_many_beats_of_each_record():
    record = np.array(["a"] * 1000 + ["b"] * 100 + ["c"] * 10)
    chosen = record[evenly_by_record(record, 150)]
    assert [(chosen == name).sum() for name in "abc"] == [50, 50, 10]
    assert (
        len(evenly_by_record(np.repeat(np.arange(200).astype(str), 8), 160)) == 200
    )  # many short records


def test_original_networks_have_the_original_size():
    detector = B2IGANSeed(B2IGANSeed.defaults | {"w_adv": 1.0, "seed": 0})
    count = lambda module: sum(p.numel() for p in module.parameters())
    assert count(detector.generator) == 8_084_288 and count(detector.discriminator) == 2_812_800


def test_original_learns_too(data):
    torch.manual_seed(0)
    beats = data.beats(np.flatnonzero(data.index["class"] == "N")[:8])
    beats.image = spectrogram.images(beats.beat_mv, "seed").numpy()
    detector = B2IGANSeed(B2IGANSeed.defaults | {"w_adv": 1.0, "seed": 0, "lr": 1e-3})
    losses = [detector.training_step(beats) for _ in range(6)]
    assert losses[-1]["g_rec"] < losses[0]["g_rec"]
    detector.finish(beats, beats)
    assert detector.score(beats).shape == (8,) and detector.error_map(beats).shape == (
        8,
        1,
        128,
        128,
    )
