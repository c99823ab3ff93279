#!/usr/bin/env python3
"""Whisper with its real weights: what INT8 costs against floats, and what a cold process costs.

usage: bench/whisper.py INKLING EXAMPLE [RUNS]

INKLING_DATA names the folder of `speech/en/jfk_16k_mono.wav` (public domain, 11 s); without it only the start is measured.
A cold process opens the packed file, takes half a minute of sound in and gives the logits of the first word; then once more,
so that what the start costs is the difference.
"""
import os
import re
import statistics
import sys

from networks import folder, machine, run

TEXT = "And so my fellow Americans ask not what your country can do for you, ask what you can do for your country."
LIMIT_MS, LIMIT_MIB = 150, 250


def main():
    inkling, example = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    here = folder(inkling, "whisper-base")
    data = os.environ.get("INKLING_DATA")
    if data:
        print(run([example, "quality", here, f"{data}/speech/en/jfk_16k_mono.wav", TEXT])[0], end="")
    figures = []
    for _ in range(runs):
        out, cpu, mib = run([example, "cold", here])
        ready = float(re.search(r"ready after [\d.]+ ms, ([\d.]+) CPU ms", out)[1])
        first, second = [float(it) for it in re.findall(r"answer in \d+ ms, ([\d.]+) CPU ms", out)]
        figures.append((ready, first, second, mib, cpu))
    ready, first, second, mib, _ = [statistics.median(it) for it in zip(*figures)]
    size = os.path.getsize(f"{here}/model.inkpack") / 2**20
    print(f"{runs} cold processes, {machine()}; packed file {size:.1f} MiB")
    print(f"  ready after           {ready:8.1f} CPU ms")
    print(f"  first answer          {first:8.0f} CPU ms, the same again {second:.0f}")
    print(f"  what a start costs    {ready + first - second:8.0f} CPU ms (limit {LIMIT_MS})")
    print(f"  peak memory           {mib:8.1f} MiB (limit {LIMIT_MIB})")


if __name__ == "__main__":
    main()
