"""Local units forgive beats of a patient whose normals are spread out."""

import numpy as np
import torch

from models.b2igan.memory import Memory, evenly_by_record, means


def test_local_units_ask_how_far_is_usual_there():
    generator = torch.Generator().manual_seed(0)
    tight = 0.1 * torch.randn(700, 4, generator=generator)
    wide = 10 + 2 * torch.randn(300, 4, generator=generator)
    near_tight, near_wide = torch.tensor([[0.8, 0, 0, 0.0]]), torch.tensor([[10, 10, 10, 12.5]])
    plain, local = Memory(5, local=False), Memory(5, local=True)
    for memory in (plain, local):
        memory.fit(torch.cat([tight, wide]), torch.arange(0, 1000, 10))
    # Farther away, though nothing unusual in the wide cloud.
    assert plain(near_wide) > plain(near_tight)
    assert local(near_wide) < local(near_tight)


def test_what_is_remembered_is_no_single_beat_but_means_of_alike_ones():
    generator = torch.Generator().manual_seed(0)
    centres = 20 * torch.randn(30, 8, generator=generator)
    alike = centres.repeat_interleave(40, 0) + torch.randn(1200, 8, generator=generator)
    like_no_other = torch.full((1, 8), 200.0)
    beats = torch.cat([alike, like_no_other])
    memory = Memory(2, local=False)
    memory.fit(beats, torch.arange(0, 1201, 20))
    assert torch.cdist(memory.points, beats).min() > 0.1
    assert torch.cdist(centres, memory.points).amin(1).max() < 1.5
    assert memory(like_no_other) > 100


def test_means_of_members_and_nothing_else():
    values, member = torch.tensor([[1.0], [3.0], [10.0]]), torch.tensor([0, 0, 2])
    found = means(values, member, torch.full((3, 1), -1.0))
    torch.testing.assert_close(found, torch.tensor([[2.0], [-1.0], [10.0]]))


def test_memory_begins_with_as_many_beats_of_each_record():
    record = np.array(["a"] * 1000 + ["b"] * 100 + ["c"] * 10)
    chosen = record[evenly_by_record(record, 150)]
    assert [(chosen == name).sum() for name in "abc"] == [50, 50, 10]
    many_short = np.repeat(np.arange(200).astype(str), 8)
    assert len(evenly_by_record(many_short, 160)) == 200
