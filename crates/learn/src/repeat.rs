//! Whether a feature comes out the same when a person comes again.
//!
//! For each column of people who were measured in more than one session: the intraclass correlation **ICC(2,1)** — two-way random
//! effects, absolute agreement, a single measurement (Shrout & Fleiss 1979, Psychol Bull 86:420–428) — with the 95 % interval of
//! McGraw & Wong 1996 (Psychol Methods 1:30–46, table 7); the **standard error of measurement** for agreement, the root of session
//! and residual variance together (de Vet et al. 2006, J Clin Epidemiol 59:1033–1039); and the **minimal detectable change**
//! 1.96 · √2 · SEM. A change divided by √2 · SEM is the reliable-change index (Jacobson & Truax 1991). A gain from practice counts
//! as error here: who is compared with their first session gains it too.

mod fisher;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{FeatureTable, ParticipantId};

use crate::metric::Interval;
use fisher::quantile;

/// Fewest people with every session of a column for an ICC. Koo & Li 2016 advise 30; with fewer the interval says how little is
/// known, with fewer than this not even that.
pub(crate) const FEWEST: usize = 10;

/// z of a 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// How a column repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Repeated {
    /// `task/feature`.
    pub column: String,
    /// People who have the value in every session counted.
    pub people: usize,
    /// Sessions counted of each: the first two, or more where that uses more measurements.
    pub sessions: usize,
    /// ICC(2,1) with its interval; below 0 where people differ less than their sessions do.
    pub icc: Interval,
    /// Standard error of measurement, in the column's unit.
    pub sem: f64,
    /// The smallest change that is more than error, 95 times in 100, in the column's unit.
    pub minimal_change: f64,
    /// Mean of the last session counted less that of the first, in the column's unit: practice, fatigue, or time.
    pub shift: f64,
}

impl Repeated {
    /// The reliable-change index of one person: the change in standard errors of a difference. Beyond ± 1.96 it is more than error.
    /// `None` where every session of everybody came out the same, so that no error is known.
    pub fn index(&self, then: f64, now: f64) -> Option<f64> {
        (self.sem > 0.0).then(|| (now - then) / (std::f64::consts::SQRT_2 * self.sem))
    }
}

/// Every column of which enough people have later sessions, the one that repeats worst first. `later` holds everybody's second
/// session, third session, and so on; columns are found by their names, people by their ids.
pub(crate) fn repeated(first: &FeatureTable, later: &[FeatureTable]) -> Vec<Repeated> {
    let rows: Vec<Vec<Option<usize>>> = later.iter().map(|it| rows_of(first, it)).collect();
    let of = |column: usize| {
        let places: Vec<Option<usize>> = later.iter().map(|it| place_of(first, column, it)).collect();
        let value = |person: usize, session: usize| match session {
            0 => first.value(person, column),
            _ => later[session - 1].value(rows[session - 1][person]?, places[session - 1]?),
        };
        let complete = |sessions: usize| {
            let of_person = |person| {
                (0..sessions).map(|it| value(person, it).map(f64::from)).collect::<Option<Vec<f64>>>()
            };
            (0..first.len()).filter_map(of_person).collect::<Vec<_>>()
        };
        let tables = (2..=later.len() + 1).map(complete).filter(|it| it.len() >= FEWEST);
        // Of as many measurements the more people say more.
        let most =
            tables.reduce(|best, it| if measurements(&it) > measurements(&best) { it } else { best })?;
        judged(first.columns()[column].name(), &most)
    };
    let mut all: Vec<Repeated> = (0..first.columns().len()).filter_map(of).collect();
    all.sort_by(|a, b| a.icc.value.total_cmp(&b.icc.value));
    all
}

fn measurements(people: &[Vec<f64>]) -> usize {
    people.iter().map(Vec::len).sum()
}

fn rows_of(first: &FeatureTable, later: &FeatureTable) -> Vec<Option<usize>> {
    let row: std::collections::HashMap<&ParticipantId, usize> =
        later.participants().iter().enumerate().map(|(row, it)| (&it.id, row)).collect();
    first.participants().iter().map(|it| row.get(&it.id).copied()).collect()
}

fn place_of(first: &FeatureTable, column: usize, later: &FeatureTable) -> Option<usize> {
    later.columns().iter().position(|it| *it == first.columns()[column])
}

/// Mean squares of people, sessions and what is left (two-way analysis of variance without replication).
struct Squares {
    people: f64,
    sessions: f64,
    rest: f64,
}

