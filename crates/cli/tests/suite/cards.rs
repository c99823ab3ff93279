//! Cards: their schema, their page, and two of them side by side; references and change in a report.

use std::{ffi::OsStr, fmt::Write, fs, path::Path};

use serde_json::Value;

use crate::line::{Said, inkling, root, session};

/// 60 people, half impaired and slower, with age, sex and site, whose numbers say something and not everything.
fn made_up(folder: &Path, name: &str) {
    fs::create_dir_all(folder).unwrap();
    let about = format!(
        r#"{{"name": "{name}", "synthetic": true, "units": {{"ink.time.total": "s", "ink.time.air": "s"}}}}"#
    );
    fs::write(folder.join("cohort.json"), about).unwrap();
    let mut people = "id,label,age,sex,site\n".to_owned();
    let mut features = "id,clock/ink.time.total,clock/ink.time.air\n".to_owned();
    for row in 0..60usize {
        let impaired = row % 2 == 1;
        let spread = |salt: usize| ((row * 7919 + salt) * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
        let slow = if impaired { 12.0 } else { 0.0 };
        let (label, sex) =
            (if impaired { "dementia" } else { "healthy" }, if row % 3 == 0 { "male" } else { "female" });
        writeln!(people, "p{row},{label},{},{sex},{}", 65 + row % 20, if row % 4 < 2 { "a" } else { "b" })
            .unwrap();
        writeln!(
            features,
            "p{row},{},{}",
            20.0 + 30.0 * spread(1) + slow,
            10.0 + 20.0 * spread(2) + slow / 2.0
        )
        .unwrap();
    }
    fs::write(folder.join("participants.csv"), people).unwrap();
    fs::write(folder.join("features.csv"), features).unwrap();
}

fn evaluate(cohort: &Path, out: &Path, seed: &str) {
    let options = [
        "--estimator",
        "logistic",
        "--repeats",
        "2",
        "--outer",
        "3",
        "--inner",
        "2",
        "--seed",
        seed,
        "--out",
    ];
    let line = ["evaluate".as_ref(), cohort.as_os_str()];
    let said = inkling(line.into_iter().chain(options.map(OsStr::new)).chain([out.as_os_str()]));
    assert_eq!(said.code, 0, "{}", said.err);
}

/// 90 people at three sites, a third each healthy, MCI and dementia, with points of a test that fall as they get slower.
fn graded_cohort(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let about =
        r#"{"name": "made-up", "synthetic": true, "units": {"ink.time.total": "s", "ink.time.air": "s"}}"#;
    fs::write(folder.join("cohort.json"), about).unwrap();
    let mut people = "id,label,age,sex,site,mmse\n".to_owned();
    let mut features = "id,clock/ink.time.total,clock/ink.time.air\n".to_owned();
    for row in 0..90usize {
        let class = row % 3;
        let spread = |salt: usize| ((row * 7919 + salt) * 2_654_435_761 % 1_000_003) as f64 / 1_000_003.0;
        let (label, sex) =
            (["healthy", "mci", "dementia"][class], if row % 4 < 2 { "male" } else { "female" });
        let points = 28.0 - 6.0 * class as f64 + (4.0 * spread(3) - 2.0).round();
        let site = ["a", "b", "c"][row / 3 % 3];
        writeln!(people, "p{row},{label},{},{sex},{site},{points}", 62 + row % 25).unwrap();
        let slow = 8.0 * class as f64;
        writeln!(features, "p{row},{},{}", 20.0 + 20.0 * spread(1) + slow, 10.0 + 12.0 * spread(2) + slow)
            .unwrap();
    }
    fs::write(folder.join("participants.csv"), people).unwrap();
    fs::write(folder.join("features.csv"), features).unwrap();
}

/// Judges the graded cohort with a target, and gives the file, the page and what was printed.
fn graded(target: &str, more: &[&str]) -> (Value, String, Said) {
    let folder = tempfile::tempdir().unwrap();
    graded_cohort(folder.path());
    let out = folder.path().join("graded");
    let options = ["--target", target, "--inner", "2", "--seed", "3"];
    let line = ["evaluate".as_ref(), folder.path().as_os_str()];
    let rest = options.iter().chain(more).map(OsStr::new).chain(["--out".as_ref(), out.as_os_str()]);
    let said = inkling(line.into_iter().chain(rest));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!out.join("work.jsonl").exists());
    (json(&out.join("graded.json")), fs::read_to_string(out.join("graded.html")).unwrap(), said)
}

