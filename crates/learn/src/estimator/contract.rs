//! The contract: every estimator × every target × every check.

use feature::{Unit, Value};
use study::{Block, Column, Diagnosis, FeatureTable, Participant, Task};

use super::*;
use crate::{label::Points, label::sealed::Known, metric, metric::auc, synthetic};

fn boxed(estimator: Estimator) -> Box<Estimator> {
    Box::new(estimator)
}

const BOOSTING: Estimator =
    Estimator::Boosting { rounds: 20, rate: 0.2, leaves: 4, min_samples_leaf: 3, missing: Missing::Median };

fn fusion(of: Estimator) -> Estimator {
    Estimator::Fusion { of: boxed(of), by: Parts::Task, folds: 3, seed: 5 }
}

/// How an estimator meets people in another order, or twice.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    /// Sums over people do not depend on it but for rounding.
    Free,
    /// People are drawn by their place, or rounding chooses between equal cuts: scores agree on the whole.
    Drawn,
}

/// Every estimator, with what order means to it.
fn all() -> Vec<(Estimator, Order)> {
    let (trees, min_samples_leaf, max_features, seed) = (40, 3, MaxFeatures::Sqrt, 5);
    let net = Estimator::ElasticNet { c: 0.3, l1_ratio: 0.5 };
    let kernel = Kernel::Rbf { gamma: 0.5 };
    let direction = Estimator::Boosting {
        rounds: 20,
        rate: 0.2,
        leaves: 4,
        min_samples_leaf: 3,
        missing: Missing::Direction,
    };
    vec![
        (Estimator::Logistic { c: 0.1 }, Order::Free),
        (net.clone(), Order::Free),
        (Estimator::Svm { c: 0.5, kernel: Kernel::Linear }, Order::Free),
        (Estimator::Svm { c: 1.0, kernel }, Order::Free),
        (Estimator::ExtraTrees { trees, min_samples_leaf, max_features, seed }, Order::Drawn),
        (Estimator::RandomForest { trees, min_samples_leaf, max_features, seed }, Order::Drawn),
        (BOOSTING, Order::Drawn),
        (direction, Order::Drawn),
        (Estimator::Mlp { hidden: 6, penalty: 1.0, steps: 60, seed }, Order::Drawn),
        (Estimator::Stacking { of: vec![net.clone(), BOOSTING], folds: 3, seed }, Order::Drawn),
        (fusion(net.clone()), Order::Drawn),
        (Estimator::Profile { of: boxed(net.clone()) }, Order::Free),
        (Estimator::Weighted { weights: ClassWeights::Balanced, of: boxed(BOOSTING) }, Order::Drawn),
        (
            Estimator::Weighted {
                weights: ClassWeights::Balanced,
                of: boxed(Estimator::Profile { of: boxed(net) }),
            },
            Order::Free,
        ),
    ]
}

/// Those that can tell this.
fn able<Y: Label>(training: &Training<'_, Y>) -> Vec<(Estimator, Order)> {
    let answers = Y::answers(training.labels());
    all().into_iter().filter(|(it, _)| it.check(&answers).is_ok()).collect()
}

/// People who can be asked about; the labels of a table in all three ways.
macro_rules! each_target {
    ($table:expr, |$training:ident| $check:expr) => {{
        let $training = Training::new($table).unwrap();
        $check;
        let $training = Training::by_diagnosis($table).unwrap();
        $check;
        let $training = Training::by_points($table, Points::Mmse).unwrap();
        $check;
    }};
}

fn graded(people: usize, seed: u64) -> FeatureTable {
    synthetic::graded(people, (3, 2), 1.2, seed)
}

/// All numbers an estimator gives to people.
fn said<Y: Label>(fitted: &Fitted<Y>, people: &Training<'_, Y>) -> Vec<f64> {
    fitted.fit.outputs(&people.0)
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() <= tolerance)
}