impl Squares {
    /// `table` is `[people, sessions]`.
    fn of(table: &[Vec<f64>]) -> Self {
        let (n, k) = (table.len() as f64, table[0].len() as f64);
        let mean = |values: &mut dyn Iterator<Item = f64>, many: f64| values.sum::<f64>() / many;
        let whole = mean(&mut table.iter().flatten().copied(), n * k);
        let square = |it: f64| (it - whole).powi(2);
        let rows = table.iter().map(|it| k * square(mean(&mut it.iter().copied(), k))).sum::<f64>();
        let columns = (0..table[0].len())
            .map(|session| n * square(mean(&mut table.iter().map(|it| it[session]), n)))
            .sum::<f64>();
        let total = table.iter().flatten().map(|&it| square(it)).sum::<f64>();
        let rest = (total - rows - columns).max(0.0);
        Self { people: rows / (n - 1.0), sessions: columns / (k - 1.0), rest: rest / ((n - 1.0) * (k - 1.0)) }
    }

    fn icc(&self, (n, k): (f64, f64)) -> f64 {
        let between = self.people - self.rest;
        between / (self.people + (k - 1.0) * self.rest + k / n * (self.sessions - self.rest))
    }

    /// McGraw & Wong 1996, table 7, case 2A, single scores.
    fn interval(&self, (n, k): (f64, f64)) -> Interval {
        let value = self.icc((n, k));
        if value >= 1.0 - 1e-12 {
            return Interval { value, low: value, high: value };
        }
        let a = k * value / (n * (1.0 - value));
        let b = 1.0 + k * value * (n - 1.0) / (n * (1.0 - value));
        let (sessions, rest) = (a * self.sessions, b * self.rest);
        let freedom = (sessions + rest).powi(2)
            / (sessions.powi(2) / (k - 1.0) + rest.powi(2) / ((n - 1.0) * (k - 1.0)));
        let error = k * self.sessions + (k * n - k - n) * self.rest;
        let below = quantile(0.975, n - 1.0, freedom);
        let above = quantile(0.975, freedom, n - 1.0);
        Interval {
            value,
            low: n * (self.people - below * self.rest) / (below * error + n * self.people),
            high: n * (above * self.people - self.rest) / (error + n * above * self.people),
        }
    }
}

/// The numbers of one column, `[people, sessions]`; `None` where nothing differs at all.
fn judged(column: String, table: &[Vec<f64>]) -> Option<Repeated> {
    let (people, sessions) = (table.len(), table[0].len());
    let size = (people as f64, sessions as f64);
    let squares = Squares::of(table);
    let icc = squares.interval(size);
    if !icc.value.is_finite() {
        return None;
    }
    let of_sessions = ((squares.sessions - squares.rest) / size.0).max(0.0);
    let sem = (of_sessions + squares.rest).sqrt();
    let shift = table.iter().map(|it| it[sessions - 1] - it[0]).sum::<f64>() / size.0;
    let minimal_change = Z * std::f64::consts::SQRT_2 * sem;
    Some(Repeated { column, people, sessions, icc, sem, minimal_change, shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The six people and four judges of Shrout & Fleiss 1979, table 2.
    fn shrout_and_fleiss() -> Vec<Vec<f64>> {
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
            .iter()
            .map(|it| it.iter().map(|&it| f64::from(it)).collect())
            .collect()
    }

    #[test]
    fn the_published_example_has_its_published_icc() {
        let squares = Squares::of(&shrout_and_fleiss());
        let close = |a: f64, b: f64, by: f64| assert!((a - b).abs() < by, "{a} is not {b}");
        close(squares.people, 11.24, 0.005);
        close(squares.sessions, 32.49, 0.005);
        close(squares.rest, 1.02, 0.005);
        let icc = squares.interval((6.0, 4.0));
        // The paper gives .29; R's psych::ICC of the same table .29 from .019 to .76.
        close(icc.value, 0.29, 0.005);
        close(icc.low, 0.019, 0.002);
        close(icc.high, 0.76, 0.005);
    }

    #[test]
    fn what_comes_out_the_same_repeats_wholly_and_what_never_differs_is_no_number() {
        let same: Vec<Vec<f64>> = (0..12).map(|it| vec![f64::from(it), f64::from(it)]).collect();
        let it = judged("clock/x".into(), &same).unwrap();
        assert_eq!((it.icc.value, it.icc.low, it.sem, it.shift), (1.0, 1.0, 0.0, 0.0));
        assert_eq!(it.index(1.0, 2.0), None);
        assert!(judged("clock/x".into(), &vec![vec![3.0, 3.0]; 12]).is_none());
    }

    #[test]
    fn a_gain_at_the_second_session_is_error_and_its_size_is_told() {
        let gained: Vec<Vec<f64>> = (0..12).map(|it| vec![f64::from(it), f64::from(it) + 4.0]).collect();
        let it = judged("clock/x".into(), &gained).unwrap();
        assert!((it.shift - 4.0).abs() < 1e-12 && it.icc.value < 0.7, "{it:?}");
        assert!((it.sem - 8f64.sqrt()).abs() < 1e-9, "the variance of 0 and 4 is 8: {}", it.sem);
        assert!(
            (it.minimal_change - Z * 4.0).abs() < 1e-9 && (it.index(1.0, 9.0).unwrap() - 2.0).abs() < 1e-9
        );
    }
}
