"""Alike beats are one group, however many."""

import numpy as np

from experiments.screening.clusters import MOST_EXAMPLES, MOST_GROUPS, Example, Shapes, timing_of
from preprocess.beats import WINDOW

TIMES = np.arange(WINDOW)


def wave(width):
    return np.exp(-0.5 * ((TIMES - 140) / width) ** 2)


def noisy(beat_mv, n):
    return beat_mv + 0.02 * np.random.default_rng(0).standard_normal((n, WINDOW))


def test_alike_beats_are_one_group():
    shapes = Shapes(wave(6))
    beats_mv = np.concatenate([noisy(wave(25), 3000), noisy(wave(6), 10)])
    index = shapes.add(beats_mv, np.array(["on time"] * 3000 + ["early"] * 10))
    merged = shapes.merged()
    assert [group.count for group, _ in merged] == [3000, 10]
    assert len(set(index)) == 2 and merged[1][0].timing == "early"


def test_the_usual_shape_is_told_apart_by_its_timing_others_are_not():
    shapes = Shapes(wave(6))
    timing = np.array(["early", "late"] * 5)
    assert len(set(shapes.add(noisy(wave(6), 10), timing))) == 2
    assert len(set(shapes.add(noisy(wave(25), 10), timing))) == 1


def test_a_shape_much_higher_is_another():
    shapes = Shapes(wave(6))
    beats_mv = np.stack([wave(25), 1.5 * wave(25), 4 * wave(25)])
    first, alike, higher = shapes.add(beats_mv, np.array(["on time"] * 3))
    assert first == alike != higher


def test_groups_are_no_more_than_the_most_and_count_every_beat():
    shapes = Shapes(wave(6))
    beats_mv = np.random.default_rng(0).standard_normal((MOST_GROUPS + 50, WINDOW))
    index = shapes.add(beats_mv, np.array(["on time"] * len(beats_mv)))
    assert index.max() == MOST_GROUPS - 1 and len(shapes.groups) == MOST_GROUPS
    assert sum(group.count for group in shapes.groups) == len(beats_mv)


def test_examples_are_an_even_draw_and_the_same_in_every_run():
    shapes = Shapes(wave(6))
    shapes.add(noisy(wave(25), 1), np.array(["on time"]))
    group = shapes.groups[0]
    for sample in range(0, 1_000_000, 1000):
        if group.wants(sample):
            group.add_example(Example(sample, 0.0, wave(25), None, np.ones(3), np.zeros(2)))
    samples = sorted(example.sample for example in group.examples.values())
    assert len(samples) == MOST_EXAMPLES and samples[0] < 400_000 and samples[-1] > 600_000
    assert not group.wants(10**6 + 1) or len(group.examples) == MOST_EXAMPLES


def test_timing_is_against_the_local_rhythm():
    found = timing_of(np.array([0.6, 0.8, 1.2, np.nan]), np.full(4, 0.8))
    assert found.tolist() == ["early", "on time", "late", "on time"]
