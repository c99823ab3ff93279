//! What it costs to run something fitted in fewer bits, as numbers: how good it still is, beside how large and how fast.
//!
//! Nothing is run here. Whoever runs a network in several ways gives what each said, and gets the differences with their
//! intervals: paired, from the same draws of people, since both sides judged the same ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Interval, compare, compare::Comparison, recognition::Recognition, scores::Scores,
    subgroup::GREYED_BELOW,
};

/// One network, run in several ways, judged on the same people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostTable {
    /// The network or screener.
    pub network: String,
    /// Whom and what it was judged on, in words.
    pub judged_on: String,
    /// Items judged; people, for a screener.
    pub items: usize,
    /// People who made them.
    pub people: usize,
    /// Draws of people for the intervals, and their seed.
    pub draws: (usize, u64),
    /// Groups of fewer people than this are not asked for the worst of them.
    pub fewest: usize,
    /// One row a way of running it; the first is what the others are held against.
    pub rows: Vec<CostRow>,
}

/// One way of running it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRow {
    /// `f32`, `bf16`, `int8`, `int4`.
    pub name: String,
    /// How it was made, in words.
    pub how: String,
    /// Bytes of its file, or that it would have.
    pub bytes: u64,
    /// SHA-256 of its file; for a screener, of the one fitted on everybody. Empty where there is no such file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// How fast it ran; `None` where it was not timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// Why it was not timed, where there is a reason in the way itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untimed: Option<String>,
    /// How good it is.
    pub figures: Vec<CostFigure>,
    /// Share of decisions that are those of the first row; `None` in the first row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Interval>,
    /// The group that lost most; `None` in the first row, and where no group of enough people is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<WorstGroup>,
}

/// One metric of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostFigure {
    /// `auc`, `accuracy` and so on.
    pub name: String,
    /// Its value.
    pub value: Interval,
    /// This row's minus the first row's, paired; `None` in the first row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Interval>,
}

/// The group of people who lost most of the first figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstGroup {
    /// `sex female`, `donor ibm`.
    pub group: String,
    /// People of the group.
    pub people: usize,
    /// This row's first figure minus the first row's, among them.
    pub difference: Interval,
}

impl WorstGroup {
    /// Whether so few people are in it that its interval says little.
    pub fn is_small(&self) -> bool {
        self.people < GREYED_BELOW
    }
}

impl CostRow {
    /// What the first figure may have lost at most: the lower end of its paired difference, turned round; 0 in the first row.
    pub fn may_have_lost(&self) -> f64 {
        self.figures.first().and_then(|it| it.difference).map_or(0.0, |it| -it.low)
    }
}

/// How fast one way is, alone in a process on one thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Speed {
    /// What ran it.
    pub executor: String,
    /// CPU time of one item in ms: the median.
    pub cpu_ms_median: f64,
    /// Latency of one item in ms: 99 of 100 were faster.
    pub p99_ms: f64,
    /// Greatest memory of the process in MiB; `None` where the system does not say.
    pub peak_mib: Option<f64>,
}

/// What one way of running a network said, with its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Way<T> {
    /// `f32`, `int8`.
    pub name: String,
    /// How it was made, in words.
    pub how: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// SHA-256 of its file; empty where there is none.
    pub sha256: String,
    /// Why it cannot be timed.
    pub untimed: Option<String>,
    /// What it said.
    pub said: T,
}

/// Named groups of items or people, by their places.
pub type Groups = Vec<(String, Vec<usize>)>;

/// Fewest people of a group that is asked how much it lost: of fewer, draws of people say nothing. Groups below
/// [`GREYED_BELOW`](crate::subgroup) are greyed, as everywhere.
const FEWEST: usize = 10;

impl CostTable {
    /// The table of a recogniser of many classes. `groups` are of items; their people are counted.
    ///
    /// # Errors
    /// [`Error::BadSetting`] without a way; [`Error::BadArtefact`] where the ways judged different items.
    pub fn of_recognition(
        (network, judged_on): (&str, &str),
        ways: &[Way<Recognition>],
        groups: &Groups,
        draws: (usize, u64),
    ) -> Result<CostTable, Error> {
        let first = first(ways)?;
        let mut table = Self::empty((network, judged_on), (first.items(), first.people()), draws);
        for (place, way) in ways.iter().enumerate() {
            if place == 0 {
                let value = first.judge(draws);
                let figures = value.named().map(|(name, value)| figure(name, value, None)).to_vec();
                table.rows.push(way.row(figures, None, None));
                continue;
            }
            let compared = way.said.compare(first, draws)?;
            let pairs = compared.metrics_a.named().into_iter().zip(compared.difference.named());
            let figures = pairs.map(|((name, value), (_, apart))| figure(name, value, Some(apart))).collect();
            let lost = |items: &[usize]| {
                let (a, b) = (way.said.of_items(items)?, first.of_items(items)?);
                let people = a.people();
                (people >= FEWEST).then(|| (people, a.accuracy_against(&b, draws)))
            };
            let worst = worst(groups, lost);
            table.rows.push(way.row(figures, Some(compared.agreement), worst));
        }
        Ok(table)
    }

