#!/usr/bin/env python3
"""Side by side: inkling, ONNX Runtime and OpenVINO on the same ONNX files and the same inputs.

In 8-bit integers ONNX Runtime runs its dynamic and its static quantisation, OpenVINO the static one; ours quantises the f32 file as
it opens it, or takes the static file where it needs ranges.

usage: peers.py INKLING NETWORK.onnx... [--threads 1,2] [--rounds 5] [--seconds 0.5] [--length 128]

Each takes a short turn after the other, several rounds, so that other work on the machine meets all alike. What counts is CPU time
a run of the whole process, all threads; shown is the median over rounds of each turn's mean.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np


COLUMNS = ["inkling", "onnxruntime", "ort static", "openvino"]


def made_up(name, dtype, dims, length):
    """What `inkling bench` makes up too: floats of a fixed sequence, integers of 1."""
    shape = [d if isinstance(d, int) and d > 0 else (1 if place == 0 else length) for place, d in enumerate(dims)]
    count = int(np.prod(shape))
    if dtype == np.float32:
        return np.sin(np.arange(count, dtype=np.float32) * np.float32(0.618)).reshape(shape)
    return np.ones(shape, dtype)


def mean_ms(run, seconds):
    """Mean CPU ms of a run over a turn."""
    run()
    runs, wall, cpu = 0, time.perf_counter(), time.process_time()
    while runs < 3 or time.perf_counter() - wall < seconds:
        run()
        runs += 1
    return (time.process_time() - cpu) / runs * 1e3


def onnxruntime_of(path, threads, inputs):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, inputs)


def openvino_of(path, threads, inputs):
    import openvino as ov

    core = ov.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    request = compiled.create_infer_request()
    return lambda: request.infer(inputs)


def inputs_of(path, length):
    import onnxruntime as ort

    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return {it.name: made_up(it.name, kinds[it.type], it.shape, length) for it in session.get_inputs()}


def ours_ms(inkling, path, precision, threads, seconds, length):
    line = [inkling, "bench", path, "--threads", str(threads), "--seconds", str(seconds), "--length", str(length), "--format", "json"]
    line += ["--precision", precision] if precision else []
    told = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    first = told["timings"][0]
    return " ".join(filter(None, [first["executor"], first.get("precision")])), first["cpu_ms_median"]


def quantised(path, inputs):
    """ONNX Runtime's own quantisations beside a network: dynamic, and static (QDQ) by the inputs it is timed on."""
    from onnxruntime import quantization as q

    class Once(q.CalibrationDataReader):
        def __init__(self):
            self.left = [inputs]

        def get_next(self):
            return self.left.pop() if self.left else None

    dynamic, static = (path.replace(".onnx", f".{kind}.onnx") for kind in ("dynamic", "static"))
    if not os.path.exists(dynamic):
        q.quantize_dynamic(path, dynamic, weight_type=q.QuantType.QInt8)
    if not os.path.exists(static):
        q.quantize_static(path, static, Once(), per_channel=True, weight_type=q.QuantType.QInt8)
    return dynamic, static


def compare(arguments, path, threads, int8):
    inputs = inputs_of(path, arguments.length)
    ours_path, precision, peers = path, "f32", {}
    files = [("onnxruntime", onnxruntime_of, path), ("openvino", openvino_of, path)]
    if int8:
        dynamic, static = quantised(path, inputs)
        files = [("onnxruntime", onnxruntime_of, dynamic), ("ort static", onnxruntime_of, static), ("openvino", openvino_of, static)]
        # A network of convolutions needs the ranges of its values, which the static file holds.
        has_ranges = len(inputs) == 1 and next(iter(inputs.values())).ndim == 4
        ours_path, precision = (static, None) if has_ranges else (path, "int8")
    for name, make, file in files:
        try:
            peers[name] = make(file, threads, inputs)
        except Exception as error:  # a peer that refuses a network is a result
            print(f"{name} refused {os.path.basename(file)}: {str(error).splitlines()[0]}", file=sys.stderr)
    turns, executor = {}, ""
    for _ in range(arguments.rounds):
        executor, ours = ours_ms(arguments.inkling, ours_path, precision, threads, arguments.seconds, arguments.length)
        turns.setdefault("inkling", []).append(ours)
        for name, run in peers.items():
            turns.setdefault(name, []).append(mean_ms(run, arguments.seconds))
    median = {name: statistics.median(it) for name, it in turns.items()}
    best = min((it for name, it in median.items() if name != "inkling"), default=float("nan"))
    cell = lambda name: f"{median[name]:10.3f}" if name in median else " " * 9 + "-"
    name = os.path.basename(path)
    name += " int8" if int8 else ""
    columns = " ".join(cell(it) for it in COLUMNS)
    print(f"{name:28} {threads:7} {executor:13} {columns} {median['inkling'] / best:8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inkling")
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    print("CPU ms a run (all threads), median of turns; the last column is inkling ÷ the better peer")
    columns = " ".join(f"{it[:10]:>10}" for it in COLUMNS)
    print(f"{'network':28} {'threads':>7} {'executor':13} {columns} {'÷ best':>8}")
    for path in (it for it in arguments.networks if not it.endswith((".dynamic.onnx", ".static.onnx"))):
        for threads in map(int, arguments.threads.split(",")):
            for int8 in (False, True):
                compare(arguments, path, threads, int8)


if __name__ == "__main__":
    main()
