//! Three classes and points, judged as honestly as two classes.

use feature::Value;
use learn::{
    Plan, Training,
    evaluate::{Family, GradedMetrics, Target, count_graded_look, look_graded},
    evaluate_graded,
    label::Points,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use study::{Cohort, Diagnosis, FeatureTable, Participant};

use crate::people::{cohort, normal, quick, table};

const LABELS: [Diagnosis; 3] = [Diagnosis::Healthy, Diagnosis::Mci, Diagnosis::Dementia];

/// People of three classes in turn with points that fall from class to class; their logs rise by `distance` a class.
fn graded(people: usize, distance: f64, seed: u64) -> FeatureTable {
    let plain = table(people, (3, 2), 0.0, seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 99);
    let mut graded = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for row in 0..people {
        let class = row % 3;
        let points = (28.0 - 6.0 * class as f64 + 2.0 * normal(&mut random)).round().clamp(0.0, 30.0);
        let moca = (row % 4 != 0).then_some(points);
        let known = Participant {
            label: Some(LABELS[class]),
            mmse: Some(points),
            moca,
            ..plain.participants()[row].clone()
        };
        let factor = (distance * class as f64).exp();
        let values = plain.row(row).map(|cell| Value::Measured(f64::from(cell.unwrap()) * factor));
        graded.push(known, values.collect::<Vec<_>>()).unwrap();
    }
    graded
}

/// What is known of people is dealt out anew.
fn shuffled(plain: &FeatureTable, seed: u64) -> FeatureTable {
    let mut from: Vec<usize> = (0..plain.len()).collect();
    from.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for (row, from) in from.into_iter().enumerate() {
        let id = plain.participants()[row].id.clone();
        let values = plain.row(row).map(|cell| Value::Measured(f64::from(cell.unwrap())));
        table
            .push(Participant { id, ..plain.participants()[from].clone() }, values.collect::<Vec<_>>())
            .unwrap();
    }
    table
}

fn plan(names: &[&str]) -> Plan {
    Plan { families: names.iter().map(|name| Family::named(name).unwrap()).collect(), ..quick(2) }
}

fn judged(cohort: &Cohort, target: Target, names: &[&str]) -> learn::Graded {
    evaluate_graded(cohort, target, &plan(names), &|_| ()).unwrap()
}

/// Macro AUC of classes, Pearson's correlation of points.
fn told(metrics: &GradedMetrics) -> f64 {
    match metrics {
        GradedMetrics::Classes { metrics, .. } => metrics.macro_auc.value,
        GradedMetrics::Points(metrics) => metrics.pearson.value,
    }
}

fn class_of(word: &str) -> usize {
    LABELS.iter().position(|it| it.to_string() == word).unwrap()
}

#[test]
fn three_classes_and_points_are_told_where_they_can_be() {
    let cohort = cohort(graded(120, 1.5, 1));
    let classes = judged(&cohort, Target::Classes, &["logistic", "boosting"]);
    for it in &classes.estimators {
        assert!(told(&it.metrics) > 0.75, "{it:?}");
        assert!((told(&it.without_measurement) - 0.5).abs() < 0.1, "the largest class for everybody");
        let GradedMetrics::Classes { metrics, confusion, each } = &it.metrics else {
            panic!("classes were asked")
        };
        assert!((confusion.as_flattened().iter().sum::<f64>() - 120.0).abs() < 1e-9);
        for (class, row) in each.iter().zip(confusion) {
            assert_eq!((class.people, class.roc.len()), (40, 51));
            assert!((class.metrics.sensitivity.value - row[class_of(&class.class)] / 40.0).abs() < 1e-9);
            assert!(class.metrics.auc.low <= class.metrics.auc.value && class.roc[50].sensitivity == 1.0);
        }
        assert!(
            metrics.macro_f1.low < metrics.macro_f1.value && metrics.macro_f1.value < metrics.macro_f1.high
        );
        assert_eq!(it.chosen.iter().map(|(_, times)| times).sum::<usize>(), 2 * classes.plan.outer);
    }
    let points = judged(&cohort, Target::Mmse, &["elastic-net", "boosting"]);
    for it in &points.estimators {
        let GradedMetrics::Points(metrics) = &it.metrics else { panic!("points were asked") };
        let GradedMetrics::Points(constant) = &it.without_measurement else { panic!("points were asked") };
        assert!(metrics.pearson.value > 0.6 && metrics.r2.value > 0.3, "{metrics:?}");
        assert!(
            metrics.mean_absolute_error.high < constant.mean_absolute_error.value,
            "{metrics:?} {constant:?}"
        );
        assert!(constant.r2.value < 0.01, "a mean explains nothing: {constant:?}");
        assert!(metrics.icc.value > 0.4 && constant.icc.value < 0.1, "{metrics:?} {constant:?}");
        let (low, high) = (metrics.lower_limit.value, metrics.upper_limit.value);
        let within = it.said.iter().filter(|it| (low..=high).contains(&(it.predicted - it.observed))).count();
        assert!(it.said.len() == 120 && (108..=120).contains(&within), "{within} of 120 within the limits");
        assert!(it.said.is_sorted_by(|a, b| a.observed <= b.observed));
    }
}

/// Two sites; at the second everything takes twice as long.
fn at_sites(people: usize, seed: u64) -> FeatureTable {
    let plain = graded(people, 1.2, seed);
    let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for (row, person) in plain.participants().iter().enumerate() {
        let second = row / 3 % 3 == 0;
        let site = (row != 0).then(|| if second { "south" } else { "north" }.to_owned());
        let factor = if second { 2.0 } else { 1.0 };
        let values = plain.row(row).map(|cell| Value::Measured(f64::from(cell.unwrap()) * factor));
        table.push(Participant { site, ..person.clone() }, values.collect::<Vec<_>>()).unwrap();
    }
    table
}

#[test]
fn whole_sites_are_left_out_of_classes_and_points_too() {
    let cohort = cohort(at_sites(121, 7));
    for (target, names) in [(Target::Classes, ["logistic"]), (Target::Mmse, ["elastic-net"])] {
        let plan = Plan { by: Some(learn::evaluate::By::Site), ..plan(&names) };
        let found = evaluate_graded(&cohort, target, &plan, &|_| ()).unwrap();
        assert_eq!((found.people, found.left_out), (120, 1), "one of no known site");
        let groups = &found.estimators[0].each_left_out;
        let seen: Vec<_> = groups.iter().map(|it| (it.group.as_str(), it.people, it.trained_on)).collect();
        assert_eq!(seen, [("north", 79, Some(41)), ("south", 41, Some(79))]);
        assert_eq!(groups[0].bias.is_some(), target == Target::Mmse);
        let by: Vec<&str> = found.estimators[0].groups.iter().map(|it| it.group.as_str()).collect();
        assert_eq!(by, ["north", "south"]);
    }
    // South takes longer, so that north's line takes its people for worse than they are.
    let plan = Plan { by: Some(learn::evaluate::By::Site), ..plan(&["elastic-net"]) };
    let found = evaluate_graded(&cohort, Target::Mmse, &plan, &|_| ()).unwrap();
    let south = &found.estimators[0].each_left_out[1];
    assert!(south.bias.unwrap().high < 0.0, "{south:?}");
}

#[test]
fn a_graded_evaluation_goes_on_where_it_was_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.jsonl");
    let (cohort, plan) = (cohort(graded(60, 1.0, 5)), plan(&["elastic-net"]));
    let run = || {
        let work = learn::evaluate::Work::open_graded(&path, &cohort, Target::Mmse, &plan).unwrap();
        let taken_up = work.taken_up();
        (
            taken_up,
            learn::evaluate::evaluate_graded_resuming(&cohort, Target::Mmse, &plan, &work, &|_| ()).unwrap(),
        )
    };
    let (none, first) = run();
    let text = std::fs::read_to_string(&path).unwrap();
    let half: Vec<&str> = text.split_inclusive('\n').take(5).collect();
    std::fs::write(&path, half.concat()).unwrap();
    let (some, again) = run();
    assert_eq!((none, some), (0, 4));
    assert_eq!(first.to_json().unwrap(), again.to_json().unwrap());
    assert_eq!(learn::Graded::from_json(&first.to_json().unwrap()).unwrap(), first);
}