#[test]
fn the_graded_schema_in_the_documents_is_that_of_the_code_and_real_files_follow_it() {
    let schema = json(&root().join("docs/graded.schema.json"));
    let now: Value = serde_json::from_str(&inkling(["screeners", "schema", "--of", "graded"]).out).unwrap();
    assert_eq!(now, schema, "run: inkling screeners schema --of graded > docs/graded.schema.json");
    let mut found = vec![];
    undescribed(&schema, "", &mut found);
    assert!(found.is_empty(), "{found:?}");
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (target, estimator) in [("classes", "logistic"), ("mmse", "elastic-net")] {
        let (file, _, _) = graded(target, &["--repeats", "1", "--estimator", estimator]);
        let errors: Vec<String> = validator.iter_errors(&file).map(|it| it.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn points_have_permutations_a_learning_curve_and_people_set_aside_too() {
    let folder = tempfile::tempdir().unwrap();
    graded_cohort(folder.path());
    let (path, out) = (folder.path().to_str().unwrap(), folder.path().join("graded"));
    assert_eq!(inkling(["cohort", "hold", path, "--share", "0.3", "--seed", "4"]).code, 0);
    let quick = ["--repeats", "1", "--inner", "2", "--permutations", "9", "--curve", "0.5", "1.0"];
    let line = ["evaluate", path, "--target", "mmse", "--estimator", "elastic-net", "--holdout"];
    let said = inkling(line.into_iter().chain(quick).chain(["--out", out.to_str().unwrap()]));
    assert_eq!(said.code, 0, "{}", said.err);
    let (file, page) = (json(&out.join("graded.json")), fs::read_to_string(out.join("graded.html")).unwrap());
    assert_eq!(file["permutation"]["permuted"].as_array().unwrap().len(), 9);
    assert_eq!(file["learning_curve"].as_array().unwrap().len(), 2);
    let look = &file["holdout"];
    assert_eq!((look["looks"].as_array().unwrap().len(), &look["people"]), (1, &Value::from(27)));
    for part in ["Look number 1", "mean absolute error of 9 permutations", "by number of people fitted on"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(said.out.contains("holdout of 27 people, look 1"), "{}", said.out);
}

#[test]
fn the_page_of_points_shows_agreement_and_what_needs_no_measurement() {
    let (file, page, said) = graded("mmse", &["--by", "site", "--estimator", "elastic-net"]);
    for part in [
        "Off by",
        "without a measurement",
        "MMSE said against MMSE true, 90 people",
        "limits of agreement",
        "ICC(2,1)",
        "sex: female",
        "Each site left out whole",
        "The people of this cohort are made up",
        "It does not diagnose",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let sites = file["estimators"][0]["each_left_out"].as_array().unwrap();
    assert_eq!(sites.iter().map(|it| it["trained_on"].as_u64().unwrap()).collect::<Vec<_>>(), [60, 60, 60]);
    assert!(said.out.contains("left out site a: 30 people, fitted on 60: off by"), "{}", said.out);
    assert!(!page.contains("p17"), "a page names nobody");
}

#[test]
fn the_page_of_classes_shows_each_class() {
    let (_, page, said) = graded("classes", &["--repeats", "1", "--estimator", "logistic"]);
    for part in [
        "people by true and given class",
        "ROC of each class against the others",
        "MCI, AUC",
        "largest class",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(said.out.contains("dementia      sensitivity"), "{}", said.out);
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn schema() -> Value {
    json(&root().join("docs/card.schema.json"))
}

#[test]
fn the_schema_in_the_documents_is_the_schema_of_the_code() {
    let said = inkling(["screeners", "schema"]);
    let now: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(now, schema(), "run: inkling screeners schema > docs/card.schema.json");
}

/// Every property below `schema` whose description is missing, by its place.
fn undescribed(schema: &Value, place: &str, found: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            // A variant with one value is described as a whole.
            let variant = object.contains_key("description")
                && object.get("additionalProperties") == Some(&Value::Bool(false));
            if let Some(Value::Object(properties)) = object.get("properties").filter(|_| !variant) {
                let bare =
                    |it: &(&String, &Value)| it.1.get("description").is_none() && it.1.get("const").is_none();
                found.extend(properties.iter().filter(bare).map(|(name, _)| format!("{place}/{name}")));
            }
            object.iter().for_each(|(name, below)| undescribed(below, &format!("{place}/{name}"), found));
        }
        Value::Array(array) => array.iter().for_each(|below| undescribed(below, place, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_a_card_is_described() {
    let schema = schema();
    let mut found = vec![];
    undescribed(&schema, "", &mut found);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"].as_object().unwrap().len() > 15);
}

#[test]
fn real_cards_follow_the_schema_and_broken_ones_do_not() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors = |card: &Value| validator.iter_errors(card).map(|it| it.to_string()).collect::<Vec<_>>();
    let shipped = json(&root().join("screeners/handwriting-darwin@1/card.json"));
    assert_eq!(errors(&shipped), Vec::<String>::new());
    let folder = tempfile::tempdir().unwrap();
    made_up(folder.path(), "made-up");
    evaluate(folder.path(), &folder.path().join("judged"), "1");
    let card = json(&folder.path().join("judged/card.json"));
    assert_eq!(errors(&card), Vec::<String>::new());
    for break_it in [
        |card: &mut Value| card["readings"]["masked"]["auc"] = "high".into(),
        |card: &mut Value| {
            card.as_object_mut().unwrap().remove("limits");
        },
    ] {
        let mut broken = card.clone();
        break_it(&mut broken);
        assert!(!errors(&broken).is_empty());
    }
}

#[test]
fn the_page_of_a_card_holds_every_figure_or_says_how_to_have_it() {
    let folder = tempfile::tempdir().unwrap();
    made_up(folder.path(), "made-up");
    evaluate(folder.path(), &folder.path().join("judged"), "1");
    let page = fs::read_to_string(folder.path().join("judged/card.html")).unwrap();
    for part in [
        "ROC: AUC",
        "calibration in",
        "predicted probability",
        "decision curve",
        "id=\"prevalence\"",
        "the headline",
        "duration",
        "demographics",
        "sex: female",
        "TRIPOD+AI: 27 items",
        "PROBAST+AI: 34",
        "does not diagnose",
        "made up",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(page.contains("permutations of the labels") || page.contains("--permutations"));
    assert!(page.contains("people fitted on") || page.contains("--curve"));
    assert!(
        !page.contains("http-equiv") && !page.contains("src=") && !page.contains("@import"),
        "nothing is loaded"
    );
    let card = json(&folder.path().join("judged/card.json"));
    let fitted = card["baselines"]["fitted"].as_array().unwrap();
    let names: Vec<&str> = fitted.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["metadata", "duration", "demographics"]);
}

fn compare(a: &Path, b: &Path, more: &[&str]) -> Said {
    let line = ["compare".as_ref(), a.as_os_str(), b.as_os_str(), "--draws".as_ref(), "200".as_ref()];
    inkling(line.into_iter().chain(more.iter().map(OsStr::new)))
}

#[test]
fn cards_of_the_same_people_are_compared_person_by_person_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    made_up(&at("one"), "one");
    made_up(&at("two"), "two");
    evaluate(&at("one"), &at("a"), "1");
    evaluate(&at("one"), &at("b"), "2");
    evaluate(&at("two"), &at("c"), "1");
    let paired: Value =
        serde_json::from_str(&compare(&at("a"), &at("b"), &["--format", "json"]).out).unwrap();
    assert_eq!(
        (&paired["paired"]["people"], &paired["same_table"], &paired["same_splits"]),
        (&60.into(), &true.into(), &false.into())
    );
    assert_eq!(paired["rows"][0]["name"], "AUC");
    assert_eq!(paired["rows"][0]["beyond_chance"], false, "two seeds of one estimator");
    let said = compare(&at("a"), &at("b"), &[]);
    assert!(
        said.out.contains("No difference beyond chance, on the 60 people") && said.out.contains("at 9.25 %"),
        "{}",
        said.out
    );
    // Without the scores, and with other people, nothing is concluded.
    let others = compare(&at("a"), &at("c"), &[]);
    assert!(others.out.contains("different people: not paired"), "{}", others.out);
    fs::remove_file(at("b").join("scores.json")).unwrap();
    assert!(compare(&at("a"), &at("b"), &[]).out.contains("no scores.json"));
    let page = at("compared.html");
    compare(&at("a"), &at("c").join("card.json"), &["--out", page.to_str().unwrap()]);
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("A: AUC")
            && page.contains("B: AUC")
            && page.contains("Not comparable person by person.")
    );
    let missing = compare(&at("nowhere"), &at("a"), &[]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("nowhere"), "{}", missing.err);
}

/// Words as if no line had been broken.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The demo session as another, half a year earlier, with `change` made to its `session.json`.
fn earlier(folder: &Path, change: impl Fn(&mut Value)) {
    for entry in fs::read_dir(session()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    let mut about = json(&folder.join("session.json"));
    about["date"] = "2026-05-02".into();
    change(&mut about);
    fs::write(folder.join("session.json"), about.to_string()).unwrap();
}

#[test]
fn a_report_says_what_other_studies_found_and_what_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    earlier(folder.path(), |_| ());
    let out = folder.path().join("report");
    let said = inkling([
        "assess".as_ref(),
        session().as_os_str(),
        "--previous".as_ref(),
        folder.path().as_os_str(),
        "--out".as_ref(),
        out.as_os_str(),
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("Since last time (2026-05-02, 206 days before)"), "{}", said.out);
    assert!(
        flat(&said.out).contains("In one study (Italian) group means were: healthy 47.5"),
        "{}",
        said.out
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Since last time") && page.contains("no probability follows from it"));
    let report = json(&out.join("report.json"));
    let rows = report["since_last_time"]["rows"].as_array().unwrap();
    assert!(
        rows.len() > 10
            && rows.iter().all(|it| it["then"] == it["now"] && it["judgement"]["kind"] == "not_judged")
    );
    assert!(report["published"].as_array().unwrap().iter().any(|it| it["feature"] == "voice.rate.speech"));
}

#[test]
fn an_earlier_session_of_somebody_else_is_refused_and_names_nobody() {
    let folder = tempfile::tempdir().unwrap();
    earlier(folder.path(), |about| about["participant"] = "demo-0002".into());
    let session = session();
    let line = ["assess".as_ref(), session.as_os_str(), "--previous".as_ref(), folder.path().as_os_str()];
    let said = inkling(line);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("expected the same participant") && !said.err.contains("demo-000"),
        "{}",
        said.err
    );
}

#[test]
fn a_site_replaces_the_reference_values_by_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let norms = folder.path().join("clock.csv");
    let header =
        fs::read_to_string(root().join("norms/published@1.csv")).unwrap().lines().next().unwrap().to_owned();
    let line = "cell,A,ink.time.total,clock,s,lower,healthy,200,40,15,,,,,,,,,,70-80,-13,female,en,a site of its own,,";
    fs::write(&norms, format!("{header}\n{line}\n")).unwrap();
    let assess = |norms: &Path| {
        inkling(["assess".as_ref(), session().as_os_str(), "--norms".as_ref(), norms.as_os_str()])
    };
    let said = assess(&norms);
    assert!(
        flat(&said.out).contains("% of healthy people, 70–79 y, below 13 y of school, female,"),
        "{}",
        said.out
    );
    assert!(
        flat(&said.out).contains("a site of its own") && !said.out.contains("In one study"),
        "{}",
        said.out
    );
    fs::write(&norms, format!("{header}\n{}\n", line.replace(",15,", ",none,"))).unwrap();
    let said = assess(&norms);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("clock.csv") && said.err.contains("line: 2"), "{}", said.err);
}
