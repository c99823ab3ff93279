#!/usr/bin/env python3
"""How near all-MiniLM-L6-v2 of small integers comes to its floats: cosine of the sentence vectors of a text in the repository.

usage: minilm.py INKLING FOLDER MINILM.onnx     (FOLDER as `inkling networks fetch minilm` fills it; the ONNX as examples/bert.rs writes it)

Floats are ONNX Runtime's. Ours are run by `inkling run` in each precision; theirs is quantize_dynamic of the same file, once with a
scale for each tensor of weights, as it does by itself, and once per channel. All texts go in one batch, filled up to the longest.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sentences():
    text = open(os.path.join(ROOT, "fixtures/text/harbour.txt"), encoding="utf-8").read()
    parts = text.replace("?", ".").replace("!", ".").split(".")
    return [" ".join(it.split()) for it in parts if len(it.split()) > 3]


def encoded(folder, texts):
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    rows = [tokenizer.encode(it).ids[:128] for it in texts]
    shape = len(rows), max(map(len, rows))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros(shape, np.int64)}


def onnxruntime_of(path, inputs):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]).run(None, inputs)[0]


def inkling_of(inkling, path, precision, inputs, folder):
    given, out = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
    np.savez(given, **inputs)
    line = [inkling, "run", path, given, "--out", out] + (["--precision", precision] if precision else [])
    said = subprocess.run(line, check=True, capture_output=True, text=True).stderr.replace("\n", "; ")
    return np.load(out)["embedding"], said


def main():
    inkling, folder, path = sys.argv[1:]
    texts = sentences()
    inputs = encoded(folder, texts)
    floats = onnxruntime_of(path, inputs).astype(np.float64)
    print(f"{len(texts)} sentences of fixtures/text/harbour.txt, {inputs['attention_mask'].sum()} tokens; cosine to ONNX Runtime's floats")
    print(f"{'by':34} {'mean':>9} {'least':>9}")

    def row(name, got, note=""):
        got = got.astype(np.float64)
        cosine = (got * floats).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(floats, axis=1)
        print(f"{name:34} {cosine.mean():9.5f} {cosine.min():9.5f}  {note}", flush=True)

    with tempfile.TemporaryDirectory() as work:
        for precision in ["f32", "bf16", "int8"]:
            got, said = inkling_of(inkling, path, precision, inputs, work)
            row(f"inkling {precision}", got, said)
        packed = os.path.join(folder, "model.inkpack")
        if os.path.exists(packed):
            again, said = inkling_of(inkling, packed, None, inputs, work)
            row("inkling int8, packed", again, f"{said}same bits: {np.array_equal(again, got)}; {os.path.getsize(packed) / 1e6:.1f} MB")
        for per_channel in [False, True]:
            theirs = os.path.join(work, "theirs.onnx")
            quantize_dynamic(path, theirs, per_channel=per_channel, weight_type=QuantType.QInt8)
            row(f"onnxruntime dynamic{', per channel' if per_channel else ''}", onnxruntime_of(theirs, inputs))
            alone, said = inkling_of(inkling, theirs, None, inputs, work)
            row("  that file by inkling", alone, said)


if __name__ == "__main__":
    main()
