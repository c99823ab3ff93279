//! Who the people of a cohort are, class by class: the first table of an epidemiological paper.
//!
//! Numbers are mean ± standard deviation (divisor n − 1) with their range, words are counts and shares; what is not known is
//! counted and enters nothing else. The **standardised mean difference** says how far apart classes are without asking how many
//! people there are; above 0.1 a difference is no longer negligible (Austin 2009, Statistics in Medicine 28:3083). Of numbers it
//! is |m₁ − m₂| / √((s₁² + s₂²) / 2); of words with levels 1 … k it is √(d′ S⁻¹ d), d the differences of the shares of all levels
//! but one and S the mean of their multinomial covariances (Yang & Dalton 2012, SAS Global Forum 335), which for two levels is
//! Austin's. Where there are three classes, it is the largest of any two.

use std::collections::{BTreeMap, BTreeSet};

use feature::{mean, standard_deviation};
use serde::Serialize;
use study::{Cohort, Diagnosis, Participant};

use crate::words::percent;

mod written;

pub use written::{table_one_html, table_one_text};

/// Levels of a word that get a line; the rarer ones share one.
const MOST_LEVELS: usize = 8;

/// A standardised mean difference above this is no longer negligible.
pub(super) const NEGLIGIBLE: f64 = 0.1;

/// The table of a cohort. Fields of its JSON are added, never renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableOne {
    /// Name of the cohort.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// What may be done with it.
    pub licence: String,
    /// What a reader must know.
    pub description: String,
    /// Whether its people are made up.
    pub synthetic: bool,
    /// The columns: `all`, then each class with somebody in it, `unlabelled` last.
    pub classes: Vec<String>,
    /// People of each column.
    pub people: Vec<usize>,
    /// What is known of them.
    pub characteristics: Vec<Characteristic>,
    /// Tasks, with how many people handed something in for each.
    pub tasks: Vec<(String, usize)>,
    /// Columns of numbers, if there are any.
    pub columns: Option<usize>,
    /// What was not recorded of anybody.
    pub not_recorded: Vec<String>,
    /// Answers to findings of the audit.
    pub answers: Vec<String>,
}

/// One thing that is known of people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Characteristic {
    /// What: `age, years`.
    pub name: String,
    /// For numbers, one summary a column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Option<Summary>>,
    /// For words, each level with one count a column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(String, Vec<usize>)>,
    /// Of how many it is not known, one a column.
    pub unknown: Vec<usize>,
    /// Largest standardised mean difference between two classes; `None` where it cannot be told.
    pub smd: Option<f64>,
    /// Whether two classes share no value at all, so that the difference has no bound.
    pub apart: bool,
}

/// Numbers of a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many are known.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard deviation, divisor n − 1; `None` of a single one.
    pub sd: Option<f64>,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

