//! The audit chain: whatever is done to it is found.

use serde_json::json;
use server::{Error, verify_audit};

use crate::client::House;

/// Runs SQL on the database of a stopped server.
pub(crate) fn sql(house: &House, statements: &str) {
    let script =
        "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.executescript(sys.argv[2])\nc.commit()\n";
    let path = house.folder.path().join("inkling.db");
    let done = std::process::Command::new("python3").args(["-c", script]).arg(path).arg(statements).status();
    assert!(done.unwrap().success(), "{statements}");
}

fn lived_in() -> House {
    let mut house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    for _ in 0..5 {
        clinician.participant(&json!({ "name": "x" }), false, false);
    }
    let verified = administrator.get("/v1/audit/verification").expect(200);
    assert!(verified["records"].as_i64().unwrap() > 10);
    house.stop();
    house
}

#[test]
fn every_edit_removal_insertion_exchange_and_cut_of_the_audit_is_found() {
    let house = lived_in();
    assert!(verify_audit(&house.settings()).unwrap()[0].records > 10);
    let database = house.folder.path().join("inkling.db");
    let whole = std::fs::read(&database).unwrap();
    let last = "(SELECT MAX(place) FROM audit)";
    for edit in [
        "UPDATE audit SET at = at + 1 WHERE place = 3".to_owned(),
        "UPDATE audit SET actor = 'x' WHERE place = 4".into(),
        "UPDATE audit SET action = action || 'x' WHERE place = 5".into(),
        "UPDATE audit SET subject = 'x' WHERE place = 1".into(),
        "UPDATE audit SET detail = role, role = detail WHERE place = 6".into(),
        "UPDATE audit SET mac = zeroblob(32) WHERE place = 7".into(),
        "DELETE FROM audit WHERE place = 5".into(),
        "DELETE FROM audit WHERE place = 1".into(),
        "UPDATE audit SET place = -1 WHERE place = 3; UPDATE audit SET place = 3 WHERE place = 4; \
         UPDATE audit SET place = 4 WHERE place = -1"
            .into(),
        "INSERT INTO audit SELECT tenant, place + 1, at, actor, role, action, subject, detail, mac FROM audit \
         WHERE place = (SELECT MAX(place) FROM audit)"
            .into(),
        format!("DELETE FROM audit WHERE place = {last}"),
        "DELETE FROM audit".into(),
        "DELETE FROM audit; DELETE FROM audit_heads".into(),
        // The end cut, and the head set back to where the chain now ends: known from the notes beside the database.
        format!(
            "DELETE FROM audit WHERE place = {last}; UPDATE audit_heads SET place = {last}, \
             mac = (SELECT mac FROM audit WHERE place = {last})"
        ),
    ] {
        sql(&house, &edit);
        assert!(matches!(verify_audit(&house.settings()), Err(Error::Audit { .. })), "not found: {edit}");
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", database.display()));
        }
        std::fs::write(&database, &whole).unwrap();
    }
    verify_audit(&house.settings()).unwrap();
}

#[test]
fn reading_a_person_is_recorded_and_no_record_names_one() {
    let house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let id = clinician.participant(&json!({ "name": "Kim Mi-yeon" }), false, false);
    clinician.get(&format!("/v1/participants/{id}")).expect(200);
    clinician.get(&format!("/v1/participants/{id}/export")).expect(200);
    let records = administrator.get("/v1/audit?limit=500");
    for action in
        ["participant.create", "consent.record", "participant.show", "participant.export", "account.sign-in"]
    {
        assert!(records.text().contains(action), "{action}");
    }
    assert!(!records.text().contains("Mi-yeon"));
    let later = administrator.get("/v1/audit?after=3&limit=2").expect(200);
    assert_eq!((later[0]["place"].as_i64(), later.as_array().unwrap().len()), (Some(4), 2));
}
