#!/usr/bin/env python3
"""CPU time and memory of cold processes that open a shipped network and give its first answer: from exec to the written file.

usage: bench/cold_shipped.py INKLING
"""

import os
import statistics
import struct
import subprocess
import sys
import tempfile
import zipfile

TIMES = 21
LIMIT_MS = 10  # of a screener


def npy(shape, kind, data):
    """The bytes of an array file, format 1.0 of NumPy."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def floats(*shape):
    count = 1
    for it in shape:
        count *= it
    return npy(shape, "<f4", struct.pack(f"<{count}f", *[0.5] * count))


NETWORKS = {
    "handwriting-portable@1/network.onnx": {"values": floats(1, 100), "measured": npy((1, 100), "|b1", b"\x01" * 100)},
    "digits@1/digits.onnx": {"picture": floats(1, 4, 28, 28)},
    "drawings@1/drawings.onnx": {"picture": floats(1, 4, 28, 28)},
}


def cold(inkling, network, given, out):
    """CPU ms and MiB of one process."""
    line = [inkling, "run", network, given, "--out", out]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(line)}: status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024


def main():
    inkling = sys.argv[1]
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "networks")
    with tempfile.TemporaryDirectory() as folder:
        for name, arrays in NETWORKS.items():
            given, out = os.path.join(folder, "in.npz"), os.path.join(folder, "out.npz")
            with zipfile.ZipFile(given, "w") as file:
                for array, data in arrays.items():
                    file.writestr(array + ".npy", data)
            runs = [cold(inkling, os.path.join(root, name), given, out) for _ in range(TIMES)]
            ms, mib = [it[0] for it in runs], [it[1] for it in runs]
            print(f"{name}, {TIMES} cold processes: CPU median {statistics.median(ms):.1f} ms ({min(ms):.1f}-{max(ms):.1f}; "
                  f"limit of a screener {LIMIT_MS}), memory {statistics.median(mib):.1f} MiB")


main()