type Number = (&'static str, fn(&Participant) -> Option<f64>);
type Word = (&'static str, fn(&Participant) -> Option<String>);

const NUMBERS: [Number; 4] = [
    ("age, years", |it| it.age),
    ("education, years", |it| it.education),
    ("MMSE, points", |it| it.mmse),
    ("MoCA, points", |it| it.moca),
];

const WORDS: [Word; 4] = [
    ("sex", |it| it.sex.map(|it| it.to_string())),
    ("language", |it| it.language.as_ref().map(|it| it.0.clone())),
    ("site", |it| it.site.clone()),
    ("device", |it| it.device.clone()),
];

/// Draws the table of a cohort.
pub fn table_one(cohort: &Cohort) -> TableOne {
    let people = &cohort.participants;
    let classes = classes(people);
    let of = |class: &Class| people.iter().filter(|it| class.holds(it)).count();
    let numbers = NUMBERS.iter().map(|(name, read)| number(name, people, &classes, read));
    let words = WORDS.iter().map(|(name, read)| word(name, people, &classes, read));
    let sessions = sessions(cohort, &classes);
    let all: Vec<Characteristic> = numbers.chain(words).collect();
    let known = |it: &Characteristic| it.unknown.first() != Some(&people.len());
    let not_recorded =
        all.iter().filter(|it| !known(it)).map(|it| it.name.split(',').next().unwrap_or_default().to_owned());
    let provenance = &cohort.provenance;
    let answer = |it: &study::Answer| {
        format!("{} ({}): {}", it.finding, format!("{:?}", it.decision).to_lowercase(), it.note)
    };
    TableOne {
        name: provenance.name.clone(),
        source: provenance.source.clone(),
        licence: provenance.licence.clone(),
        description: provenance.description.clone(),
        synthetic: provenance.synthetic,
        classes: classes.iter().map(Class::name).collect(),
        people: classes.iter().map(of).collect(),
        not_recorded: not_recorded.collect(),
        characteristics: all.iter().filter(|it| known(it)).cloned().chain(sessions).collect(),
        tasks: tasks(cohort),
        columns: cohort.table.as_ref().map(|it| it.columns().len()),
        answers: provenance.answers.iter().map(answer).collect(),
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Class {
    All,
    Labelled(Diagnosis),
    Unlabelled,
}

impl Class {
    fn holds(&self, person: &Participant) -> bool {
        match self {
            Self::All => true,
            Self::Labelled(label) => person.label == Some(*label),
            Self::Unlabelled => person.label.is_none(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Labelled(label) => label.to_string(),
            Self::Unlabelled => "unlabelled".to_owned(),
        }
    }
}

fn classes(people: &[Participant]) -> Vec<Class> {
    let labelled = Diagnosis::ALL.into_iter().map(Class::Labelled).chain([Class::Unlabelled]);
    let with_somebody = labelled.filter(|class| people.iter().any(|it| class.holds(it)));
    std::iter::once(Class::All).chain(with_somebody).collect()
}

fn number(
    name: &str,
    people: &[Participant],
    classes: &[Class],
    read: impl Fn(&Participant) -> Option<f64>,
) -> Characteristic {
    let of = |class: &Class| -> Vec<f64> {
        people.iter().filter(|it| class.holds(it)).filter_map(&read).collect()
    };
    let values: Vec<Vec<f64>> = classes.iter().map(of).collect();
    let numbers: Vec<Option<Summary>> = values.iter().map(|it| summary(it)).collect();
    let labelled = classes.iter().zip(&numbers).filter(|(class, _)| matches!(class, Class::Labelled(_)));
    let labelled: Vec<Summary> = labelled.filter_map(|(_, it)| *it).collect();
    let found = pairs(&labelled).filter_map(|(a, b)| apart(a, b));
    let (smd, apart) = largest(found);
    let unknown = unknown(people, classes, |it| read(it).is_some());
    Characteristic { name: name.to_owned(), numbers, levels: vec![], unknown, smd, apart }
}

fn summary(values: &[f64]) -> Option<Summary> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let sd = (values.len() > 1).then(|| standard_deviation(values)).flatten();
    Some(Summary { n: values.len(), mean: mean(values)?, sd, low, high })
}

/// The difference of two classes of numbers; infinite where neither varies and they differ.
fn apart(a: &Summary, b: &Summary) -> Option<f64> {
    let pooled = ((a.sd?.powi(2) + b.sd?.powi(2)) / 2.0).sqrt();
    let difference = (a.mean - b.mean).abs();
    Some(if difference == 0.0 { 0.0 } else { difference / pooled })
}

fn word(
    name: &str,
    people: &[Participant],
    classes: &[Class],
    read: impl Fn(&Participant) -> Option<String>,
) -> Characteristic {
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for person in people {
        let Some(level) = read(person) else { continue };
        let row = counts.entry(level).or_insert_with(|| vec![0; classes.len()]);
        for (place, _) in classes.iter().enumerate().filter(|(_, class)| class.holds(person)) {
            row[place] += 1;
        }
    }
    let mut levels: Vec<(String, Vec<usize>)> = counts.into_iter().collect();
    levels.sort_by(|a, b| b.1[0].cmp(&a.1[0]).then(a.0.cmp(&b.0)));
    if levels.len() > MOST_LEVELS {
        let rest = levels.split_off(MOST_LEVELS - 1);
        let sum = |place: usize| rest.iter().map(|(_, counts)| counts[place]).sum();
        levels.push((format!("{} others", rest.len()), (0..classes.len()).map(sum).collect()));
    }
    let labelled = (0..classes.len()).filter(|&it| matches!(classes[it], Class::Labelled(_)));
    let shares: Vec<Vec<f64>> = labelled.filter_map(|place| shares(&levels, place)).collect();
    let (smd, apart) = largest(pairs(&shares).map(|(a, b)| of_shares(a, b)));
    let unknown = unknown(people, classes, |it| read(it).is_some());
    Characteristic { name: name.to_owned(), numbers: vec![], levels, unknown, smd, apart }
}

fn unknown(people: &[Participant], classes: &[Class], known: impl Fn(&Participant) -> bool) -> Vec<usize> {
    classes.iter().map(|class| people.iter().filter(|it| class.holds(it) && !known(it)).count()).collect()
}

/// Shares of the levels in a column; `None` where nothing is known.
fn shares(levels: &[(String, Vec<usize>)], place: usize) -> Option<Vec<f64>> {
    let total: usize = levels.iter().map(|(_, counts)| counts[place]).sum();
    (total > 0).then(|| levels.iter().map(|(_, counts)| counts[place] as f64 / total as f64).collect())
}

/// √(d′ S⁻¹ d) over all levels but the last that either class has; infinite where S has no inverse.
fn of_shares(a: &[f64], b: &[f64]) -> f64 {
    let present: Vec<usize> = (0..a.len()).filter(|&it| a[it] + b[it] > 0.0).collect();
    let kept = &present[..present.len().saturating_sub(1)];
    let d: Vec<f64> = kept.iter().map(|&it| a[it] - b[it]).collect();
    if d.iter().all(|it| *it == 0.0) {
        return 0.0;
    }
    let covariance = |i: usize, j: usize| {
        let of = |p: &[f64]| if i == j { p[i] * (1.0 - p[i]) } else { -p[i] * p[j] };
        (of(a) + of(b)) / 2.0
    };
    let matrix = kept.iter().map(|&i| kept.iter().map(|&j| covariance(i, j)).collect()).collect();
    match solved(matrix, d.clone()) {
        Some(x) => d.iter().zip(x).map(|(d, x)| d * x).sum::<f64>().max(0.0).sqrt(),
        None => f64::INFINITY,
    }
}

/// Solves a small system by elimination with pivots; `None` where it has no one answer.
fn solved(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let n = right.len();
    for step in 0..n {
        let pivot = (step..n).max_by(|&a, &b| matrix[a][step].abs().total_cmp(&matrix[b][step].abs()))?;
        if matrix[pivot][step].abs() < 1e-12 {
            return None;
        }
        matrix.swap(step, pivot);
        right.swap(step, pivot);
        for row in step + 1..n {
            let factor = matrix[row][step] / matrix[step][step];
            let (above, below) = matrix.split_at_mut(row);
            let cells = below[0][step..].iter_mut().zip(&above[step][step..]);
            cells.for_each(|(cell, pivot)| *cell -= factor * pivot);
            right[row] -= factor * right[step];
        }
    }
    for step in (0..n).rev() {
        let known: f64 = (step + 1..n).map(|column| matrix[step][column] * right[column]).sum();
        right[step] = (right[step] - known) / matrix[step][step];
    }
    Some(right)
}

fn pairs<T>(all: &[T]) -> impl Iterator<Item = (&T, &T)> {
    (0..all.len()).flat_map(move |a| (a + 1..all.len()).map(move |b| (&all[a], &all[b])))
}

/// The largest finite difference, and whether any is infinite.
fn largest(found: impl Iterator<Item = f64>) -> (Option<f64>, bool) {
    let (finite, infinite): (Vec<f64>, Vec<f64>) = found.partition(|it| it.is_finite());
    (finite.into_iter().reduce(f64::max).filter(|_| infinite.is_empty()), !infinite.is_empty())
}

/// Sessions a person, where files were handed in.
fn sessions(cohort: &Cohort, classes: &[Class]) -> Option<Characteristic> {
    if cohort.submissions.is_empty() {
        return None;
    }
    let mut of: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for it in &cohort.submissions {
        of.entry(&it.participant).or_default().insert(&it.session);
    }
    let count = |it: &Participant| of.get(&it.id).map(|it| it.len() as f64);
    Some(number("sessions", &cohort.participants, classes, count))
}

/// Tasks with how many people handed in or have numbers for each, in the order of names.
fn tasks(cohort: &Cohort) -> Vec<(String, usize)> {
    let mut tasks: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for it in &cohort.submissions {
        tasks.entry(it.task.to_string()).or_default().insert(it.participant.reveal());
    }
    if let Some(table) = cohort.table.as_ref().filter(|_| cohort.submissions.is_empty()) {
        for task in table.tasks() {
            let columns = table.columns_of(task);
            let did = |row: &usize| columns.iter().any(|&it| table.value(*row, it).is_some());
            let people = (0..table.len()).filter(did).map(|row| table.participants()[row].id.reveal());
            tasks.insert(task.to_string(), people.collect());
        }
    }
    tasks.into_iter().map(|(task, people)| (task, people.len())).collect()
}

/// A count with its share of the known people of the column.
pub(super) fn share(count: usize, known: usize) -> String {
    if known == 0 { "–".to_owned() } else { format!("{count} ({})", percent(count as f64 / known as f64)) }
}

#[cfg(test)]
mod tests {
    use study::{Language, ParticipantId, Provenance, Sex};

    use super::*;

    fn person(id: usize, label: Option<Diagnosis>, age: Option<f64>, sex: Option<Sex>) -> Participant {
        let id = ParticipantId::new(&format!("p{id}")).unwrap();
        Participant { label, age, sex, language: Some(Language("ko".into())), ..Participant::new(id) }
    }

    fn cohort(participants: Vec<Participant>) -> Cohort {
        let provenance = Provenance { name: "demo".into(), synthetic: true, ..Provenance::default() };
        Cohort { provenance, participants, table: None, later: vec![], submissions: vec![] }
    }

    fn of<'a>(table: &'a TableOne, name: &str) -> &'a Characteristic {
        table.characteristics.iter().find(|it| it.name.starts_with(name)).unwrap()
    }

    fn demo() -> TableOne {
        let healthy = Some(Diagnosis::Healthy);
        let people = vec![
            person(1, healthy, Some(70.0), Some(Sex::Female)),
            person(2, healthy, Some(72.0), Some(Sex::Female)),
            person(3, healthy, Some(74.0), Some(Sex::Male)),
            person(4, Some(Diagnosis::Mci), Some(78.0), Some(Sex::Male)),
            person(5, Some(Diagnosis::Mci), Some(82.0), Some(Sex::Male)),
            person(6, Some(Diagnosis::Mci), None, Some(Sex::Female)),
            person(7, None, Some(60.0), None),
        ];
        table_one(&cohort(people))
    }

    #[test]
    fn means_counts_and_gaps_are_of_each_class() {
        let table = demo();
        assert_eq!(table.classes, ["all", "healthy", "mci", "unlabelled"]);
        assert_eq!(table.people, [7, 3, 3, 1]);
        let age = of(&table, "age");
        let healthy = age.numbers[1].unwrap();
        assert_eq!((healthy.n, healthy.mean, healthy.sd, healthy.low), (3, 72.0, Some(2.0), 70.0));
        assert_eq!((age.unknown.as_slice(), age.numbers[3].unwrap().sd), (&[1, 0, 1, 0][..], None));
        let sex = of(&table, "sex");
        assert_eq!(sex.levels[0], ("female".to_owned(), vec![3, 2, 1, 0]));
        assert_eq!(sex.unknown, [1, 0, 0, 1]);
        assert_eq!(table.not_recorded, ["education", "MMSE", "MoCA", "site", "device"]);
    }

    #[test]
    fn differences_are_those_of_austin_and_do_not_count_the_unlabelled() {
        let table = demo();
        // Means 72 and 80, deviations 2 and sqrt(8): 8 / sqrt((4 + 8) / 2).
        assert!((of(&table, "age").smd.unwrap() - 8.0 / 6f64.sqrt()).abs() < 1e-12);
        // Shares 2/3 and 1/3: (1/3) / sqrt(2/9).
        assert!((of(&table, "sex").smd.unwrap() - 1.0 / 2f64.sqrt()).abs() < 1e-12);
        assert_eq!(of(&table, "language").smd, Some(0.0));
    }

    #[test]
    fn several_levels_are_one_distance_and_separate_ones_have_none() {
        // Two independent differences of one share each would give more than their joint distance.
        let (a, b) = ([0.5, 0.3, 0.2], [0.3, 0.3, 0.4]);
        let by_hand = {
            let s = |p: &[f64; 3], q: &[f64; 3]| {
                let v = |x: f64| x * (1.0 - x);
                [(v(p[0]) + v(q[0])) / 2.0, -(p[0] * p[1] + q[0] * q[1]) / 2.0, (v(p[1]) + v(q[1])) / 2.0]
            };
            let [xx, xy, yy] = s(&a, &b);
            (0.2 * 0.2 * yy / (xx * yy - xy * xy)).sqrt()
        };
        assert!((of_shares(&a, &b) - by_hand).abs() < 1e-12);
        assert_eq!(of_shares(&[0.5, 0.5, 0.0], &[0.5, 0.5, 0.0]), 0.0);
        assert_eq!(of_shares(&[1.0, 0.0], &[0.0, 1.0]), f64::INFINITY);
        assert_eq!(largest([0.3, f64::INFINITY].into_iter()), (None, true));
    }

    #[test]
    fn rare_levels_share_a_line() {
        let people = (0..30).map(|it| {
            let site = Some(format!("site {}", if it < 12 { 0 } else { it }));
            Participant { site, ..person(it, Some(Diagnosis::Healthy), None, None) }
        });
        let table = table_one(&cohort(people.collect()));
        let site = of(&table, "site");
        assert_eq!(site.levels.len(), MOST_LEVELS);
        assert_eq!(site.levels.last().unwrap(), &("12 others".to_owned(), vec![12, 12]));
    }

    #[test]
    fn text_page_and_json_say_the_same() {
        let table = demo();
        let (text, page) = (table_one_text(&table), table_one_html(&table));
        for words in ["72.0 ± 2.0", "2 (67 %)", "made up", "3.27"] {
            assert!(text.contains(words) && page.contains(words), "{words}\n{text}");
        }
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["characteristics"][0]["numbers"][1]["mean"], 72.0);
        let width = text.lines().map(|it| it.chars().count()).max().unwrap();
        assert!(width <= 120, "{text}");
    }
}
