//! Values far from everybody's, and tasks that took longer than a sitting.
//!
//! Nothing here knows what a feature is, so its own column decides: the distance from the median in robust standard deviations,
//! on the logarithm that the estimators use and on the plain scale, on the value's own side of the median (Rousseeuw &
//! Hubert 2011, on skewed columns). A value must be far on both scales: a long tail is not far on the first, nor a floor on
//! the second.

use std::collections::BTreeSet;

use feature::{Unit, median};
use study::Block;

use super::{Figure, Finding, Seen, Severity, finding::few};
use crate::prepare::{FLOOR, signed_log};

/// Farther than this many robust standard deviations. A normal value is not so far once in 10¹⁵.
const FAR: f64 = 8.0;

/// Longer than this no task of a screening takes, in seconds.
const SITTING_S: f64 = 3600.0;

/// Fewest values whose spread is known well enough.
const ENOUGH: usize = 20;

/// 1 / Φ⁻¹(¾): from a median distance to a standard deviation (Hampel 1974).
const NORMAL: f64 = 1.482_602_218_505_602;

/// A value that should be looked at.
struct Odd {
    row: usize,
    column: usize,
    value: f64,
    /// Robust standard deviations from the median, on the scale on which it is nearer; 0 where only the clock says so.
    far: f64,
    too_long: bool,
}

/// Values that are implausible beside everybody's.
pub(crate) fn outliers(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let table = seen.table;
    if table.columns().is_empty() {
        return Err("there are no values".to_owned());
    }
    let mut odd: Vec<Odd> = (0..table.columns().len()).flat_map(|column| of_column(seen, column)).collect();
    if odd.is_empty() {
        return Ok(vec![]);
    }
    odd.sort_by(|a, b| b.too_long.cmp(&a.too_long).then(rank(b).total_cmp(&rank(a))).then(a.row.cmp(&b.row)));
    let blocks: BTreeSet<Block<'_>> =
        odd.iter().map(|it| Block { row: it.row, task: &table.columns()[it.column].task }).collect();
    let long = odd.iter().filter(|it| it.too_long).count();
    let copied: BTreeSet<Block<'_>> = seen.copies.iter().flatten().copied().collect();
    let evidence = format!(
        "{} values in {} blocks are implausible: {} of more than an hour, {} farther than {FAR:.0} robust standard deviations \
         from the median; {} of the blocks are copies. {}.",
        odd.len(),
        blocks.len(),
        long,
        odd.iter().filter(|it| it.far > FAR).count(),
        blocks.intersection(&copied).count(),
        few(&examples(seen, &odd), 4),
    );
    let mut columns: Vec<String> = vec![];
    odd.iter().map(|it| table.columns()[it.column].name()).for_each(|name| {
        if !columns.contains(&name) {
            columns.push(name);
        }
    });
    let finding = Finding::new("implausible_values", Severity::Note, evidence, ADVICE)
        .number(Figure::count("values", odd.len()))
        .number(Figure::count("over_an_hour", long))
        .number(Figure::plain("farthest", odd.iter().map(|it| it.far).fold(0.0, f64::max)))
        .blocks(table, blocks)
        .columns(columns);
    Ok(vec![finding])
}

const ADVICE: &str = "Look at these recordings; make what was not done missing. Estimators here take logarithms and clamp a value at \
                      four standard deviations, so no single one moves a result far.";

/// The longest first among the long, the farthest first among the far.
fn rank(it: &Odd) -> f64 {
    if it.too_long { it.value } else { it.far }
}

/// One line for each column and value: copies of a block say the same thing.
fn examples(seen: &Seen<'_>, odd: &[Odd]) -> Vec<String> {
    let mut said = BTreeSet::new();
    let mut words = vec![];
    for it in odd.iter().filter(|it| said.insert((it.column, it.value.to_bits()))) {
        let column = &seen.table.columns()[it.column];
        let person = seen.table.participants()[it.row].id.reveal();
        let others =
            odd.iter().filter(|at| (at.column, at.value.to_bits()) == (it.column, it.value.to_bits()));
        let others = match others.count() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        words.push(format!("{} = {} of {person}{others}", column.name(), quantity(it.value, column.unit)));
    }
    words
}

