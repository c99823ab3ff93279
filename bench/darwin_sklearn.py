"""scikit-learn on the splits of `inkling evaluate`: same preparation, grids, inner folds and refits; reading B (masked).

    python -m venv bench/.venv && bench/.venv/bin/pip install -r bench/requirements.txt
    bench/.venv/bin/python bench/darwin_sklearn.py DARWIN.csv imputed_mask.csv splits.json [--repeats 10] [--jobs 2]

`splits.json` is written by `inkling evaluate COHORT --out DIR`. Prints, for each estimator, the mean AUC over outer folds and
the CPU time (user + system of all workers). Outer folds are shared out over processes and each fit uses one thread, which is
scikit-learn's fastest way to do this on a few cores.

`--kept FILE` keeps what was found and takes it from there when the same families are asked for again on the same people, folds,
script and scikit-learn; with `--again` everything is judged anew, as a timing must be.
"""

import argparse
import hashlib
import json
import os
import pathlib
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import sklearn
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

FLOOR, FARTHEST = 0.01, 4.0


class Preparation(TransformerMixin, BaseEstimator):
    """Signed log with a floor, median imputation, standardisation, four deviations at most: as `learn::prepare`."""

    def fit(self, x, y=None):
        size = np.where(np.abs(x) > 0, np.abs(x), np.nan)
        self.floor_ = FLOOR * np.nanmedian(size, axis=0)
        logs = self._logs(x)
        self.median_ = np.nanmedian(logs, axis=0)
        filled = np.where(np.isnan(logs), self.median_, logs)
        self.mean_, deviation = filled.mean(0), filled.std(0)
        self.deviation_ = np.where(deviation > 0, deviation, 1.0)
        return self

    def transform(self, x):
        logs = self._logs(x)
        filled = np.where(np.isnan(logs), self.median_, logs)
        return np.clip((filled - self.mean_) / self.deviation_, -FARTHEST, FARTHEST)

    def _logs(self, x):
        return np.sign(x) * np.log1p(np.abs(x) / self.floor_)


class Profile(Preparation):
    """Mean, deviation, 20th and 80th percentile of each feature over the tasks somebody did: as `learn::prepare::profile`."""

    FEATURES = 18

    def fit(self, x, y=None):
        super().fit(x)
        self.raw_ = self._raw(x)
        self.centre_, spread = self.raw_.mean(0), self.raw_.std(0)
        self.spread_ = np.where(spread > 1e-12, spread, 1.0)
        del self.raw_
        return self

    def transform(self, x):
        return (self._raw(x) - self.centre_) / self.spread_

    def _raw(self, x):
        z = np.clip((self._logs(x) - self.mean_) / self.deviation_, -FARTHEST, FARTHEST)
        z = z.reshape(len(z), -1, self.FEATURES)
        low, high = np.nanpercentile(z, [20, 80], axis=1)
        return np.hstack([np.nanmean(z, axis=1), np.nanstd(z, axis=1), low, high])


def logistic():
    return [LogisticRegression(C=c, tol=1e-6, max_iter=10_000) for c in (0.0003, 0.003, 0.03, 0.3, 3.0)]


def extra_trees():
    def forest(tries, leaf):
        return ExtraTreesClassifier(300, max_features=tries, min_samples_leaf=leaf, random_state=0, n_jobs=1)

    return [forest("sqrt", 1), forest("sqrt", 3), forest(0.2, 1), forest(0.2, 3)]


def boosting():
    def trees(leaves, rounds):
        growth = {"max_leaf_nodes": leaves, "max_iter": rounds, "learning_rate": 0.1, "min_samples_leaf": 5}
        return HistGradientBoostingClassifier(**growth, early_stopping=False)

    return [trees(3, 50), trees(3, 150), trees(8, 50), trees(8, 150)]


