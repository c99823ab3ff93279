//! Order and names of people: what a file says before anything is measured.

use std::collections::BTreeMap;

use super::{
    Figure, Finding, Seen, Severity,
    chance::{LIKELY, Told, told},
    finding::{auc_words, p_words},
    origin::{Tie, tie},
};
use crate::seed::derive;

/// Whether the place of a row tells the label.
pub(crate) fn rows(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let places: Vec<f64> = (0..seen.labels.len()).map(|row| row as f64).collect();
    let told = told(&places, seen.labels, derive(seen.seed, &[0x01])).ok_or("there are too few rows")?;
    Ok(telling(&told).then(|| order_finding(&told.turned())).into_iter().collect())
}

fn order_finding(told: &Told) -> Finding {
    let evidence = format!(
        "The place of a row tells its label: {}, {} over permuted labels. The file is sorted, or the groups were gathered one \
         after the other.",
        auc_words(&told.auc),
        p_words(told.p)
    );
    Finding::new("order_predicts_label", Severity::Note, evidence, ORDER_ADVICE).number(Figure::told(told))
}

const ORDER_ADVICE: &str = "No estimator here sees the order, and folds are drawn by person. Never cut this file by position, and \
                            ask whether room, device or protocol changed between the groups.";

/// Whether the number or the letters in an id tell the label.
pub(crate) fn ids(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let ids: Vec<&str> = seen.table.participants().iter().map(|it| it.id.reveal()).collect();
    let numbers: Vec<Option<f64>> = ids.iter().map(|id| last_number(id)).collect();
    let numbered: Vec<usize> = (0..ids.len()).filter(|&row| numbers[row].is_some()).collect();
    let of = |row: &usize| numbers[*row].unwrap_or_default();
    let labels: Vec<bool> = numbered.iter().map(|&row| seen.labels[row]).collect();
    let number = told(&numbered.iter().map(of).collect::<Vec<_>>(), &labels, derive(seen.seed, &[0x02]));
    let letters = tie(&ids.iter().map(|id| Some(letters(id))).collect::<Vec<_>>(), seen.labels);
    let found = number.filter(telling).map(|it| number_finding(&it.turned()));
    Ok(found.into_iter().chain(letters.filter(Tie::telling).map(|it| letters_finding(&it))).collect())
}

fn number_finding(told: &Told) -> Finding {
    let evidence = format!(
        "The number in the id tells the label: {}, {} over permuted labels.",
        auc_words(&told.auc),
        p_words(told.p)
    );
    Finding::new("id_predicts_label", Severity::Note, evidence, ID_ADVICE).number(Figure::told(told))
}

fn letters_finding(tie: &Tie) -> Finding {
    let evidence = format!("The letters of the id tell the label: {}.", tie.words("ids that begin with"));
    Finding::new("id_predicts_label", Severity::Note, evidence, ID_ADVICE).number(tie.figure())
}

const ID_ADVICE: &str =
    "No estimator here sees an id. Keep ids out of features, file names and whatever a rater can see.";

/// Beyond chance, and enough to be worth a word.
fn telling(told: &Told) -> bool {
    told.p <= LIKELY && told.turned().auc.value >= 0.6
}

/// The last run of digits.
fn last_number(id: &str) -> Option<f64> {
    let end = id.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = id[..end]
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |it| it + id[it..].chars().next().map_or(1, char::len_utf8));
    id[start..end].parse().ok()
}

/// What stands before the first digit.
fn letters(id: &str) -> &str {
    id.find(|c: char| c.is_ascii_digit()).map_or(id, |end| &id[..end])
}

/// How often each word occurs, and how often with an impaired person.
pub(crate) fn counted<'a>(words: &[Option<&'a str>], labels: &[bool]) -> BTreeMap<&'a str, (usize, usize)> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (word, label) in words.iter().zip(labels) {
        if let Some(word) = word {
            let count = counts.entry(word).or_default();
            count.0 += 1;
            count.1 += usize::from(*label);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{changed, found, plain};
    use study::ParticipantId;

    fn sorted() -> study::FeatureTable {
        let table = plain(60);
        table.of_people(&(0..60).step_by(2).chain((1..60).step_by(2)).collect::<Vec<_>>())
    }

    #[test]
    fn a_file_sorted_by_label_is_found_and_a_mixed_one_is_not() {
        let finding = found(rows, sorted()).swap_remove(0);
        assert_eq!((finding.kind.as_str(), finding.numbers[0].value), ("order_predicts_label", 1.0));
        assert!(finding.numbers[0].p.unwrap() < 0.001 && !finding.open(), "{finding:?}");
        assert!(found(rows, plain(60)).is_empty());
    }

    #[test]
    fn numbers_in_ids_that_follow_the_label_are_found() {
        let table = changed(&plain(60), |row, person, _| {
            let number = row + if row % 2 == 1 { 500 } else { 100 };
            person.id = ParticipantId::new(&format!("s{number}-a")).unwrap();
        });
        let finding = found(ids, table).swap_remove(0);
        assert_eq!((finding.kind.as_str(), finding.numbers[0].value), ("id_predicts_label", 1.0));
        assert!(found(ids, plain(60)).is_empty());
    }

    #[test]
    fn letters_in_ids_that_follow_the_label_are_found() {
        let table = changed(&plain(60), |row, person, _| {
            let letter = if row % 2 == 1 { "AD" } else { "HC" };
            person.id = ParticipantId::new(&format!("{letter}{}", row / 2)).unwrap();
        });
        let finding = found(ids, table).swap_remove(0);
        assert!(finding.evidence.contains("\"AD\"") || finding.evidence.contains("\"HC\""), "{finding:?}");
    }

    #[test]
    fn the_number_of_an_id_is_its_last_one() {
        let cases = [("id_173", Some(173.0)), ("S2-007b", Some(7.0)), ("kim", None), ("환자12", Some(12.0))];
        for (id, number) in cases {
            assert_eq!(last_number(id), number, "{id}");
        }
        assert_eq!((letters("id_173"), letters("kim"), letters("7")), ("id_", "kim", ""));
    }
}
