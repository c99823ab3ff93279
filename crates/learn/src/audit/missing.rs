//! What is missing, and whether that tells the label.
//!
//! A task that only one class was asked to do, a device that fails on tremor, an age nobody wrote down for controls: whatever
//! fills the gaps later, the gap itself is a predictor.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use study::Participant;

use super::{
    Figure, Finding, Seen, Severity,
    chance::{LIKELY, told},
    finding::{auc_words, few, p_words},
};
use crate::seed::derive;

/// Above this AUC, at the lower end of its interval, gaps alone go far enough to carry a result.
const CARRIES: f64 = 0.7;

/// People who lack the same columns: their rows, and the names of the columns.
struct Gap {
    rows: Vec<usize>,
    columns: Vec<String>,
}

/// Whether the number of gaps, or one of them, tells the label.
pub(crate) fn missing(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let gaps = gaps(seen);
    if gaps.is_empty() {
        return Ok(vec![]);
    }
    let counts = counts(&gaps, seen.labels.len());
    let number = told(&counts, seen.labels, derive(seen.seed, &[0x04])).filter(|it| it.p <= LIKELY);
    let one = strongest(&gaps, seen).filter(|it| it.2 <= LIKELY);
    if number.is_none() && one.is_none() {
        return Ok(vec![]);
    }
    let far = number
        .as_ref()
        .map_or(0.0, |it| it.turned().auc.low)
        .max(one.map_or(0.0, |it| it.1.abs() / 2.0 + 0.5));
    let severity = if far >= CARRIES { Severity::Serious } else { Severity::Note };
    let mut words = vec![];
    if let Some(it) = &number {
        words.push(format!(
            "How much is missing tells the label: {}, {}.",
            auc_words(&it.auc),
            p_words(it.p)
        ));
    }
    if let Some((gap, difference, p)) = one {
        words.push(gap_words(gap, difference, p, seen.labels));
    }
    if !seen.copies.is_empty() {
        words.push("Masked copies count as missing.".to_owned());
    }
    let mut finding = Finding::new("missingness_predicts_label", severity, words.join(" "), ADVICE);
    finding.numbers.extend(number.as_ref().map(Figure::told));
    if let Some((gap, difference, p)) = one {
        finding = finding.number(Figure::tested("difference", difference, p)).columns(gap.columns.clone());
    }
    Ok(vec![finding])
}

fn gap_words(gap: &Gap, difference: f64, p: f64, labels: &[bool]) -> String {
    let impaired = gap.rows.iter().filter(|&&row| labels[row]).count();
    let more = if difference > 0.0 { "impaired" } else { "healthy" };
    let places = places(&gap.columns);
    format!(
        "{} {} missing more often for {more} people: for {} impaired and {} healthy ones; permutation {}.",
        few(&places, 3),
        if places.len() == 1 { "is" } else { "are" },
        impaired,
        gap.rows.len() - impaired,
        p_words(p)
    )
}

/// Tasks where several columns of one are missing together, else the column.
fn places(columns: &[String]) -> Vec<String> {
    let task = |column: &String| column.split_once('/').map_or(column.clone(), |(task, _)| task.to_owned());
    let mut places: Vec<String> = vec![];
    for alike in columns.chunk_by(|a, b| task(a) == task(b)) {
        places.push(if alike.len() == 1 { alike[0].clone() } else { task(&alike[0]) });
    }
    places
}

const ADVICE: &str = "Ask why it is missing. Compare with the reading `missingness only`: a result close to it may be nothing else. \
                      Judge people who have everything by themselves.";

