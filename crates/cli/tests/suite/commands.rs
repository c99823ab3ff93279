//! Whole command lines over the session that ships with the project.

use std::fs;

use serde_json::Value;

use crate::line::{inkling, root, session};

#[test]
fn the_demo_session_gives_a_report_in_three_forms() {
    let out = tempfile::tempdir().unwrap();
    let said = inkling(["assess".as_ref(), session().as_os_str(), "--out".as_ref(), out.path().as_os_str()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.starts_with("Synthetic participant"), "{}", said.out);
    for words in
        ["likelihood ratio", "9.25 %", "It does not diagnose.", "handwriting-darwin@1", "no screener for it"]
    {
        assert!(said.out.contains(words), "{words} is not in\n{}", said.out);
    }
    let page = fs::read_to_string(out.path().join("report.html")).unwrap();
    assert!(
        page.lines().next().unwrap().contains("Synthetic participant"),
        "{}",
        page.lines().next().unwrap()
    );
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(
            !page.replace("http://www.w3.org/2000/svg", "").contains(outside),
            "the page loads {outside}"
        );
    }
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["synthetic"], true);
    assert_eq!(report["performed"].as_array().unwrap().len(), 3);
    let score = &report["conclusion"]["score"];
    let sum: f64 =
        score["contributions"].as_array().unwrap().iter().map(|it| it["amount"].as_f64().unwrap()).sum();
    let ratio = score["likelihood_ratio"]["value"].as_f64().unwrap();
    assert!((score["baseline"].as_f64().unwrap() + sum - ratio.ln()).abs() < 1e-9);
}

#[test]
fn no_text_of_ours_claims_to_diagnose() {
    let said = inkling(["assess".as_ref(), session().as_os_str()]);
    let text = said.out.replace("does not diagnose", "");
    assert!(!text.to_lowercase().contains("diagnos"), "{text}");
}

#[test]
fn a_voice_alone_and_an_unknown_task_are_measured_and_never_scored() {
    for (file, task) in [("picture.flac", "picture"), ("clock.json", "house"), ("spiral.json", "spiral")] {
        let file = session().join(file);
        let said = inkling(["assess".as_ref(), file.as_os_str(), "--task".as_ref(), task.as_ref()]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("MEASURED, NOT SCORED"), "{}", said.out);
        assert!(said.out.contains("has no screener for this task"), "{}", said.out);
        assert!(!said.out.contains("ikelihood ratio"), "{}", said.out);
    }
}

#[test]
fn another_prevalence_moves_the_probability_and_not_the_evidence() {
    let at = |prevalence: &str| {
        inkling(["assess".as_ref(), session().as_os_str(), "--prevalence".as_ref(), prevalence.as_ref()]).out
    };
    let (low, high) = (at("0.02"), at("0.5"));
    let line = |text: &str, word: &str| text.lines().find(|line| line.contains(word)).unwrap().to_owned();
    assert_eq!(line(&low, "likelihood ratio"), line(&high, "likelihood ratio"));
    assert!(line(&low, "Where 2 %") != line(&high, "Where 50 %"));
    assert_eq!(inkling(["assess", ".", "--prevalence", "2"]).code, 2);
}

/// The values of the shipped session as they were when they were last looked at. A difference is a changed measure: a new set
/// version and a line in the changelog, not a new file here.
#[test]
fn the_values_of_the_demo_session_are_the_recorded_ones() {
    let said = inkling([
        "measure".as_ref(),
        session().join("clock.json").as_os_str(),
        session().join("spiral.json").as_os_str(),
        session().join("picture.flac").as_os_str(),
        "--format".as_ref(),
        "json".as_ref(),
    ]);
    let golden = fs::read_to_string(root().join("fixtures/session.golden.jsonl")).unwrap();
    assert_eq!(said.out.lines().count(), golden.lines().count());
    for (now, then) in said.out.lines().zip(golden.lines()) {
        let (now, then): (Value, Value) =
            (serde_json::from_str(now).unwrap(), serde_json::from_str(then).unwrap());
        for value in then["values"].as_array().unwrap() {
            let name = &value["name"];
            let found = now["values"].as_array().unwrap().iter().find(|it| it["name"] == *name);
            let found = found.unwrap_or_else(|| panic!("{name} is gone"));
            match (value["value"].as_f64(), found["value"].as_f64()) {
                (Some(then), Some(now)) => {
                    assert!((then - now).abs() <= 1e-4 * then.abs().max(1e-6), "{name}: {then} became {now}");
                }
                (then, now) => assert_eq!((then, &value["missing"]), (now, &found["missing"]), "{name}"),
            }
        }
    }
}

#[test]
fn csv_has_a_row_a_file_and_a_column_a_feature() {
    let said = inkling(["measure".as_ref(), session().as_os_str(), "--format".as_ref(), "csv".as_ref()]);
    let mut reader = csv::Reader::from_reader(said.out.as_bytes());
    let header = reader.headers().unwrap().clone();
    let definitions = inkling(["dictionary", "--format", "json"]).out;
    let definitions: Value = serde_json::from_str(&definitions).unwrap();
    // The sets of the room, the file and its capture are measured only where they are asked for.
    let asked = ["silence.", "file.", "capture."];
    let own = |it: &&Value| !asked.iter().any(|set| it["name"].as_str().unwrap().starts_with(set));
    assert_eq!(header.len(), 4 + definitions.as_array().unwrap().iter().filter(own).count());
    let place = header.iter().position(|it| it == "voice.pause.count").unwrap();
    let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let sound = records.iter().find(|it| it[0].ends_with("picture.flac")).unwrap();
    assert!(sound[place].parse::<f64>().unwrap() > 5.0);
}

