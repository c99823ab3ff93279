//! People whose label their numbers contradict in every repeat.

use super::{Figure, Finding, Seen, Severity};
use crate::metric::Judged;

/// Out-of-fold probability of the other class above which the numbers contradict the label.
const AGAINST: f64 = 0.9;

/// Most suspects that the words name.
const NAMED: usize = 10;

/// People of whom every repeat says, without having seen them, that they belong to the other class.
///
/// Where probabilities are calibrated some must be: of a hundred people at .95, five. The evidence says how many follow from
/// calibration alone (the sum of what the probabilities leave to the label), so that only an excess means wrong labels.
pub(crate) fn suspects(seen: &Seen<'_>, repeats: &[Judged]) -> Option<Finding> {
    let n = repeats.len() as f64;
    let other = |judged: &Judged, row: usize| {
        if seen.labels[row] { 1.0 - judged.probabilities[row] } else { judged.probabilities[row] }
    };
    let mean = |row: usize| repeats.iter().map(|it| other(it, row)).sum::<f64>() / n;
    let always = |row: &usize| repeats.iter().all(|it| other(it, *row) >= AGAINST);
    let mut found: Vec<usize> = (0..seen.labels.len()).filter(always).collect();
    if found.is_empty() {
        return None;
    }
    found.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)).then(a.cmp(&b)));
    let expected = expected(repeats, seen.labels.len());
    let named = |row: &usize| {
        let class = if seen.labels[*row] { "impaired" } else { "healthy" };
        let id = seen.table.participants()[*row].id.reveal();
        format!("{id} (labelled {class}, {:.2} against it)", mean(*row))
    };
    let names: Vec<String> = found.iter().map(named).collect();
    let evidence = format!(
        "{} people look like the other class in each of {} repeats, with a probability of {AGAINST} or more; about {expected:.1} \
         follow from calibration alone. {}.",
        found.len(),
        repeats.len(),
        super::finding::few(&names, NAMED),
    );
    let finding = Finding::new("label_suspects", Severity::Note, evidence, ADVICE)
        .number(Figure::count("people", found.len()))
        .number(Figure::plain("expected", expected))
        .people(seen.table, found);
    Some(finding)
}

const ADVICE: &str = "Have the labels of these people looked at again by somebody who does not know the score. Never drop them to make \
                      a result better.";

/// How many people would contradict their label in every repeat if labels were drawn with the probabilities.
fn expected(repeats: &[Judged], people: usize) -> f64 {
    let left = |row: usize| {
        let probabilities = || repeats.iter().map(|it| it.probabilities[row]);
        let mean = probabilities().sum::<f64>() / repeats.len() as f64;
        let certain = probabilities().all(|p| p >= AGAINST) || probabilities().all(|p| p <= 1.0 - AGAINST);
        if certain { mean.min(1.0 - mean) } else { 0.0 }
    };
    (0..people).map(left).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Plan, audit,
        audit::planted::{changed, cohort},
        synthetic,
    };
    use study::Diagnosis;

    #[test]
    fn wrong_labels_among_people_who_are_told_apart_are_named() {
        let table = changed(&synthetic::blocks(120, (2, 4), 1.6, 2), |row, person, _| {
            if row == 10 || row == 21 {
                let turned = person.label.is_some_and(Diagnosis::impaired);
                person.label = Some(if turned { Diagnosis::Healthy } else { Diagnosis::Dementia });
            }
        });
        let plan = Plan { repeats: 3, draws: 100, ..Plan::audit() };
        let audit = audit(&cohort(table), &plan, &|_| ()).unwrap();
        let finding = audit.findings.iter().find(|it| it.kind == "label_suspects").unwrap();
        let mut named = finding.participants.clone();
        named.sort();
        assert_eq!(named, ["p10", "p21"], "{finding:?}");
        assert!(!finding.open() && finding.numbers[0].value == 2.0, "{finding:?}");
    }

    #[test]
    fn one_repeat_that_disagrees_clears_a_person() {
        let table = synthetic::table(4, 1, 0.0, 1);
        let cohort = cohort(table.clone());
        let labels = [false, true, false, true];
        let seen = Seen {
            cohort: &cohort,
            every: &table,
            table: &table,
            masked: &table,
            copies: &[],
            labels: &labels,
            seed: 1,
        };
        let judged = |p: f64| Judged::new(vec![0.08, 0.05, p, 0.93], labels.to_vec());
        let finding = suspects(&seen, &[judged(0.95), judged(0.6)]).unwrap();
        assert_eq!(finding.participants, ["p1"]);
        let finding = suspects(&seen, &[judged(0.95), judged(0.93)]).unwrap();
        assert_eq!(finding.participants, ["p1", "p2"]);
        assert!((finding.numbers[1].value - (0.08 + 0.05 + 0.06 + 0.07)).abs() < 1e-12, "{finding:?}");
    }
}
