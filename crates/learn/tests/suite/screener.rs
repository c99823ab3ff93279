//! What a screener says, and when it says nothing.

use std::sync::LazyLock;

use feature::Value;
use learn::{Measurements, Outcome, Screener, Settings, Trained, screener::Band, train};
use study::{Block, FeatureTable, Task};

use crate::people::{cohort, quick, table, task};

fn people() -> FeatureTable {
    let plain = table(100, (4, 3), 1.0, 11);
    // A few did not do the last task.
    let last = task(3);
    let blocks: Vec<_> = (0..100).step_by(9).map(|row| Block { row, task: &last }).collect();
    plain.masked(&blocks, &"not done".into())
}

fn settings() -> Settings {
    let settings = Settings { refits: 40, plan: quick(2), ..Settings::new("demo@1") };
    settings.with_form("portable", ["demo.time.f0".to_owned()])
}

static TRAINED: LazyLock<Trained> = LazyLock::new(|| train(&cohort(people()), &settings(), &|_| ()).unwrap());

fn screener() -> &'static Screener {
    &TRAINED.screener
}

fn scored(measured: &Measurements, form: &str) -> learn::Score {
    screener().score(measured, form).unwrap().score().unwrap().clone()
}

/// The same value for each feature of some tasks.
fn everywhere(tasks: &[Task], seconds: f64) -> Measurements {
    let mut measured = Measurements::new();
    for task in tasks {
        (0..3).for_each(|it| measured.put(task, &format!("demo.time.f{it}"), seconds));
    }
    measured
}

#[test]
fn contributions_and_baseline_sum_to_the_score() {
    let table = people();
    for row in 0..20 {
        for form in ["all", "portable"] {
            let score = scored(&Measurements::of_row(&table, row), form);
            let sum = score.baseline + score.contributions.iter().map(|it| it.amount).sum::<f64>();
            assert!((sum - score.likelihood_ratio.value.ln()).abs() < 1e-9, "{row} {form}");
            assert!(score.contributions.is_sorted_by(|a, b| a.amount.abs() >= b.amount.abs()));
        }
    }
}

#[test]
fn someone_at_the_training_mean_is_moved_by_nothing() {
    let table = people();
    let first = scored(&Measurements::of_row(&table, 1), "all");
    let mut mean = Measurements::new();
    first.contributions.iter().for_each(|it| mean.put(&it.task, &it.feature, it.training_mean));
    let score = scored(&mean, "all");
    assert!(score.contributions.iter().all(|it| it.amount.abs() < 1e-9));
    assert!((score.baseline - score.likelihood_ratio.value.ln()).abs() < 1e-9);
}

#[test]
fn slow_people_score_high_and_quick_ones_low() {
    let tasks: Vec<Task> = (0..4).map(task).collect();
    let (quick, slow) = (scored(&everywhere(&tasks, 0.4), "all"), scored(&everywhere(&tasks, 6.0), "all"));
    assert_eq!((quick.band, slow.band), (Band::Low, Band::High));
    assert!(slow.likelihood_ratio.low > 2.0 && quick.likelihood_ratio.high < 0.5);
    assert_eq!((slow.tasks.len(), slow.form.as_str(), slow.study_prevalence), (4, "all", 0.5));
    // At a prevalence of one half, odds are likelihood ratios.
    let odds = slow.log_odds.exp();
    assert!((odds / slow.likelihood_ratio.value - 1.0).abs() < 1e-9);
}

#[test]
fn a_probability_needs_a_prevalence() {
    let score = scored(&everywhere(&[task(0)], 4.0), "all");
    let (rare, study) = (score.probability_at(0.0925), score.probability_at(score.study_prevalence));
    let odds = 0.0925 / 0.9075 * score.likelihood_ratio.value;
    assert!((rare.value - odds / (1.0 + odds)).abs() < 1e-12);
    assert!(rare.value < study.value && rare.low <= rare.value && rare.value <= rare.high);
}

#[test]
fn any_set_of_tasks_is_scored_and_its_own_record_is_given() {
    let one = scored(&everywhere(&[task(2)], 2.0), "all");
    assert_eq!(one.operating.as_ref().unwrap().tasks, [task(2)]);
    let three = scored(&everywhere(&[task(0), task(1), task(3)], 2.0), "all");
    let operating = three.operating.unwrap();
    assert!(operating.tasks.is_empty() && operating.size == 3, "an average over sets of three");
    let every: Vec<Task> = (0..4).map(task).collect();
    assert_eq!(scored(&everywhere(&every, 2.0), "all").operating.unwrap().tasks, every);
    assert!(three.likelihood_ratio.value > one.likelihood_ratio.value, "more slow tasks say more");
}

#[test]
fn an_unknown_task_has_no_screener_and_an_unknown_form_is_an_error() {
    let picture = Task::new("picture").unwrap();
    let outcome = screener().score(&everywhere(&[picture], 2.0), "all").unwrap();
    let Outcome::NotApplicable { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "demo@1 has no screener for this task: picture");
    let error = screener().score(&Measurements::new(), "tablet").unwrap_err().to_string();
    assert_eq!(error, "screener demo@1: expected one of the forms all, portable, got \"tablet\"");
    assert!(matches!(screener().score(&Measurements::new(), "all"), Ok(Outcome::NotApplicable { .. })));
}

