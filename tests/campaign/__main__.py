"""python -m tests.campaign --kills 50 --signals 30: processes that are killed or stopped at moments
drawn at random, on a small simulated cohort.

What was killed and begun again must end as what nothing happened to, and leave no file more. What
is stopped must say how to go on, with exit status 130 or 143, within seconds. Only processes that
were started here are ever signalled.
"""

import csv
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import options
from tests.fuzz import world

ROOT = Path(__file__).parents[2]
LONGEST_S, STOPPED_WITHIN_S = 300, 5.0
SENTENCES = {signal.SIGINT: (130, "interrupted|stopped"), signal.SIGTERM: (143, "stopped")}
MANY_KILLS = 4  # of one command, one after the other, before it may end
VARIES = re.compile(r"seconds|_s$|per_s$|us_per_beat|code|^train_s$")


def commands(here: world.World, out: Path) -> dict[str, list[str]]:
    """Each resumes what it finds, or begins anew."""
    data = ["--dataroot", here.dataroot, "--device", "cpu"]
    weights = ["--checkpoint", here.weights]
    records = sorted(path.with_suffix("") for path in here.records.glob("*.hea"))
    autoencoder = ["--model", "autoencoder", "--niter", "2", "--train-beats", "512"]
    compared = ["--models", "knn", "pca", "--contexts", "none", "--folds", "0", "1"]
    words = {
        "train": ["main.py", *data, "--outf", out, *autoencoder, "--resume"],
        "preprocess": ["-m", "preprocess", "--records", here.records, "--dataroot", out / "data"],
        "screen": ["main.py", "--screen", *records, "--outf", out, *weights, "--resume"],
        "compare": ["-m", "experiments.compare", "--datadir", here.dataroot.parent]
        + ["--outf", out, *compared],
        "test": ["main.py", *data, "--istest", *weights, "--outf", out, "--context", "none"],
        "explain": ["main.py", *data, "--explain", "sim01", "4000", *weights, "--outf", out],
        "agreement": ["-m", "experiments.agreement", "--records", here.records, *weights]
        + ["--names", "sim01", "sim02"],
        "simulate": ["-m", "preprocess", "--data", "simulated", "--datadir", out]
        + ["--dataroot", out / "data"],
    }
    return {name: [sys.executable, *map(str, given)] for name, given in words.items()}


def start(command):
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)


