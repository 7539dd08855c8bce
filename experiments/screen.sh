#!/usr/bin/env bash
# Sets itself up and screens recordings with the shipped weights; no training, no annotations.
#   bash experiments/screen.sh /data/mitdb/208 --outf screened     # --help: every flag
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. ./setup_env.sh
case $python in /*) ;; */*) python=$PWD/$python ;; esac
main=$PWD/main.py
cd "$here"
"$python" "$main" --screen "${@:---help}"