#[test]
fn a_missing_required_feature_makes_the_task_inconclusive_with_its_reason() {
    let mut measured = everywhere(&[task(0)], 2.0);
    measured.put(&task(0), "demo.time.f1", Value::Missing("pen-up movement not reported".into()));
    let outcome = screener().score(&measured, "all").unwrap();
    let Outcome::Inconclusive { score: None, reasons } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reasons, ["task-0: demo.time.f1 is missing: pen-up movement not reported"]);
    // The portable form does not need it.
    assert!(screener().score(&measured, "portable").unwrap().score().is_some());
}

#[test]
fn values_outside_the_training_range_are_named_and_make_the_score_inconclusive() {
    let outcome = screener().score(&everywhere(&[task(0)], 1e4), "all").unwrap();
    let Outcome::Inconclusive { score: Some(score), reasons } = outcome else { panic!("{outcome:?}") };
    assert_eq!(score.outside.len(), 3);
    assert!(score.outside.iter().all(|it| it.value > it.range.1));
    let distance = &score.distance;
    assert!(distance.value > 2.0 * distance.limit.unwrap(), "{distance:?}");
    assert!(reasons[0].contains("unlike those of the screener's people"), "{reasons:?}");
    assert!(reasons[0].contains("demo.time.f") && reasons[0].contains("(task-0)"), "{reasons:?}");
}

#[test]
fn common_values_in_a_combination_nobody_showed_are_inconclusive_and_named() {
    // Times of one person go together in these people; here two are quick and one is slow, each within the range.
    let mut measured = Measurements::new();
    for (it, seconds) in [0.2, 0.2, 14.0].into_iter().enumerate() {
        measured.put(&task(0), &format!("demo.time.f{it}"), seconds);
    }
    let outcome = screener().score(&measured, "all").unwrap();
    let Outcome::Inconclusive { score: Some(score), reasons } = outcome else { panic!("{outcome:?}") };
    assert!(score.outside.is_empty(), "{:?}", score.outside);
    assert_eq!(score.distance.farthest[0].feature, "demo.time.f2", "{:?}", score.distance);
    assert!(reasons[0].contains("demo.time.f2 (task-0)"), "{reasons:?}");
}

#[test]
fn few_people_like_the_training_people_are_turned_away() {
    for form in &TRAINED.card.forms {
        for set in &form.sets {
            let away = set.operating.turned_away.unwrap();
            // One in a hundred, or one more than the people it is ranked among allow.
            assert!(away.value < 0.05 && away.low <= away.value, "{:?} {away:?}", set.operating.tasks);
        }
    }
}

#[test]
fn bands_keep_the_error_rate_for_every_task_and_all_of_them() {
    for set in TRAINED.card.forms.iter().flat_map(|it| &it.sets) {
        let coverage = set.operating.coverage.unwrap();
        // 44 to 50 people a class: a standard error of .04 around one in ten.
        assert!(coverage.impaired_in_low.value < 0.2 && coverage.healthy_in_high.value < 0.2, "{coverage:?}");
        assert!(coverage.indeterminate.value > 0.0 && coverage.error_rate == 0.1);
    }
    let whole = TRAINED.card.estimators[0].coverage.unwrap();
    let one = TRAINED.card.forms[0].sets[0].operating.coverage.unwrap();
    assert!(whole.indeterminate.value < one.indeterminate.value, "more tasks decide more");
}

#[test]
fn a_score_is_ranked_among_people_on_the_same_tasks() {
    let slow = scored(&everywhere(&[task(3)], 6.0), "all");
    // 12 of 100 did not do the last task.
    assert_eq!((slow.ranked.healthy + slow.ranked.impaired, slow.ranked.error_rate), (88, 0.1));
    assert!(slow.ranked.p_healthy < 0.2 && slow.ranked.p_impaired > 0.5, "{:?}", slow.ranked);
    let strict = Settings { plan: learn::Plan { error_rate: 0.01, ..quick(2) }, ..settings() };
    let strict = train(&cohort(people()), &strict, &|_| ()).unwrap().screener;
    let band = strict.score(&everywhere(&[task(3)], 6.0), "all").unwrap().score().unwrap().band;
    assert_eq!(band, Band::Indeterminate, "among 44 people nothing is rarer than one in 45");
}

#[test]
fn nobody_of_the_training_people_is_outside_their_own_range() {
    let table = people();
    for row in 0..table.len() {
        assert!(scored(&Measurements::of_row(&table, row), "all").outside.is_empty(), "row {row}");
    }
}

#[test]
fn an_artefact_scores_the_same_after_saving_and_loading() {
    let loaded = Screener::from_json(&screener().to_json().unwrap()).unwrap();
    assert_eq!((&loaded, loaded.digest()), (screener(), screener().digest()));
    let measured = Measurements::of_row(&people(), 3);
    assert_eq!(loaded.score(&measured, "all").unwrap(), screener().score(&measured, "all").unwrap());
    assert_eq!(TRAINED.card.screener_digest.as_deref(), Some(loaded.digest().as_str()));
}

