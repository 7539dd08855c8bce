"""Alike beats are one cluster, however many."""

import numpy as np

from experiments.screening.clusters import MOST_CLUSTERS, MOST_EXAMPLES, Clusters, Example
from preprocess.constants import WINDOW

rng = np.random.default_rng(0)


def waves(width, n=1):
    """(n, 320): beats of one shape, with a little noise."""
    beat_mv = np.exp(-0.5 * ((np.arange(WINDOW) - 140) / width) ** 2)
    return beat_mv + 0.02 * rng.standard_normal((n, WINDOW))


def clustered(beats_mv, timing):
    """Clusters of beats whose recording has narrow ones, and the index of each beat's."""
    clusters = Clusters(waves(6)[0])
    return clusters, clusters.add(beats_mv, np.array(timing))


def test_alike_beats_are_one_cluster():
    beats_mv = np.concatenate([waves(25, 3000), waves(6, 10)])
    clusters, index = clustered(beats_mv, ["on time"] * 3000 + ["early"] * 10)
    merged = clusters.merged()
    assert [cluster.count for cluster, _ in merged] == [3000, 10]
    assert len(set(index)) == 2 and merged[1][0].timing == "early"


def test_only_beats_of_usual_shape_are_separated_by_their_timing():
    for width, n_clusters in ((6, 2), (25, 1)):
        _, index = clustered(waves(width, 10), ["early", "late"] * 5)
        assert len(set(index)) == n_clusters


def test_a_shape_much_higher_is_another():
    beats_mv = np.array([[1.0], [1.5], [4.0]]) * waves(25)
    _, (first, alike, higher) = clustered(beats_mv, ["on time"] * 3)
    assert first == alike != higher


def test_clusters_are_no_more_than_the_most_and_count_every_beat():
    beats_mv = rng.standard_normal((MOST_CLUSTERS + 50, WINDOW))
    clusters, index = clustered(beats_mv, ["on time"] * len(beats_mv))
    assert index.max() == MOST_CLUSTERS - 1 and len(clusters.clusters) == MOST_CLUSTERS
    assert sum(cluster.count for cluster in clusters.clusters) == len(beats_mv)


def test_examples_are_an_even_draw():
    clusters, _ = clustered(waves(25), ["on time"])
    cluster = clusters.clusters[0]
    for sample in range(0, 1_000_000, 1000):
        if cluster.wants(sample):
            cluster.add_example(Example(sample, 0.0, waves(25)[0], None, np.ones(3)))
    samples = sorted(example.sample for example in cluster.examples.values())
    assert len(samples) == MOST_EXAMPLES and samples[0] < 400_000 and samples[-1] > 600_000