#[test]
fn one_core_and_two_give_the_same_output() {
    let run = |jobs: &str| {
        inkling([
            "measure".as_ref(),
            session().as_os_str(),
            "--format".as_ref(),
            "json".as_ref(),
            "--jobs".as_ref(),
            jobs.as_ref(),
        ])
    };
    assert_eq!(run("1").out, run("2").out);
}

#[test]
fn contours_have_a_hop_of_ten_milliseconds() {
    let out = tempfile::tempdir().unwrap();
    let file = session().join("picture.flac");
    let said = inkling([
        "measure".as_ref(),
        file.as_os_str(),
        "--contours".as_ref(),
        "f0,intensity".as_ref(),
        "--out".as_ref(),
        out.path().as_os_str(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    for contour in ["f0", "intensity"] {
        let text = fs::read_to_string(out.path().join(format!("picture.flac.{contour}.csv"))).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("time_s,value"));
        let times: Vec<f64> = lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
        assert!(times.len() > 5900 && times.windows(2).all(|pair| (pair[1] - pair[0] - 0.01).abs() < 1e-6));
    }
}

#[test]
fn the_dictionary_in_the_documents_is_the_dictionary_in_the_code() {
    let now = inkling(["dictionary"]).out;
    let then = fs::read_to_string(root().join("docs/dictionary.md")).unwrap();
    assert_eq!(now, then, "run: inkling dictionary > docs/dictionary.md");
}

#[test]
fn every_command_ends_its_help_with_an_example() {
    let commands = [
        "assess",
        "measure",
        "cohort import",
        "cohort show",
        "train",
        "evaluate",
        "compare",
        "screeners list",
        "screeners schema",
        "dictionary",
    ];
    for command in commands {
        let said = inkling(command.split(' ').chain(["--help"]));
        let last = said.out.trim_end().lines().last().unwrap().to_owned();
        assert!(last.trim_start().starts_with("inkling "), "{command}: {last}");
    }
}

#[test]
fn shipped_screeners_have_cards_that_can_be_shown() {
    let said = inkling(["screeners", "list"]);
    assert!(said.out.contains("handwriting-darwin@1") && said.out.contains("portable"), "{}", said.out);
    let out = tempfile::tempdir().unwrap();
    let said = inkling([
        "screeners".as_ref(),
        "show".as_ref(),
        "handwriting-darwin@1".as_ref(),
        "--out".as_ref(),
        out.path().as_os_str(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    let page = fs::read_to_string(out.path().join("card.html")).unwrap();
    assert!(page.contains("darwin-24") && page.contains("ROC: AUC") && page.contains("copied_blocks"));
}

/// People of three classes whose times and points follow the class.
fn graded(folder: &std::path::Path) {
    let (mut people, mut times) = ("id,label,mmse\n".to_owned(), "id,clock/ink.time.total\n".to_owned());
    for person in 0..60 {
        let class = person % 3;
        let scatter = f64::from(person * 37 % 17) / 17.0;
        people += &format!(
            "p{person},{},{}\n",
            ["healthy", "mci", "dementia"][class as usize],
            28 - 6 * class - person % 3
        );
        times += &format!("p{person},{:.2}\n", 20.0 * (1.0 + f64::from(class) + scatter));
    }
    let json = r#"{"name": "demo", "synthetic": true, "units": {"ink.time.total": "s"}}"#;
    std::fs::write(folder.join("cohort.json"), json).unwrap();
    std::fs::write(folder.join("participants.csv"), people).unwrap();
    std::fs::write(folder.join("features.csv"), times).unwrap();
}

#[test]
fn three_classes_and_points_are_judged_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    graded(folder.path());
    let cohort = folder.path().to_str().unwrap();
    for (target, estimator, words) in
        [("classes", "logistic,boosting", "macro F1"), ("mmse", "elastic-net", "mean absolute error, points")]
    {
        let out = folder.path().join(target);
        let line = ["evaluate", cohort, "--target", target, "--estimator", estimator, "--repeats", "1"];
        let said = inkling(line.into_iter().chain(["--out", out.to_str().unwrap()]));
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains(words) && said.out.contains("without any measurement"), "{}", said.out);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.join("graded.json")).unwrap()).unwrap();
        assert_eq!((json["target"].as_str(), json["people"].as_u64()), (Some(target), Some(60)));
        assert!(json["findings"].is_array() && json["estimators"][0]["chosen"].is_array());
    }
}

#[test]
fn help_lists_every_estimator() {
    let said = inkling(["evaluate", "--help"]);
    for (name, _) in learn::evaluate::Family::names() {
        assert!(said.out.contains(name), "{name}");
    }
}
