#!/usr/bin/env python3
"""CPU time and peak memory of one cold `inkling assess`, as a whole process.

usage: bench/assess.py INKLING SESSION [RUNS]

Each run is a new process; its user and system time and its largest resident set are what the operating system accounted for
it. Prints the median and the range, and the limits this project sets itself.
"""
import os
import statistics
import subprocess
import sys
import tempfile

LIMIT_S, LIMIT_MIB = 0.30, 60


def run(inkling, session, out):
    with subprocess.Popen([inkling, "assess", session, "--out", out], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{inkling} assess {session}: exit {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def machine():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown CPU'}, {os.cpu_count()} cores"


def main():
    inkling, session = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 11
    with tempfile.TemporaryDirectory() as out:
        run(inkling, session, out)
        figures = [run(inkling, session, out) for _ in range(runs)]
    seconds, mib = zip(*figures)
    print(f"inkling assess {session}, {runs} cold processes, {machine()}")
    print(f"  CPU   median {statistics.median(seconds):.3f} s  ({min(seconds):.3f}-{max(seconds):.3f}; limit {LIMIT_S:.2f})")
    print(f"  peak  median {statistics.median(mib):.1f} MiB ({min(mib):.1f}-{max(mib):.1f}; limit {LIMIT_MIB})")


if __name__ == "__main__":
    main()
