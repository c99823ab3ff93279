"""CPU time and memory of `inkling evaluate` on many made-up people: 100,000 people × 500 features by default.

    python3 bench/large.py INKLING [ESTIMATORS] [PEOPLE] [FEATURES] [OUTER] [INNER] [REPEATS]

Two features in five tell the classes a little apart. The cohort is written as a folder of CSV files, because that is what is
read; making it is not timed. Nothing but the standard library is needed.
"""

import json
import pathlib
import random
import resource
import subprocess
import sys
import tempfile


def write(folder, people, features):
    draw = random.Random(1)
    units = {f"demo.time.f{it}": "s" for it in range(features // 10)}
    cohort = {"name": "large", "synthetic": True, "units": units}
    (folder / "cohort.json").write_text(json.dumps(cohort))
    tasks = [f"task-{task}/demo.time.f{it}" for task in range(10) for it in range(features // 10)]
    # Cells are drawn from pools of written numbers: formatting fifty million would take longer than the evaluation.
    number = lambda shift: "" if draw.random() < 0.02 else f"{shift * draw.lognormvariate(0.0, 1.0):.5g}"
    pools = [[number(shift) for _ in range(1 << 16)] for shift in (1.0, 1.05)]
    with open(folder / "participants.csv", "w") as known, open(folder / "features.csv", "w") as table:
        known.write("id,label\n")
        table.write(",".join(["id", *tasks]) + "\n")
        for person in range(people):
            impaired = person % 2
            known.write(f"p{person},{'dementia' if impaired else 'healthy'}\n")
            cells = draw.choices(pools[0], k=len(tasks))
            if impaired:
                cells[: len(tasks) * 2 // 5] = draw.choices(pools[1], k=len(tasks) * 2 // 5)
            table.write(",".join([f"p{person}", *cells]) + "\n")


def main():
    inkling, estimators = sys.argv[1], (sys.argv[2:] or ["logistic,boosting"])[0]
    numbers = [int(it) for it in sys.argv[3:]]
    people, features, outer, inner, repeats = numbers + [100_000, 500, 2, 2, 1][len(numbers) :]
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        write(folder, people, features)
        plan = ["--outer", outer, "--inner", inner, "--repeats", repeats, "--estimator", estimators]
        plan += ["--permutations", 0, "--curve"]
        line = [inkling, "evaluate", folder, "--out", folder / "judged", *plan]
        subprocess.run([str(it) for it in line], check=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{people} people x {features} features, {repeats} x {outer} x {inner}, {estimators}:", end=" ")
    print(f"CPU {usage.ru_utime + usage.ru_stime:.0f} s, memory {usage.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
