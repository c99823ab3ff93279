//! Coming in, staying in, and everything that must not come in.

use serde_json::{Value, json};

use crate::client::{House, PASSWORD};

#[test]
fn the_first_account_is_made_once_and_from_elsewhere_only_with_the_token() {
    let house = House::new();
    let nobody = house.nobody();
    assert_eq!(nobody.get("/v1/setup").expect(200)["needed"], true);
    let wanted = json!({ "organisation": "Clinic", "login": "admin", "password": PASSWORD });
    for headers in [
        &[("x-forwarded-for", "10.0.0.9")][..],
        &[("host", "clinic.example")],
        &[("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        nobody.send("POST", "/v1/setup", headers, &wanted).problem(401, "unauthenticated");
    }
    let mut with_token = wanted.clone();
    with_token["token"] = json!("guessed");
    nobody.post("/v1/setup", &with_token).problem(401, "unauthenticated");
    with_token["token"] = json!(house.setup_token());
    let made = nobody.send("POST", "/v1/setup", &[("x-forwarded-for", "10.0.0.9")], &with_token);
    assert_eq!(nobody.with(&made.expect(201)).get("/v1/me").expect(200)["role"], "administrator");
    nobody.post("/v1/setup", &wanted).problem(409, "conflict");
    assert_eq!(nobody.get("/v1/setup").expect(200)["needed"], false);
}

#[test]
fn a_refresh_token_is_good_once_and_its_second_use_ends_the_sign_in() {
    let house = House::new();
    house.administrator();
    let nobody = house.nobody();
    let sign_in = json!({ "login": "admin", "password": PASSWORD });
    let first = nobody.post("/v1/auth/login", &sign_in).expect(200);
    let again = |token: &Value| nobody.post("/v1/auth/refresh", &json!({ "refresh_token": token }));
    let second = again(&first["refresh_token"]).expect(200);
    nobody.with(&second).get("/v1/me").expect(200);
    again(&first["refresh_token"]).problem(401, "unauthenticated");
    again(&second["refresh_token"]).problem(401, "unauthenticated");
    let other = nobody.post("/v1/auth/login", &sign_in).expect(200);
    nobody.post("/v1/auth/logout", &json!({ "refresh_token": other["refresh_token"] })).expect(204);
    again(&other["refresh_token"]).problem(401, "unauthenticated");
}

#[test]
fn a_cookie_is_hidden_from_scripts_and_works_for_pages_of_this_server_only() {
    let house = House::new();
    house.administrator();
    let nobody = house.nobody();
    let answer =
        nobody.post("/v1/auth/login", &json!({ "login": "admin", "password": PASSWORD, "cookie": true }));
    assert!(answer.expect(200).get("refresh_token").is_none());
    let cookie = answer.header("set-cookie").to_owned();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/v1/auth/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let with = |headers: &[(&str, &str)]| {
        nobody.send("POST", "/v1/auth/refresh", &[headers, &[("cookie", pair)]].concat(), &json!({}))
    };
    with(&[("origin", "https://evil.example")]).problem(403, "foreign-origin");
    with(&[("sec-fetch-site", "cross-site")]).problem(403, "foreign-origin");
    let own = format!("http://{}", house.address);
    let renewed = with(&[("origin", &own), ("sec-fetch-site", "same-origin")]);
    let access = nobody.with(&renewed.expect(200));
    access.get("/v1/me").expect(200);
    // A cookie alone opens nothing else.
    nobody.ask("GET", "/v1/me", &[("cookie", pair)], b"").problem(401, "unauthenticated");
}

#[test]
fn wrong_names_and_passwords_get_one_answer_and_stop_at_the_limit() {
    let house = House::with(|it| server::Settings { sign_ins: 5, ..it });
    house.administrator();
    let attempt = |login: &str, password: &str| {
        house.nobody().post("/v1/auth/login", &json!({ "login": login, "password": password }))
    };
    let known = attempt("admin", "wrong password 1").problem(401, "unauthenticated");
    assert_eq!(attempt("nobody", "wrong password 1").problem(401, "unauthenticated"), known);
    let limited = (0..20).map(|_| attempt("admin", "wrong password 2")).find(|it| it.status == 429).unwrap();
    limited.problem(429, "limited");
    assert!(limited.header("retry-after").parse::<u64>().unwrap() >= 1);
    attempt("other", "wrong password 3").problem(401, "unauthenticated");
}

#[test]
fn what_changes_of_an_account_holds_at_the_next_request() {
    let house = House::new();
    let administrator = house.administrator();
    let clinician = house.member(&administrator, "clinician");
    let id = clinician.get("/v1/me").expect(200)["id"].as_str().unwrap().to_owned();
    clinician.get("/v1/participants").expect(200);
    let at = format!("/v1/accounts/{id}");
    let change =
        |version: &str, body: &Value| administrator.send("PATCH", &at, &[("if-match", version)], body);
    change("\"9\"", &json!({ "disabled": true })).problem(412, "changed");
    change("\"1\"", &json!({ "disabled": true })).expect(200);
    clinician.get("/v1/participants").problem(401, "unauthenticated");
    let me = administrator.get("/v1/me").expect(200)["id"].as_str().unwrap().to_owned();
    let last = administrator.send(
        "PATCH",
        &format!("/v1/accounts/{me}"),
        &[("if-match", "\"1\"")],
        &json!({ "disabled": true }),
    );
    last.problem(409, "conflict");
    administrator.get("/v1/me").expect(200);
}

#[test]
fn a_password_is_changed_with_the_present_one_and_ends_every_sign_in() {
    let house = House::new();
    let administrator = house.administrator();
    let change = |current: &str, new: &str| {
        administrator.send("PUT", "/v1/me/password", &[], &json!({ "current": current, "new": new }))
    };
    change("not the one at all", "another long password").problem(422, "invalid");
    change(PASSWORD, "short").problem(422, "invalid");
    change(PASSWORD, "another long password").expect(204);
    administrator.get("/v1/me").problem(401, "unauthenticated");
    let nobody = house.nobody();
    nobody
        .post("/v1/auth/login", &json!({ "login": "admin", "password": PASSWORD }))
        .problem(401, "unauthenticated");
    nobody
        .post("/v1/auth/login", &json!({ "login": "admin", "password": "another long password" }))
        .expect(200);
}

#[test]
fn a_revoked_device_is_out_at_once() {
    let house = House::new();
    let administrator = house.administrator();
    let device = house.device(&administrator);
    let id = device.get("/v1/me").expect(200)["id"].as_str().unwrap().to_owned();
    administrator.delete(&format!("/v1/devices/{id}")).expect(204);
    device.get("/v1/me").problem(401, "unauthenticated");
    let listed = administrator.get("/v1/devices").text();
    assert!(!listed.contains(device.token.as_ref().unwrap()), "a key is shown twice");
}

#[test]
fn requests_of_one_address_stop_at_the_limit() {
    let house = House::with(|it| server::Settings { address_requests: 30, ..it });
    let answers: Vec<_> = (0..60).map(|_| house.nobody().get("/v1/setup")).collect();
    let limited = answers.iter().find(|it| it.status == 429).unwrap();
    limited.problem(429, "limited");
    assert!(answers.iter().filter(|it| it.status == 200).count() >= 30);
}

#[test]
fn every_answer_carries_the_headers_that_browsers_heed() {
    let house =
        House::with(|it| server::Settings { public_url: Some("https://clinic.example".into()), ..it });
    for path in ["/", "/docs", "/v1/setup", "/v1/participants", "/nowhere.js"] {
        let answer = house.nobody().get(path);
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("strict-transport-security").contains("max-age"), "{path}");
    }
    // The page, where it was built; else the words that it was not.
    let page = house.nobody().get("/").text();
    assert!(page.contains("The API answers") || page.contains("<div id=\"page\">"), "{page}");
}