#[test]
fn a_broken_artefact_says_what_is_wrong() {
    let json = String::from_utf8(screener().to_json().unwrap()).unwrap();
    let bad = |from: &str, to: &str| {
        Screener::from_json(json.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    assert!(bad("\"rho\":", "\"rho\":7").contains("rho from 0 to 1"));
    assert!(bad("\"name\"", "\"nom\"").contains("unknown field `nom`"));
    assert!(bad("\"task\":\"task-0\",", "\"task\":\"a/b\",").contains("task"));
    let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
    value["forms"][0]["tasks"].as_array_mut().unwrap().pop();
    let message = Screener::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
    assert!(message.contains("refits of"), "{message}");
}

#[test]
fn the_card_of_a_screener_judges_each_task_and_all_of_them() {
    let card = &TRAINED.card;
    assert_eq!((card.name.as_str(), card.forms.len()), ("demo@1", 2));
    let sets = &card.forms[0].sets;
    let size = |named: bool, size| {
        sets.iter().filter(|it| it.operating.tasks.is_empty() != named && it.operating.size == size).count()
    };
    assert_eq!((size(true, 1), size(true, 4), size(false, 2)), (4, 1, 1));
    let last = sets.iter().find(|it| it.operating.tasks == [task(3)]).unwrap();
    assert_eq!(last.operating.people, 88, "people who did not do the task are not judged on it");
    let whole = &card.readings.masked.metrics.auc;
    assert!(whole.low < whole.value && whole.value < whole.high && whole.value > 0.8);
    assert!(
        sets.iter().all(|it| it.operating.lower.sensitivity.value >= it.operating.upper.sensitivity.value)
    );
}

#[test]
fn a_screener_is_the_same_on_one_thread_and_many() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let again = pool.install(|| train(&cohort(people()), &settings(), &|_| ()).unwrap());
    assert_eq!(again.screener.digest(), screener().digest());
    assert_eq!(again.card, TRAINED.card);
}

#[test]
fn settings_of_a_table_name_the_portable_features() {
    let table = people();
    let settings = Settings::for_table("demo@1", &table, |column| column.feature != "demo.time.f1");
    let portable = &settings.forms[1];
    assert_eq!((portable.name.as_str(), portable.features.len()), ("portable", 2));
    assert_eq!(Settings::for_table("demo@1", &table, |_| true).forms.len(), 1);
    let bad = train(&cohort(table), &Settings::new("no version"), &|_| ()).unwrap_err().to_string();
    assert_eq!(bad, "name: expected name@version, for example handwriting-darwin@1, got no version");
}

#[test]
fn an_outcome_says_in_json_which_of_three_it_is() {
    let json =
        |measured: &Measurements| serde_json::to_value(screener().score(measured, "all").unwrap()).unwrap();
    let scored = json(&everywhere(&[task(0), task(1)], 2.0));
    assert_eq!(scored["outcome"], "scored");
    for field in
        ["likelihood_ratio", "band", "contributions", "baseline", "outside", "digest", "study_prevalence"]
    {
        assert!(!scored[field].is_null(), "{field}");
    }
    assert!(scored.get("probability").is_none(), "a probability without a prevalence must not be written");
    assert_eq!(json(&everywhere(&[task(0)], 1e5))["outcome"], "inconclusive");
    assert_eq!(json(&Measurements::new())["outcome"], "not-applicable");
}

#[test]
fn probabilities_stay_between_zero_and_one_at_any_prevalence() {
    for seconds in [1e-6, 1.0, 1e9] {
        let score = scored(&everywhere(&[task(0), task(1), task(2)], seconds), "all");
        for prevalence in [1e-9, 0.0925, 0.5, 1.0 - 1e-12] {
            let p = score.probability_at(prevalence);
            let ordered = 0.0 <= p.low && p.low <= p.value && p.value <= p.high && p.high <= 1.0;
            assert!(ordered, "{seconds} s at {prevalence}: {p:?}");
        }
    }
}

#[test]
fn a_cohort_of_one_task_makes_a_screener_of_one_task() {
    let table = table(60, (1, 2), 1.2, 4);
    let settings = Settings { refits: 20, plan: quick(1), ..Settings::new("one@1") };
    let trained = train(&cohort(table.clone()), &settings, &|_| ()).unwrap();
    assert_eq!(trained.card.forms[0].sets.len(), 1, "no random sets of one task");
    let score = trained.screener.score(&Measurements::of_row(&table, 1), "all").unwrap();
    assert_eq!(score.score().unwrap().operating.as_ref().unwrap().size, 1);
}

#[test]
fn a_form_without_any_column_is_a_clear_error() {
    let settings = settings().with_form("pressure", ["demo.pressure".to_owned()]);
    let error = train(&cohort(people()), &settings, &|_| ()).unwrap_err().to_string();
    assert_eq!(error, "form pressure: expected at least one measured column, got none");
}
