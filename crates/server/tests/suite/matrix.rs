//! Roles × operations × organisations, generated from the description of the API: every cell.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use server::add_organisation;

use crate::client::{Client, House, PASSWORD, fixture, settings};

const ROLES: [&str; 5] = ["administrator", "clinician", "assessor", "researcher", "device"];

/// What lives in the other organisation: its ids for the addresses of every operation.
struct Ids(BTreeMap<&'static str, String>);

impl Ids {
    fn of(owner: &House, administrator: &Client) -> Self {
        let clinician = owner.member(administrator, "clinician");
        let participant = clinician.participant(&json!({ "name": "Planted" }), true, false);
        let session = clinician.session(&participant);
        let file =
            clinician.hand_in(&session, ("clock", "clock.json"), &fixture("clock.json"), None).expect(201);
        let assessment = clinician.assess(&session)["id"].as_str().unwrap().to_owned();
        let me = |client: &Client| client.get("/v1/me").expect(200)["id"].as_str().unwrap().to_owned();
        let device = owner.device(administrator);
        Self(
            [
                ("participants", participant),
                ("sessions", session),
                ("submissions", file["id"].as_str().unwrap().to_owned()),
                ("assessments", assessment),
                ("accounts", me(&clinician)),
                ("devices", me(&device)),
            ]
            .into(),
        )
    }

    /// The address of an operation on something of this organisation; none where it names nothing of one.
    fn address(&self, path: &str, unknown: bool) -> Option<String> {
        let kind = path.split('/').nth(2).filter(|_| path.contains("{id}"))?;
        let id = if unknown { "00000000-0000-4000-8000-000000000000" } else { self.0.get(kind)? };
        Some(path.replace("{id}", id))
    }
}

/// A client of each role of an organisation.
fn clients(house: &House, administrator: &Client) -> BTreeMap<&'static str, Client> {
    let client = |role: &'static str| match role {
        "administrator" => administrator.clone(),
        "device" => house.device(administrator),
        role => house.member(administrator, role),
    };
    ROLES.iter().map(|role| (*role, client(role))).collect()
}

fn operations(house: &House) -> Vec<(String, String, Vec<String>)> {
    let document = house.nobody().get("/openapi.json").expect(200);
    let mut found = vec![];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles =
                operation["x-roles"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned());
            found.push((method.to_uppercase(), path.clone(), roles.collect()));
        }
    }
    found
}

/// A body that every operation would read, so that what stops it is who asks.
fn ask(client: &Client, method: &str, path: &str, ids: &Ids) -> crate::client::Answer {
    let version = [("if-match", "\"1\"")];
    let body = match (method, path) {
        (_, path) if path.ends_with("/signature") => json!({ "note": "" }),
        (_, path) if path.ends_with("/consents") => json!({ "terms": "v1" }),
        (_, path) if path.ends_with("/submissions") => {
            let (kind, form) = crate::client::form(&json!({ "task": "clock", "file": "c.json" }), b"[]");
            return client.ask(
                method,
                path,
                &[("content-type", &kind)],
                if method == "POST" { &form } else { b"" },
            );
        }
        ("POST", "/v1/sessions") => json!({ "participant": ids.0["participants"] }),
        ("POST", "/v1/assessments") => json!({ "session": ids.0["sessions"] }),
        ("PATCH", _) | ("PUT", _) | ("POST", "/v1/participants") => json!({}),
        _ => json!({ "unknown": true }),
    };
    match method {
        "GET" | "DELETE" => client.ask(method, path, &[], b""),
        _ => client.send(method, path, &version, &body),
    }
}

#[test]
fn every_role_may_do_what_the_description_says_and_nothing_else() {
    let house = House::new();
    let administrator = house.administrator();
    let ids = Ids::of(&house, &administrator);
    let (mut cells, nobody) = (0, house.nobody());
    let clients = clients(&house, &administrator);
    for (method, path, roles) in operations(&house) {
        let address = ids.address(&path, true).unwrap_or_else(|| path.replace("{name}", "unknown"));
        if roles == ["public"] {
            let answer = ask(&nobody, &method, &address, &ids);
            assert!(answer.status != 403, "{method} {path}: {}", answer.text());
            cells += 1;
            continue;
        }
        ask(&nobody, &method, &address, &ids).problem(401, "unauthenticated");
        for role in ROLES {
            let answer = ask(&clients[role], &method, &address, &ids);
            match roles.iter().any(|it| it == role) {
                true => {
                    assert!(!matches!(answer.status, 401 | 403), "{role} {method} {path}: {}", answer.text())
                }
                false => drop(answer.problem(403, "forbidden")),
            }
            cells += 1;
        }
    }
    assert!(cells > 150, "{cells} cells");
}

#[test]
fn what_is_another_organisations_looks_as_if_it_were_not_there() {
    let mut house = House::new();
    let ids = Ids::of(&house, &house.administrator());
    house.stop();
    add_organisation(&settings(house.folder.path()), "Other", "other", PASSWORD.into()).unwrap();
    house.start_again();
    let other = house.sign_in("other");
    let clients = clients(&house, &other);
    let mut cells = 0;
    for (method, path, roles) in operations(&house) {
        let (Some(theirs), Some(unknown)) = (ids.address(&path, false), ids.address(&path, true)) else {
            continue;
        };
        for role in roles {
            let client = &clients[role.as_str()];
            let (foreign, none) = (ask(client, &method, &theirs, &ids), ask(client, &method, &unknown, &ids));
            foreign.problem(404, "not-found");
            assert_eq!(foreign.text(), none.text(), "{role} {method} {path}");
            cells += 1;
        }
    }
    assert!(cells > 20, "{cells} cells");
    let clinician = &clients["clinician"];
    for path in ["/v1/participants", "/v1/sessions", "/v1/assessments"] {
        assert_eq!(clinician.get(path).expect(200), Value::Array(vec![]), "{path}");
    }
    assert_eq!(clinician.get("/v1/measures").text().lines().count(), 1);
    for (path, body) in [
        ("/v1/sessions", json!({ "participant": ids.0["participants"] })),
        ("/v1/assessments", json!({ "session": ids.0["sessions"] })),
    ] {
        clinician.post(path, &body).problem(404, "not-found");
    }
    assert!(!other.get("/v1/audit?limit=500").text().contains(&ids.0["participants"]));
}
