//! Audits of cohorts and of claims, as a person would ask for them.

use std::{fmt::Write, fs, path::Path};

use serde_json::Value;

use crate::line::{Said, inkling, reference};

/// A cohort of 40 people, sorted by label, recorded on one device a class, two of them nearly one; a task of three hours.
fn planted(folder: &Path) {
    let names: Vec<String> = (0..9).map(|it| format!("clock/ink.f{it}")).collect();
    let units: Vec<String> = (0..9).map(|it| format!(r#""ink.f{it}": "s""#)).collect();
    fs::write(
        folder.join("cohort.json"),
        format!(r#"{{"name": "planted", "units": {{{}}}}}"#, units.join(", ")),
    )
    .unwrap();
    let (mut people, mut features) = ("id,label,device\n".to_owned(), format!("id,{}\n", names.join(",")));
    for row in 0..40usize {
        let (label, device) = if row < 20 { ("healthy", "tablet-1") } else { ("dementia", "tablet-2") };
        writeln!(people, "s{row},{label},{device}").unwrap();
        let source = if row == 31 { 6 } else { row };
        let cell = |it: usize| {
            let spread = ((source * 7919 + it * 104_729) * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
            let near = if row == 31 { 1.0001 } else { 1.0 };
            if (row, it) == (4, 2) {
                "10800".to_owned()
            } else {
                format!("{}", (20.0 + 30.0 * spread) * near)
            }
        };
        writeln!(features, "s{row},{}", (0..9).map(cell).collect::<Vec<_>>().join(",")).unwrap();
    }
    fs::write(folder.join("participants.csv"), people).unwrap();
    fs::write(folder.join("features.csv"), features).unwrap();
}

fn audit(folder: &Path, format: &str) -> Said {
    inkling(["audit".as_ref(), folder.as_os_str(), "--format".as_ref(), format.as_ref()])
}

#[test]
fn faults_planted_in_a_cohort_are_found_and_a_finding_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let said = audit(folder.path(), "json");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let of = |kind: &str| {
        findings.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {json}"))
    };
    assert_eq!(of("device_tied_to_label")["severity"], "serious");
    assert_eq!(of("order_predicts_label")["severity"], "note");
    assert_eq!(of("duplicate_people")["participants"], serde_json::json!(["s6", "s31"]));
    assert_eq!(of("implausible_values")["blocks"][0]["participant"], "s4");
    assert!(of("metadata_predicts_label")["evidence"].as_str().unwrap().contains("AUC 1.00"));
    for finding in findings {
        assert!(
            finding["evidence"].as_str().unwrap().len() > 30
                && finding["advice"].as_str().unwrap().len() > 30
        );
    }
    assert!(json["unchecked"].as_array().unwrap().iter().any(|it| it["check"] == "silence baseline"));
    assert_eq!(audit(folder.path(), "json").out, said.out, "the same seed gives another answer");
}

#[test]
fn the_text_has_a_line_a_finding_and_says_what_was_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let said = audit(folder.path(), "text");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("planted: 40 people, 20 impaired."), "{}", said.out);
    let entry = lines.iter().find(|it| it.starts_with("SERIOUS device_tied_to_label, open: ")).unwrap();
    assert!(entry.contains("the others 20 of 20"), "{entry}");
    assert!(said.out.contains("\nNot checked\n  ") && said.out.contains("whole table"), "{}", said.out);
    assert!(lines.iter().skip(1).all(|it| it.chars().count() < 260), "{}", said.out);
}

#[test]
fn strict_evaluation_refuses_while_a_finding_is_open_and_runs_when_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let out = folder.path().join("judged");
    let strict = |extra: &[&str]| {
        let line = ["evaluate".as_ref(), folder.path().as_os_str(), "--out".as_ref(), out.as_os_str()];
        let rest = ["--repeats", "1", "--estimator", "logistic"].iter().chain(extra).map(AsRef::as_ref);
        inkling(line.into_iter().chain(rest))
    };
    let refused = strict(&["--strict"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("open finding duplicate_people"), "{}", refused.err);
    let marked = strict(&[]);
    assert!(marked.code == 0 && marked.out.contains("finding device_tied_to_label (open)"), "{}", marked.out);
    let path = folder.path().join("cohort.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let answer =
        |kind: &str| serde_json::json!({"finding": kind, "decision": "acknowledged", "note": "seen"});
    json["answers"] =
        ["duplicate_people", "device_tied_to_label", "metadata_predicts_label"].map(answer).to_vec().into();
    fs::write(&path, json.to_string()).unwrap();
    let answered = strict(&["--strict"]);
    assert_eq!(answered.code, 0, "{}", answered.err);
    assert!(answered.out.contains("finding device_tied_to_label (acknowledged)"), "{}", answered.out);
}

#[test]
fn darwin_gives_up_its_copies_its_order_and_its_task_of_two_and_a_half_hours() {
    let Some(data) = reference("INKLING_DATA", "the audit of DARWIN") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (cohort, csv) = (folder.path().join("darwin"), data.join("darwin/DARWIN.csv"));
    let import = ["cohort".as_ref(), "import".as_ref(), "darwin".as_ref(), csv.as_os_str(), "--out".as_ref()];
    assert_eq!(inkling(import.into_iter().chain([cohort.as_os_str()])).code, 0);
    let said = audit(&cohort, "json");
    assert_eq!(said.code, 0, "{}", said.err);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let of = |kind: &str| {
        findings.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {json}"))
    };
    let copies = of("copied_blocks");
    assert_eq!((copies["blocks"].as_array().unwrap().len(), &copies["decision"]), (220, &"masked".into()));
    assert_eq!(of("order_predicts_label")["numbers"][0]["value"], 1.0, "the patients come first");
    assert_eq!(of("id_predicts_label")["severity"], "note");
    let odd = of("implausible_values");
    assert!(odd["evidence"].as_str().unwrap().contains("darwin-19/ink.darwin.total_time = 2.6 h"), "{odd}");
    assert!(odd["blocks"].as_array().unwrap().iter().any(|it| it["task"] == "darwin-19"));
    let duration = of("duration_predicts_label")["numbers"][0]["value"].as_f64().unwrap();
    assert!((0.89..0.96).contains(&duration), "{duration}");
    assert!(
        findings.iter().all(|it| it["severity"] == "note" || !it["decision"].is_null()),
        "nothing is open"
    );
}

#[test]
fn figures_that_cannot_be_true_together_are_refused_in_plain_words() {
    let figures = [
        "--n",
        "594",
        "--positives",
        "409",
        "--auc",
        ".997",
        "--sensitivity",
        ".725",
        "--specificity",
        ".722",
    ];
    let said = inkling(["audit", "claim"].into_iter().chain(figures));
    assert_eq!(said.code, 0, "an impossible claim is a result");
    assert!(said.out.starts_with("These figures cannot all be true"), "{}", said.out);
    assert!(said.out.contains("IMPOSSIBLE auc_bound") && said.out.contains("0.924"), "{}", said.out);
    let json = inkling(["audit", "claim"].into_iter().chain(figures).chain(["--format", "json"])).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["consistent"], &json["checks"][0]["check"]), (&false.into(), &"auc_bound".into()));
}

