#!/usr/bin/env bash
# Nested evaluation of DARWIN (10 x 5 x 4) by `inkling evaluate` and by scikit-learn on the same splits, with CPU times.
#
# usage: INKLING_DATA=… bench/darwin.sh INKLING [REPEATS] [FAMILIES]
#
# inkling does more in its time: four readings with bootstrap intervals and cards against scikit-learn's one reading (masked)
# and no interval, so the ratio is a lower bound. inkling runs before and after scikit-learn and the slower run counts.
set -euo pipefail
inkling=$1 repeats=${2:-10} families=${3:-logistic,extra-trees,boosting}
: "${INKLING_DATA:?set INKLING_DATA to the folder that holds darwin/DARWIN.csv}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -x "$here/.venv/bin/python" ]; then
  echo "setting up scikit-learn in bench/.venv"
  python3 -m venv "$here/.venv"
  "$here/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi

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
ours() {
  LOG="$work/ours.log" cpu "$inkling" evaluate "$work/darwin" --repeats "$repeats" --estimator "$families" --permutations 0 --curve --out "$work/judged"
}
found=$(ours)
read -r before memory <<<"$found"
found=$(LOG="$work/theirs.log" cpu "$here/.venv/bin/python" "$here/darwin_sklearn.py" "$INKLING_DATA/darwin/DARWIN.csv" \
  "$INKLING_DATA/darwin/imputed_mask.csv" "$work/judged/splits.json" --repeats "$repeats" --families "$families" --jobs "$(nproc)")
read -r theirs _ <<<"$found"
found=$(ours)
read -r after _ <<<"$found"

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //' | tr '\n' ' '
echo "· $(nproc) cores · $repeats x 5 x 4 · $families"
cat "$work/ours.log"
echo "scikit-learn, reading masked, same splits:"
cat "$work/theirs.log"
awk -v a="$before" -v b="$after" -v t="$theirs" -v m="$memory" 'BEGIN {
  ours = a > b ? a : b
  printf "CPU  inkling %.1f s and %.1f s (four readings, intervals)  scikit-learn %.1f s (one reading)  ratio %.1f\n", a, b, t, t / ours
  printf "memory  inkling %d MiB\n", m
}'
