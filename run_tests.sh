#!/usr/bin/env bash
# Sets itself up and runs the tests. MITDB_DIR=/data/mitdb adds those that need the real records.
#   bash run_tests.sh                  # all
#   bash run_tests.sh -k spectrogram   # what follows goes to pytest as it is
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./setup_env.sh
export OMP_NUM_THREADS=1  # one process a core, not each on all of them
"$python" -m pytest tests -n auto --dist loadfile "$@"
