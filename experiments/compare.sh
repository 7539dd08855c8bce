#!/usr/bin/env bash
# The methods under six protocols: the commands behind the tables by method and by fold of RESULTS.md. Stop it and call it again: what is done is skipped. Processor time of one
# core stands beside each line; with a GPU it is minutes.
#   MITDB_DIR=/data/mitdb SVDB_DIR=/data/svdb bash experiments/compare.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
data=experiments/ecg/dataset
"$python" -m preprocess --data mitdb --dataroot $data/complex
compare() { "$python" -m experiments.compare --datadir $data --seeds 0 "$@"; }

compare --protocols beatgan --models knn knn-pca knn-image pca ocsvm rhythm untrained              # 20 min
compare --protocols interpatient patient --folds 0 1 2 --models knn knn-pca pca ocsvm rhythm untrained  # 10 min
compare --protocols beatgan --models b2igan --seeds 0 1 2                                          # 140 min
compare --protocols interpatient patient --folds 0 1 2 --models b2igan                             # 30 min
compare --protocols interpatient --folds 0 1 2 --models b2igan --seeds 1                           # 15 min
compare --protocols chronological --models b2igan knn-pca                                          # 40 min
compare --protocols chronological --folds 0 --models autoencoder --niter 3                         # 10 min
compare --protocols beatgan-unfiltered --folds 0 --models b2igan                                   # 10 min
# What jitter and drift in training are worth.
for training in "--jitter 0 --drift 0" "--jitter 3 --drift 0"; do
    compare --protocols chronological --folds 0 --models b2igan $training                          # 20 min
    compare --protocols beatgan --folds 0 --models b2igan $training                                # 20 min
done
# SVDB_DIR=/data/svdb tests another database, whose lead is another; settings were tuned on it.
if [ -n "${SVDB_DIR:-}" ]; then
    "$python" -m preprocess --records "$SVDB_DIR" --lead ECG1 --dataroot $data/svdb/complex
    compare --protocols external --external $data/svdb --folds 0 1 2 --models b2igan knn-pca       # 30 min
    compare --protocols external --external $data/svdb --folds 0 --models autoencoder --niter 3    # 10 min
fi
compare --protocols beatgan --models autoencoder --niter 3                                         # 30 min
compare --protocols beatgan --models ganomaly --niter 1                                            # 25 min
compare --protocols beatgan --models anogan --niter 4                                              # 60 min
compare --protocols beatgan --models beatgan --seeds 0 1 2 --niter 1 --select paper --checks 8     # 45 min
compare --protocols beatgan --folds 0 1 2 --models b2igan --select paper                           # 30 min
compare --protocols interpatient patient --folds 0 1 2 --models autoencoder --niter 3              # 30 min
# Traces as the original read them. 24 of the 100 epochs of its log; with a GPU leave out --niter and --folds,
# and give the others more folds and epochs.
"$python" -m preprocess --data mitdb --image decibel --filter published --dataroot $data/decibel
compare --protocols beatgan --folds 0 --models b2igan-original --niter 24 --select paper  # 700 min