#[test]
fn wrong_usage_of_audit_says_what_was_expected() {
    for line in [vec!["audit"], vec!["audit", "claim", "--auc", "12x"], vec!["audit", "claim", "--n", "-1"]] {
        let said = inkling(&line);
        assert_eq!(said.code, 2, "{line:?}: {}{}", said.out, said.err);
    }
    let said = inkling(["audit", "claim", "--n", "10", "--positives", "12"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("expected people of both classes, got 12 of 10"), "{}", said.err);
    assert_eq!(inkling(["audit", "nowhere"]).code, 1);
    for command in [["audit", "--help"].as_slice(), &["audit", "claim", "--help"]] {
        let said = inkling(command);
        assert!(
            said.out.trim_end().lines().last().unwrap().trim_start().starts_with("inkling audit"),
            "{}",
            said.out
        );
    }
}

#[test]
fn a_claim_of_three_classes_is_held_against_every_table_of_three_by_three() {
    let of = |macro_f1| {
        let figures = ["--classes", "30,20,25", "--recalls", ".80,.55,.72", "--accuracy", "70.7"];
        inkling(["audit", "claim"].into_iter().chain(figures).chain(["--macro-f1", macro_f1]))
    };
    let (possible, impossible) = (of(".69"), of(".80"));
    assert!(possible.out.starts_with("Nothing here contradicts itself"), "{}", possible.out);
    let unwrapped = |said: &Said| said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped(&possible).contains("24 of 30, 11 of 20 and 18 of 25"), "{}", possible.out);
    let impossible = unwrapped(&impossible);
    assert!(
        impossible.contains("IMPOSSIBLE one_table") && impossible.contains("printed is 0.800"),
        "{impossible}"
    );
    let wrong = inkling(["audit", "claim", "--classes", "30,20", "--recalls", ".8,.5,.7"]);
    assert!(wrong.code == 1 && wrong.err.contains("got 3 of 2 classes"), "{}", wrong.err);
}

#[test]
fn people_who_came_again_tell_which_features_repeat() {
    let folder = tempfile::tempdir().unwrap();
    planted(folder.path());
    let first = fs::read_to_string(folder.path().join("features.csv")).unwrap();
    // Half of the people again: everything within one in a hundred but the last feature, which is somebody else's.
    let rows: Vec<Vec<&str>> = first.lines().map(|line| line.split(',').collect()).collect();
    let mut again = rows[0].join(",") + "\n";
    for row in 1..=20 {
        let near = |it: usize| {
            format!("{}", rows[row][it].parse::<f64>().unwrap() * (1.0 + 0.001 * (row % 5) as f64))
        };
        let cells: Vec<String> = (1..9).map(near).collect();
        writeln!(again, "{},{},{}", rows[row][0], cells.join(","), rows[41 - row][9]).unwrap();
    }
    fs::write(folder.path().join("features-2.csv"), again).unwrap();
    let said = audit(folder.path(), "text");
    assert!(said.out.contains("unstable_features: 1 of 9 features measured again"), "{}", said.out);
    assert!(said.out.contains("people came again  ICC(2,1)") && !said.out.contains("do not repeat (ICC)"));
}
