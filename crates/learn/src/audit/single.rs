//! Values that several people share to the last digit and that only one class has: what a fill-in or a sentinel leaves.

use std::collections::HashMap;

use super::{
    Figure, Finding, Seen, Severity,
    chance::{Counts, LIKELY, LogFactorials},
    finding::{few, p_words},
};

/// Fewest people whose sharing a value is looked at.
const FEWEST: usize = 3;

/// A column in which more of the other people than this share have a value of their own is continuous: there, several people
/// with the same number are no accident.
const CONTINUOUS: f64 = 0.9;

/// A value of a column that only one class has.
struct Pure {
    column: usize,
    value: f32,
    rows: Vec<usize>,
    continuous: bool,
    p: f64,
}

/// Values shared by people of one class only, beyond chance.
pub(crate) fn single(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    if seen.masked.columns().is_empty() {
        return Err("there are no values".to_owned());
    }
    let mut pure = of_one_class(seen);
    pure.sort_by(|a, b| {
        (!a.continuous, a.p).partial_cmp(&(!b.continuous, b.p)).expect("p-values are numbers")
    });
    let Some(first) = pure.first() else { return Ok(vec![]) };
    let name = |it: &Pure| format!("{} = {}", seen.masked.columns()[it.column].name(), it.value);
    let class = if seen.labels[first.rows[0]] { "impaired" } else { "healthy" };
    let severity = if first.continuous { Severity::Serious } else { Severity::Note };
    let evidence = format!(
        "{} people share {} and all of them are {class}; {} after correction for {} values{}.",
        first.rows.len(),
        name(first),
        p_words(first.p),
        tests(seen),
        match &pure[1..] {
            [] => String::new(),
            rest => format!("; also {}", few(&rest.iter().map(name).collect::<Vec<_>>(), 3)),
        }
    );
    let advice = if first.continuous { FILLED } else { COUNTED };
    let mut columns: Vec<String> = vec![];
    for it in &pure {
        let name = seen.masked.columns()[it.column].name();
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let finding = Finding::new("value_in_one_class", severity, evidence, advice)
        .number(Figure::tested("people", first.rows.len() as f64, first.p))
        .number(Figure::count("values", pure.len()))
        .people(seen.masked, first.rows.iter().copied())
        .columns(columns);
    Ok(vec![finding])
}

const FILLED: &str = "A measured quantity does not repeat to the last digit: the value was filled in, by class. Make it missing, or \
                      ask what it stands for.";
const COUNTED: &str =
    "A count can do this honestly. Look whether the value is a stand-in for something not done.";

fn of_one_class(seen: &Seen<'_>) -> Vec<Pure> {
    let factorials = LogFactorials::up_to(seen.labels.len());
    let tests = tests(seen) as f64;
    let mut pure = vec![];
    for column in 0..seen.masked.columns().len() {
        let shared = shared(seen, column);
        let known: Vec<usize> = shared.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
        let class = known.iter().filter(|&&row| seen.labels[row]).count();
        let own = shared.iter().filter(|(_, rows)| rows.len() == 1).count() as f64;
        for (value, rows) in shared.iter().filter(|(_, rows)| rows.len() >= FEWEST) {
            let impaired = rows.iter().filter(|&&row| seen.labels[row]).count();
            let group = rows.len();
            let all = |both, class| factorials.hypergeometric(&Counts { n: known.len(), class, group, both });
            let either = |class| if group <= class { all(group, class) } else { 0.0 };
            let p = ((either(class) + either(known.len() - class)) * tests).min(1.0);
            if (impaired == 0 || impaired == group) && p <= LIKELY {
                let continuous = own >= CONTINUOUS * (known.len() - group) as f64;
                pure.push(Pure { column, value: *value, rows: rows.clone(), continuous, p });
            }
        }
    }
    pure
}

/// Each value of a column with the people who have it, by falling number of people.
fn shared(seen: &Seen<'_>, column: usize) -> Vec<(f32, Vec<usize>)> {
    let mut rows_of: HashMap<u32, Vec<usize>> = HashMap::new();
    for row in 0..seen.masked.len() {
        if let Some(value) = seen.masked.value(row, column) {
            rows_of.entry(value.to_bits()).or_default().push(row);
        }
    }
    let mut shared: Vec<_> = rows_of.into_iter().map(|(bits, rows)| (f32::from_bits(bits), rows)).collect();
    shared.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.total_cmp(&b.0)));
    shared
}

/// How many values are looked at.
fn tests(seen: &Seen<'_>) -> usize {
    let of_column = |column| shared(seen, column).iter().filter(|(_, rows)| rows.len() >= FEWEST).count();
    (0..seen.masked.columns().len()).map(of_column).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{changed, found, plain};

    #[test]
    fn a_number_filled_in_for_one_class_is_serious() {
        let table = changed(&plain(80), |row, _, cells| {
            if row % 2 == 1 && row < 30 {
                cells[2] = Some(17.25);
            }
        });
        let finding = found(single, table).swap_remove(0);
        assert!(finding.open() && finding.participants.len() == 15, "{finding:?}");
        assert!(finding.evidence.contains("15 people share task-0/demo.time.f2 = 17.25"), "{finding:?}");
        assert_eq!(finding.columns, ["task-0/demo.time.f2"]);
    }

    #[test]
    fn a_fill_in_for_both_classes_is_none_and_neither_are_three_of_a_kind() {
        let filled = |rows: std::ops::Range<usize>, step: usize| {
            let rows: Vec<usize> = rows.step_by(step).collect();
            changed(&plain(80), move |row, _, cells| {
                if rows.contains(&row) {
                    cells[2] = Some(17.25);
                }
            })
        };
        assert!(found(single, filled(0..30, 1)).is_empty());
        assert!(found(single, filled(1..7, 2)).is_empty(), "one class, but three people are an accident");
    }

    #[test]
    fn a_count_of_one_class_only_is_a_note() {
        let table = changed(&plain(80), |row, _, cells| {
            cells[2] = Some(if row % 2 == 1 { (row / 2 % 4) as f64 } else { (row / 2 % 3) as f64 + 1.0 });
        });
        let finding = found(single, table).swap_remove(0);
        assert!(
            !finding.open() && finding.evidence.contains("= 0 and all of them are impaired"),
            "{finding:?}"
        );
    }
}
