#!/usr/bin/env bash
# The methods under three protocols: the exact commands behind the tables of README.md and RESULTS.md. Stop it and call it
# again: what is done is skipped. Processor time of one core stands beside each line; with a GPU it is minutes.
#   MITDB_DIR=/data/mitdb bash experiments/compare.sh
#
# Expected (AUC / AP, mean over the folds named):
#                    beatgan                                 interpatient     patient
#   b2igan none      0.993 / 0.989                           0.786 / 0.332    0.965 / 0.745
#   b2igan record    0.994 / 0.992                           0.968 / 0.840    0.982 / 0.891
#   knn-pca          0.973 / 0.949                           0.750 / 0.244    0.927 / 0.487
#   knn              0.970 / 0.946                           0.748 / 0.249    0.917 / 0.457
#   knn-image        0.971 / 0.950
#   ocsvm            0.898 / 0.871                           0.745 / 0.242    0.808 / 0.360
#   pca              0.867 / 0.765                           0.765 / 0.245    0.785 / 0.236
#   rhythm           0.829 / 0.804                           0.759 / 0.447    0.758 / 0.449
#   ganomaly         0.935 / 0.901
#   autoencoder      0.926 / 0.886                           0.783 / 0.272    0.867 / 0.371
#   beatgan          0.937 / 0.892, labels choose
#   anogan           0.876 / 0.820
#   b2igan-original      0.701 / 0.678, 1 epoch of 4,096 beats
#
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
data=experiments/ecg/dataset
"$python" -m preprocess --data mitdb --dataroot $data/complex
compare() { "$python" -m experiments.compare --datadir $data --seeds 0 "$@"; }

compare --protocols beatgan --models knn knn-pca knn-image pca ocsvm rhythm                        # 20 min
compare --protocols interpatient patient --folds 0 1 2 --models knn knn-pca pca ocsvm rhythm       # 10 min
compare --protocols beatgan --models b2igan --seeds 0 1 2                                          # 140 min
compare --protocols interpatient patient --folds 0 1 2 --models b2igan                             # 30 min
compare --protocols chronological --models b2igan knn-pca                                          # 40 min
compare --protocols chronological --models autoencoder --niter 3                                   # 30 min
compare --protocols beatgan-unfiltered --folds 0 --models b2igan                                   # 10 min
# SVDB_DIR=/data/svdb tests another database: nothing is adapted to it, whose lead is another.
if [ -n "${SVDB_DIR:-}" ]; then
    "$python" -m preprocess --records "$SVDB_DIR" --lead ECG1 --dataroot $data/svdb/complex
    compare --protocols external --external $data/svdb --folds 0 1 2 --models b2igan knn-pca       # 30 min
fi
compare --protocols beatgan --models autoencoder --niter 3                                         # 30 min
compare --protocols beatgan --models ganomaly --niter 1                                            # 25 min
compare --protocols beatgan --folds 0 1 2 --models anogan --niter 4                                # 60 min
compare --protocols beatgan --models beatgan --niter 1 --select paper --checks 8                   # 60 min
compare --protocols beatgan --folds 0 1 2 --models b2igan --select paper                           # 30 min
compare --protocols interpatient patient --folds 0 1 2 --models autoencoder --niter 3              # 30 min
"$python" -m preprocess --data mitdb --image decibel --dataroot $data/decibel
compare --protocols beatgan --folds 0 1 2 --models b2igan-original --niter 1 --train-beats 4096        # 80 min
# With a GPU, leave out --niter and --train-beats, and --folds: b2igan-original has 70 epochs, the others more folds and epochs.