#[test]
fn fitting_again_forgets_and_a_seed_reproduces_to_the_bit() {
    let (table, other) = (graded(60, 1), graded(75, 2));
    each_target!(&table, |training| {
        for (estimator, _) in able(&training) {
            let first = estimator.fit(&training).unwrap();
            estimator.fit(&Training::new(&other).unwrap()).unwrap();
            let again = estimator.fit(&training).unwrap();
            assert_eq!(first, again, "{estimator:?}");
            let bits = |it: Vec<f64>| it.into_iter().map(f64::to_bits).collect::<Vec<u64>>();
            assert_eq!(bits(said(&first, &training)), bits(said(&again, &training)), "{estimator:?}");
        }
    });
}

#[test]
fn settings_of_a_grid_are_fitted_as_each_alone() {
    let table = graded(60, 1);
    each_target!(&table, |training| {
        let settings: Vec<Estimator> = able(&training).into_iter().map(|(it, _)| it).collect();
        for (alone, together) in settings.iter().zip(Estimator::fit_each(&settings, &training).unwrap()) {
            assert_eq!(alone.fit(&training).unwrap(), together, "{alone:?}");
        }
    });
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    let table = graded(60, 1);
    each_target!(&table, |training| {
        for (estimator, _) in able(&training) {
            let fitted = estimator.fit(&training).unwrap();
            let json = serde_json::to_string(&fitted).unwrap();
            let mut loaded = vec![fitted.clone()];
            loaded.push(serde_json::from_str(&json).unwrap());
            assert_eq!(loaded[1], fitted, "{estimator:?}");
            assert_eq!(said(&loaded[1], &training), said(&fitted, &training), "{estimator:?}");
        }
    });
    for (estimator, _) in all() {
        let json = serde_json::to_string(&estimator).unwrap();
        assert_eq!(serde_json::from_str::<Estimator>(&json).unwrap(), estimator);
    }
}

#[test]
fn one_thread_and_many_fit_the_same() {
    let table = graded(60, 3);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (one, four) = (pool(1), pool(4));
    each_target!(&table, |training| {
        for (estimator, _) in able(&training) {
            let alone = one.install(|| estimator.fit(&training).unwrap());
            assert_eq!(alone, four.install(|| estimator.fit(&training).unwrap()), "{estimator:?}");
        }
    });
}

#[test]
fn the_order_of_people_does_not_matter() {
    let table = graded(90, 1);
    let backwards: Vec<usize> = (0..90).rev().collect();
    let turned = table.of_people(&backwards);
    let compare = |estimator: &Estimator, order: Order, there: Vec<f64>, back: Vec<f64>| match order {
        Order::Free => assert!(close(&there, &back, 1e-6), "{estimator:?}: {there:?} {back:?}"),
        Order::Drawn => {
            let related = metric::pearson(&there, &back);
            assert!(related > 0.85, "{estimator:?}: {related}");
        }
    };
    for (estimator, order) in able(&Training::new(&table).unwrap()) {
        let of = |table| {
            said(&estimator.fit(&Training::new(table).unwrap()).unwrap(), &Training::new(&turned).unwrap())
        };
        compare(&estimator, order, of(&table), of(&turned));
    }
    for (estimator, order) in able(&Training::by_diagnosis(&table).unwrap()) {
        let training = |table| Training::by_diagnosis(table).unwrap();
        let everybody = training(&turned);
        compare(
            &estimator,
            order,
            said(&estimator.fit(&training(&table)).unwrap(), &everybody),
            said(&estimator.fit(&everybody).unwrap(), &everybody),
        );
    }
    for (estimator, order) in able(&Training::by_points(&table, Points::Mmse).unwrap()) {
        let there = Training::by_points(&table, Points::Mmse).unwrap();
        let back = Training::by_points(&turned, Points::Mmse).unwrap();
        compare(
            &estimator,
            order,
            said(&estimator.fit(&there).unwrap(), &back),
            said(&estimator.fit(&back).unwrap(), &back),
        );
    }
}

#[test]
fn missing_cells_get_a_finite_score() {
    let plain = graded(60, 1);
    let tasks: Vec<Task> = plain.tasks().into_iter().cloned().collect();
    let blocks: Vec<_> = (0..60).map(|row| Block { row, task: &tasks[row % 3] }).collect();
    let table = plain.masked(&blocks[..40], &"left out".into());
    let everything: Vec<_> = tasks.iter().map(|task| Block { row: 59, task }).collect();
    let table = table.masked(&everything, &"did nothing".into());
    each_target!(&table, |training| {
        for (estimator, _) in able(&training) {
            let scores = said(&estimator.fit(&training).unwrap(), &training);
            assert!(scores.iter().all(|score| score.is_finite()), "{estimator:?}");
        }
    });
}

