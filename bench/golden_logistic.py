"""Small logistic problems solved by scikit-learn, for `crates/learn/tests/golden`: the cells of a table with missing values,
C, and the coefficients on prepared columns (`darwin_sklearn.Preparation`).

    bench/.venv/bin/python bench/golden_logistic.py crates/learn/tests/golden
"""

import json
import pathlib
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression

from darwin_sklearn import Preparation


def problem(people, columns, seed):
    random = np.random.default_rng(seed)
    y = np.arange(people) % 2
    x = np.exp(random.normal(size=(people, columns)) + 0.6 * y[:, None] * (np.arange(columns) % 3 == 0))
    x = np.round(x, 4)
    x[random.random(x.shape) < 0.05] = np.nan
    x[0, 1] = 0.0
    return x, y


def solved(people, columns, seed):
    x, y = problem(people, columns, seed)
    # Tables hold f32.
    z = Preparation().fit_transform(x.astype(np.float32).astype(float))
    answers = []
    for c in (0.003, 0.1, 3.0):
        line = LogisticRegression(C=c, solver="lbfgs", tol=1e-10, max_iter=1_000_000).fit(z, y)
        answers.append({"c": c, "intercept": line.intercept_[0], "coefficients": line.coef_[0].tolist()})
    cells = [[None if np.isnan(cell) else cell for cell in row] for row in x]
    return {"cells": cells, "impaired": y.tolist(), "answers": answers}


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for name, shape in {"more-people": (60, 6, 1), "more-columns": (24, 40, 2)}.items():
        (folder / f"logistic-{name}.json").write_text(json.dumps(solved(*shape)) + "\n")
