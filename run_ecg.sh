#!/usr/bin/env bash
# Records in, abnormal beats out: sets itself up, finds data, preprocesses, trains (test=0), evaluates (test=1), or both.
#
#   bash run_ecg.sh                                   # everything; a simulated cohort where there is no real data
#   MITDB_DIR=/data/mitdb bash run_ecg.sh             # on the MIT-BIH Arrhythmia Database
#   records=/data/svdb lead=ECG1 split=FILE bash run_ecg.sh   # on records of your own
#   test=1 bash run_ecg.sh --context none             # what follows goes to main.py as it is
#
# Edit the values here, or give them in the environment. What is empty is as in options.py.
test=${test:-}                  # 0 trains, 1 evaluates, empty does both
model=${model:-}                # see python main.py --help
protocol=${protocol:-}          # who trains and who is tested: beatgan, interpatient, patient, ...
fold_cnt=${fold_cnt:-1}         # 2 to 5: so many folds, from 0; 1: one, of --folder
threshold=${threshold:-}        # false alarms on held-out normal beats at which the threshold is set
w_adv=${w_adv:-}                # weight of the feature-matching loss
niter=${niter:-}                # epochs
lr=${lr:-}                      # learning rate
n_aug=${n_aug:-}                # time-warped copies of each training beat
data=${data:-}                  # mitdb insists on real records, simulated asks for the cohort
records=${records:-}            # folder of WFDB records with beat annotations
split=${split:-}                # file that says which of them train and which are tested
lead=${lead:-}                  # their lead, by its name in the header
filter=${filter:-}              # of the beats: butterworth or published
dataroot=${dataroot:-}          # preprocessed beats
outf=${outf:-}                  # results
# The original has its own image; unless filter=butterworth says otherwise it and BeatGAN as published have the filter
# of the traces that they read.
image=
case $model in
  b2igan-original|b2igan-seed) image=decibel filter=${filter:-published} ;;
  beatgan-original) filter=${filter:-published} ;;
esac
# What is not the usual has folders of its own.
own=${records:+$(basename "$records")-}${image:+$image-}
if [ "$filter" = published ]; then own+=published-; fi
if [ -n "$own" ]; then dataroot=${dataroot:-experiments/ecg/dataset/${own%-}}; fi
if [ -n "$records" ]; then outf=${outf:-experiments/ecg/output/$(basename "$records")}; fi

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
case $test in ''|0|1) ;; *) echo "error: test=$test; 0 trains, 1 evaluates, empty does both" >&2; exit 2 ;; esac
case $fold_cnt in [1-5]) ;; *) echo "error: fold_cnt=$fold_cnt; there are 1 to 5 folds" >&2; exit 2 ;; esac
if [ "$protocol$test" = external ]; then
  echo "error: protocol=external trains on one database (test=0) and tests another (test=1 dataroot=DIR)" >&2; exit 2
fi
. ./setup_env.sh

# The variables that are set, as flags.
preparing=() common=()
for name in data records lead image filter dataroot; do
  if [ -n "${!name:-}" ]; then preparing+=("--$name" "${!name}"); fi
done
for name in model protocol split dataroot outf w_adv niter lr n_aug threshold; do
  if [ -n "${!name:-}" ]; then common+=("--$name" "${!name}"); fi
done

# glibc's allocator keeps what it has: memory fetched anew at each step costs time.
export MALLOC_MMAP_MAX_=${MALLOC_MMAP_MAX_:-0} MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-4294967296}
"$python" -m preprocess ${preparing[@]+"${preparing[@]}"}
for ((fold = 0; fold < fold_cnt; fold++)); do
  flags=(${common[@]+"${common[@]}"})
  if [ "$fold_cnt" != 1 ]; then flags+=(--folder "$fold"); fi
  if [ "$test" != 1 ]; then "$python" main.py ${flags[@]+"${flags[@]}"} "$@"; fi
  if [ "$test" != 0 ]; then "$python" main.py --istest ${flags[@]+"${flags[@]}"} "$@"; fi
done
