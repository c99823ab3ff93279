"""A cohort folder of DARWIN whose copied blocks are gone from the file: one reading to judge instead of four.

    python3 bench/darwin_masked.py COHORT imputed_mask.csv OUT
"""

import csv
import pathlib
import shutil
import sys


def main():
    cohort, mask, out = map(pathlib.Path, sys.argv[1:])
    shutil.copytree(cohort, out)
    with open(mask) as file:
        copied = {row["ID"]: {task for task, it in row.items() if it == "1"} for row in csv.DictReader(file)}
    with open(cohort / "features.csv") as file:
        header, *rows = csv.reader(file)
    # `darwin-24/ink.darwin.air_time` is of the mask's `task24`.
    tasks = ["task" + name.split("/")[0].removeprefix("darwin-") for name in header]
    with open(out / "features.csv", "w", newline="") as file:
        write = csv.writer(file).writerow
        write(header)
        for row in rows:
            write([row[0], *("" if task in copied[row[0]] else cell for task, cell in zip(tasks[1:], row[1:]))])


if __name__ == "__main__":
    main()