#[test]
fn labels_dealt_out_anew_are_told_worse_and_more_people_bring_more() {
    let cohort = cohort(graded(120, 1.2, 6));
    for (target, name) in [(Target::Classes, "logistic"), (Target::Mmse, "elastic-net")] {
        let plan = Plan { permutations: 19, curve: vec![0.01, 0.2, 1.0], ..plan(&[name]) };
        let found = evaluate_graded(&cohort, target, &plan, &|_| ()).unwrap();
        let test = found.permutation.unwrap();
        assert_eq!((test.family.as_str(), test.permuted.len(), test.p), (name, 19, 0.05));
        let middle = test.permuted.iter().sum::<f64>() / 19.0;
        let (curve, worse) = (&found.learning_curve, target == Target::Mmse);
        assert_eq!(curve.len(), 2, "one person in a hundred is too few for four folds: {curve:?}");
        assert!((curve[1].people - 96.0).abs() < 1e-9 && curve[0].people < 25.0, "{curve:?}");
        let better = |a: f64, b: f64| if worse { a < b } else { a > b };
        assert!(better(test.observed, middle), "{test:?}");
        assert!(better(curve[1].value.value, curve[0].value.value), "{curve:?}");
        assert_eq!(worse, middle > 3.0, "points are off by {middle}");
    }
}

