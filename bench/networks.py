"""What the benches of networks share: a network's folder, and a process with what it took."""
import json
import os
import subprocess
import sys


def folder(inkling, name):
    """Where a network lies; it is fetched first where it is not here."""
    listed = json.loads(subprocess.check_output([inkling, "networks", "list", "--format", "json"]))
    here = {it["name"]: it["folder"] for it in listed}[name]
    return here or subprocess.check_output([inkling, "networks", "fetch", name], text=True).strip()


def run(command):
    """What a process prints, its CPU time in s and its largest resident set in MiB, as the operating system accounted them."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit {process.returncode}")
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def machine():
    with open("/proc/cpuinfo") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else 'unknown CPU'}, {os.cpu_count()} cores"
