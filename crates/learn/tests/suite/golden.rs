//! scikit-learn's answers (`bench/golden_logistic.py`), to 1e-6.

use feature::Value;
use learn::{Estimator, Training};
use serde::Deserialize;
use study::FeatureTable;

use crate::people::{columns, person};

#[derive(Deserialize)]
struct Problem {
    cells: Vec<Vec<Option<f64>>>,
    impaired: Vec<u8>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    c: f64,
    intercept: f64,
    coefficients: Vec<f64>,
}

fn agrees(json: &str) {
    let problem: Problem = serde_json::from_str(json).unwrap();
    let mut table = FeatureTable::new(columns(1, problem.cells[0].len())).unwrap();
    for (number, (row, impaired)) in problem.cells.iter().zip(&problem.impaired).enumerate() {
        let value =
            |cell: &Option<f64>| cell.map_or_else(|| Value::Missing("left out".into()), Value::Measured);
        table.push(person(number, *impaired == 1), row.iter().map(value)).unwrap();
    }
    for answer in &problem.answers {
        let fitted = Estimator::Logistic { c: answer.c }.fit(&Training::new(&table).unwrap()).unwrap();
        let (intercept, coefficients) = fitted.coefficients().unwrap();
        let pairs = coefficients.iter().zip(&answer.coefficients).chain([(&intercept, &answer.intercept)]);
        let apart = pairs.map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max);
        assert!(apart <= 1e-6, "C {}: coefficients differ by {apart}", answer.c);
    }
}

#[test]
fn logistic_coefficients_agree_with_scikit_learn_where_there_are_more_people() {
    agrees(include_str!("../golden/logistic-more-people.json"));
}

#[test]
fn logistic_coefficients_agree_with_scikit_learn_where_there_are_more_columns() {
    agrees(include_str!("../golden/logistic-more-columns.json"));
}