#[test]
fn people_set_aside_are_judged_by_what_was_fitted_on_the_others_once_a_look_is_counted() {
    let cohort = cohort(graded(120, 1.2, 6));
    let mut holdout = study::Holdout::draw(&cohort, 0.3, 1).unwrap();
    for (target, name) in [(Target::Classes, "logistic"), (Target::Moca, "elastic-net")] {
        let plan = plan(&[name]);
        let uncounted = look_graded(&cohort, &holdout, target, &plan).unwrap_err().to_string();
        assert!(uncounted.contains("a look that was counted"), "{uncounted}");
        count_graded_look(&cohort, &mut holdout, target, &plan).unwrap();
        let other = Plan { seed: 2, ..plan.clone() };
        assert!(look_graded(&cohort, &holdout, target, &other).is_err(), "of another plan");
        let look = look_graded(&cohort, &holdout, target, &plan).unwrap();
        let all = if target == Target::Moca { 90 } else { 120 };
        assert_eq!(look.trained_on + look.people, all);
        assert!(told(&look.estimators[0].metrics) > 0.6, "{look:?}");
    }
    assert_eq!(holdout.looks().len(), 2);
}

#[test]
fn people_whose_points_are_not_known_are_left_out_and_counted() {
    let found = judged(&cohort(graded(100, 1.0, 2)), Target::Moca, &["elastic-net"]);
    assert_eq!((found.people, found.left_out), (75, 25));
    let table = graded(100, 1.0, 2);
    let people = Training::by_points(&table, Points::Moca).unwrap();
    assert!(people.rows().iter().all(|row| row % 4 != 0) && people.len() == 75);
}

#[test]
fn shuffled_classes_and_points_are_told_no_better_than_by_chance() {
    let plain = graded(90, 1.5, 3);
    let (mut aucs, mut correlations) = (vec![], vec![]);
    for seed in 0..6 {
        let cohort = cohort(shuffled(&plain, seed));
        aucs.extend(
            judged(&cohort, Target::Classes, &["logistic", "boosting"])
                .estimators
                .iter()
                .map(|it| told(&it.metrics)),
        );
        let points = judged(&cohort, Target::Mmse, &["elastic-net", "boosting"]);
        correlations.extend(points.estimators.iter().map(|it| told(&it.metrics)));
    }
    let mean = |it: &[f64]| it.iter().sum::<f64>() / it.len() as f64;
    assert!((mean(&aucs) - 0.5).abs() < 0.06, "{aucs:?}");
    // Out-of-fold means fall where the held people are above them, so that chance lies a little below 0.
    assert!(mean(&correlations) < 0.08, "{correlations:?}");
}

#[test]
fn one_thread_and_many_judge_the_same() {
    let cohort = cohort(graded(60, 0.7, 4));
    let found = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| judged(&cohort, Target::Classes, &["extra-trees", "boosting"]))
    };
    assert_eq!(found(1), found(4));
}

#[test]
fn what_cannot_be_asked_is_a_clear_error() {
    let said = |table: FeatureTable, target, names: &[&str]| {
        evaluate_graded(&cohort(table), target, &plan(names), &|_| ()).unwrap_err().to_string()
    };
    let two = table(60, (2, 2), 1.0, 1);
    assert_eq!(
        said(two, Target::Classes, &["logistic"]),
        "cohort: expected people of all three classes, got 30 healthy, 0 mci and 30 dementia"
    );
    assert_eq!(
        said(table(60, (2, 2), 1.0, 1), Target::Mmse, &["elastic-net"]),
        "cohort: expected people with different points, got 0 people with the same"
    );
    assert_eq!(
        said(graded(60, 1.0, 1), Target::Classes, &["svm-rbf"]),
        "svm: expected two classes, got three"
    );
    assert_eq!(
        said(graded(60, 1.0, 1), Target::Mmse, &["logistic"]),
        "logistic: expected classes, got points"
    );
}
