//! The same person twice, under two ids: copies and near copies of whole rows, and files handed in for several people.

use std::collections::{BTreeMap, BTreeSet};

use feature::median;
use rayon::prelude::*;

use super::{Figure, Finding, Seen, Severity, finding::few};
use crate::prepare::{FLOOR, signed_log};

/// Fewest columns two people must both have before they can be called alike.
const ENOUGH: usize = 8;

/// Alike is nearer than this fraction of the median distance between nearest neighbours. In five dimensions or more, one clean
/// person in a hundred thousand has so near a neighbour.
const ALIKE: f64 = 0.1;

/// Products of people, people and columns that are affordable beside an evaluation; with more, evenly chosen columns stand in.
const AFFORDABLE: usize = 1_000_000_000;

/// People who may be one: near copies of each other's whole row.
pub(crate) fn twins(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let table = seen.table;
    let width = table.columns().len();
    if width < ENOUGH || table.len() < 3 {
        return Err(format!(
            "it takes {ENOUGH} columns and 3 people to tell, there are {width} and {}",
            table.len()
        ));
    }
    let affordable = AFFORDABLE / (table.len() * table.len());
    if affordable < ENOUGH {
        return Err(format!("{} people are too many to compare with one another", table.len()));
    }
    let step = width.div_ceil(affordable.max(ENOUGH)).max(1);
    let rows = placed(seen, step);
    let nearest: Vec<(f64, usize)> = (0..rows.len()).into_par_iter().map(|row| nearest(&rows, row)).collect();
    let distances: Vec<f64> = nearest.iter().map(|it| it.0).filter(|it| it.is_finite()).collect();
    let usual = median(&distances).unwrap_or(0.0);
    let near = |&row: &usize| nearest[row].0 <= ALIKE * usual;
    let pairs: BTreeSet<(usize, usize)> =
        (0..rows.len()).filter(near).map(|row| (row.min(nearest[row].1), row.max(nearest[row].1))).collect();
    Ok(if pairs.is_empty() { vec![] } else { vec![alike(seen, &pairs, (&nearest, usual))] })
}

fn alike(
    seen: &Seen<'_>,
    pairs: &BTreeSet<(usize, usize)>,
    (nearest, usual): (&[(f64, usize)], f64),
) -> Finding {
    let id = |row: usize| seen.table.participants()[row].id.reveal();
    let words: Vec<String> = pairs.iter().map(|&(a, b)| format!("{} and {}", id(a), id(b))).collect();
    let across = pairs.iter().filter(|&&(a, b)| seen.labels[a] != seen.labels[b]).count();
    let farthest = pairs.iter().map(|&(a, b)| nearest[a].0.min(nearest[b].0)).fold(0.0, f64::max);
    let evidence = format!(
        "{} are as near copies of each other as no two people are: {:.3} robust standard deviations apart or less over all \
         columns, where the nearest neighbour of a person is usually {usual:.2} away. {} of {} pairs have different labels.",
        few(&words, 4),
        farthest,
        across,
        pairs.len(),
    );
    let people: BTreeSet<usize> = pairs.iter().flat_map(|&(a, b)| [a, b]).collect();
    Finding::new("duplicate_people", Severity::Serious, evidence, TWINS)
        .number(Figure::count("pairs", pairs.len()))
        .number(Figure::count("pairs_of_different_label", across))
        .number(Figure::plain("distance", farthest))
        .number(Figure::plain("usual_distance", usual))
        .people(seen.table, people)
}

const TWINS: &str = "One of them trains while the other judges: every number is too good. Find out who is who; make them one \
                     participant, or leave one out.";

/// Each person's row on robust standardised logs; NaN where missing, columns without spread left out.
fn placed(seen: &Seen<'_>, step: usize) -> Vec<Vec<f32>> {
    let mut rows = vec![vec![]; seen.table.len()];
    for column in (0..seen.table.columns().len()).step_by(step) {
        let cells: Vec<Option<f64>> =
            (0..rows.len()).map(|row| seen.table.value(row, column).map(f64::from)).collect();
        let measured: Vec<f64> = cells.iter().flatten().copied().collect();
        let sizes: Vec<f64> = measured.iter().map(|it| it.abs()).filter(|it| *it > 0.0).collect();
        let floor = median(&sizes).map_or(1.0, |size| size * FLOOR);
        let logs: Vec<f64> = measured.iter().map(|&it| signed_log(it, floor)).collect();
        let middle = median(&logs).unwrap_or(0.0);
        let away: Vec<f64> = logs.iter().map(|it| (it - middle).abs()).collect();
        let Some(spread) = median(&away).filter(|it| *it > 0.0) else { continue };
        for (row, cell) in rows.iter_mut().zip(&cells) {
            row.push(
                cell.map_or(f32::NAN, |it| ((signed_log(it, floor) - middle) / (spread * 1.4826)) as f32),
            );
        }
    }
    rows
}