fn quantity(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Second if value > SITTING_S => format!("{:.1} h", value / 3600.0),
        Unit::One | Unit::Count => format!("{value}"),
        _ => format!("{value} {}", unit.symbol()),
    }
}

fn of_column(seen: &Seen<'_>, column: usize) -> Vec<Odd> {
    let rows: Vec<usize> =
        (0..seen.table.len()).filter(|&row| seen.table.value(row, column).is_some()).collect();
    let values: Vec<f64> =
        rows.iter().filter_map(|&row| seen.table.value(row, column)).map(f64::from).collect();
    let time = seen.table.columns()[column].unit == Unit::Second;
    let far = nearer(&far(&logs(&values)), &far(&values));
    let odd = |place: usize| {
        let (value, too_long) = (values[place], time && values[place] > SITTING_S);
        let far = far.get(place).copied().unwrap_or(0.0);
        (far > FAR || too_long).then_some(Odd { row: rows[place], column, value, far, too_long })
    };
    (0..rows.len()).filter_map(odd).collect()
}

fn nearer(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(a, b)| a.min(*b)).collect()
}

/// Logarithms as the estimators take them.
fn logs(values: &[f64]) -> Vec<f64> {
    let sizes: Vec<f64> = values.iter().map(|it| it.abs()).filter(|it| *it > 0.0).collect();
    let floor = median(&sizes).map_or(1.0, |size| size * FLOOR);
    values.iter().map(|&it| signed_log(it, floor)).collect()
}

/// How many robust standard deviations each value lies from the median, by the spread of its own side; empty where there are too
/// few values or half of them are equal.
fn far(values: &[f64]) -> Vec<f64> {
    let Some(middle) = median(values).filter(|_| values.len() >= ENOUGH) else { return vec![] };
    let spread = |side: f64| {
        let away: Vec<f64> = values.iter().map(|it| side * (it - middle)).filter(|it| *it >= 0.0).collect();
        median(&away).unwrap_or(0.0) * NORMAL
    };
    let (below, above) = (spread(-1.0), spread(1.0));
    if below <= 0.0 || above <= 0.0 {
        return vec![];
    }
    values.iter().map(|it| (it - middle) / if *it < middle { -below } else { above }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{changed, found, plain};

    #[test]
    fn a_task_of_hours_and_a_value_far_off_are_found_with_their_blocks() {
        let table = changed(&plain(60), |row, _, cells| {
            cells[0] = Some(if row == 14 { 900.0 } else { 30.0 + (row * 7 % 11) as f64 });
            if row == 9 {
                cells[5] = Some(2.6 * 3600.0);
            }
        });
        let finding = found(outliers, table).swap_remove(0);
        let blocks: Vec<_> =
            finding.blocks.iter().map(|it| (it.participant.as_str(), it.task.as_str())).collect();
        assert_eq!(blocks, [("p9", "task-1"), ("p14", "task-0")]);
        assert_eq!(finding.columns, ["task-1/demo.time.f1", "task-0/demo.time.f0"]);
        assert!(finding.evidence.contains("2.6 h of p9, task-0/demo.time.f0 = 900 s of p14"), "{finding:?}");
        assert!(!finding.open());
    }

    #[test]
    fn log_normal_values_and_a_column_of_equal_ones_are_plausible() {
        assert!(found(outliers, plain(400)).is_empty());
        let table = changed(&plain(60), |row, _, cells| cells[3] = Some(if row == 5 { 9.0 } else { 4.0 }));
        assert!(found(outliers, table).is_empty());
    }

    #[test]
    fn distances_are_standard_deviations_of_a_normal_column() {
        let values: Vec<f64> = (1..200).map(|it| f64::from(it) - 100.0).collect();
        let far = far(&values);
        // A uniform column: half of each side lies within 50, which is 0.6745 of a deviation.
        assert!((far[198] - 99.0 / (49.5 * NORMAL)).abs() < 0.05, "{}", far[198]);
        assert!((far[0] - far[198]).abs() < 1e-9);
    }
}
