"""docs/darwin.md and its figures from what `scripts/darwin` measured.

    python3 scripts/darwin_page.py MEASURED DOCS
"""

import csv
import html
import json
import re
import statistics
import sys
from pathlib import Path

TASKS = {
    1: "signature", 2: "horizontal line, four times", 3: "vertical line, four times", 4: "large circle, four times",
    5: "small circle, four times", 6: "copy letters", 7: "copy letters on rows", 8: "llll in one movement",
    9: "lele in one movement", 10: "copy a word", 11: "a word above a line", 12: "copy a word",
    13: "a word above a line", 14: "three remembered words", 15: "a word in reverse", 16: "a word in reverse",
    17: "six words in boxes", 18: "name of a pictured object", 19: "fields of a postal order",
    20: "dictated sentence", 21: "retrace a complex form", 22: "copy a telephone number",
    23: "take down a telephone number", 24: "clock at 11:05", 25: "copy a paragraph",
}  # fmt: skip
NAMES = {
    "profile-trees": "trees on profiles over tasks", "extra-trees": "extremely randomised trees",
    "boosting": "gradient boosting", "logistic": "logistic regression",
}  # fmt: skip


def plain(value):
    """`.963`, and 1 as `1.000`."""
    return f"{value:.3f}".removeprefix("0") if value >= 0 else "-" + plain(-value)


def ranged(it):
    """`.963 (.932–.982)`"""
    return f"{plain(it['value'])} ({plain(it['low'])}–{plain(it['high'])})"


def change(it):
    """`+.014 (−.002 to +.031)`"""
    signed = lambda value: ("+" if value >= 0 else "−") + plain(abs(value))
    return f"{signed(it['value'])} ({signed(it['low'])} to {signed(it['high'])})"


def short_ranged(it):
    two = lambda value: f"{value:.2f}".removeprefix("0")
    return f"{two(it['value'])} ({two(it['low'])}–{two(it['high'])})"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def number_of(task):
    return int(task.split("-")[1])


class Measured:
    """What `scripts/darwin` left in a folder."""

    def __init__(self, folder):
        load = lambda name: json.loads((folder / name).read_text())
        self.card, self.audit, self.peers = load("judged/card.json"), load("audit.json"), load("sklearn.json")
        self.compared = load("compared.json")["paired"]
        self.short = {
            (form, seconds): load(f"short-{form}-{seconds}.json") for form in ("portable", "all") for seconds in (60, 180)
        }
        self.screener = load("screener.json")
        self.forms = {it["form"]: it["sets"] for it in self.screener["forms"]}
        self.page = (folder / "judged/card.html").read_text()
        self.estimators = {it["name"]: it for it in self.card["estimators"]}
        self.head = self.card["estimators"][0]
        self.masked = self.head["readings"]["masked"]
        self.seconds = self.medians(folder / "masked/features.csv")

    @staticmethod
    def medians(path):
        """Median seconds of each task over the people whose block is no copy."""
        with open(path) as file:
            rows = list(csv.DictReader(file))
        times = lambda task: [float(row[f"darwin-{task}/ink.darwin.total_time"] or "nan") for row in rows]
        return {task: statistics.median(it for it in times(task) if it == it) for task in TASKS}

    def alone(self, form, task):
        """AUC of one task by the shipped screener's card, and of how many people."""
        found = next(it for it in self.forms[form] if it["tasks"] == [f"darwin-{task}"])
        return found["metrics"]["auc"] | {"people": found["people"]}

    @staticmethod
    def durations(card):
        """AUC of how long each task took, and nothing else, by the estimator that heads a card."""
        return next(it["auc"] for it in card["baselines"]["fitted"] if it["name"] == "duration")

    def answers(self):
        """What a hurried reader takes home: what was judged, its AUC, what that means."""
        readings, trees = self.head["readings"], self.estimators["extra-trees"]
        peer = {"value": self.peers["extra-trees"]["auc"], "low": None}
        three = self.short["portable", 180]
        took = sum(it["seconds"] for it in three["tasks"])
        untouched = readings["untouched"]
        return [
            ("**all 25 tasks, copies masked**", self.masked["auc"], "**the figure to quote**: everybody judged by what was fitted on others, settings chosen inside"),
            ("the same, extremely randomised trees", trees["readings"]["masked"]["auc"], "the strongest of the usual estimators"),
            ("the same by scikit-learn", peer, "same people, folds, trees, grid and refits; no interval, as it gives none"),
            ("the file as published", readings["as_published"]["auc"], "what papers report: too high, since a copy in the training set gives the answer away"),
            (f"the {untouched['people']} people with no copied block", untouched["auc"], "no copies and nothing masked, but fewer people, perhaps those who finished everything"),
            ("how long each task took, nothing else", self.durations(self.card), "most of what tells is slowness, which has other causes too"),
            (f"{len(three['tasks'])} tasks in three minutes", three["short_auc"], f"times and pen-downs only; {took:.0f} s of {three['whole_seconds']:.0f} s, tasks chosen inside each fold"),
            ("one clock drawn, nothing else", self.alone("portable", 24), "times and pen-downs only; what a single drawing tells"),
            ("which blocks are missing", self.head["missingness_only"]["auc"], "nothing measured at all; chance is .500, so the gaps tell a little"),
        ]  # fmt: skip


