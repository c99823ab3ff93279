#!/usr/bin/env bash
# Sets the peers up in a virtual environment (PyPI) and prints the side-by-side table. usage: peers.sh INKLING [NETWORK.onnx…]
# Without networks it times those that examples/peers.rs writes (a perceptron, a plain CNN and an encoder of MiniLM's shape), then two
# with real weights where they can be fetched: all-MiniLM-L6-v2 from token ids to one vector a text, and the encoder of Whisper base.
set -euo pipefail
inkling=$1
shift
target=${CARGO_TARGET_DIR:-target}
here=$(dirname "$0")
venv=$target/peers
if ! [ -e "$venv/ready" ]; then
  echo "peers: installing onnxruntime 1.32.0, openvino and tokenizers from PyPI into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet onnxruntime==1.32.0 openvino onnx numpy tokenizers
  touch "$venv/ready"
fi
peers() { "$venv/bin/python" "$here/peers.py" "$inkling" "$@"; }
if [ $# != 0 ]; then
  peers "$@"
  exit
fi
mkdir -p "$target/networks" "$target/networks/real"
folder() { (cd "$here" && python3 -c "import sys, networks; print(networks.folder(*sys.argv[1:]))" "$(realpath "$inkling")" "$1"); }
example() { cargo run --quiet -p inkling-neural --example "$@"; } # writes files, so that the profile does not matter
example peers -- "$target/networks"
peers "$target"/networks/{perceptron,convolutions,encoder}.onnx
if minilm=$(folder minilm); then
  example bert -- "$minilm" "$target/networks/real/minilm.onnx" sentence
  peers "$target/networks/real/minilm.onnx"
  "$venv/bin/python" "$here/minilm.py" "$inkling" "$minilm" "$target/networks/real/minilm.onnx"
else
  echo "skipped: all-MiniLM-L6-v2 cannot be fetched" >&2
fi
if whisper=$(folder whisper-base); then
  example whisper -- "$whisper/model.bin" "$target/networks/real/whisper-encoder.onnx" >/dev/null
  peers "$target/networks/real/whisper-encoder.onnx" --threads 1 --rounds 3
else
  echo "skipped: Whisper base cannot be fetched" >&2
fi