FAMILIES = {
    "profile-trees": (Profile, extra_trees),
    "extra-trees": (Preparation, extra_trees),
    "logistic": (Preparation, logistic),
    "boosting": (Preparation, boosting),
}


def outer_fold(x, y, fold, name):
    start = time.process_time()
    prepare, grid_of = FAMILIES[name]
    grid = grid_of()
    training = np.setdiff1d(np.arange(len(y)), fold["held"])
    aucs = np.zeros(len(grid))
    for held in fold["inner"]:
        inner = np.setdiff1d(training, held)
        # Prepared once for the whole grid, as a user who cares for speed would (GridSearchCV with memory).
        preparation = prepare().fit(x[inner])
        inside, outside = preparation.transform(x[inner]), preparation.transform(x[held])
        for place, estimator in enumerate(grid):
            aucs[place] += roc_auc_score(y[held], estimator.fit(inside, y[inner]).predict_proba(outside)[:, 1])
    chosen = grid_of()[int(np.argmax(aucs))]
    fitted = make_pipeline(prepare(), chosen).fit(x[training], y[training])
    auc = roc_auc_score(y[fold["held"]], fitted.predict_proba(x[fold["held"]])[:, 1])
    return auc, int(np.argmax(aucs)), time.process_time() - start


def masked(table, mask):
    """Copied blocks missing; times stay in ms, because the preparation does not depend on the unit."""
    x, copied = table.iloc[:, 1:451].to_numpy(float), mask.iloc[:, 1:].to_numpy() == 1
    x[np.repeat(copied, 18, axis=1)] = np.nan
    return x, (table["class"] == "P").to_numpy(int)


class Kept:
    """Results of earlier runs by a digest of everything they depend on."""

    def __init__(self, path, again, *parts):
        self.path = path and pathlib.Path(path)
        digest = hashlib.sha256(pathlib.Path(__file__).read_bytes() + sklearn.__version__.encode())
        for part in parts:
            digest.update(json.dumps(part).encode() if isinstance(part, list) else np.ascontiguousarray(part).tobytes())
        self.key = digest.hexdigest()
        self.all = json.loads(self.path.read_text()) if self.path and self.path.exists() else {}
        self.known = {} if again else self.all.get(self.key, {})

    def keep(self, report):
        if self.path:
            self.all[self.key] = self.all.get(self.key, {}) | report
            self.path.write_text(json.dumps(self.all))


def judge(x, y, folds, name, jobs):
    wall = time.perf_counter()
    found = Parallel(n_jobs=jobs)(delayed(outer_fold)(x, y, fold, name) for fold in folds)
    aucs, chosen, seconds = map(np.array, zip(*found))
    return {
        "auc": round(float(aucs.mean()), 4),
        "sd": round(float(aucs.std(ddof=1)), 4),
        "chosen": np.bincount(chosen, minlength=len(FAMILIES[name][1]())).tolist(),
        "cpu_s": round(float(seconds.sum()), 1),
        "wall_s": round(time.perf_counter() - wall, 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("mask")
    parser.add_argument("splits")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kept", help="JSON file of what was found before")
    parser.add_argument("--again", action="store_true", help="judge anew what is kept")
    options = parser.parse_args()
    table, splits = pd.read_csv(options.table), json.load(open(options.splits))
    people = splits["participants"]
    warnings.filterwarnings("ignore", category=pd.errors.PerformanceWarning)
    # Rows of the splits are rows of the cohort: bring the CSV into that order.
    table, mask = (it.set_index("ID").loc[people].reset_index() for it in (table, pd.read_csv(options.mask)))
    x, y = masked(table, mask)
    folds = [fold for repeat in splits["repeats"][: options.repeats] for fold in repeat]
    kept, report = Kept(options.kept, options.again, x, y, folds), {}
    for name in options.families.split(","):
        report[name] = kept.known.get(name) or judge(x, y, folds, name, options.jobs)
        kept.keep(report)
        print(name, json.dumps(report[name]), flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
