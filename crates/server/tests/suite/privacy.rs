//! What is known of a person is sealed, stays out of logs, goes when it shall go, and is then nowhere.

use std::path::Path;

use serde_json::json;

use crate::client::{House, fixture};

/// Every file below a folder, whole.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(everything(&path)),
            false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|it| it == needle)
}

#[test]
fn planted_names_and_phrases_are_in_no_file_metric_or_audit_record() {
    let house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let mut planted = vec![];
    for it in 0..40 {
        let words = [format!("Canary-Name-{it}"), format!("canary-ref-{it}"), format!("canary note {it}")];
        let profile = json!({ "name": words[0], "reference": words[1], "note": words[2] });
        let id = clinician.participant(&profile, true, false);
        let terms = format!("canary terms {it}");
        clinician
            .post(&format!("/v1/participants/{id}/consents"), &json!({ "terms": terms, "keep_sound": true }))
            .expect(201);
        planted.extend(words);
        planted.push(terms);
        if it == 0 {
            let session = clinician.session(&id);
            let mut media = fixture("clock.json");
            media.extend(b"  ");
            clinician.hand_in(&session, ("clock", "canary-file.json"), &media, None).expect(201);
            let done = clinician.assess(&session);
            let version = done["version"].to_string();
            let note = json!({ "note": "canary signature" });
            let at = format!("/v1/assessments/{}/signature", done["id"].as_str().unwrap());
            clinician.send("POST", &at, &[("if-match", &version)], &note).expect(200);
            planted.extend(["canary signature".into(), "canary-file".into(), "test tablet".into()]);
            // Bytes of the drawing and of its report.
            planted.push(String::from_utf8(fixture("clock.json")[40..72].to_vec()).unwrap());
            planted.push("ink.time.total".into());
        }
    }
    let files = everything(house.folder.path());
    assert!(files.iter().any(|it| it.0.ends_with("inkling.db-wal")));
    for word in &planted {
        for (name, bytes) in &files {
            assert!(!holds(bytes, word.as_bytes()), "{word:?} is readable in {name}");
        }
        assert!(!house.nobody().get("/metrics").text().contains(word.as_str()));
        assert!(!administrator.get("/v1/audit?limit=500").text().contains(word.as_str()));
    }
    assert!(
        clinician.get("/v1/participants").text().contains("Canary-Name-7"),
        "the server itself reads them"
    );
}

#[test]
fn after_an_erasure_nothing_of_the_person_is_left_and_nothing_can_be_done_with_them() {
    let mut house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let stays = clinician.participant(&json!({ "name": "Stays" }), true, true);
    let goes = clinician.participant(&json!({ "name": "Goes" }), true, true);
    let session = clinician.session(&goes);
    let file = clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
    let done = clinician.assess(&session);
    let blobs = || everything(&house.folder.path().join("blobs")).len();
    assert_eq!(blobs(), 2);
    let wrapped = wrapped_keys(&house);
    assert_eq!(wrapped.len(), 2);
    clinician.delete(&format!("/v1/participants/{goes}")).expect(204);
    assert_eq!(blobs(), 0);
    let left = wrapped_keys(&house);
    assert_eq!(left.len(), 1);
    let gone = wrapped.iter().find(|it| !left.contains(it)).unwrap();
    for (name, bytes) in everything(house.folder.path()) {
        assert!(!holds(&bytes, gone), "the erased key is still in {name}");
    }
    let shown = clinician.get(&format!("/v1/participants/{goes}")).expect(200);
    assert!(shown["profile"].is_null() && shown["erased"].is_string());
    let id = |it: &serde_json::Value| it["id"].as_str().unwrap().to_owned();
    clinician.get(&format!("/v1/participants/{goes}/export")).problem(410, "vanished");
    clinician.get(&format!("/v1/submissions/{}/media", id(&file))).problem(410, "vanished");
    clinician.get(&format!("/v1/assessments/{}/report", id(&done))).problem(410, "vanished");
    clinician.post("/v1/sessions", &json!({ "participant": goes })).problem(410, "vanished");
    clinician.post("/v1/assessments", &json!({ "session": session })).problem(410, "vanished");
    assert_eq!(clinician.get(&format!("/v1/participants/{stays}")).expect(200)["profile"]["name"], "Stays");
    assert!(administrator.get("/v1/audit?limit=500").text().contains("participant.erase"));
    // A backup made from now on has nothing of it either.
    let backup = house.folder.path().join("later");
    house.stop();
    server::backup(&house.settings(), &backup).unwrap();
    for (name, bytes) in everything(&backup) {
        assert!(!holds(&bytes, gone), "the erased key is in the backup's {name}");
    }
}

fn wrapped_keys(house: &House) -> Vec<Vec<u8>> {
    let script = "import sqlite3,sys\nfor r in sqlite3.connect(sys.argv[1]).execute('SELECT hex(wrapped) FROM data_keys'): print(r[0])";
    let path = house.folder.path().join("inkling.db");
    let output = std::process::Command::new("python3").args(["-c", script]).arg(path).output().unwrap();
    let hex = |line: &str| {
        (0..line.len() / 2).map(|it| u8::from_str_radix(&line[2 * it..2 * it + 2], 16).unwrap()).collect()
    };
    String::from_utf8(output.stdout).unwrap().lines().map(hex).collect()
}

#[test]
fn researchers_see_values_of_those_who_agreed_under_pseudonyms_and_nothing_else() {
    let house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let mut codes = vec![];
    for research in [true, false] {
        let id = clinician.participant(&json!({ "name": "Kim", "reference": "H-77" }), true, research);
        let session = clinician.session(&id);
        clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
        assert_eq!(clinician.assess(&session)["state"], "done");
        let shown = clinician.get(&format!("/v1/participants/{id}")).expect(200);
        codes.push((id, shown["code"].as_str().unwrap().to_owned()));
    }
    let researcher = house.member(&administrator, "researcher");
    let table = researcher.get("/v1/measures").text();
    assert!(table.contains(&codes[0].1) && !table.contains(&codes[1].1));
    for word in ["Kim", "H-77", codes[0].0.as_str()] {
        assert!(!table.contains(word), "{word}");
    }
    let withdraw = json!({ "terms": "withdrawn on the telephone", "withdrawn": true });
    clinician.post(&format!("/v1/participants/{}/consents", codes[0].0), &withdraw).expect(201);
    assert_eq!(researcher.get("/v1/measures").text().lines().count(), 1);
}

#[test]
fn an_export_holds_everything_that_is_kept_of_a_person() {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let id = clinician.participant(&json!({ "name": "Kim" }), true, false);
    let session = clinician.session(&id);
    clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
    let done = clinician.assess(&session);
    let export = clinician.get(&format!("/v1/participants/{id}/export")).expect(200);
    assert_eq!(export["participant"]["profile"]["name"], "Kim");
    for (part, count) in [("consents", 1), ("sessions", 1), ("submissions", 1), ("assessments", 1)] {
        assert_eq!(export[part].as_array().unwrap().len(), count, "{part}");
    }
    assert!(export["reports"][done["id"].as_str().unwrap()]["performed"].is_array());
}