def contents(folder: Path) -> dict[str, str]:
    """{name: digest} of all files, without what differs from run to run: times and pictures."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        found[name] = "" if path.suffix in (".png", ".html", ".md") else _digest(path)
    return found


def _digest(path):
    if path.suffix == ".pt":
        import torch

        values = torch.load(path, weights_only=True)
        tensors = {name: value.numpy().tobytes() for name, value in values["state"].items()}
        stored = repr([sorted(tensors.items()), values["reference"], values["epoch"]]).encode()
    elif path.suffix == ".json":
        stored = json.dumps(_lasting(json.loads(path.read_text()))).encode()
    elif path.suffix == ".csv":
        rows = list(csv.reader(path.read_text().splitlines()))
        kept = [k for k, name in enumerate(rows[0]) if not VARIES.search(name)]
        stored = repr([[row[k] for k in kept if k < len(row)] for row in rows]).encode()
    else:
        stored = path.read_bytes()
    return hashlib.sha256(stored).hexdigest()


def _lasting(values):
    if isinstance(values, dict):
        return {k: _lasting(v) for k, v in values.items() if not VARIES.search(k)}
    return [_lasting(v) for v in values] if isinstance(values, list) else values


def killed(here, folder, names, kills, rng):
    """Failures, as texts: kills of one command after the other, then a run that may end."""
    failures, done = [], Counter()
    whole, took_s = {}, {}
    for name in names:
        started = time.monotonic()
        process = start(commands(here, folder / "whole" / name)[name])
        _, said = process.communicate(timeout=LONGEST_S)
        took_s[name] = time.monotonic() - started
        whole[name] = contents(folder / "whole" / name)
        if process.returncode:
            failures.append(f"{name}: {said[-500:]}")
    chain = 0
    while done.total() < kills:
        name = names[chain % len(names)]
        out, chain = folder / f"kill{chain}", chain + 1
        for _ in range(min(MANY_KILLS, kills - done.total())):
            process = start(commands(here, out)[name])
            try:
                process.communicate(timeout=float(rng.uniform(0, took_s[name])))
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                done[name] += 1
        process = start(commands(here, out)[name])
        _, said = process.communicate(timeout=LONGEST_S)
        if process.returncode:
            failures.append(f"{name} after kills: status {process.returncode}: {said[-500:]}")
        elif (found := contents(out)) != whole[name]:
            different = sorted(set(found.items()) ^ set(whole[name].items()))
            failures.append(f"{name} after kills: {different[:4]}")
        shutil.rmtree(out, ignore_errors=True)
    return failures, done, took_s


def stopped(here, folder, signals, took_s, rng):
    """Failures: a signal at a moment of a command, from its start-up on."""
    failures, done = [], Counter()
    names = list(commands(here, folder))
    for k in range(signals):
        name, sent = names[k % len(names)], list(SENTENCES)[k // len(names) % 2]
        out = folder / f"stop{k}"
        process = start(commands(here, out)[name])
        moment_s = float(rng.uniform(0.3, took_s.get(name, 10.0)))
        try:
            process.communicate(timeout=moment_s)
            done[f"{name}, over before"] += 1
            continue
        except subprocess.TimeoutExpired:
            process.send_signal(sent)
        started, (status, words) = time.monotonic(), SENTENCES[sent]
        _, said = process.communicate(timeout=LONGEST_S)
        seconds = time.monotonic() - started
        done[name] += 1
        early = process.returncode == -sent and moment_s < 1.0  # before Python runs a line of ours
        right = process.returncode == status and re.search(f"error: ({words})", said)
        ended = process.returncode == 0 and seconds < 1.0  # it was just over
        left = [p for p in out.rglob("*") if p.name.endswith(".part") or p.name == ".lock"]
        if (
            not (right or early or ended)
            or "Traceback" in said
            or seconds > STOPPED_WITHIN_S
            or left
        ):
            failures.append(
                f"{name}, {sent.name} at {moment_s:.1f} s: status {process.returncode} after "
                f"{seconds:.1f} s, left {[p.name for p in left]}: {said[-400:]}"
            )
        shutil.rmtree(out, ignore_errors=True)
    return failures, done


def main(argv=None):
    opt = parse(argv)
    rng = np.random.default_rng(opt.seed)
    with TemporaryDirectory() as folder:
        here = world.build_all(Path(folder) / "world")
        names = ["train", "preprocess", "screen", "compare"]
        failures, kills, took_s = killed(here, Path(folder), names, opt.kills, rng)
        print(f"kills: {dict(kills)}, a run takes {took_s}", flush=True)
        more, signals = stopped(here, Path(folder), opt.signals, took_s, rng)
        print(f"signals: {dict(signals)}", flush=True)
    print("\n".join(failures + more))
    print(f"{kills.total()} kills, {signals.total()} signals, {len(failures + more)} failures")
    return 1 if failures + more else 0


def parse(argv):
    parser = options.parser(
        "python -m tests.campaign",
        "Kill and stop commands at random moments and look whether anything is lost or left.",
        "example:\n  python -m tests.campaign --kills 50 --signals 30",
    )
    add = parser.add_argument_group("how many").add_argument
    add("--kills", type=options.integer(0), default=12, metavar="N", help="by SIGKILL")
    add("--signals", type=options.integer(0), default=8, metavar="N", help="SIGINT and SIGTERM")
    add("--seed", type=options.integer(0), default=0, metavar="S", help="of the moments")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
