"""A data set of any size, to try training on what memory does not hold.

Beats are sums of Gaussians, other ones for each recording: they say nothing of hearts. Images are
not stored. A beat needs 1.3 kB of disk: ten million 13 GB.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import options
from preprocess import dataset
from preprocess.constants import BEFORE, FS_HZ, LEAD, WINDOW

BEATS_OF_RECORD = 10_000
ABNORMAL_SHARE = 0.1  # share of beats that are wide and early
NOISE_MV = np.float32(0.02)
# P, QRS, T: place from the R peak and width in samples, height in mV.
GAUSSIANS = np.array([(-60, 12, 0.15), (0, 8, 1.2), (90, 18, 0.3)])


def main(argv=None):
    opt = parse(argv)
    make(opt.beats, Path(opt.dataroot))
    print(f"{opt.dataroot}: {opt.beats} beats; train with python main.py --dataroot {opt.dataroot}")


def parse(argv):
    parser = options.parser(
        "python -m experiments.many_beats",
        "A data set of so many synthetic beats, to try training on what memory does not hold.",
        "example:\n  python -m experiments.many_beats --beats 10000000 --dataroot many",
    )
    group = parser.add_argument_group("what to make")
    group.add_argument("--beats", type=options.integer(1000), default=10_000_000, metavar="N")
    group.add_argument("--dataroot", metavar="DIR", required=True, help="folder to write to")
    return parser.parse_args(argv)


def make(n: int, folder: Path) -> None:
    """Write a preprocessed folder of n beats, a recording at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    beat_mv = np.lib.format.open_memmap(folder / "beats.npy", "w+", np.float32, (n, WINDOW))
    starts = range(0, n, BEATS_OF_RECORD)
    for k, start in enumerate(tqdm(starts, desc="beats", unit="recording")):
        rng = np.random.default_rng(k)
        rows = slice(start, min(n, start + BEATS_OF_RECORD))
        table, beat_mv[rows] = _recording(f"m{k:05d}", rows.stop - rows.start, rng)
        table.to_csv(folder / "index.csv", mode="a" if k else "w", header=not k, index=False)
    records = {f"m{k:05d}": "synthetic" for k in range(len(starts))}
    manifest = {
        "settings": dataset.settings("complex", LEAD),
        "source": "synthetic",
        "records": records,
        "beats": n,
        "counts": {},
        "stored_images": False,
        "sha256": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _recording(name, n, rng):
    """Rows of index.csv and beats (n, WINDOW) of one recording."""
    abnormal = rng.random(n) < ABNORMAL_SHARE
    rr_s = np.where(abnormal, 0.55, 0.8) + 0.02 * rng.standard_normal(n)
    at, wide, high = (GAUSSIANS * rng.normal(1, 0.15, GAUSSIANS.shape)).T[:, :, None]  # [3, 1] each
    time = np.arange(WINDOW) - BEFORE
    shapes_mv = [  # normal, abnormal
        (high * np.exp(-(((time - at) / (wide * wider)) ** 2) / 2)).sum(0) for wider in (1, 2)
    ]
    beat_mv = np.float32(shapes_mv)[abnormal.astype(int)]
    beat_mv *= rng.normal(1, 0.05, (n, 1)).astype(np.float32)
    beat_mv += NOISE_MV * rng.standard_normal((n, WINDOW), np.float32)
    columns = {
        "record": name,
        "sample": BEFORE + np.cumsum(np.round(rr_s * FS_HZ)).astype(int),
        "symbol": np.where(abnormal, "V", "N"),
        "class": np.where(abnormal, "V", "N"),
        "peak_distance": 0,
        "rr_before_s": rr_s.round(4),
        "rr_after_s": np.append(rr_s[1:], 0.8).round(4),
        "rr_local_s": 0.8,
    }
    return pd.DataFrame(columns), beat_mv


if __name__ == "__main__":
    options.command(main)
