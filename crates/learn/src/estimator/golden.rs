//! scikit-learn's answers (`bench/golden_estimators.py`): lines, machines and boosting to the number, what is drawn in
//! distribution.

use feature::{Unit, Value};
use serde::Deserialize;
use study::{Column, Diagnosis, FeatureTable, Participant, Task};

use super::*;
use crate::{label::Points, metric::auc, synthetic};

#[derive(Deserialize)]
struct Problem {
    training: usize,
    cells: Vec<Vec<Option<f64>>>,
    classes: Vec<usize>,
    points: Vec<f64>,
    answers: Vec<Answer>,
    #[serde(default)]
    spread: Vec<Spread>,
}

#[derive(Deserialize)]
struct Answer {
    settings: Estimator,
    target: String,
    outputs: Vec<f64>,
    intercept: Option<f64>,
    coefficients: Option<Vec<f64>>,
}

#[derive(Deserialize)]
struct Spread {
    settings: Estimator,
    aucs: Vec<f64>,
}

impl Problem {
    fn read(json: &str) -> (Self, FeatureTable) {
        let problem: Self = serde_json::from_str(json).unwrap();
        let task = Task::new("task-1").unwrap();
        let column = |it: usize| Column::new(task.clone(), &format!("demo.time.f{it}"), Unit::Second);
        let mut table = FeatureTable::new((0..problem.cells[0].len()).map(column).collect()).unwrap();
        for (number, cells) in problem.cells.iter().enumerate() {
            let label = [Diagnosis::Healthy, Diagnosis::Mci, Diagnosis::Dementia][problem.classes[number]];
            let (label, mmse) = (Some(label), Some(problem.points[number]));
            let person = Participant { label, mmse, ..synthetic::person(number, false) };
            let value =
                |cell: &Option<f64>| cell.map_or_else(|| Value::Missing("left out".into()), Value::Measured);
            table.push(person, cells.iter().map(value).collect::<Vec<_>>()).unwrap();
        }
        (problem, table)
    }
}

/// The first people of a training set, and everybody.
fn sides<'a, Y: Label>(everybody: &Training<'a, Y>, first: usize) -> (Training<'a, Y>, Training<'a, Y>) {
    let people = |rows: usize| {
        let labels = everybody.0.labels[..rows].to_vec();
        Training(People { table: everybody.0.table, rows: (0..rows).collect(), labels })
    };
    (people(first), people(everybody.len()))
}

fn outputs<Y: Label>(
    settings: &Estimator,
    everybody: &Training<'_, Y>,
    first: usize,
) -> (Fitted<Y>, Vec<f64>) {
    let (training, all) = sides(everybody, first);
    let fitted = settings.fit(&training).unwrap();
    let outputs = fitted.fit.outputs(&all.0);
    (fitted, outputs)
}

fn apart(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Compares every answer of a file.
fn agrees(json: &str, tolerance: f64) {
    let (problem, table) = Problem::read(json);
    assert!(!problem.answers.is_empty());
    for answer in &problem.answers {
        let ours = match answer.target.as_str() {
            "two" => {
                let (fitted, ours) =
                    outputs(&answer.settings, &Training::new(&table).unwrap(), problem.training);
                if let (Some(intercept), Some(coefficients)) = (answer.intercept, &answer.coefficients) {
                    let line = fitted.coefficients().unwrap();
                    let worst = apart(line.1, coefficients).max((line.0 - intercept).abs());
                    assert!(worst <= tolerance, "{:?}: coefficients differ by {worst}", answer.settings);
                }
                ours
            }
            "three" => {
                outputs(&answer.settings, &Training::by_diagnosis(&table).unwrap(), problem.training).1
            }
            _ => {
                let everybody = Training::by_points(&table, Points::Mmse).unwrap();
                outputs(&answer.settings, &everybody, problem.training).1
            }
        };
        let worst = apart(&ours, &answer.outputs);
        assert!(worst <= tolerance, "{:?} {}: outputs differ by {worst}", answer.settings, answer.target);
    }
}

#[test]
fn lines_agree_where_there_are_more_people_than_columns() {
    agrees(include_str!("../../tests/golden/lines-more-people.json"), 1e-6);
}

#[test]
fn lines_agree_where_there_are_more_columns_than_people() {
    agrees(include_str!("../../tests/golden/lines-more-columns.json"), 1e-6);
}

#[test]
fn machines_agree_where_there_are_more_people_than_columns() {
    agrees(include_str!("../../tests/golden/svm-more-people.json"), 1e-6);
}

#[test]
fn machines_agree_where_there_are_more_columns_than_people() {
    agrees(include_str!("../../tests/golden/svm-more-columns.json"), 1e-6);
}

/// scikit-learn keeps gradients in f32.
#[test]
fn boosting_agrees_tree_by_tree() {
    agrees(include_str!("../../tests/golden/boosting.json"), 1e-4);
}

/// Mean AUC over seeds within four standard errors of the difference, which two runs of the same program exceed once in 16,000.
#[test]
fn what_is_drawn_agrees_in_distribution() {
    let (problem, table) = Problem::read(include_str!("../../tests/golden/spread.json"));
    let everybody = Training::new(&table).unwrap();
    let held = &everybody.labels()[problem.training..];
    for Spread { settings, aucs } in &problem.spread {
        let auc_of = |seed: usize| {
            let settings = settings.clone().seeded(seed as u64);
            auc(&outputs(&settings, &everybody, problem.training).1[problem.training..], held)
        };
        let ours: Vec<f64> = (0..aucs.len()).map(auc_of).collect();
        let mean = |it: &[f64]| feature::mean(it).unwrap();
        let spread = |it: &[f64]| feature::standard_deviation(it).unwrap();
        let error = ((spread(&ours).powi(2) + spread(aucs).powi(2)) / aucs.len() as f64).sqrt();
        let apart = (mean(&ours) - mean(aucs)).abs();
        assert!(apart <= 4.0 * error, "{settings:?}: {} against {}, error {error}", mean(&ours), mean(aucs));
    }
}
