//! The whole path: a participant agrees, hands in, is assessed, and somebody signs.

use serde_json::json;

use crate::client::{House, fixture};

#[test]
#[allow(clippy::too_many_lines)] // one session from its beginning to its end
fn a_session_is_taken_assessed_read_in_every_form_and_signed_once() {
    let house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let participant = clinician.participant(
        &json!({ "name": "Kim Mi-yeon", "sex": "female", "education": 9.0 }),
        false,
        true,
    );
    let session = clinician.session(&participant);
    for (task, file) in [("clock", "clock.json"), ("spiral", "spiral.json"), ("picture", "picture.flac")] {
        let made = clinician.hand_in(&session, (task, file), &fixture(file), None).expect(201);
        assert_eq!(made["bytes"], fixture(file).len());
        assert_eq!(made["manifest"]["blake3"].as_str().unwrap().len(), 64);
    }
    let done = clinician.assess(&session);
    assert_eq!((done["state"].as_str(), done["outcome"].as_str()), (Some("done"), Some("scored")), "{done}");
    let at = format!("/v1/assessments/{}", done["id"].as_str().unwrap());

    let report = clinician.get(&format!("{at}/report")).expect(200);
    assert_eq!(report["conclusion"]["kind"], "scored");
    assert_eq!(report["session"]["age"], 71.0);
    assert!(report["session"]["participant"].as_str().unwrap().starts_with("P-"));
    let page = clinician.ask("GET", &format!("{at}/report"), &[("accept", "text/html")], b"");
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("It does not diagnose")
    );
    assert!(page.header("content-security-policy").contains("sandbox"));
    let opened = clinician.post(&format!("{at}/page"), &json!({})).expect(200);
    let framed = house.nobody().get(opened["path"].as_str().unwrap());
    assert!(framed.status == 200 && framed.text() == page.text(), "a ticket opens it without a header");
    assert!(framed.header("content-security-policy").contains("sandbox"));
    assert!(framed.header("content-security-policy").contains("frame-ancestors 'self'"));
    assert_eq!(framed.header("x-frame-options"), "SAMEORIGIN");
    house.nobody().get("/pages/e30.e30.e30").problem(404, "not-found");
    let table = clinician.get(&format!("{at}/measures")).text();
    assert!(table.lines().count() > 100 && table.contains("voice.pause.rate"), "{}", &table[..400]);
    let fhir = clinician.get(&format!("{at}/fhir")).expect(200);
    let status = |fhir: &serde_json::Value| {
        let entries = fhir["entry"].as_array().unwrap().iter();
        let mut reports = entries.filter(|it| it["resource"]["resourceType"] == "DiagnosticReport");
        reports.next().unwrap()["resource"]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&fhir), "preliminary");

    let version = format!("\"{}\"", done["version"]);
    let sign = |headers: &[(&str, &str)]| {
        clinician.send(
            "POST",
            &format!("{at}/signature"),
            headers,
            &json!({ "note": "Seen. Full assessment advised." }),
        )
    };
    sign(&[]).problem(428, "version-needed");
    sign(&[("if-match", "\"1\"")]).problem(412, "changed");
    let signed = sign(&[("if-match", &version)]).expect(200);
    assert_eq!(signed["signature"]["note"], "Seen. Full assessment advised.");
    sign(&[("if-match", &version)]).problem(409, "conflict");
    assert_eq!(status(&clinician.get(&format!("{at}/fhir")).expect(200)), "final");

    // The recording went after it was measured; the drawings stay.
    let files = clinician.get(&format!("/v1/sessions/{session}/submissions")).expect(200);
    for file in files.as_array().unwrap() {
        let media = clinician.get(&format!("/v1/submissions/{}/media", file["id"].as_str().unwrap()));
        match file["task"].as_str().unwrap() {
            "picture" => drop(media.problem(410, "vanished")),
            _ => assert_eq!(media.bytes, fixture(file["manifest"]["file"].as_str().unwrap())),
        }
    }
    clinician.post("/v1/assessments", &json!({ "session": session })).problem(409, "conflict");
}

#[test]
fn what_the_report_says_is_what_the_command_line_says() {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let participant = clinician.participant(&json!({}), true, false);
    let session = clinician.session(&participant);
    for (task, file) in [("clock", "clock.json"), ("picture", "picture.flac")] {
        clinician.hand_in(&session, (task, file), &fixture(file), None).expect(201);
    }
    let done = clinician.assess(&session);
    let report =
        clinician.get(&format!("/v1/assessments/{}/report", done["id"].as_str().unwrap())).expect(200);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session");
    let assessor = assess::Assessor::new(assess::Fitted::shipped().unwrap(), assess::Intake::default());
    let direct = assess::report_json(
        &assessor.assess_folder(std::path::Path::new(folder)).unwrap(),
        assess::Wording::default(),
    );
    for task in ["clock", "picture"] {
        let values = |report: &serde_json::Value| {
            let performed = report["performed"].as_array().unwrap().iter();
            let mut own = performed.filter(|it| it["task"] == task);
            own.next().unwrap()["measured"]["values"].to_string()
        };
        assert_eq!(values(&report), values(&direct), "{task}");
    }
    // Kept, because the participant agreed: it can be assessed again.
    assert_eq!(clinician.assess(&session)["state"], "done");
}

