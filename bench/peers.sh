#!/usr/bin/env bash
# Sets the peers up in a virtual environment (PyPI) and prints the side-by-side table. usage: peers.sh INKLING [NETWORK.onnx…]
# Without networks it times those that examples/peers.rs writes: a perceptron, a plain CNN and an encoder of MiniLM's shape.
set -euo pipefail
inkling=$1
shift
target=${CARGO_TARGET_DIR:-target}
venv=$target/peers
if ! [ -e "$venv/ready" ]; then
  echo "peers: installing onnxruntime 1.32.0 and openvino from PyPI into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet onnxruntime==1.32.0 openvino onnx numpy
  touch "$venv/ready"
fi
if [ $# = 0 ]; then
  mkdir -p "$target/networks"
  cargo run --release --quiet -p inkling-neural --example peers -- "$target/networks"
  set -- "$target"/networks/*.onnx
fi
"$venv/bin/python" "$(dirname "$0")/peers.py" "$inkling" "$@"
