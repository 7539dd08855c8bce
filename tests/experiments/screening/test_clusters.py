"""Alike beats are one cluster, however many."""

import numpy as np

from experiments.screening.clusters import (
    MOST_CLUSTERS,
    MOST_EXAMPLES,
    Clusters,
    Example,
    timing_of,
)
from preprocess.beats import WINDOW

TIMES = np.arange(WINDOW)


def wave(width):
    return np.exp(-0.5 * ((TIMES - 140) / width) ** 2)


def noisy(beat_mv, n):
    return beat_mv + 0.02 * np.random.default_rng(0).standard_normal((n, WINDOW))


def test_alike_beats_are_one_cluster():
    clusters = Clusters(wave(6))
    beats_mv = np.concatenate([noisy(wave(25), 3000), noisy(wave(6), 10)])
    index = clusters.add(beats_mv, np.array(["on time"] * 3000 + ["early"] * 10))
    merged = clusters.merged()
    assert [cluster.count for cluster, _ in merged] == [3000, 10]
    assert len(set(index)) == 2 and merged[1][0].timing == "early"


def test_the_usual_shape_is_told_apart_by_its_timing_others_are_not():
    clusters = Clusters(wave(6))
    timing = np.array(["early", "late"] * 5)
    assert len(set(clusters.add(noisy(wave(6), 10), timing))) == 2
    assert len(set(clusters.add(noisy(wave(25), 10), timing))) == 1


def test_a_shape_much_higher_is_another():
    clusters = Clusters(wave(6))
    beats_mv = np.stack([wave(25), 1.5 * wave(25), 4 * wave(25)])
    first, alike, higher = clusters.add(beats_mv, np.array(["on time"] * 3))
    assert first == alike != higher


def test_clusters_are_no_more_than_the_most_and_count_every_beat():
    clusters = Clusters(wave(6))
    beats_mv = np.random.default_rng(0).standard_normal((MOST_CLUSTERS + 50, WINDOW))
    index = clusters.add(beats_mv, np.array(["on time"] * len(beats_mv)))
    assert index.max() == MOST_CLUSTERS - 1 and len(clusters.clusters) == MOST_CLUSTERS
    assert sum(cluster.count for cluster in clusters.clusters) == len(beats_mv)


def test_examples_are_an_even_draw_and_the_same_in_every_run():
    clusters = Clusters(wave(6))
    clusters.add(noisy(wave(25), 1), np.array(["on time"]))
    cluster = clusters.clusters[0]
    for sample in range(0, 1_000_000, 1000):
        if cluster.wants(sample):
            cluster.add_example(Example(sample, 0.0, wave(25), None, np.ones(3), np.zeros(2)))
    samples = sorted(example.sample for example in cluster.examples.values())
    assert len(samples) == MOST_EXAMPLES and samples[0] < 400_000 and samples[-1] > 600_000
    assert not cluster.wants(10**6 + 1) or len(cluster.examples) == MOST_EXAMPLES


def test_timing_is_against_the_local_rhythm():
    found = timing_of(np.array([0.6, 0.8, 1.2, np.nan]), np.full(4, 0.8))
    assert found.tolist() == ["early", "on time", "late", "on time"]