def answers(measured):
    cell = lambda it: ranged(it) if it.get("low") is not None else plain(it["value"])
    return table(
        ["what was judged", "AUC (95 %)", "what it means"],
        [[name, f"**{cell(it)}**" if place == 0 else cell(it), words] for place, (name, it, words) in enumerate(measured.answers())],
    )


def readings(measured):
    rows = []
    for name, it in measured.estimators.items():
        of = it["readings"]
        found = [of["masked"], of["as_published"], of["untouched"], it["missingness_only"]]
        peer = plain(measured.peers[name]["auc"]) if name in measured.peers else "–"
        rows.append([NAMES[name], *(ranged(reading["auc"]) for reading in found), peer])
    people = measured.head["readings"]["untouched"]["people"]
    header = ["estimator", "B: masked", "A: as published", f"the {people} untouched", "gaps alone", "scikit-learn on B"]
    return table(header, rows)


def operating(measured):
    rows = []
    for name, it in measured.estimators.items():
        masked = it["readings"]["masked"]
        keys = ["sensitivity", "specificity", "sensitivity_at_specificity_80", "sensitivity_at_specificity_90"]
        slope, brier = short_ranged(masked["calibration_slope"]), plain(masked["brier"]["value"])
        rows.append([NAMES[name], *(short_ranged(masked[key]) for key in keys), slope, brier])
    header = ["estimator", "sensitivity", "specificity", "sensitivity at specificity .80", "at .90", "calibration slope", "Brier"]
    return table(header, rows)


def tasks(measured):
    order = sorted(TASKS, key=lambda task: -measured.alone("portable", task)["value"])
    rows = []
    for task in order:
        found = [measured.alone(form, task) for form in ("portable", "all")]
        rows.append(
            [f"{task}", TASKS[task], f"{measured.seconds[task]:.0f} s", str(found[0]["people"]), *map(ranged, found)]
        )
    return table(["task", "what is written", "median", "people", "AUC, portable", "AUC, all eighteen features"], rows)


def short(measured):
    rows, sets = [], []
    for (form, seconds), it in measured.short.items():
        took = sum(task["seconds"] for task in it["tasks"])
        size = str(len(it["tasks"]))
        rows.append(
            [f"{seconds} s", form, size, f"{took:.0f} s", ranged(it["short_auc"]), ranged(it["whole_auc"]), change(it["change"])]
        )
        if form == "portable":
            named = lambda task: f"{number_of(task['task'])} {TASKS[number_of(task['task'])]} ({task['agreed']:.0%})"
            sets.append(f"- **{seconds} s:** " + "; ".join(map(named, it["tasks"])))
    header = ["allowed", "features", "tasks", "they take", "AUC of the short test", "AUC of all 25", "change"]
    return table(header, rows) + "\n\nThe sets with portable features, and the share of folds that chose each task:\n\n" + "\n".join(sets)


def findings(measured):
    advice = lambda it: it.get("decision") or "–"
    rows = [
        [it["kind"].replace("_", " "), it["severity"], advice(it), it["evidence"]] for it in measured.audit["findings"]
    ]
    return table(["finding", "severity", "answered", "evidence"], rows)


