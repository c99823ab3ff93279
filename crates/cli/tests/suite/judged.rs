//! `inkling evaluate` as a long-running program: killed, taken up, on one core and many, and by site.

use std::{
    fmt::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::line::{Said, inkling};

/// 60 made-up people at three sites, half impaired, slower in three tasks; site `c` has healthy people only.
fn cohort(folder: &Path) {
    let names: Vec<String> = (0..3).map(|task| format!("task-{task}/ink.time.total")).collect();
    let (mut people, mut features) = ("id,label,site\n".to_owned(), format!("id,{}\n", names.join(",")));
    for it in 0..60 {
        let impaired = it % 2 == 1 && it % 3 != 2;
        let (label, site) = (if impaired { "dementia" } else { "healthy" }, ["a", "b", "c"][it % 3]);
        writeln!(people, "p{it},{label},{site}").unwrap();
        let seconds = |task: usize| {
            let spread = ((it * 7919 + task * 104_729) * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
            20.0 + 23.0 * spread + if impaired { 5.0 } else { 0.0 }
        };
        writeln!(features, "p{it},{},{},{}", seconds(0), seconds(1), seconds(2)).unwrap();
    }
    std::fs::write(
        folder.join("cohort.json"),
        r#"{"name": "made-up", "synthetic": true, "units": {"ink.time.total": "s"}}"#,
    )
    .unwrap();
    std::fs::write(folder.join("participants.csv"), people).unwrap();
    std::fs::write(folder.join("features.csv"), features).unwrap();
}

fn line<'a>(folder: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["evaluate", folder.to_str().unwrap(), "--out", out.to_str().unwrap()];
    line.extend(["--estimator", "logistic", "--permutations", "5"]);
    line.extend(more);
    line
}

fn evaluate(folder: &Path, out: &Path, more: &[&str]) -> Said {
    inkling(line(folder, out, more))
}

fn read(out: &Path, name: &str) -> Vec<u8> {
    std::fs::read(out.join(name)).unwrap()
}

#[test]
fn a_killed_evaluation_goes_on_and_writes_the_same_card_as_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let (whole, torn) = (folder.path().join("whole"), folder.path().join("torn"));
    assert_eq!(evaluate(folder.path(), &whole, &[]).code, 0);

    let mut running = Command::new(env!("CARGO_BIN_EXE_inkling"))
        .args(line(folder.path(), &torn, &["--jobs", "1"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let work = torn.join("work.jsonl");
    let lines = || std::fs::read_to_string(&work).map_or(0, |text| text.lines().count());
    while lines() < 6 && running.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    running.kill().unwrap();
    assert!(!running.wait().unwrap().success(), "it was killed before it was done");

    let said = evaluate(folder.path(), &torn, &["--jobs", "1"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("finished pieces taken up"), "{}", said.err);
    for name in ["card.json", "card.html", "splits.json", "scores.json"] {
        assert_eq!(read(&torn, name), read(&whole, name), "{name}: one core and a kill, against many cores");
    }
    assert!(!work.exists(), "what is finished is in the card");
}

#[test]
fn work_of_another_plan_is_begun_anew_and_said() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let out = folder.path().join("out");
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("work.jsonl"), "{\"key\":\"another\"}\n").unwrap();
    let said = evaluate(folder.path(), &out, &["--repeats", "1"]);
    assert!(said.code == 0 && said.err.contains("begun anew"), "{}", said.err);
}

#[test]
fn by_site_every_site_is_judged_by_the_others_and_one_of_one_class_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let out = folder.path().join("out");
    let said = evaluate(folder.path(), &out, &["--by", "site"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("left out site c: 20 people, 0 impaired, fitted on 40: one class only, no AUC")
    );
    let card: Value = serde_json::from_slice(&read(&out, "card.json")).unwrap();
    assert_eq!(card["left_out"]["one_class"], serde_json::json!(["c"]));
    let mean = |name: &str| {
        let groups = card["left_out"]["groups"].as_array().unwrap();
        groups.iter().find(|it| it["name"] == name).unwrap()["auc"]["value"].as_f64().unwrap()
    };
    let headline = &card["readings"]["masked"]["auc"];
    assert!((headline["value"].as_f64().unwrap() - (mean("a") + mean("b")) / 2.0).abs() < 1e-12);
    assert!(headline["low"].as_f64().unwrap() < headline["high"].as_f64().unwrap());
    assert!(card["permutation"]["p"].as_f64().unwrap() > 0.0);
}

#[test]
fn classes_can_be_balanced() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let out = folder.path().join("out");
    let said = evaluate(folder.path(), &out, &["--repeats", "1", "--balanced"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let card: Value = serde_json::from_slice(&read(&out, "card.json")).unwrap();
    assert_eq!(card["estimator"], "logistic, classes balanced");
}

#[test]
fn a_cohort_without_devices_cannot_be_cut_by_device() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let said = evaluate(folder.path(), &folder.path().join("out"), &["--by", "device"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("device: expected people of at least two devices, got none recorded"),
        "{}",
        said.err
    );
    let both = evaluate(folder.path(), &folder.path().join("out"), &["--by", "site", "--repeats", "3"]);
    assert_eq!(both.code, 2, "folds and sites exclude one another");
}

#[test]
fn people_set_aside_are_seen_only_by_a_counted_look() {
    let folder = tempfile::tempdir().unwrap();
    cohort(folder.path());
    let out = folder.path().join("out");
    let path = folder.path().to_str().unwrap();
    let none = evaluate(folder.path(), &out, &["--holdout", "--repeats", "1"]);
    assert!(none.code == 1 && none.err.contains("nobody is set aside"), "{}", none.err);
    let held = inkling(["cohort", "hold", path, "--share", "0.3", "--seed", "4"]);
    assert!(held.out.contains("18 people set aside, 42 left"), "{}{}", held.out, held.err);
    assert_eq!(inkling(["cohort", "hold", path]).code, 1, "nobody is set aside twice");
    let card = |more: &[&str]| -> Value {
        let said = evaluate(folder.path(), &out, more);
        assert_eq!(said.code, 0, "{}", said.err);
        serde_json::from_slice(&read(&out, "card.json")).unwrap()
    };
    let plain = card(&["--repeats", "1"]);
    assert!(plain["cohort"]["people"] == 42 && plain.get("holdout").is_none());
    let graded = evaluate(folder.path(), &out, &["--target", "classes", "--holdout"]);
    assert!(graded.code == 1 && graded.err.contains("people of all three classes"), "{}", graded.err);
    let looks = |it: &Value| it["holdout"]["looks"].as_array().unwrap().len();
    let first = card(&["--repeats", "1", "--holdout"]);
    assert_eq!(
        (looks(&first), &first["holdout"]["estimators"][0]["reading"]["people"]),
        (1, &Value::from(18))
    );
    assert_eq!(looks(&card(&["--repeats", "1", "--holdout"])), 2);

    let file = folder.path().join("holdout.json");
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, written.replace("\"share\": 0.3", "\"share\": 0.2")).unwrap();
    let tampered = evaluate(folder.path(), &out, &["--repeats", "1"]);
    assert!(tampered.code == 1 && tampered.err.contains("a file that was changed"), "{}", tampered.err);
}
