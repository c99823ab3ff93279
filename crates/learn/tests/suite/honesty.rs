//! Ways to fool ourselves, each tried on purpose.

use feature::Value;
use learn::{
    Estimator, Plan, Training,
    audit::copied_blocks,
    estimator::MaxFeatures,
    evaluate,
    evaluate::{Family, Splits},
};
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use study::{Diagnosis, FeatureTable, Participant};

use crate::people::{cohort, columns, normal, person, quick, table};

fn few_trees() -> Family {
    let setting = |min_samples_leaf| Estimator::ExtraTrees {
        trees: 30,
        min_samples_leaf,
        max_features: MaxFeatures::Sqrt,
        seed: 0,
    };
    Family { name: "extra-trees".to_owned(), grid: vec![setting(1), setting(3)] }
}

fn both(repeats: usize) -> Plan {
    Plan { families: vec![few_trees(), Family::logistic()], ..quick(repeats) }
}

#[test]
fn recorded_splits_hold_nobody_on_two_sides_at_either_depth() {
    let table = table(60, (2, 2), 1.0, 1);
    let splits = Splits::draw(&Training::new(&table).unwrap(), &quick(3)).unwrap();
    assert_eq!((splits.repeats.len(), splits.participants.len()), (3, 60));
    for folds in &splits.repeats {
        let mut judged: Vec<usize> = folds.iter().flat_map(|fold| fold.held.clone()).collect();
        judged.sort_unstable();
        assert_eq!(judged, (0..60).collect::<Vec<_>>(), "everybody is judged once a repeat");
        for fold in folds {
            let mut inner: Vec<usize> = fold.inner.concat();
            inner.extend(&fold.held);
            inner.sort_unstable();
            assert_eq!(
                inner,
                (0..60).collect::<Vec<_>>(),
                "inner folds part the training people and nobody else"
            );
        }
    }
}

#[test]
fn shuffled_labels_give_an_auc_of_one_half() {
    let plain = table(80, (3, 2), 2.0, 1);
    let mut aucs = Vec::new();
    for seed in 0..6 {
        let mut labels: Vec<Option<Diagnosis>> = plain.participants().iter().map(|it| it.label).collect();
        labels.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let mut shuffled = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for (row, label) in labels.into_iter().enumerate() {
            let participant = Participant { label, ..plain.participants()[row].clone() };
            let values = plain.row(row).map(|cell| Value::Measured(f64::from(cell.unwrap())));
            shuffled.push(participant, values.collect::<Vec<_>>()).unwrap();
        }
        let found = evaluate(&cohort(shuffled), &both(2), &|_| ()).unwrap();
        aucs.extend(found.card.estimators.iter().map(|it| it.readings.masked.metrics.auc.value));
    }
    let mean = aucs.iter().sum::<f64>() / aucs.len() as f64;
    assert!((mean - 0.5).abs() < 0.08, "{aucs:?}");
}

/// Everybody of a class gets one task's block from the same person of that class, as where missing tasks were filled in.
fn leaky() -> FeatureTable {
    let plain = table(60, (3, 4), 0.0, 5);
    let mut leaky = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for row in 0..60 {
        let from = |it: usize| if it / 4 == 1 && row % 10 < 6 { row % 2 } else { row };
        let values = (0..12).map(|it| Value::Measured(f64::from(plain.value(from(it), it).unwrap())));
        leaky.push(plain.participants()[row].clone(), values.collect::<Vec<_>>()).unwrap();
    }
    leaky
}

#[test]
fn a_planted_leak_is_found_and_masking_takes_it_away() {
    let table = leaky();
    let groups = copied_blocks(&table);
    assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 36);
    let card = evaluate(&cohort(table), &both(2), &|_| ()).unwrap().card;
    let trees = &card.estimators[0].readings;
    assert!(trees.as_published.metrics.auc.value > 0.75, "{:?}", trees.as_published.metrics.auc);
    assert!(trees.masked.metrics.auc.value < 0.65, "{:?}", trees.masked.metrics.auc);
    let finding = &card.findings[0];
    assert_eq!((finding.kind.as_str(), finding.blocks.len()), ("copied_blocks", 36));
    assert!(finding.evidence.contains("no groups hold more than one label"), "{}", finding.evidence);
    assert_eq!(card.open_findings().count(), 0, "masking answers the finding");
}

#[test]
fn missing_blocks_that_carry_the_label_are_shown_beside_the_result() {
    let plain = table(60, (3, 4), 0.0, 6);
    let task = crate::people::task(2);
    let rows = (0..60).filter(|row| row % 2 == 1 && row % 5 != 0);
    let blocks: Vec<_> = rows.map(|row| study::Block { row, task: &task }).collect();
    let masked = plain.masked(&blocks, &"not done".into());
    let card = evaluate(&cohort(masked), &quick(2), &|_| ()).unwrap().card;
    assert!(card.missingness_only.unwrap().metrics.auc.value > 0.8);
}

