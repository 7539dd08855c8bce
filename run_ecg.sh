#!/usr/bin/env bash
# Records in, abnormal beats out: sets itself up, finds data, preprocesses, trains (test=0), evaluates (test=1), or both.
#
#   bash run_ecg.sh                                   # everything; a simulated cohort where there is no real data
#   MITDB_DIR=/data/mitdb bash run_ecg.sh             # on the MIT-BIH Arrhythmia Database
#   test=1 bash run_ecg.sh --context none             # what follows goes to main.py as it is
#
# Edit the values here, or give them in the environment.
test=${test:-}                  # 0 trains, 1 evaluates, empty does both
model=${model:-b2igan}          # see python main.py --help
protocol=${protocol:-beatgan}   # beatgan, interpatient or patient
fold_cnt=${fold_cnt:-1}         # folds to run, from 0: 1 to 5
threshold=${threshold:-0.05}    # false alarms on held-out normal beats at which the alarm threshold is set
w_adv=${w_adv:-1}               # weight of the feature-matching loss
niter=${niter:-}                # epochs; empty: the model's own
lr=${lr:-}                      # learning rate; empty: the model's own
n_aug=${n_aug:-0}               # time-warped copies of each training beat
data=${data:-auto}              # mitdb insists on real records, simulated asks for the cohort
# The original has its own image and, unless filter=butterworth says otherwise, the filter of the traces it read.
case $model in
  b2igan-original|b2igan-seed) image=decibel filter=${filter:-published} ;;
  *) image=complex filter=${filter:-butterworth} ;;
esac
case $filter in butterworth) made=$image ;; *) made=$image-$filter ;; esac
dataroot=${dataroot:-experiments/ecg/dataset/$made}   # preprocessed beats
outf=${outf:-experiments/ecg/output}                   # results

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
case $test in ''|0|1) ;; *) echo "error: test=$test; 0 trains, 1 evaluates, empty does both" >&2; exit 2 ;; esac
case $fold_cnt in [1-5]) ;; *) echo "error: fold_cnt=$fold_cnt; there are 1 to 5 folds" >&2; exit 2 ;; esac
. ./setup_env.sh

"$python" -m preprocess --data "$data" --image "$image" --filter "$filter" --dataroot "$dataroot"

for ((fold = 0; fold < fold_cnt; fold++)); do
  common=(--model "$model" --protocol "$protocol" --folder "$fold" --dataroot "$dataroot" --outf "$outf")
  if [ "$test" != 1 ]; then
    "$python" main.py "${common[@]}" --w_adv "$w_adv" --n_aug "$n_aug" \
      ${niter:+--niter "$niter"} ${lr:+--lr "$lr"} --threshold "$threshold" "$@"
  fi
  if [ "$test" != 0 ]; then
    "$python" main.py --istest "${common[@]}" --threshold "$threshold" "$@"
  fi
done