type Known = (&'static str, fn(&Participant) -> bool);

/// What is recorded of people besides their label.
const RECORDED: [Known; 6] = [
    ("age", |it| it.age.is_some()),
    ("sex", |it| it.sex.is_some()),
    ("education", |it| it.education.is_some()),
    ("language", |it| it.language.is_some()),
    ("site", |it| it.site.is_some()),
    ("device", |it| it.device.is_some()),
];

/// Every set of people who lack something that others have.
fn gaps(seen: &Seen<'_>) -> Vec<Gap> {
    let table = seen.masked;
    let mut columns_of: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
    let mut lack = |name: String, lacks: &dyn Fn(usize) -> bool| {
        let rows: Vec<usize> = (0..table.len()).filter(|&row| lacks(row)).collect();
        if !rows.is_empty() && rows.len() < table.len() {
            columns_of.entry(rows).or_default().push(name);
        }
    };
    for (place, column) in table.columns().iter().enumerate() {
        lack(column.name(), &|row| table.value(row, place).is_none());
    }
    for (name, known) in RECORDED {
        lack(name.to_owned(), &|row| !known(&table.participants()[row]));
    }
    columns_of.into_iter().map(|(rows, columns)| Gap { rows, columns }).collect()
}

/// How many gaps each person has; a gap of many columns counts once, so that a long task weighs as much as a short one.
fn counts(gaps: &[Gap], people: usize) -> Vec<f64> {
    let mut counts = vec![0.0; people];
    gaps.iter().flat_map(|gap| &gap.rows).for_each(|&row| counts[row] += 1.0);
    counts
}

/// The gap whose shares differ most between the classes, the difference (impaired − healthy), and how often the largest
/// difference of *any* gap is as large over permuted labels (Westfall & Young 1993), which corrects for their number.
fn strongest<'a>(gaps: &'a [Gap], seen: &Seen<'_>) -> Option<(&'a Gap, f64, f64)> {
    let impaired = seen.labels.iter().filter(|&&label| label).count() as f64;
    let healthy = seen.labels.len() as f64 - impaired;
    let difference = |gap: &Gap, labels: &[bool]| {
        let both = gap.rows.iter().filter(|&&row| labels[row]).count() as f64;
        both / impaired - (gap.rows.len() as f64 - both) / healthy
    };
    let size = |gap: &Gap| difference(gap, seen.labels).abs();
    let strongest = gaps.iter().max_by(|a, b| size(a).total_cmp(&size(b)))?;
    let observed = size(strongest) - 1e-12;
    let permutations = permutations(gaps);
    let mut random = ChaCha8Rng::seed_from_u64(derive(seen.seed, &[0x05]));
    let mut permuted = seen.labels.to_vec();
    let as_large = (0..permutations).filter(|_| {
        permuted.shuffle(&mut random);
        gaps.iter().any(|gap| difference(gap, &permuted).abs() >= observed)
    });
    let p = (1 + as_large.count()) as f64 / (1 + permutations) as f64;
    Some((strongest, difference(strongest, seen.labels), p))
}

/// As many permutations as a large cohort can afford, at least enough for [`LIKELY`].
fn permutations(gaps: &[Gap]) -> usize {
    let cells: usize = gaps.iter().map(|gap| gap.rows.len()).sum();
    (AFFORDABLE / cells.max(1)).clamp(399, super::chance::PERMUTATIONS)
}

const AFFORDABLE: usize = 200_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{changed, found, plain};

    #[test]
    fn a_task_missing_of_one_class_is_serious() {
        let table = changed(&plain(60), |row, _, cells| {
            if row % 2 == 1 && row % 10 != 1 {
                cells[4..].fill(None);
            }
        });
        let finding = found(missing, table).swap_remove(0);
        assert!(finding.open() && finding.columns.len() == 4, "{finding:?}");
        assert!(
            finding.evidence.contains(
                "task-1 is missing more often for impaired people: for 24 impaired and 0 healthy ones"
            ),
            "{}",
            finding.evidence
        );
        assert_eq!(finding.numbers[0].value, 0.9);
    }

    #[test]
    fn gaps_at_random_tell_nothing() {
        let table = changed(&plain(60), |row, _, cells| {
            for (place, cell) in cells.iter_mut().enumerate() {
                if (row / 2 * 7 + place * 5) % 11 == 0 {
                    *cell = None;
                }
            }
        });
        assert!(found(missing, table).is_empty());
        assert!(found(missing, plain(60)).is_empty());
    }

    #[test]
    fn an_age_known_of_one_class_only_is_a_gap_as_well() {
        let table = changed(&plain(60), |row, person, _| person.age = (row % 2 == 0).then_some(70.0));
        let finding = found(missing, table).swap_remove(0);
        assert_eq!((finding.columns, finding.severity), (vec!["age".to_owned()], Severity::Serious));
    }
}