#[test]
fn constant_columns_and_equal_people_are_harmless() {
    let plain = graded(60, 1);
    let mut columns = plain.columns().to_vec();
    columns.push(Column::new(Task::new("task-9").unwrap(), "demo.time.f0", Unit::Second));
    let mut table = FeatureTable::new(columns).unwrap();
    for row in 0..60 {
        // Every third person has the numbers of the one before.
        let from = if row % 3 == 2 { row - 1 } else { row };
        let values = plain.row(from).map(|cell| Value::Measured(f64::from(cell.unwrap())));
        table.push(plain.participants()[row].clone(), values.chain([Value::Measured(7.3)])).unwrap();
    }
    each_target!(&table, |training| {
        for (estimator, _) in able(&training) {
            let scores = said(&estimator.fit(&training).unwrap(), &training);
            assert!(scores.iter().all(|score| score.is_finite()), "{estimator:?}");
        }
    });
}

#[test]
fn every_estimator_tells_what_can_be_told() {
    let (table, others) = (graded(150, 1), graded(150, 2));
    let (training, held) = (Training::new(&table).unwrap(), Training::new(&others).unwrap());
    for (estimator, _) in able(&training) {
        let scores = said(&estimator.fit(&training).unwrap(), &held);
        assert!(auc(&scores, held.labels()) > 0.75, "{estimator:?}: {}", auc(&scores, held.labels()));
    }
    let (training, held) =
        (Training::by_diagnosis(&table).unwrap(), Training::by_diagnosis(&others).unwrap());
    for (estimator, _) in able(&training) {
        let shares = estimator.fit(&training).unwrap().of_people(&held.0);
        assert!(shares.iter().all(|it| (it.iter().sum::<f64>() - 1.0).abs() < 1e-6), "{estimator:?}");
        let best =
            |it: &[f64; 3]| (0..3).fold(0, |best, class| if it[class] > it[best] { class } else { best });
        let right =
            shares.iter().zip(held.labels()).filter(|(it, label)| best(it) == **label as usize).count();
        assert!(right > 75, "{estimator:?}: {right} of 150");
    }
    let training = Training::by_points(&table, Points::Mmse).unwrap();
    let held = Training::by_points(&others, Points::Mmse).unwrap();
    for (estimator, _) in able(&training) {
        let related = metric::pearson(&said(&estimator.fit(&training).unwrap(), &held), held.labels());
        assert!(related > 0.5, "{estimator:?}: {related}");
    }
}

#[test]
fn weights_of_whole_numbers_are_people_counted_twice() {
    let table = graded(60, 4);
    let twice: Vec<usize> =
        (0..60).flat_map(|row| if row % 3 == 0 { vec![row] } else { vec![row, row] }).collect();
    let training = Training::new(&table).unwrap();
    // The same preparation: duplicating people would move medians and scales.
    let preparation = crate::prepare::Preparation::of(&training).unwrap();
    let everybody = preparation.apply(&training.0);
    let copies = training_of(&training, &twice);
    let copied = preparation.apply(&copies.0);
    let weights: Vec<f64> = (0..60).map(|row| if row % 3 == 0 { 1.0 } else { 2.0 }).collect();
    let exact = [
        Estimator::Logistic { c: 0.1 },
        Estimator::ElasticNet { c: 0.3, l1_ratio: 0.5 },
        Estimator::Svm { c: 0.5, kernel: Kernel::Linear },
        Estimator::Svm { c: 1.0, kernel: Kernel::Rbf { gamma: 0.5 } },
    ];
    for estimator in exact {
        let fit = |design: &Design, training: &Training<'_>, weights: &[f64]| {
            let answers = bool::answers(training.labels());
            estimator.learn(&Lesson::new(design, &answers, training.rows()), weights, 0).outputs(&everybody)
        };
        let (weighed, doubled) = (fit(&everybody, &training, &weights), fit(&copied, &copies, &[1.0; 100]));
        assert!(close(&weighed, &doubled, 1e-6), "{estimator:?}: {weighed:?} {doubled:?}");
    }
}