def forest(measured):
    """The answers as an SVG: one row each, on a scale from .5 to 1."""
    left, width, row, top = 290, 420, 26, 30
    x = lambda value: left + (value - 0.5) / 0.5 * width
    rows = measured.answers()
    height, head = top + row * len(rows) + 8, rows[0][1]["value"]
    parts = [f'<rect width="800" height="{height}" fill="white"/>']
    for tick in range(5, 11):
        at = x(tick / 10)
        words = "1" if tick == 10 else f".{tick}" + (" chance" if tick == 5 else "")
        parts.append(f'<line x1="{at}" x2="{at}" y1="{top - 8}" y2="{height - 8}" stroke="#e3e8ee"/>')
        parts.append(f'<text x="{at}" y="14" class="tick" text-anchor="middle">{words}</text>')
    parts.append(f'<line x1="{x(head):.1f}" x2="{x(head):.1f}" y1="{top - 8}" y2="{height - 8}" stroke="#9cc5bc" stroke-width="1.5"/>')
    for place, (name, it, _) in enumerate(rows):
        y, quoted = top + row * place + row / 2, place == 0
        colour = "#0f766e" if quoted else "#5b6b82"
        words = html.escape(name.strip("*"))
        parts.append(f'<text x="{left - 14}" y="{y + 4}" class="{"quoted" if quoted else "row"}" text-anchor="end">{words}</text>')
        if it["low"] is not None:
            low, high = max(0.5, it["low"]), it["high"]
            parts.append(f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.4"/>')
        parts.append(f'<circle cx="{x(it["value"]):.1f}" cy="{y}" r="{5.5 if quoted else 4.5}" fill="{colour}" stroke="white" stroke-width="1.5"/>')
        parts.append(f'<text x="{left + width + 16}" y="{y + 4}" class="{"quoted" if quoted else "row"}">{plain(it["value"])}</text>')
    return svg(800, height, "AUC of each reading of DARWIN with 95 % intervals", "".join(parts))


def curves(measured):
    """The card's own figures of the headline, side by side: ROC, calibration, overlap of classes, decision curve."""
    drawn = re.findall(r'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 300".*?</svg>', measured.page, re.S)[:4]
    if len(drawn) != 4:
        sys.exit(f"expected the card's four figures, got {len(drawn)}")
    titles = ["ROC", "calibration", "people by predicted probability", "net benefit"]
    parts = ['<rect width="880" height="660" fill="white"/>']
    for place, (title, figure) in enumerate(zip(titles, drawn)):
        across, down = place % 2 * 440, place // 2 * 330
        parts.append(f'<text x="{across + 46}" y="{down + 18}" class="quoted">{title}</text>')
        parts.append(figure.replace("<svg ", f'<svg x="{across}" y="{down + 24}" width="420" height="300" ', 1))
    return svg(880, 660, "ROC, calibration, overlap of classes and net benefit of the headline", "".join(parts))


def svg(width, height, label, body):
    style = (
        'text { font-family: Inter, "Segoe UI", "Noto Sans", system-ui, sans-serif }'
        " .tick { font-size: 11px; fill: #5b6b82 } .row { font-size: 12.5px; fill: #1b2a41 }"
        " .quoted { font-size: 13px; font-weight: 700; fill: #1b2a41 } .big { font-size: 17px; font-weight: 700; fill: #1b2a41 }"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{label}">'
    return f"{head}<style>{style}</style>{body}</svg>\n"


def page(measured):
    card, plan, masked = measured.card, measured.card["plan"], measured.masked
    values, cohort = card["predictive_values"], card["cohort"]
    head, published = masked["auc"], measured.head["readings"]["as_published"]["auc"]
    three = measured.short["portable", 180]
    odds = lambda key: f"{masked[key]['value']:.2g}"
    return f"""# DARWIN: what handwriting tells, and what the file gives away

**Twenty-five short handwriting tasks tell people with Alzheimer's disease from healthy ones with AUC {ranged(head)}**, judged on
people nothing was fitted on. The same file with its copied blocks left in says {plain(published["value"])}: part of what is
published on it is the file and not the hand. Three minutes of the same tasks still reach {ranged(three["short_auc"])}, and one minute
{ranged(measured.short["portable", 60]["short_auc"])}.

![AUC of each reading with its interval](darwin.svg)

{answers(measured)}

*{card["software"]}, `make darwin`: nested {plan["repeats"]} × {plan["outer"]} × {plan["inner"]} by people; AUC is the mean over
outer folds, the interval comes from {plan["draws"]:,} draws of people. No figure on this page is typed by hand.*

**Screening aid for research. It does not diagnose**, and this page is not evidence for a clinic: {cohort["people"]} people
({cohort["dementia"]} patients, {cohort["healthy"]} healthy), one tablet, Italian, nobody with MCI, ages and schooling not in the file
(so what age alone would reach cannot be known), and half of them patients. Where {100 * values["prevalence"]:.2f} % are impaired, of those whom the
headline's cut flags **{100 * values["positive"]:.0f} %** would be, and of those it passes {100 * values["negative"]:.1f} % would not
(sensitivity {short_ranged(masked["sensitivity"])}, specificity {short_ranged(masked["specificity"])}).

## What is wrong with the file
DARWIN (Cilia et al. 2022, UCI 732, CC BY 4.0) has 25 tasks × 18 features of each person. `inkling audit` was given nothing else:

{findings(measured)}

Whoever's task is a copy of somebody else's has a twin in the training set who always has the same label. Masked, those blocks are
missing, and are filled in by the median of the training people of each fold.

## Estimators and readings
B is the reading to quote; A is the file as it is; *untouched* are the people none of whose blocks is a copy; *gaps alone* is fitted
on which blocks are missing. scikit-learn was given the same people, folds, preparation, grids and refits.

{readings(measured)}

Trees on profiles (mean, deviation, 20th and 80th percentile of each feature over the tasks somebody did) were chosen **after**
looking at DARWIN. Against plain extremely randomised trees they gain {change(measured.compared["difference"]["auc"])} of AUC, paired by
people; that gain wants another cohort. Plain trees are the figure nothing was tuned for.

**Mostly slowness.** How long each task took, and nothing else, reaches {ranged(measured.durations(card))} by the trees on profiles, and
{ranged(measured.durations(measured.screener))} by logistic regression, where the shipped screener, which reads all features of all tasks by
joined logistic regressions, reaches {ranged(measured.screener["readings"]["masked"]["auc"])}. What pressure, speed, jerk and size add to the time is
within the intervals.

## How good where it counts
Reading B. The cut is where the calibrated probability is one half; a positive screen is {odds("positive_likelihood_ratio")} times as likely
in a patient as in a healthy person, a negative one {odds("negative_likelihood_ratio")} times.

{operating(measured)}

![ROC, calibration, overlap and net benefit of the headline](darwin-curves.svg)

## Which task tells most
One calibrated logistic regression a task, nested, copied blocks missing: the shipped screener `handwriting-darwin@1`. *Portable*
features are times, pen-downs and their ratios, which mean the same on any tablet; the rest is in this tablet's own units. With about
{statistics.mean(measured.alone("portable", task)["people"] for task in TASKS):.0f} people a task the intervals overlap nearly everywhere: this is no ranking.

{tasks(measured)}

## A shorter test
`inkling shorten` chooses, within each training side, the tasks that fit into the time allowed and lose least; the people it is judged
on had no say in the choice. *Change* is against the same procedure with all tasks, paired by people.

{short(measured)}

Where folds disagree, tasks stand in for one another: the length is to be trusted, the list is one of many.

## To repeat it
```sh
INKLING_DATA=… make darwin         # this page, from darwin/DARWIN.csv in that folder
INKLING_DATA=… make bench-darwin   # the same evaluation against scikit-learn, with CPU time and memory
inkling audit claim --n 174 --positives 89 --auc … --sensitivity … --specificity …   # can somebody's figures be true?
```
"""


def main():
    folder, docs = map(Path, sys.argv[1:])
    measured = Measured(folder)
    for name, written in [("darwin.svg", forest(measured)), ("darwin-curves.svg", curves(measured)), ("darwin.md", page(measured))]:
        (docs / name).write_text(written)
        print(docs / name)


if __name__ == "__main__":
    main()
