"""Noise of the asked strength, where it should be and nowhere else."""

import numpy as np
import pandas as pd
import pytest
import wfdb

from experiments import noise
from preprocess.constants import FS_HZ
from preprocess.readers import wfdb as records


@pytest.fixture(scope="module")
def nstdb(tmp_path_factory):
    """A folder with a wandering baseline and a trembling muscle, two minutes each."""
    folder, rng = tmp_path_factory.mktemp("nstdb"), np.random.default_rng(0)
    n = 120 * FS_HZ
    slow = np.convolve(rng.standard_normal(n + 360), np.ones(361) / 19, "valid")
    for name, signal in (("bw", slow), ("ma", rng.standard_normal(n))):
        wfdb.wrsamp(
            name, FS_HZ, ["mV"], ["noise1"], signal[:, None], fmt=["16"], write_dir=str(folder)
        )
    return folder


@pytest.mark.parametrize("snr_db", [24, 6])
def test_noise_has_the_strength_asked_for_and_leaves_half_alone(cohort, nstdb, snr_db):
    recording, muscle_mv = records.read(cohort / "sim01"), noise.read_noise(nstdb / "ma")
    added = noise.with_noise(recording, muscle_mv, snr_db) - recording.signal_mv
    noisy = noise.in_noise(np.arange(len(added)))
    assert noisy[300 * FS_HZ :].any() and not noisy[: 300 * FS_HZ].any()
    assert (added[~noisy] == 0).all()
    found_db = 10 * np.log10(noise.signal_power(recording) / added[noisy].var())
    assert found_db == pytest.approx(snr_db, abs=0.5)


def test_noisy_stretches_last_two_minutes_and_so_do_clean_ones():
    minutes = noise.in_noise(np.arange(3, 12) * 60 * FS_HZ)
    assert minutes.tolist() == [False, False, True, True, False, False, True, True, False]


def test_command_writes_what_noise_costs(cohort, nstdb, weights, tmp_path, capsys):
    flags = {"--records": cohort, "--noise": nstdb, "--checkpoint": weights, "--snr": 0}
    flags |= {"--outf": tmp_path, "--device": "cpu"}
    noise.main([str(word) for pair in flags.items() for word in pair])
    table = pd.read_csv(tmp_path / "noise.csv")
    assert table["noise"].tolist() == ["none", "bw", "ma"] and table["auc_lost"].iloc[0] == 0
    assert table["auc_lost"].iloc[2] > -0.02 and (table["beats"] == table["beats"].iloc[0]).all()
    assert "context record" in capsys.readouterr().out
