#!/usr/bin/env python3
"""What a cold start costs: CPU ms of a whole process of `inkling run`, from its start to the first answer on disk, and its memory.

usage: cold.py INKLING FOLDER [RUNS]     (FOLDER holds perceptron.onnx as examples/peers.rs writes it, a screener's network)

The network is run as ONNX in floats, in 8-bit integers, and packed (quantised without calibration by `inkling quantize`). Beside it
stands `inkling --version`, which is what starting the program alone takes. Files are in the page cache.
"""
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import zipfile


def write_npz(path, name, values):
    """One row of 32-bit floats; without NumPy, so that nothing has to be installed."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d), }" % len(values)
    array = b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(values), *values)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name + ".npy", array)


def run(line):
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(line)}: {said}")
    memory = re.search(r"memory at most ([0-9.]+) MiB", said)
    return (usage.ru_utime + usage.ru_stime) * 1e3, float(memory[1]) if memory else None


def main():
    inkling, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 40
    with tempfile.TemporaryDirectory() as work:
        at = lambda name: os.path.join(work, name)
        network = os.path.join(folder, "perceptron.onnx")
        write_npz(at("in.npz"), "x", [((it * 37) % 101) / 50 - 1 for it in range(450)])
        line = [inkling, "quantize", network, "--scheme", "dynamic", "--out", at("small.onnx")]
        subprocess.run(line, check=True, capture_output=True)
        answer = lambda *given: [inkling, "run", *given, at("in.npz"), "--out", at("out.npz")]
        lines = {
            "the program alone": [inkling, "--version"],
            "f32": answer(network),
            "bf16": answer(network, "--precision", "bf16"),
            "int8, quantised at opening": answer(network, "--precision", "int8"),
            "int8, packed": answer(at("small.inkpack")),
        }
        got = {name: [] for name in lines}
        for _ in range(runs):
            for name, line in lines.items():
                got[name].append(run(line))
    print(f"perceptron 450-256-64-2, {runs} cold processes each, in turns")
    print(f"{'':28} {'CPU ms median':>13} {'least':>7} {'MiB':>6}")
    for name, all_of in got.items():
        times = [it[0] for it in all_of]
        memory = "–" if all_of[0][1] is None else f"{max(it[1] for it in all_of):.1f}"
        print(f"{name:28} {statistics.median(times):13.1f} {min(times):7.1f} {memory:>6}")


if __name__ == "__main__":
    main()
