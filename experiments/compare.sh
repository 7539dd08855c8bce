#!/usr/bin/env bash
# Every method under one protocol: the exact commands behind the table of RESULTS.md. Stop it and call it again: what is
# done is skipped. On two cores each line takes the time beside it; with a GPU, minutes.
#   MITDB_DIR=/data/mitdb bash experiments/compare.sh
#
# Expected (AUC / AP, mean over folds, `beatgan` unless said otherwise):
EXPECTED
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
data=experiments/ecg/dataset
"$python" -m preprocess --dataroot $data/complex
compare() { "$python" -m experiments.compare --datadir $data "$@"; }

compare --models knn knn-pca knn-image pca ocsvm rhythm --protocols beatgan             # 30 min
compare --models knn knn-pca pca ocsvm rhythm --protocols interpatient patient --folds 0 1 2   # 10 min
compare --models b2igan --protocols beatgan interpatient patient --seeds 0 1 2          # 4 h
compare --models beatgan --select paper                                                 # 2 h
compare --models b2igan --select paper                                                  # 1 h
compare --models autoencoder ganomaly anogan beatgan --folds 0 1 2                      # 4 h
compare --protocols beatgan interpatient patient --models b2igan beatgan autoencoder ganomaly anogan knn knn-pca \
  knn-image pca ocsvm rhythm                                                            # the table of all of them
