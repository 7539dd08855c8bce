"""The constants of the score of an unseen patient, measured on databases left out.

Each constant in turn is given each of its candidates; the score, whose rhythm was learnt from the
normal beats of the other databases, is measured on MIT-BIH's DS1 and on SVDB, and its false alarms
on QTDB's ordinary patients. It USES LABELS, of abnormal beats too, but for those of DS2, which no
constant was chosen on. Prints and writes a table, and which candidate has the best mean AP; the
numbers in use stand in models/b2igan.
"""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score
from tqdm import tqdm

import options
from experiments.training.protocols import DS1, LEARNING_S, classes_of_ec57
from models.b2igan import context, own_recording
from models.b2igan.context import Context, ScoredRecording
from preprocess import BadInput, dataset
from preprocess.constants import FS_HZ
from preprocess.files import write_text

CANDIDATES = {  # where each stands, and what is tried
    (own_recording, "REFERENCE_NEIGHBOURS"): (5, 10, 20),
    (own_recording, "REFERENCE_SHARE"): (0.2, 0.4, 0.6),
    (context, "NEIGHBOURS_WEIGHT"): (0.0, 0.25, 0.5, 0.75, 1.0),
    (context, "OTHER_QRS"): (np.log(3), np.log(5), np.log(8)),
}
RANKED, COUNTED = ("mitdb", "svdb"), "qtdb"
ASKED_PER_HOUR = 60  # false alarms, on the two that are ranked together
CALIBRATING = 3  # every third recording of the others gives the tails


def main(argv=None):
    opt = parse(argv)
    data = dataset.load(opt.dataroot)
    recordings = read(data)
    fitted = {tested: learnt(recordings, tested, opt.seed) for tested in (*RANKED, COUNTED)}
    rows = []
    for (module, name), candidates in tqdm(CANDIDATES.items(), unit="constant"):
        for value in candidates:
            with patch.object(module, name, value):
                found = measured(recordings, fitted)
            used = bool(np.isclose(value, getattr(module, name)))
            rows.append({"constant": name, "value": round(value, 3), "used": used} | found)
            tqdm.write(str(rows[-1]))
    table = pd.DataFrame(rows)
    best = table.loc[table.groupby("constant")["mean_ap"].idxmax()]
    write_text(table.to_csv(index=False, float_format="%.4f"), Path(opt.outf) / "constants.csv")
    print(f"best:\n{best.to_string(index=False)}\n{Path(opt.outf) / 'constants.csv'}")


def parse(argv):
    made = options.study(
        "fit_constants",
        "The constants of the score of an unseen patient, chosen on databases left out. "
        "Uses labels.",
        "--dataroot DATA, which python -m preprocess --records mitdb svdb qtdb cpsc2021 made",
        groups="dataroot outf seed",
    )
    return made.parse_args(argv)


def read(data) -> dict[str, list[tuple[str, ScoredRecording, np.ndarray]]]:
    """{database: [(name, recording, EC57 class (n,) of its beats)]}, of mitdb DS1 alone."""
    classes, record = classes_of_ec57(data.index), data.index["record"].to_numpy(str)
    found = {}
    for name in np.unique(record):
        database, _, short = name.partition("/")
        if database == "mitdb" and short not in DS1:
            continue
        rows = np.flatnonzero(record == name)
        of_rows = classes[rows]
        beats = data.beats(rows, with_image=False)
        recording = ScoredRecording(beats, np.zeros(len(rows)), of_rows == "N")
        found.setdefault(database, []).append((short, recording, of_rows))
    if missing := {*RANKED, COUNTED} - found.keys():
        raise BadInput(
            f"the data have no {' and no '.join(sorted(missing))}: give python -m preprocess "
            "--records the folders mitdb, svdb, qtdb, and more if you like"
        )
    return found


def learnt(recordings, tested: str, seed: int) -> Context:
    """A context that knows nothing of the database `tested`."""
    others = [each for name, of in recordings.items() if name != tested for _, each, _ in of]
    made = Context(known_recordings=False)
    made.rhythm.fit([(each.beats.sample, each.normal) for each in others], seed)
    return made


def measured(recordings, fitted) -> dict[str, float]:
    """Figures on each database, by what was learnt from the others."""
    figures, scores = {}, {}
    for database, made in fitted.items():
        # The tails are of the same constants as what is scored.
        others = [each for name, of in recordings.items() if name != database for _, each, _ in of]
        made.calibrate(others[::CALIBRATING], np.zeros(2))
        scores[database] = [
            made.score(each.beats, each.beat_scores, "record")
            for _, each, _ in recordings[database]
        ]
    for database in RANKED:
        score, is_abnormal = pooled(recordings[database], scores[database])
        figures |= {
            f"{database}_auc": roc_auc_score(is_abnormal, score),
            f"{database}_ap": average_precision_score(is_abnormal, score),
        }
    figures["mean_ap"] = np.mean([figures[f"{database}_ap"] for database in RANKED])
    hours = lambda each: np.ptp(each.beats.sample) / FS_HZ / 3600
    normal = np.sort(
        np.concatenate([s[~a] for s, a in (pooled(recordings[d], scores[d]) for d in RANKED)])
    )
    asked = ASKED_PER_HOUR * sum(hours(each) for d in RANKED for _, each, _ in recordings[d])
    threshold = normal[-int(asked)]
    rates = [
        (score[each.normal] > threshold).sum() / hours(each)
        for score, (_, each, _) in zip(scores[COUNTED], recordings[COUNTED])
    ]
    figures[f"{COUNTED}_under_60"] = np.mean(np.array(rates) < ASKED_PER_HOUR)
    figures[f"{COUNTED}_mean_per_hour"] = np.mean(rates)
    return {name: round(float(value), 4) for name, value in figures.items()}


def pooled(recordings, scores) -> tuple[np.ndarray, np.ndarray]:
    """Scores and whether abnormal (n,) of all beats after each recording's first minutes."""
    late = [each.beats.sample >= LEARNING_S * FS_HZ for _, each, _ in recordings]
    return (
        np.concatenate([score[rows] for score, rows in zip(scores, late)]),
        np.concatenate([classes[rows] != "N" for (_, _, classes), rows in zip(recordings, late)]),
    )


if __name__ == "__main__":
    options.command(main)