/// Root mean square distance to the nearest other person over the columns both have, and who that is.
fn nearest(rows: &[Vec<f32>], row: usize) -> (f64, usize) {
    let distance = |other: usize| {
        let (mut sum, mut both) = (0.0f64, 0usize);
        for (a, b) in rows[row].iter().zip(&rows[other]) {
            let square = f64::from((a - b) * (a - b));
            if !square.is_nan() {
                sum += square;
                both += 1;
            }
        }
        if both < ENOUGH { f64::INFINITY } else { (sum / both as f64).sqrt() }
    };
    let others = (0..rows.len()).filter(|&other| other != row).map(|other| (distance(other), other));
    others.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, row))
}

/// Files that were handed in for more than one person.
pub(crate) fn shared_files(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    if seen.cohort.submissions.is_empty() {
        return Err("the cohort has no submissions.csv".to_owned());
    }
    let mut people_of: BTreeMap<&std::path::Path, BTreeSet<&str>> = BTreeMap::new();
    for it in &seen.cohort.submissions {
        people_of.entry(&it.file).or_default().insert(it.participant.reveal());
    }
    let shared: Vec<_> = people_of.into_iter().filter(|(_, people)| people.len() > 1).collect();
    if shared.is_empty() {
        return Ok(vec![]);
    }
    let names: Vec<String> = shared.iter().map(|(file, _)| file.display().to_string()).collect();
    let evidence = format!("{} files are named for more than one person: {}.", names.len(), few(&names, 4));
    let mut finding = Finding::new("shared_files", Severity::Serious, evidence, TWINS)
        .number(Figure::count("files", names.len()));
    let people: BTreeSet<&str> = shared.iter().flat_map(|(_, people)| people.iter().copied()).collect();
    finding.participants = people.into_iter().map(str::to_owned).collect();
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{asked, changed, cohort, found, plain};
    use study::{CohortSubmission, Task};

    /// Row 12 becomes row 5, every number a little off.
    fn near(off: f64) -> study::FeatureTable {
        let table = plain(60);
        let source: Vec<f64> = table.row(5).map(|it| f64::from(it.unwrap())).collect();
        changed(&table, move |row, _, cells| {
            if row == 12 {
                *cells = source.iter().map(|it| Some(it * (1.0 + off))).collect();
            }
        })
    }

    #[test]
    fn a_copied_person_and_one_copied_with_a_little_noise_are_found() {
        for off in [0.0, 0.004] {
            let finding = found(twins, near(off)).swap_remove(0);
            assert_eq!(
                (finding.participants.as_slice(), finding.open()),
                (&["p5".into(), "p12".into()][..], true)
            );
            assert!(finding.evidence.contains("1 of 1 pairs have different labels"), "{finding:?}");
        }
    }

    #[test]
    fn people_who_are_merely_similar_are_not() {
        assert!(found(twins, near(0.5)).is_empty());
        assert!(found(twins, plain(200)).is_empty());
    }

    #[test]
    fn too_few_columns_cannot_tell() {
        let table = crate::synthetic::table(40, 3, 0.0, 1);
        assert!(asked(twins, &cohort(table)).unwrap_err().starts_with("it takes 8 columns"));
    }

    #[test]
    fn a_file_named_for_two_people_is_found() {
        let mut cohort = cohort(plain(20));
        assert!(asked(shared_files, &cohort).is_err());
        let submission = |row: usize, file: &str| CohortSubmission {
            participant: cohort.participants[row].id.clone(),
            session: String::new(),
            date: None,
            task: Task::new("clock").unwrap(),
            file: file.into(),
        };
        cohort.submissions = vec![submission(1, "a.wav"), submission(2, "b.wav")];
        assert!(asked(shared_files, &cohort).unwrap().is_empty());
        let third = cohort.participants[3].id.clone();
        cohort.submissions.push(CohortSubmission { participant: third, ..cohort.submissions[0].clone() });
        let finding = asked(shared_files, &cohort).unwrap().swap_remove(0);
        assert_eq!((finding.participants.join(" "), finding.open()), ("p1 p3".to_owned(), true));
    }
}
