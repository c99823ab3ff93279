//! Backups, restores, rotations.

use serde_json::json;
use server::{Error, Server, Settings, backup, restore, rotate_keys};

use crate::client::{Client, House, fixture, settings};

fn lived_in() -> (House, Client, String) {
    let house = House::new();
    let clinician = house.member(&house.administrator(), "clinician");
    let id = clinician.participant(&json!({ "name": "Kim Mi-yeon" }), true, false);
    let session = clinician.session(&id);
    clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
    let done = clinician.assess(&session);
    (house, clinician, done["id"].as_str().unwrap().to_owned())
}

#[test]
fn a_backup_of_a_running_server_is_restored_whole_with_its_keys() {
    let (house, clinician, assessment) = lived_in();
    let report = clinician.get(&format!("/v1/assessments/{assessment}/report")).expect(200);
    let elsewhere = tempfile::tempdir().unwrap();
    let to = elsewhere.path().join("backup");
    assert_eq!(backup(&house.settings(), &to).unwrap(), 2);
    assert!(backup(&house.settings(), &to).is_err(), "a backup is written over");
    assert!(!to.join("master.key").exists());

    let again = elsewhere.path().join("again");
    std::fs::create_dir(&again).unwrap();
    let wanted = Settings { folder: again.clone(), ..settings(&again) };
    assert!(restore(&wanted, &to).is_err(), "restored without keys");
    std::fs::copy(house.folder.path().join("master.key"), again.join("master.key")).unwrap();
    assert_eq!(restore(&wanted, &to).unwrap().len(), 1);
    assert!(restore(&wanted, &to).is_err(), "restored over a database");
    let server = Server::start(wanted).unwrap();
    let there = Client { address: server.address(), ..clinician };
    assert_eq!(there.get(&format!("/v1/assessments/{assessment}/report")).expect(200), report);
    server.stop().unwrap();
}

#[test]
fn a_backup_with_a_flipped_bit_is_not_restored() {
    let (house, _, _) = lived_in();
    let elsewhere = tempfile::tempdir().unwrap();
    let to = elsewhere.path().join("backup");
    backup(&house.settings(), &to).unwrap();
    let again = elsewhere.path().join("again");
    std::fs::create_dir(&again).unwrap();
    std::fs::copy(house.folder.path().join("master.key"), again.join("master.key")).unwrap();
    let blob = std::fs::read_dir(to.join("blobs")).unwrap().next().unwrap().unwrap().path();
    for path in [to.join("inkling.db"), blob] {
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        std::fs::write(&path, flipped).unwrap();
        let refused = restore(&settings(&again), &to);
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{}", path.display());
        assert!(!again.join("inkling.db").exists());
        std::fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_rotation_wraps_every_key_anew_and_ends_every_access_token() {
    let (mut house, clinician, assessment) = lived_in();
    assert!(rotate_keys(&house.settings()).is_err(), "keys were rotated under a running server");
    house.stop();
    let path = house.folder.path().join("master.key");
    let before = std::fs::read_to_string(&path).unwrap();
    assert_eq!(rotate_keys(&house.settings()).unwrap(), 1);
    let after = std::fs::read_to_string(&path).unwrap();
    let secret = |text: &str| {
        let ring: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(ring["keys"].as_array().unwrap().len(), 1);
        ring["keys"][0]["secret"].as_str().unwrap().to_owned()
    };
    assert_ne!(secret(&before), secret(&after));
    house.start_again();
    let stale = Client { address: house.address, ..clinician };
    stale.get("/v1/participants").problem(401, "unauthenticated");
    let clinician = house.member(&house.sign_in("admin"), "clinician");
    assert!(clinician.get("/v1/participants").text().contains("Kim Mi-yeon"));
    clinician.get(&format!("/v1/assessments/{assessment}/report")).expect(200);
    assert_eq!(server::verify_audit(&house.settings()).unwrap().len(), 1);
    // With the old key alone nothing opens, and a database without its keys gets no new ones.
    house.stop();
    std::fs::write(&path, &before).unwrap();
    house.start_again();
    let clinician = house.member(&house.sign_in("admin"), "clinician");
    clinician.get("/v1/participants").problem(500, "keyring");
    house.stop();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Server::start(house.settings()), Err(Error::Keyring { .. })));
}

#[test]
fn a_database_of_a_later_program_is_left_alone() {
    let mut house = House::new();
    house.stop();
    crate::audit::sql(&house, "INSERT INTO schema_steps (taken) VALUES (999)");
    assert!(matches!(Server::start(house.settings()), Err(Error::Schema { got: 999, .. })));
}