#[test]
fn probabilities_of_a_well_specified_problem_are_calibrated() {
    // The log-odds are linear in the logs, as the estimator assumes.
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut table = FeatureTable::new(columns(1, 3)).unwrap();
    for number in 0..600 {
        let logs: Vec<f64> = (0..3).map(|_| normal(&mut random)).collect();
        let log_odds = 1.2 * logs[0] - 0.8 * logs[1];
        let impaired = random.random::<f64>() < 1.0 / (1.0 + f64::exp(-log_odds));
        let values = logs.iter().map(|log| Value::Measured(10.0 * log.exp()));
        table.push(person(number, impaired), values.collect::<Vec<_>>()).unwrap();
    }
    let card = evaluate(&cohort(table), &quick(2), &|_| ()).unwrap().card;
    let metrics = card.readings.masked.metrics;
    assert!((metrics.calibration_slope.value - 1.0).abs() < 0.15, "{:?}", metrics.calibration_slope);
    assert!(metrics.calibration_intercept.value.abs() < 0.15, "{:?}", metrics.calibration_intercept);
    assert!(metrics.calibration_slope.low < 1.0 && metrics.calibration_slope.high > 1.0);
}

#[test]
fn one_thread_and_many_write_the_same_card_and_another_seed_another() {
    let cohort = cohort(table(50, (2, 2), 0.7, 3));
    let card = |plan: &Plan, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluate(&cohort, plan, &|_| ()).unwrap().card.to_json().unwrap())
    };
    let plan = both(2);
    assert_eq!(card(&plan, 1), card(&plan, 4));
    let other = Plan { seed: 2, ..both(2) };
    assert_ne!(card(&plan, 1), card(&other, 1));
}

#[test]
fn a_card_reads_back_as_it_was_written() {
    let card = evaluate(&cohort(table(50, (2, 4), 0.7, 3)), &quick(2), &|_| ()).unwrap().card;
    assert_eq!(learn::Card::from_json(&card.to_json().unwrap()).unwrap(), card);
    let json: serde_json::Value = serde_json::from_slice(&card.to_json().unwrap()).unwrap();
    for path in
        ["/readings/masked/auc/value", "/readings/as_published/auc/low", "/readings/masked/sensitivity/high"]
    {
        assert!(json.pointer(path).is_some_and(serde_json::Value::is_f64), "{path}");
    }
}

#[test]
fn people_who_cannot_be_judged_are_clear_errors() {
    let full = table(40, (1, 2), 1.0, 1);
    let judge =
        |rows: &[usize]| evaluate(&cohort(full.of_people(rows)), &quick(1), &|_| ()).unwrap_err().to_string();
    assert_eq!(judge(&[0, 2, 4, 6]), "cohort: expected people of both classes, got 4 healthy and 0 impaired");
    assert_eq!(judge(&[1]), "cohort: expected people of both classes, got 0 healthy and 1 impaired");
    assert!(judge(&[0, 1, 2, 3]).contains("expected at least 5 people of each class"));
    let no_table = study::Cohort { table: None, ..cohort(full.clone()) };
    assert!(evaluate(&no_table, &quick(1), &|_| ()).unwrap_err().to_string().contains("measure them first"));
    let plan = Plan { prevalence: 1.0, ..quick(1) };
    assert!(evaluate(&cohort(full), &plan, &|_| ()).unwrap_err().to_string().contains("prevalence"));
}

#[test]
fn progress_counts_every_outer_fold_once() {
    let steps = std::sync::Mutex::new(Vec::new());
    evaluate(&cohort(table(40, (1, 4), 1.0, 1)), &quick(2), &|it| steps.lock().unwrap().push(it)).unwrap();
    let steps = steps.into_inner().unwrap();
    let mut done: Vec<usize> = steps.iter().filter(|it| it.stage != "baselines").map(|it| it.done).collect();
    done.sort_unstable();
    assert_eq!(done, (1..=10).collect::<Vec<_>>());
}

#[test]
fn profiles_are_judged_like_any_other_estimator() {
    let of = |estimator| Estimator::Profile { of: Box::new(estimator) };
    let profile = Family { name: "profile".to_owned(), grid: few_trees().grid.into_iter().map(of).collect() };
    let plan = Plan { families: vec![profile, few_trees()], ..quick(2) };
    let auc = |distance| {
        let card = evaluate(&cohort(table(60, (6, 2), distance, 2)), &plan, &|_| ()).unwrap().card;
        card.estimators.iter().map(|it| it.readings.masked.metrics.auc.value).collect::<Vec<_>>()
    };
    assert!(auc(1.5).iter().all(|auc| *auc > 0.85), "{:?}", auc(1.5));
    assert!(auc(0.0).iter().all(|auc| (auc - 0.5).abs() < 0.25), "{:?}", auc(0.0));
}

#[test]
fn splits_are_read_back_by_whoever_judges_on_them() {
    let table = table(40, (1, 2), 1.0, 1);
    let splits = Splits::draw(&Training::new(&table).unwrap(), &quick(2)).unwrap();
    let json = serde_json::to_string(&splits).unwrap();
    assert_eq!(serde_json::from_str::<Splits>(&json).unwrap(), splits);
    assert_ne!(splits.repeats[0], splits.repeats[1], "repeats are drawn anew");
}