fn training_of<'a>(training: &Training<'a>, places: &[usize]) -> Training<'a> {
    Training(crate::training::People {
        table: training.0.table,
        rows: places.iter().map(|&it| training.0.rows[it]).collect(),
        labels: places.iter().map(|&it| training.0.labels[it]).collect(),
    })
}

#[test]
fn a_heavier_class_is_found_more_often() {
    let (table, others) = (graded(120, 5), graded(120, 6));
    let (training, held) = (Training::new(&table).unwrap(), Training::new(&others).unwrap());
    let mean = |estimator: &Estimator| {
        let scores = said(&estimator.fit(&training).unwrap(), &held);
        scores.iter().sum::<f64>() / scores.len() as f64
    };
    for (estimator, _) in all().into_iter().filter(|(it, _)| !matches!(it, Estimator::Weighted { .. })) {
        let weighted = |weights: Vec<f64>| Estimator::Weighted {
            weights: ClassWeights::Given(weights),
            of: boxed(estimator.clone()),
        };
        let (healthy, impaired) = (mean(&weighted(vec![4.0, 1.0])), mean(&weighted(vec![1.0, 4.0])));
        assert!(impaired > healthy, "{estimator:?}: {healthy} {impaired}");
    }
}

#[test]
fn people_who_teach_nothing_are_clear_errors() {
    let table = graded(60, 1);
    let healthy: Vec<usize> =
        (0..60).filter(|&row| table.participants()[row].label == Some(Diagnosis::Healthy)).collect();
    let healthy = table.of_people(&healthy);
    let every = |row| table.tasks().into_iter().map(move |task| Block { row, task });
    let empty = table.masked(&(0..60).flat_map(every).collect::<Vec<_>>(), &"nothing".into());
    for (estimator, _) in able(&Training::new(&table).unwrap()) {
        let error = estimator.fit(&Training::new(&healthy).unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "training: expected people of both classes, got 20 healthy and 0 impaired"
        );
        let error = estimator.fit(&Training::new(&empty).unwrap()).unwrap_err();
        assert!(matches!(error, Error::NothingMeasured { .. }), "{estimator:?}: {error}");
    }
    for (estimator, _) in able(&Training::by_diagnosis(&table).unwrap()) {
        let error = estimator.fit(&Training::by_diagnosis(&healthy).unwrap()).unwrap_err();
        assert!(matches!(error, Error::ClassMissing { .. }), "{estimator:?}: {error}");
    }
    let mut same = FeatureTable::new(table.columns().to_vec()).unwrap();
    for row in 0..20 {
        let person = Participant { mmse: Some(28.0), ..table.participants()[row].clone() };
        same.push(person, table.row(row).map(|it| Value::Measured(f64::from(it.unwrap())))).unwrap();
    }
    for (estimator, _) in able(&Training::by_points(&table, Points::Mmse).unwrap()) {
        let error = estimator.fit(&Training::by_points(&same, Points::Mmse).unwrap()).unwrap_err();
        assert!(matches!(error, Error::OneNumber { .. }), "{estimator:?}: {error}");
    }
}

/// What the documentation of [`Estimator`] says: everything tells two classes; what else it tells, or is refused for.
#[test]
fn every_estimator_fits_every_target_or_says_that_it_does_not() {
    fn fits<Y: Label>(estimator: &Estimator, training: &Training<'_, Y>) -> bool {
        match estimator.fit(training) {
            Ok(_) => true,
            Err(Error::NotForTarget { .. }) => false,
            Err(other) => panic!("{estimator:?}: {other}"),
        }
    }
    let table = graded(60, 1);
    for (estimator, _) in all() {
        let (three, points) = match Peeled::of(&estimator).estimator {
            Estimator::Svm { .. } | Estimator::Fusion { .. } => (false, false),
            Estimator::Logistic { .. } => (true, false),
            _ => (true, !matches!(estimator, Estimator::Weighted { .. })),
        };
        assert!(fits(&estimator, &Training::new(&table).unwrap()), "{estimator:?}");
        assert_eq!(fits(&estimator, &Training::by_diagnosis(&table).unwrap()), three, "{estimator:?}");
        assert_eq!(
            fits(&estimator, &Training::by_points(&table, Points::Mmse).unwrap()),
            points,
            "{estimator:?}"
        );
    }
}

