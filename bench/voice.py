#!/usr/bin/env python3
"""CPU time and memory of all voice measures of one file: by contour and warm, then as cold processes.

usage: bench/voice.py BREAKDOWN INKLING FILE [RUNS]

BREAKDOWN is the example `bench` of crates/voice; it prints the time of each step in one warm process. Then `inkling measure` is
run as a new process each time; user and system time and the largest resident set are what the operating system accounted for it.
"""
import os
import statistics
import subprocess
import sys

LIMIT_WARM_S, LIMIT_COLD_S, LIMIT_MIB = 0.20, 0.25, 40
# Bars to beat for 60 s at 16 kHz on one thread, quoted from the project's specification, where they were measured on another
# machine. Nothing of either program is used here.
BARS = """bars to beat, quoted (60 s, 16 kHz, one thread; measured elsewhere, not by this command):
  openSMILE eGeMAPS                                            warm 0.89 s  cold 1.60 s  180 MiB
  Praat (parselmouth): F0, jitter, shimmer, HNR, formants, dB  warm 1.55 s  cold 1.71 s  150 MiB"""


def run(command):
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def machine():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown CPU'}, {os.cpu_count()} cores"


def main():
    breakdown, inkling, file = sys.argv[1:4]
    runs = int(sys.argv[4]) if len(sys.argv) > 4 else 15
    print(machine())
    subprocess.run([breakdown, file, str(runs)], check=True)
    print(f"  limit {LIMIT_WARM_S:.2f}")
    run([inkling, "measure", file])
    seconds, mib = zip(*(run([inkling, "measure", file]) for _ in range(runs)))
    print(f"cold `inkling measure`, {runs} processes")
    print(f"  CPU   median {statistics.median(seconds):.3f} s  ({min(seconds):.3f}-{max(seconds):.3f}; limit {LIMIT_COLD_S:.2f})")
    print(f"  peak  median {statistics.median(mib):.1f} MiB ({min(mib):.1f}-{max(mib):.1f}; limit {LIMIT_MIB})")
    print(BARS)


if __name__ == "__main__":
    main()
