//! Screeners that fuse what was said and what was drawn by lines.

use std::sync::LazyLock;

use feature::{Unit, Value};
use learn::{Measurements, Outcome, Screener, Settings, Trained, estimator::Parts, screener::Joining, train};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use study::{Column, FeatureTable, Task};

use crate::people::{cohort, normal, person, quick};

fn story() -> Task {
    Task::new("story").unwrap()
}

fn clock() -> Task {
    Task::new("clock").unwrap()
}

/// Half impaired; two columns said and two drawn. What is drawn tells twice as much. Of ten couples two lack the voice and one the
/// drawing, whatever their class.
fn people(count: usize, seed: u64) -> FeatureTable {
    let column = |it: usize| {
        let name = ["voice.a", "voice.b", "ink.a", "ink.b"][it];
        Column::new(if it < 2 { story() } else { clock() }, name, Unit::Second)
    };
    let mut table = FeatureTable::new((0..4).map(column).collect()).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for number in 0..count {
        let couple = number / 2 % 10;
        let has = [couple > 1, couple != 2];
        let distance = if number % 2 == 1 { [0.6, 1.2] } else { [0.0, 0.0] };
        let value = |it: usize| {
            let number = (normal(&mut random) + distance[it / 2]).exp();
            if has[it / 2] { Value::Measured(number) } else { Value::Missing("not handed in".into()) }
        };
        table.push(person(number, number % 2 == 1), (0..4).map(value).collect::<Vec<_>>()).unwrap();
    }
    table
}

fn fused(parts: Parts) -> Settings {
    Settings { parts, joining: Joining::Lines, refits: 40, plan: quick(2), ..Settings::new("fused@1") }
}

static TRAINED: LazyLock<Trained> =
    LazyLock::new(|| train(&cohort(people(200, 3)), &fused(Parts::Modality), &|_| ()).unwrap());

fn measured(voice: Option<f64>, ink: Option<f64>) -> Measurements {
    let mut measured = Measurements::new();
    let mut put = |task: &Task, room: &str, value: f64| {
        ["a", "b"].iter().for_each(|it| measured.put(task, &format!("{room}.{it}"), value));
    };
    voice.into_iter().for_each(|it| put(&story(), "voice", it));
    ink.into_iter().for_each(|it| put(&clock(), "ink", it));
    measured
}

fn scored(screener: &Screener, measured: &Measurements) -> learn::Score {
    screener.score(measured, "all").unwrap().score().unwrap().clone()
}

#[test]
fn either_modality_may_be_absent_and_a_score_still_sums_up() {
    let screener = &TRAINED.screener;
    assert_eq!(screener.modalities("all"), ["voice", "ink"]);
    assert_eq!(screener.tasks("all"), [&story(), &clock()]);
    for (measured, modalities) in [
        (measured(Some(3.0), Some(4.0)), &["voice", "ink"][..]),
        (measured(Some(3.0), None), &["voice"]),
        (measured(None, Some(4.0)), &["ink"]),
    ] {
        let score = scored(screener, &measured);
        assert_eq!(score.modalities, modalities);
        assert_eq!(score.tasks.len(), modalities.len());
        let sum = score.baseline + score.contributions.iter().map(|it| it.amount).sum::<f64>();
        assert!((sum - score.likelihood_ratio.value.ln()).abs() < 1e-9);
        assert!(score.likelihood_ratio.low < score.likelihood_ratio.value);
        assert!(score.likelihood_ratio.value > 1.0, "slow people: {:?}", score.likelihood_ratio);
        let operating = score.operating.unwrap();
        assert_eq!(operating.modalities, modalities);
        assert_eq!(operating.size, modalities.len());
    }
    let Outcome::NotApplicable { .. } = screener.score(&Measurements::new(), "all").unwrap() else {
        panic!("nothing was measured")
    };
}

#[test]
fn the_part_that_tells_more_weighs_more_and_both_tell_most() {
    let auc = |modalities: &[&str]| {
        let sets = &TRAINED.card.forms[0].sets;
        let set = sets.iter().find(|it| it.operating.modalities == modalities).unwrap();
        set.metrics.auc.value
    };
    let (voice, ink, both) = (auc(&["voice"]), auc(&["ink"]), auc(&["voice", "ink"]));
    assert!(ink > voice + 0.05 && both > ink - 0.02, "{both} of {voice} and {ink}");
    let score = scored(&TRAINED.screener, &measured(Some(3.0), Some(3.0)));
    let of = |room: &str| {
        let own = score.contributions.iter().filter(|it| it.feature.starts_with(room));
        own.map(|it| it.amount).sum::<f64>()
    };
    assert!(of("ink") > of("voice"), "{:?}", score.contributions);
    assert_eq!(TRAINED.card.estimator, "logistic regressions of modalities, fused by lines");
}