    /// The table of a screener, from out-of-fold probabilities. `groups` are of people, by their place in the scores.
    ///
    /// # Errors
    /// [`Error::BadSetting`] without a way; as [`compare()`](compare()).
    pub fn of_screener(
        (network, judged_on): (&str, &str),
        ways: &[Way<Scores>],
        groups: &Groups,
        draws: (usize, u64),
    ) -> Result<CostTable, Error> {
        let first = first(ways)?;
        let people = first.people.len();
        let mut table = Self::empty((network, judged_on), (people, people), draws);
        for (place, way) in ways.iter().enumerate() {
            let compared = compare(&way.said, first, draws)?;
            let (agreement, worst) = match place {
                0 => (None, None),
                _ => (
                    Some(compared.agreement.same),
                    worst(groups, |rows| lost_auc(&way.said, first, rows, draws)),
                ),
            };
            table.rows.push(way.row(screener_figures(&compared, place > 0), agreement, worst));
        }
        Ok(table)
    }

    /// Of the rows beyond the first, the one whose first figure fell most; of equal ones, that which may have lost most.
    pub fn worst_row(&self) -> Option<&CostRow> {
        let fell =
            |row: &CostRow| row.figures.first().and_then(|it| it.difference).map_or(0.0, |it| -it.value);
        let beyond = self.rows.iter().skip(1);
        beyond
            .max_by(|a, b| fell(a).total_cmp(&fell(b)).then(a.may_have_lost().total_cmp(&b.may_have_lost())))
    }

    fn empty(
        (network, judged_on): (&str, &str),
        (items, people): (usize, usize),
        draws: (usize, u64),
    ) -> CostTable {
        let (network, judged_on) = (network.to_owned(), judged_on.to_owned());
        CostTable { network, judged_on, items, people, draws, fewest: FEWEST, rows: vec![] }
    }
}

fn first<T>(ways: &[Way<T>]) -> Result<&T, Error> {
    let none = || Error::BadSetting {
        what: "cost table",
        expected: "at least one way of running the network",
        got: "none".to_owned(),
    };
    ways.first().map(|it| &it.said).ok_or_else(none)
}

impl<T> Way<T> {
    fn row(
        &self,
        figures: Vec<CostFigure>,
        agreement: Option<Interval>,
        worst: Option<WorstGroup>,
    ) -> CostRow {
        CostRow {
            name: self.name.clone(),
            how: self.how.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            speed: None,
            untimed: self.untimed.clone(),
            figures,
            agreement,
            worst,
        }
    }
}

fn figure(name: &str, value: Interval, difference: Option<Interval>) -> CostFigure {
    CostFigure { name: name.to_owned(), value, difference }
}

/// What matters in a screener: ranking, probabilities, and decisions at the operating point (probability .5 at the study's
/// prevalence).
fn screener_figures(compared: &Comparison, differ: bool) -> Vec<CostFigure> {
    let (value, apart) = (&compared.metrics_a, &compared.difference);
    [
        ("auc", value.auc, apart.auc),
        ("brier", value.brier, apart.brier),
        ("calibration_slope", value.calibration_slope, apart.calibration_slope),
        ("sensitivity", value.sensitivity, apart.sensitivity),
        ("specificity", value.specificity, apart.specificity),
    ]
    .map(|(name, value, apart)| figure(name, value, differ.then_some(apart)))
    .to_vec()
}

/// The group whose first figure fell most.
fn worst(groups: &Groups, lost: impl Fn(&[usize]) -> Option<(usize, Interval)>) -> Option<WorstGroup> {
    let of = |(group, places): &(String, Vec<usize>)| {
        let (people, difference) = lost(places)?;
        Some(WorstGroup { group: group.clone(), people, difference })
    };
    groups.iter().filter_map(of).min_by(|a, b| a.difference.value.total_cmp(&b.difference.value))
}

