#!/usr/bin/env python3
"""Memory of `inkling measure` over many short recordings, and resuming after a kill.

    bench/many-files.py target/release/inkling [--counts 1000,10000]

Makes the recordings itself (a second each, no two alike), measures folders of each count to CSV, JSON lines and Parquet, and
prints CPU seconds and peak memory; then kills a run half way, goes on, and compares the bytes. Exits 1 where memory grows by
more than a tenth or bytes differ.
"""
import argparse
import array
import hashlib
import math
import os
import signal
import subprocess
import tempfile
import time
import wave
from pathlib import Path

RATE = 16000


def recording(path: Path, number: int) -> None:
    """A second of a made-up voice: a harmonic sound whose pitch, gap and loudness follow from its number."""
    pitch, gap = 90.0 + number % 160, 0.2 + 0.1 * (number % 5)
    gain = 4000 + 37 * (number % 400)
    # One period, repeated: fast enough for ten thousand files.
    length = round(RATE / pitch)
    period = [sum(math.sin(2 * math.pi * k * n / length) / k for k in range(1, 9)) for n in range(length)]
    voice = array.array("h", (int(gain * value * 0.5) for value in period))
    half = voice * (int(RATE * (1 - gap) / 2) // length + 1)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((half + array.array("h", bytes(2 * int(RATE * gap))) + half).tobytes())


def measure(inkling: str, folder: Path, form: str, out: Path, jobs: int) -> tuple[float, float]:
    """CPU seconds and peak MiB of one run."""
    line = [inkling, "measure", str(folder), "--format", form, "--write", str(out), "--jobs", str(jobs)]
    pid = os.posix_spawn(inkling, line, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, line
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def killed_and_resumed(inkling: str, folder: Path, form: str, whole: Path, count: int, jobs: int) -> bool:
    out = whole.with_name("broken." + form)
    line = [inkling, "measure", str(folder), "--format", form, "--write", str(out), "--jobs", str(jobs)]
    run = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    progress = out.with_name(out.name + ".progress")
    while run.poll() is None:
        text = progress.read_text() if progress.exists() else ""
        if '"files":' in text and int(text.split('"files":')[1].split(",")[0]) >= count // 2:
            run.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    run.wait()
    assert progress.exists(), "the run ended before it could be killed"
    measure(inkling, folder, form, out, jobs)
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    return digest(out) == digest(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inkling", type=os.path.abspath)
    parser.add_argument("--counts", default="1000,10000")
    parser.add_argument("--forms", default="csv,json,parquet")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    counts = [int(count) for count in asked.counts.split(",")]
    failed = False
    with tempfile.TemporaryDirectory() as room:
        for count in counts:
            folder = Path(room) / str(count)
            folder.mkdir()
            for number in range(count):
                recording(folder / f"{number:05}.wav", number)
        print(f"{'form':8} {'files':>6} {'CPU s':>8} {'ms/file':>8} {'peak MiB':>9}")
        for form in asked.forms.split(","):
            peaks = []
            for count in counts:
                out = Path(room) / f"{count}.{form}"
                cpu, peak = measure(asked.inkling, Path(room) / str(count), form, out, asked.jobs)
                print(f"{form:8} {count:6} {cpu:8.1f} {1000 * cpu / count:8.2f} {peak:9.1f}", flush=True)
                peaks.append(peak)
            failed |= peaks[-1] > 1.1 * peaks[0]
            same = killed_and_resumed(
                asked.inkling, Path(room) / str(counts[0]), form, Path(room) / f"{counts[0]}.{form}", counts[0], asked.jobs
            )
            print(f"{form:8} killed at half of {counts[0]} and resumed: {'same bytes' if same else 'DIFFERENT'}", flush=True)
            failed |= not same
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