#[test]
fn a_fused_screener_is_saved_and_loaded_to_the_same_score() {
    let loaded = Screener::from_json(&TRAINED.screener.to_json().unwrap()).unwrap();
    assert_eq!(loaded, TRAINED.screener);
    let measured = measured(Some(2.0), Some(0.5));
    assert_eq!(scored(&loaded, &measured), scored(&TRAINED.screener, &measured));
    let again = train(&cohort(people(200, 3)), &fused(Parts::Modality), &|_| ()).unwrap();
    assert_eq!(again.screener.digest(), TRAINED.screener.digest());
    assert_eq!(again.card.to_json().unwrap(), TRAINED.card.to_json().unwrap());
}

#[test]
fn bands_of_new_people_are_wrong_no_more_often_than_asked() {
    let others = people(400, 9);
    let (mut wrong, mut of) = ([0u32, 0], [0u32, 0]);
    for row in 0..others.len() {
        let impaired = row % 2 == 1;
        let Outcome::Scored(score) =
            TRAINED.screener.score(&Measurements::of_row(&others, row), "all").unwrap()
        else {
            continue;
        };
        of[usize::from(impaired)] += 1;
        let is_wrong = matches!(
            (score.band, impaired),
            (learn::screener::Band::Low, true) | (learn::screener::Band::High, false)
        );
        wrong[usize::from(impaired)] += u32::from(is_wrong);
    }
    // An error rate of .1, on about 190 people of each class: .1 + 2.5 standard errors is .155.
    assert!((0..2).all(|it| f64::from(wrong[it]) < 0.155 * f64::from(of[it])), "{wrong:?} of {of:?}");
    let coverage = TRAINED.card.estimators[0].coverage.unwrap();
    assert!(coverage.impaired_in_low.value < 0.14 && coverage.healthy_in_high.value < 0.14, "{coverage:?}");
}

#[test]
fn a_modality_of_which_something_required_is_missing_is_set_aside_with_the_reason() {
    let mut some = measured(Some(3.0), Some(4.0));
    some.put(&story(), "voice.b", Value::Missing("nothing voiced".into()));
    let score = scored(&TRAINED.screener, &some);
    assert_eq!(score.modalities, ["ink"]);
    assert_eq!((score.aside[0].tasks.clone(), score.aside.len()), (vec![story()], 1));
    assert_eq!(score.aside[0].reason, "story: voice.b is missing: nothing voiced");
    assert_eq!(
        scored(&TRAINED.screener, &measured(None, Some(4.0))).likelihood_ratio,
        score.likelihood_ratio
    );
}

#[test]
fn tasks_are_fused_by_lines_as_well() {
    let trained = train(&cohort(people(160, 4)), &fused(Parts::Task), &|_| ()).unwrap();
    assert!(trained.screener.modalities("all").is_empty());
    let (both, one) = (
        scored(&trained.screener, &measured(Some(3.0), Some(3.0))),
        scored(&trained.screener, &measured(Some(3.0), None)),
    );
    assert_eq!((both.tasks.len(), one.tasks, one.aside.len()), (2, vec![story()], 0));
}

#[test]
fn where_nobody_has_both_the_first_speaks_and_the_other_is_set_aside() {
    // Every second couple only speaks, the others only draw.
    let plain = people(240, 5);
    let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for row in 0..plain.len() {
        let speaks = row / 2 % 2 == 0;
        let cells = plain.row(row).enumerate().map(|(it, cell)| match cell {
            Some(number) if (it < 2) == speaks => Value::Measured(f64::from(number)),
            _ => Value::Missing("not handed in".into()),
        });
        table.push(plain.participants()[row].clone(), cells.collect::<Vec<_>>()).unwrap();
    }
    let trained = train(&cohort(table), &fused(Parts::Modality), &|_| ()).unwrap();
    let score = scored(&trained.screener, &measured(Some(3.0), Some(3.0)));
    assert_eq!((score.modalities.len(), score.aside.len()), (1, 1));
    assert!(
        score.aside[0].reason.contains("too few of the screener's people have it together"),
        "{:?}",
        score.aside
    );
}