#[test]
fn what_an_estimator_cannot_tell_is_refused() {
    let table = graded(60, 1);
    let svm = Estimator::Svm { c: 1.0, kernel: Kernel::Linear };
    let points = Training::by_points(&table, Points::Mmse).unwrap();
    let message = |error: Result<Fitted<f64>, Error>| error.unwrap_err().to_string();
    assert_eq!(message(svm.fit(&points)), "svm: expected two classes, got points");
    assert_eq!(
        message(Estimator::Logistic { c: 1.0 }.fit(&points)),
        "logistic: expected classes, got points"
    );
    let weighted = Estimator::Weighted { weights: ClassWeights::Balanced, of: boxed(BOOSTING) };
    assert_eq!(message(weighted.fit(&points)), "weighted: expected classes, got points");
    let error = svm.fit(&Training::by_diagnosis(&table).unwrap()).unwrap_err().to_string();
    assert_eq!(error, "svm: expected two classes, got three");
}

#[test]
fn settings_without_sense_are_refused() {
    let table = graded(30, 1);
    let training = Training::new(&table).unwrap();
    let logistic = || Estimator::Logistic { c: 1.0 };
    let forest = |trees, min_samples_leaf| Estimator::ExtraTrees {
        trees,
        min_samples_leaf,
        max_features: MaxFeatures::Share(0.5),
        seed: 0,
    };
    let boosting = |rounds, rate, leaves, min_samples_leaf| Estimator::Boosting {
        rounds,
        rate,
        leaves,
        min_samples_leaf,
        missing: Missing::Median,
    };
    let stack = |of, folds| Estimator::Stacking { of, folds, seed: 0 };
    let profile = |of| Estimator::Profile { of: boxed(of) };
    let weighted = |weights, of| Estimator::Weighted { weights, of: boxed(of) };
    let without_sense = [
        Estimator::Logistic { c: 0.0 },
        Estimator::Logistic { c: f64::NAN },
        Estimator::ElasticNet { c: 1.0, l1_ratio: 1.5 },
        Estimator::Svm { c: -1.0, kernel: Kernel::Linear },
        Estimator::Svm { c: 1.0, kernel: Kernel::Rbf { gamma: 0.0 } },
        forest(0, 1),
        forest(1, 0),
        boosting(0, 0.1, 4, 1),
        boosting(1, 0.0, 4, 1),
        boosting(1, 0.1, 1, 1),
        boosting(1, 0.1, 2, 0),
        Estimator::Mlp { hidden: 0, penalty: 1.0, steps: 1, seed: 0 },
        Estimator::Mlp { hidden: 1, penalty: -1.0, steps: 1, seed: 0 },
        Estimator::Mlp { hidden: 1, penalty: 1.0, steps: 0, seed: 0 },
        stack(vec![], 3),
        stack(vec![logistic()], 1),
        stack(vec![stack(vec![logistic()], 3)], 3),
        fusion(fusion(logistic())),
        fusion(stack(vec![logistic()], 3)),
        stack(vec![fusion(logistic())], 3),
        profile(fusion(logistic())),
        Estimator::Fusion { of: boxed(logistic()), by: Parts::Modality, folds: 1, seed: 0 },
        profile(profile(logistic())),
        profile(stack(vec![logistic()], 3)),
        weighted(ClassWeights::Balanced, weighted(ClassWeights::Balanced, logistic())),
        weighted(ClassWeights::Given(vec![1.0]), logistic()),
        weighted(ClassWeights::Given(vec![1.0, 0.0]), logistic()),
    ];
    for estimator in without_sense {
        let error = estimator.fit(&training).unwrap_err();
        assert!(matches!(error, Error::BadSetting { .. }), "{estimator:?}: {error}");
    }
}
