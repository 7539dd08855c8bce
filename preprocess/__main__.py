"""python -m preprocess: WFDB records to images, beats and their index.

Writes spectrograms.npy, beats.npy, index.csv and manifest.json.
"""

import os
from pathlib import Path

import options
from preprocess import BadInput, simulate
from preprocess.constants import LEAD, LIKELY
from preprocess.readers import physionet

# Beats of each class in the whole MIT-BIH database by the published protocol, to compare with.
EXPECTED = {"N": 89836, "N_on_peak": "86.2 k to 87.2 k", "S": 3026, "V": 7008, "F": 802, "Q": 15}

SIMULATED_NOTICE = """
********************************************************************************
**  SIMULATED DATA.  PhysioNet could not be reached and no MIT-BIH records     **
**  were given, so a simulated cohort is used. Every output of this run says   **
**  "source: simulated"; its numbers say nothing about real patients.          **
**  Real data:  MITDB_DIR=/folder/with/mitdb  bash run_ecg.sh                  **
********************************************************************************
"""


def find_folders(opt) -> list[Path]:
    """Folders with the records to use.

    What the user gave, an earlier download, a download now, or the simulated cohort, in this order.
    """
    downloads = Path(opt.datadir) / "mitdb"
    cohort = Path(opt.datadir) / "simulated"
    if opt.data == "simulated":
        return [_simulated(cohort)]
    if opt.records or os.environ.get("MITDB_DIR"):
        return [Path(folder) for folder in opt.records or [os.environ["MITDB_DIR"]]]
    if physionet.complete(downloads):
        return [downloads]
    if physionet.reachable():
        physionet.download(downloads)
        return [downloads]
    if opt.data == "mitdb":
        raise BadInput(
            "PhysioNet cannot be reached and data=mitdb asks for the real records: "
            "give their folder with --records or MITDB_DIR, or try again with a connection"
        )
    print(SIMULATED_NOTICE, flush=True)
    return [_simulated(cohort)]


def _simulated(folder):
    simulate.simulate(folder)
    return folder


def main(argv=None):
    opt = options.parse("preprocess", argv)
    folders = find_folders(opt)
    if opt.data == "mitdb" and list(map(physionet.source_of, folders)) != ["mitdb"]:
        raise BadInput(
            f"{folders[0]} does not hold the MIT-BIH records as they were published, and --data "
            "mitdb asks for them: fetch them again, or leave --data out"
        )
    from preprocess import dataset  # loads torch

    lead = opt.lead or (LEAD if len(folders) == 1 else LIKELY)
    manifest = dataset.make(folders, opt.dataroot, opt.image, lead, opt.filter)
    source, n_records = manifest["source"], len(manifest["records"])
    print(f"{manifest['beats']} beats from {n_records} records, source: {source}")
    for name, count in manifest["counts"].items():
        is_known = source == "mitdb" and name in EXPECTED
        expected = f"   expected {EXPECTED[name]}" if is_known else ""
        print(f"  {name:10s}{count:7d}{expected}")
    for symbol, count in manifest.get("left_out", {}).items():
        print(f"  LEFT OUT  {count:7d} annotations {symbol!r}: they may be beats, of no class")
    print(f"  images {manifest['settings']['image']}, in {opt.dataroot}")


if __name__ == "__main__":
    options.command(main)
