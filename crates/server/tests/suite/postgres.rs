//! The same store on Postgres: `INKLING_POSTGRES` names a database from which others may be made
//! (`postgres://postgres@127.0.0.1/postgres`).

use std::process::Command;

use serde_json::json;
use server::{Server, Settings};

use crate::client::{Client, House, fixture};

/// A database of a test's own.
struct Database {
    maintenance: String,
    name: String,
    address: String,
}

impl Database {
    fn new() -> Option<Self> {
        let Some(maintenance) = std::env::var("INKLING_POSTGRES").ok().filter(|it| !it.is_empty()) else {
            eprintln!("skipped: INKLING_POSTGRES names no Postgres");
            return None;
        };
        let name = format!("inkling_test_{}_{}", std::process::id(), crate::client::fresh());
        let (start, _) = maintenance.rsplit_once('/').unwrap();
        let address = format!("{start}/{name}");
        let database = Self { maintenance, name, address };
        database.psql(&database.maintenance, &format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn psql(&self, address: &str, statement: &str) -> String {
        let done = Command::new("psql").args([address, "-Atqc", statement]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.psql(&self.maintenance, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

#[test]
fn two_servers_on_one_postgres_do_every_job_once_and_keep_one_audit() {
    let Some(database) = Database::new() else { return };
    let address = database.address.clone();
    let mut house = House::with(|it| Settings { database: Some(address.clone()), ..it });
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let settings = Settings { database: Some(address.clone()), ..house.settings() };
    let second = Server::start(settings.clone()).unwrap();
    let there = Client { address: second.address(), ..clinician.clone() };
    let participant = clinician.participant(&json!({ "name": "Kim" }), true, true);
    let jobs: Vec<String> = (0..40)
        .map(|it| {
            let client = if it % 2 == 0 { &clinician } else { &there };
            let session = client.session(&participant);
            client.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
            let named = json!({ "session": session });
            let label = format!("job {it}");
            let ask = |client: &Client| {
                let answer = client.send("POST", "/v1/assessments", &[("idempotency-key", &label)], &named);
                answer.expect(202)["id"].as_str().unwrap().to_owned()
            };
            let id = ask(client);
            assert_eq!(ask(&clinician), id, "asked at both servers, begun twice");
            id
        })
        .collect();
    for job in &jobs {
        assert_eq!(there.wait(job)["state"], "done");
    }
    let done = "SELECT COUNT(*) FROM audit WHERE action = 'assessment.done'";
    assert_eq!(database.psql(&address, done).trim(), "40");
    administrator.get("/v1/audit/verification").expect(200);
    assert_eq!(clinician.get("/v1/measures").text().lines().next().unwrap().split(',').count(), 13);
    clinician.delete(&format!("/v1/participants/{participant}")).expect(204);
    assert_eq!(database.psql(&address, "SELECT COUNT(*) FROM data_keys").trim(), "0");
    there.get(&format!("/v1/assessments/{}/report", jobs[0])).problem(410, "vanished");
    second.stop().unwrap();
    house.stop();
    assert_eq!(server::verify_audit(&settings).unwrap().len(), 1);
    database.psql(&address, "UPDATE audit SET actor = 'x' WHERE place = 5");
    assert!(server::verify_audit(&settings).is_err());
}

#[test]
fn a_postgres_that_is_cut_off_is_a_problem_that_passes() {
    let Some(database) = Database::new() else { return };
    let address = database.address.clone();
    let house = House::with(|it| Settings { database: Some(address), ..it });
    let clinician = house.member(&house.administrator(), "clinician");
    for round in 0..10 {
        let cut = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            database.name
        );
        database.psql(&database.maintenance, &cut);
        let body = json!({ "name": "x" });
        let label = format!("round {round}");
        let answers = (0..20)
            .map(|_| clinician.send("POST", "/v1/participants", &[("idempotency-key", &label)], &body));
        let done = answers.inspect(|it| assert!(matches!(it.status, 201 | 500 | 503), "{}", it.text()));
        assert!(done.into_iter().any(|it| it.status == 201), "it never comes back");
    }
    assert_eq!(clinician.get("/v1/participants").expect(200).as_array().unwrap().len(), 10);
}
