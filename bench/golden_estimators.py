"""Small problems solved by scikit-learn at tight tolerances, for `crates/learn/tests/golden`: the cells of a table with missing
values, labels in all three ways, and what each estimator learned (`darwin_sklearn.Preparation` goes before all of them).

    bench/.venv/bin/python bench/golden_estimators.py crates/learn/tests/golden

`answers` hold the settings as `learn::Estimator` reads them, the target, and the outputs for every person: log-odds, decision
values, probabilities of three classes, or points. The first `training` people were fitted on. `spread` holds AUCs over seeds
of what is drawn.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

from darwin_sklearn import Preparation

TWO_WEIGHTS = {None: None, "balanced": "balanced", (1.0, 3.0): {0: 1.0, 1: 3.0}}


class Problem:
    """People whose numbers rise from class to class, a third of them in each; a twentieth of the cells is missing."""

    def __init__(self, training, held, columns, seed, shares=(0.5, 0.2, 0.3)):
        random = np.random.default_rng(seed)
        people = training + held
        self.classes = random.choice(3, size=people, p=shares)
        self.classes[:3] = 0, 1, 2
        shift = 0.5 * self.classes[:, None] * (np.arange(columns) % 3 == 0)
        self.cells = np.round(np.exp(random.normal(size=(people, columns)) + shift), 4)
        self.cells[random.random(self.cells.shape) < 0.05] = np.nan
        self.cells[0, 1] = 0.0
        self.points = np.clip(np.round(28 - 6 * self.classes + 2 * random.normal(size=people)), 0, 30)
        self.training = training
        # Tables hold f32.
        x = self.cells.astype(np.float32).astype(float)
        self.z = Preparation().fit(x[:training]).transform(x)
        self.two = (self.classes > 0).astype(int)

    def fit(self, estimator, target):
        return estimator.fit(self.z[: self.training], getattr(self, target)[: self.training])

    def written(self, answers):
        cells = [[None if np.isnan(cell) else float(cell) for cell in row] for row in self.cells]
        plain = {"training": self.training, "cells": cells, "classes": self.classes.tolist(), "points": self.points.tolist()}
        return plain | {"answers": answers}


def weighted(settings, weights):
    if weights is None:
        return settings
    given = "balanced" if weights == "balanced" else {"given": list(weights)}
    return {"estimator": "weighted", "weights": given, "of": settings}


def answer(settings, target, outputs, line=None):
    found = {"settings": settings, "target": target, "outputs": np.asarray(outputs).ravel().tolist()}
    if line is not None:
        found |= {"intercept": float(np.ravel(line.intercept_)[0]), "coefficients": line.coef_.ravel().tolist()}
    return found


def lines(problem):
    tight = {"tol": 1e-10, "max_iter": 2_000_000}
    for weights, given in TWO_WEIGHTS.items():
        for c in (0.003, 0.1, 3.0):
            line = problem.fit(LogisticRegression(C=c, class_weight=given, solver="newton-cholesky", **tight), "two")
            yield answer(weighted({"estimator": "logistic", "c": c}, weights), "two", line.decision_function(problem.z), line)
        for c, ratio in ((0.1, 0.5), (0.5, 1.0), (1.0, 0.1)):
            saga = LogisticRegression(
                C=c, l1_ratio=ratio, penalty="elasticnet", class_weight=given, solver="saga", random_state=0, **tight
            )
            line, settings = problem.fit(saga, "two"), {"estimator": "elastic-net", "c": c, "l1_ratio": ratio}
            yield answer(weighted(settings, weights), "two", line.decision_function(problem.z), line)
    for c in (0.1, 3.0):
        fitted = problem.fit(LogisticRegression(C=c, solver="newton-cg", **tight), "classes")
        yield answer({"estimator": "logistic", "c": c}, "three", fitted.predict_proba(problem.z))
    saga = LogisticRegression(C=0.5, l1_ratio=0.5, penalty="elasticnet", solver="saga", random_state=0, **tight)
    fitted = problem.fit(saga, "classes")
    settings = {"estimator": "elastic-net", "c": 0.5, "l1_ratio": 0.5}
    yield answer(settings, "three", fitted.predict_proba(problem.z))
    for c, ratio in ((0.1, 0.5), (1.0, 0.9)):
        # scikit-learn divides the squared error by the people, and the penalty is what is multiplied.
        net = ElasticNet(alpha=1 / (c * problem.training), l1_ratio=ratio, tol=1e-12, max_iter=1_000_000)
        fitted = problem.fit(net, "points")
        yield answer({"estimator": "elastic-net", "c": c, "l1_ratio": ratio}, "points", fitted.predict(problem.z))


def machines(problem):
    columns = problem.z.shape[1]
    kernels = [("linear", {"kernel": "linear"})]
    kernels += [({"rbf": {"gamma": g}}, {"kernel": "rbf", "gamma": g / columns}) for g in (0.3, 1.0, 3.0)]
    for weights, given in TWO_WEIGHTS.items():
        for kernel, theirs in kernels:
            for c in (0.01, 1.0, 30.0):
                machine = problem.fit(SVC(C=c, class_weight=given, tol=1e-10, **theirs), "two")
                settings = weighted({"estimator": "svm", "c": c, "kernel": kernel}, weights)
                yield answer(settings, "two", polished(problem, machine, theirs))


def polished(problem, machine, kernel):
    """Decision values in f64: LIBSVM keeps its kernel in f32, which moves them by 1e-5 or, with C, more. Who is free, at the bound, or no
    support stays as scikit-learn found it; the optimality conditions, linear in what is left, are solved and checked."""
    x, y = problem.z[: problem.training], 2.0 * problem.two[: problem.training] - 1
    gamma = kernel.get("gamma")
    between = lambda a, b: a @ b.T if gamma is None else rbf_kernel(a, b, gamma=gamma)
    limits = machine.C * machine.class_weight_[problem.two[: problem.training]]
    alpha = np.zeros(len(y))
    alpha[machine.support_] = np.abs(machine.dual_coef_[0])
    free = (alpha > 1e-7 * limits) & (alpha < (1 - 1e-7) * limits)
    alpha[~free] = np.where(alpha[~free] > limits[~free] / 2, limits[~free], 0)
    if not free.any():
        return machine.decision_function(problem.z)
    gram, bound = between(x, x), ~free
    left = np.zeros((free.sum() + 1,) * 2)
    left[:-1, :-1], left[:-1, -1], left[-1, :-1] = gram[np.ix_(free, free)], 1, 1
    right = np.append(y[free] - gram[np.ix_(free, bound)] @ (y * alpha)[bound], -(y * alpha)[bound].sum())
    solved = np.linalg.lstsq(left, right, rcond=None)[0]
    signed = y * alpha
    signed[free] = solved[:-1]
    values = between(problem.z, x) @ signed + solved[-1]
    margin, alpha = y * values[: len(y)] - 1, y * signed
    assert np.all(alpha > -1e-9) and np.all(alpha < limits + 1e-9) and abs(signed.sum()) < 1e-9
    assert np.all(margin[alpha < 1e-9] > -1e-8) and np.all(margin[alpha > limits - 1e-9] < 1e-8)
    assert np.abs(values - machine.decision_function(problem.z)).max() < 2e-5 + 1e-7 * machine.C * len(y)
    return values


def boosted(problem):
    def settings(rounds, leaves, leaf, missing="median"):
        growth = {"rounds": rounds, "rate": 0.1, "leaves": leaves, "min_samples_leaf": leaf}
        return {"estimator": "boosting", **growth, "missing": missing}

    def determined(estimator, target, outputs):
        """Refuses a problem in which two columns part some node alike: which is taken is rounding, there and here."""
        backward = estimator.fit(problem.z[: problem.training, ::-1], getattr(problem, target)[: problem.training])
        again = getattr(backward, outputs)(problem.z[:, ::-1])
        forward = getattr(problem.fit(estimator, target), outputs)(problem.z)
        assert np.abs(forward - again).max() < 1e-9, f"{target}: columns backward give other trees"
        return forward

    for rounds, leaves, leaf in ((30, 4, 5), (60, 8, 20)):
        growth = {"max_iter": rounds, "max_leaf_nodes": leaves, "min_samples_leaf": leaf, "early_stopping": False}
        for weights, given in TWO_WEIGHTS.items():
            trees = HistGradientBoostingClassifier(class_weight=given, **growth)
            outputs = determined(trees, "two", "decision_function")
            yield answer(weighted(settings(rounds, leaves, leaf), weights), "two", outputs)
        classes = determined(HistGradientBoostingClassifier(**growth), "classes", "predict_proba")
        yield answer(settings(rounds, leaves, leaf), "three", classes)
        points = determined(HistGradientBoostingRegressor(**growth), "points", "predict")
        yield answer(settings(rounds, leaves, leaf), "points", points)


def spread(problem, seeds):
    """AUC on the held people, over seeds."""
    forest = {"trees": 100, "min_samples_leaf": 2, "max_features": "sqrt", "seed": 0}
    theirs = {"n_estimators": 100, "min_samples_leaf": 2}
    network = {"estimator": "mlp", "hidden": 8, "penalty": 10.0, "steps": 200, "seed": 0}
    kinds = [
        ({"estimator": "extra-trees", **forest}, lambda seed: ExtraTreesClassifier(**theirs, random_state=seed)),
        ({"estimator": "random-forest", **forest}, lambda seed: RandomForestClassifier(**theirs, random_state=seed)),
        (network, lambda seed: MLPClassifier((8,), alpha=10.0, solver="lbfgs", max_iter=200, random_state=seed)),
    ]
    for settings, estimator in kinds:
        held = slice(problem.training, None)
        fitted = [problem.fit(estimator(seed), "two") for seed in range(seeds)]
        aucs = [roc_auc_score(problem.two[held], it.predict_proba(problem.z[held])[:, 1]) for it in fitted]
        yield {"settings": settings, "aucs": aucs}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    folder = pathlib.Path(sys.argv[1])

    def write(name, problem, answers, **more):
        (folder / f"{name}.json").write_text(json.dumps(problem.written(list(answers)) | more) + "\n")

    more_people, more_columns = Problem(60, 10, 6, 1), Problem(24, 10, 40, 2)
    for name, problem in {"more-people": more_people, "more-columns": more_columns}.items():
        write(f"lines-{name}", problem, lines(problem))
        write(f"svm-{name}", problem, machines(problem))
    several = Problem(200, 20, 8, 3)
    write("boosting", several, boosted(several))
    large = Problem(150, 250, 12, 4)
    write("spread", large, [], spread=list(spread(large, 20)))