/// `None` where the group is too small, everybody, or of one class.
fn lost_auc(of: &Scores, first: &Scores, rows: &[usize], draws: (usize, u64)) -> Option<(usize, Interval)> {
    let part = |scores: &Scores| {
        let mut part = scores.clone();
        part.people = rows.iter().map(|&it| scores.people[it].clone()).collect();
        part.labels = rows.iter().map(|&it| scores.labels[it]).collect();
        for repeat in part.estimators.iter_mut().flat_map(|it| &mut it.repeats) {
            *repeat = rows.iter().map(|&it| repeat[it]).collect();
        }
        part
    };
    // Everybody is no group.
    let enough = rows.len() >= FEWEST && rows.len() < first.people.len();
    enough.then(|| compare(&part(of), &part(first), draws).ok())?.map(|it| (rows.len(), it.difference.auc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::EstimatorScores;

    fn way<T>(name: &str, said: T) -> Way<T> {
        let how = "made up".into();
        Way { name: name.into(), how, bytes: 100, sha256: String::new(), untimed: None, said }
    }

    /// People whose probability tells their label but for every fifth; `wrong` more are turned round.
    fn scores(wrong: std::ops::Range<usize>) -> Scores {
        let labels: Vec<bool> = (0..100).map(|it| it % 2 == 0).collect();
        let said =
            |it: usize| if it.is_multiple_of(5) != wrong.contains(&it) { !labels[it] } else { labels[it] };
        let probability = |it: usize| if said(it) { 0.7 + it as f64 * 1e-3 } else { 0.3 - it as f64 * 1e-3 };
        Scores {
            name: "made up".into(),
            split_hash: String::new(),
            people: (0..100).map(|it| it.to_string()).collect(),
            estimators: vec![EstimatorScores {
                name: "mlp".into(),
                repeats: vec![(0..100).map(probability).collect()],
            }],
            labels,
        }
    }

    #[test]
    fn a_screener_loses_what_its_decisions_lose_and_the_worst_group_is_named() {
        let ways = [way("f32", scores(0..0)), way("int4", scores(50..58))];
        let groups = vec![
            ("first".to_owned(), (0..50).collect()),
            ("last".to_owned(), (50..100).collect()),
            ("few".to_owned(), (50..58).collect()),
        ];
        let table = CostTable::of_screener(("net", "people"), &ways, &groups, (200, 1)).unwrap();
        let [f32, int4] = &table.rows[..] else { panic!("two rows") };
        assert!(f32.figures.iter().all(|it| it.difference.is_none()) && f32.agreement.is_none());
        assert!((int4.agreement.unwrap().value - 0.92).abs() < 1e-12);
        assert!(int4.figures[0].difference.unwrap().value < 0.0, "{int4:?}");
        let worst = int4.worst.as_ref().unwrap();
        assert_eq!((worst.group.as_str(), worst.people, worst.is_small()), ("last", 50, false));
        assert_eq!(table.worst_row().unwrap().name, "int4");
        assert!(
            int4.may_have_lost() > -int4.figures[0].difference.unwrap().value && f32.may_have_lost() == 0.0
        );
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<CostTable>(&json).unwrap(), table);
    }

    #[test]
    fn a_recogniser_that_errs_more_in_one_group_says_so() {
        let said = |wrong: &[usize]| {
            let right = |it: usize| !(it.is_multiple_of(7) || wrong.contains(&it));
            let shares =
                (0..400).flat_map(|it| if right(it) == (it % 2 == 0) { [0.9, 0.1] } else { [0.1, 0.9] });
            let makers: Vec<u64> = (0..400).map(|it| it / 4).collect();
            Recognition::new(2, shares.collect(), (0..400).map(|it| it % 2).collect(), &makers).unwrap()
        };
        let ways = [way("f32", said(&[])), way("int8", said(&[201, 205, 300]))];
        let groups = vec![("a".to_owned(), (0..200).collect()), ("b".to_owned(), (200..400).collect())];
        let table = CostTable::of_recognition(("net", "items"), &ways, &groups, (100, 1)).unwrap();
        assert_eq!((table.items, table.people), (400, 100));
        let row = &table.rows[1];
        assert!((row.figures[0].difference.unwrap().value + 3.0 / 400.0).abs() < 1e-12);
        let worst = row.worst.as_ref().unwrap();
        assert!(worst.group == "b" && (worst.difference.value + 3.0 / 200.0).abs() < 1e-12, "{worst:?}");
        assert!(CostTable::of_recognition(("", ""), &[], &groups, (1, 1)).is_err());
    }
}