#[test]
fn a_request_that_is_sent_twice_is_done_once() {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let named = |label: &str, path: &str, body: &serde_json::Value| {
        clinician.send("POST", path, &[("idempotency-key", label)], body)
    };
    let profile = json!({ "name": "A" });
    let one = named("p", "/v1/participants", &profile).expect(201)["id"].clone();
    assert_eq!(named("p", "/v1/participants", &profile).expect(201)["id"], one);
    named("p", "/v1/participants", &json!({ "name": "B" })).problem(409, "conflict");
    assert_eq!(clinician.get("/v1/participants").expect(200).as_array().unwrap().len(), 1);

    let participant = clinician.participant(&json!({}), true, false);
    let session = clinician.session(&participant);
    let file = fixture("clock.json");
    let first =
        clinician.hand_in(&session, ("clock", "clock.json"), &file, Some("up")).expect(201)["id"].clone();
    assert_eq!(
        clinician.hand_in(&session, ("clock", "clock.json"), &file, Some("up")).expect(201)["id"],
        first
    );
    clinician.hand_in(&session, ("clock", "clock.json"), b"[]", Some("up")).problem(409, "conflict");
    let files = clinician.get(&format!("/v1/sessions/{session}/submissions")).expect(200);
    assert_eq!(files.as_array().unwrap().len(), 1);
    let blobs = std::fs::read_dir(house.folder.path().join("blobs")).unwrap().count() - 1;
    assert_eq!(blobs, 1, "a repeated upload leaves a file behind");

    let ask = json!({ "session": session });
    let job = named("a", "/v1/assessments", &ask).expect(202)["id"].clone();
    assert_eq!(named("a", "/v1/assessments", &ask).expect(202)["id"], job);
}

#[test]
fn a_session_whose_files_are_missing_or_damaged_says_so_and_the_others_go_on() {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let participant = clinician.participant(&json!({}), true, false);
    let session = clinician.session(&participant);
    clinician.post("/v1/assessments", &json!({ "session": session })).problem(409, "conflict");
    let blobs = house.folder.path().join("blobs");
    let names = || -> Vec<String> {
        let entries =
            std::fs::read_dir(&blobs).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
        entries.filter(|it| it.len() == 64).collect()
    };
    clinician.hand_in(&session, ("spiral", "spiral.json"), &fixture("spiral.json"), None).expect(201);
    std::fs::remove_file(blobs.join(&names()[0])).unwrap();
    clinician.hand_in(&session, ("picture", "picture.flac"), &fixture("picture.flac"), None).expect(201);
    let path = blobs.join(&names()[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
    let done = clinician.assess(&session);
    let report =
        clinician.get(&format!("/v1/assessments/{}/report", done["id"].as_str().unwrap())).expect(200);
    let said: Vec<String> = report["performed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["measured"]["declined"].to_string())
        .collect();
    assert!(
        said[0].contains("not in the store") && said[1].contains("damaged") && said[2] == "null",
        "{said:?}"
    );
    for file in clinician.get(&format!("/v1/sessions/{session}/submissions")).expect(200).as_array().unwrap()
    {
        let media = clinician.get(&format!("/v1/submissions/{}/media", file["id"].as_str().unwrap()));
        match file["task"].as_str().unwrap() {
            "spiral" => drop(media.problem(410, "vanished")),
            "picture" => drop(media.problem(500, "corrupt")),
            _ => assert_eq!(media.status, 200),
        }
    }
}

#[test]
fn a_session_begins_with_a_consent_and_a_withdrawn_one_is_none() {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let id = clinician.post("/v1/participants", &json!({})).expect(201)["id"].as_str().unwrap().to_owned();
    let begin = || clinician.post("/v1/sessions", &json!({ "participant": id }));
    begin().problem(409, "conflict");
    let agree = |withdrawn: bool| {
        let body = json!({ "terms": "v1", "withdrawn": withdrawn });
        clinician.post(&format!("/v1/participants/{id}/consents"), &body).expect(201);
    };
    agree(false);
    begin().expect(201);
    agree(true);
    begin().problem(409, "conflict");
}

#[test]
fn jobs_survive_a_restart_and_are_done_once() {
    let mut house = House::with(|it| server::Settings { drain_seconds: 1, ..it });
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let participant = clinician.participant(&json!({}), true, false);
    let mut jobs = vec![];
    for _ in 0..6 {
        let session = clinician.session(&participant);
        clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
        let job =
            clinician.post("/v1/assessments", &json!({ "session": session, "batch": true })).expect(202);
        jobs.push(job["id"].as_str().unwrap().to_owned());
    }
    house.start_again();
    let clinician = crate::client::Client { address: house.address, ..clinician };
    for job in &jobs {
        assert_eq!(clinician.wait(job)["state"], "done");
    }
    let administrator = crate::client::Client { address: house.address, ..administrator };
    let records = administrator.get("/v1/audit?limit=500").expect(200);
    let done = records.as_array().unwrap().iter().filter(|it| it["action"] == "assessment.done").count();
    assert_eq!(done, jobs.len());
}
