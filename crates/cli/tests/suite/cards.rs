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
    let line = ["assess".as_ref(), session().as_os_str(), "--previous".as_ref(), folder.path().as_os_str()];
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
