#!/usr/bin/env bash
# Nested evaluation of DARWIN (10 x 5 x 4) by `inkling evaluate` and by scikit-learn on the same splits, with CPU times.
#
# usage: INKLING_DATA=… bench/darwin.sh INKLING [REPEATS] [FAMILIES]
# With KEPT=1 scikit-learn is not run again where the same was asked of it before (by this or by `make darwin`): its time is then
# what its workers took, without its start.
#
# scikit-learn judges one reading (masked) and nothing else. inkling is timed twice: its whole card (four readings), and one
# reading, on a cohort whose copied blocks are gone from the file. Even that does more than scikit-learn: intervals by bootstrap,
# bands, the audit's baselines and which tasks are missing as only predictor; so both ratios are lower bounds. The one reading
# runs before and after scikit-learn and the slower run counts.
set -euo pipefail
inkling=$1 repeats=${2:-10} families=${3:-logistic,extra-trees,boosting}
: "${INKLING_DATA:?set INKLING_DATA to the folder that holds darwin/DARWIN.csv}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/set-up-sklearn"

cpu() { # cpu COMMAND… : user and system seconds of a command, and its largest memory in MiB
  python3 - "$@" <<'PY'
import os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=open(os.environ["LOG"], "w")).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{usage.ru_utime + usage.ru_stime:.1f} {usage.ru_maxrss / 1024:.0f}")
sys.exit(code)
PY
}

"$inkling" cohort import darwin "$INKLING_DATA/darwin/DARWIN.csv" --out "$work/darwin" >/dev/null
python3 "$here/darwin_masked.py" "$work/darwin" "$INKLING_DATA/darwin/imputed_mask.csv" "$work/masked"
ours() { # ours COHORT
  LOG="$work/$1.log" cpu "$inkling" evaluate "$work/$1" --repeats "$repeats" --estimator "$families" --permutations 0 --curve --out "$work/judged-$1"
}
found=$(ours darwin)
read -r whole memory <<<"$found"
found=$(ours masked)
read -r before memory_one <<<"$found"
found=$(LOG="$work/theirs.log" cpu "$here/.venv/bin/python" "$here/darwin_sklearn.py" "$INKLING_DATA/darwin/DARWIN.csv" \
  "$INKLING_DATA/darwin/imputed_mask.csv" "$work/judged-darwin/splits.json" --repeats "$repeats" --families "$families" --jobs "$(nproc)" \
  --kept "$(dirname "$inkling")/../darwin-sklearn.json" $([ -n "${KEPT:-}" ] || echo --again))
read -r theirs _ <<<"$found"
if [ -n "${KEPT:-}" ]; then
  theirs=$(tail -1 "$work/theirs.log" | python3 -c 'import json, sys; print(sum(it["cpu_s"] for it in json.load(sys.stdin).values()))')
fi
found=$(ours masked)
read -r after _ <<<"$found"

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //' | tr '\n' ' '
echo "· $(nproc) cores · $repeats x 5 x 4 · $families"
cat "$work/darwin.log"
echo "scikit-learn, reading masked, same splits:"
cat "$work/theirs.log"
python3 - "$work" <<'PY'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
read = lambda name: json.loads((work / name).read_text())
folds = [read(f"judged-{cohort}/splits.json")["repeats"] for cohort in ("darwin", "masked")]
assert folds[0] == folds[1], "the one reading has other splits"
theirs = json.loads((work / "theirs.log").read_text().splitlines()[-1])
for whole, one in zip(*(read(f"judged-{cohort}/card.json")["estimators"] for cohort in ("darwin", "masked"))):
    aucs = [it["readings"]["masked"]["auc"]["value"] for it in (whole, one)]
    print(f"AUC  {whole['name']:<14} inkling {aucs[0]:.4f}  one reading {aucs[1]:.4f}  scikit-learn {theirs[whole['name']]['auc']:.4f}")
PY
awk -v w="$whole" -v a="$before" -v b="$after" -v t="$theirs" -v m="$memory" -v o="$memory_one" -v kept="${KEPT:+, kept}" 'BEGIN {
  one = a > b ? a : b
  printf "CPU  scikit-learn %.1f s (one reading%s)\n", t, kept
  printf "     inkling, one reading %.1f s and %.1f s  ratio %.1f  memory %d MiB\n", a, b, t / one, o
  printf "     inkling, whole card %.1f s  ratio %.1f  memory %d MiB\n", w, t / w, m
}'
