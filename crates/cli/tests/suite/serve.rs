//! The server as a process: killed, told to end, asked from the command line.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

struct Process {
    child: Child,
    address: String,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_inkling"))
            .args(["serve", "--listen", "127.0.0.1:0", "--folder"])
            .arg(folder)
            .env("INKLING_SIGN_INS", "100000")
            .env("INKLING_ADDRESS_REQUESTS", "1000000")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find(|it| it.starts_with("http://")).unwrap();
        let address = address.trim_end_matches('/').to_owned();
        Self { child, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The status and the bytes of an answer; nothing where the server is gone.
fn ask(method: &str, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build();
    let mut request = ureq::http::Request::builder().method(method).uri(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let agent = ureq::Agent::new_with_config(config);
    let response = match method {
        "GET" => agent.run(request.body(()).unwrap()),
        _ => agent.run(request.body(body).unwrap()),
    };
    let mut response = response.ok()?;
    let bytes = response.body_mut().read_to_vec().ok()?;
    Some((response.status().as_u16(), bytes))
}

fn json_of(method: &str, address: &str, headers: &[(&str, &str)], body: &Value) -> Option<(u16, Value)> {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    let (status, bytes) = ask(method, address, &headers, body.to_string().as_bytes())?;
    Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}

const PASSWORD: &str = "correct horse battery";

fn signed_in(address: &str, login: &str) -> String {
    let body = json!({ "login": login, "password": PASSWORD });
    let (status, answer) = json_of("POST", &format!("{address}/v1/auth/login"), &[], &body).unwrap();
    assert_eq!(status, 200, "{answer}");
    format!("Bearer {}", answer["access_token"].as_str().unwrap())
}

fn accounts(address: &str) {
    let first = json!({ "organisation": "Clinic", "login": "admin", "password": PASSWORD });
    assert_eq!(json_of("POST", &format!("{address}/v1/setup"), &[], &first).unwrap().0, 201);
    let admin = signed_in(address, "admin");
    let new = json!({ "login": "han", "password": PASSWORD, "role": "clinician" });
    let headers = [("authorization", admin.as_str())];
    assert_eq!(json_of("POST", &format!("{address}/v1/accounts"), &headers, &new).unwrap().0, 201);
}

/// What a client was told is kept: by its own label, the submission and the assessment.
type Told = Arc<Mutex<Vec<(String, String, Option<String>)>>>;

/// Hands in and asks for assessments until the server is gone.
fn load(address: String, round: usize, client: usize, told: Told, over: Arc<AtomicBool>) {
    let bearer = signed_in(&address, "han");
    let named = |label: &str, path: &str, body: &Value| {
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", label)];
        json_of("POST", &format!("{address}{path}"), &headers, body)
    };
    for number in 0.. {
        let label = format!("{round}-{client}-{number}");
        let worked = (|| {
            let participant = named(&format!("p{label}"), "/v1/participants", &json!({ "name": label }))?.1;
            let participant = participant["id"].as_str()?.to_owned();
            let consents = format!("/v1/participants/{participant}/consents");
            named(&format!("c{label}"), &consents, &json!({ "terms": "v1", "keep_sound": true }))?;
            let session =
                named(&format!("s{label}"), "/v1/sessions", &json!({ "participant": participant }))?.1;
            let session = session["id"].as_str()?.to_owned();
            let form = form(&label);
            let headers = [
                ("authorization", bearer.as_str()),
                ("idempotency-key", label.as_str()),
                ("content-type", "multipart/form-data; boundary=line"),
            ];
            let answer =
                ask("POST", &format!("{address}/v1/sessions/{session}/submissions"), &headers, &form)?;
            assert_eq!(answer.0, 201, "{}", String::from_utf8_lossy(&answer.1));
            let made: Value = serde_json::from_slice(&answer.1).ok()?;
            let submission = made["id"].as_str()?.to_owned();
            told.lock().unwrap().push((label.clone(), submission, None));
            let job = named(&format!("a{label}"), "/v1/assessments", &json!({ "session": session }))?.1;
            told.lock().unwrap().last_mut()?.2 = Some(job["id"].as_str()?.to_owned());
            Some(())
        })();
        if worked.is_none() || over.load(Ordering::SeqCst) {
            return;
        }
    }
}

fn media(label: &str) -> String {
    format!("{{\"not a drawing\": \"{label}\"}}")
}

fn form(label: &str) -> Vec<u8> {
    let manifest = json!({ "task": "clock", "file": "clock.json" });
    format!(
        "--line\r\ncontent-disposition: form-data; name=\"manifest\"\r\n\r\n{manifest}\r\n\
         --line\r\ncontent-disposition: form-data; name=\"media\"; filename=\"m\"\r\n\r\n{}\r\n--line--\r\n",
        media(label)
    )
    .into_bytes()
}

/// Five rounds; `make soak` asks for 200 (`ROUNDS`).
#[test]
#[allow(clippy::too_many_lines)] // load, kill, ask again: one story
fn a_killed_server_keeps_what_it_acknowledged() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();
    let told: Told = Arc::default();
    for round in 0..rounds {
        let mut process = Process::start(folder.path());
        if round == 0 {
            accounts(&process.address);
        }
        let over = Arc::new(AtomicBool::new(false));
        // One list each: the last of a list is the one that its client is at.
        let lists: Vec<Told> = (0..3).map(|_| Told::default()).collect();
        let clients: Vec<_> = lists
            .iter()
            .enumerate()
            .map(|(client, list)| {
                let (address, list, over) = (process.address.clone(), Arc::clone(list), Arc::clone(&over));
                std::thread::spawn(move || load(address, round, client, list, over))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(900 + (round as u64 * 137) % 500));
        process.child.kill().unwrap(); // SIGKILL
        process.child.wait().unwrap();
        over.store(true, Ordering::SeqCst);
        for client in clients {
            let _ = client.join();
        }
        for list in lists {
            told.lock().unwrap().append(&mut list.lock().unwrap());
        }
    }
    let told = told.lock().unwrap();
    assert!(told.len() > rounds, "only {} were acknowledged", told.len());
    let process = Process::start(folder.path());
    let bearer = signed_in(&process.address, "han");
    let headers = [("authorization", bearer.as_str())];
    let get = |path: &str| ask("GET", &format!("{}{path}", process.address), &headers, b"").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (label, submission, job) in told.iter() {
        assert!(seen.insert(submission), "a submission was acknowledged twice");
        let (status, bytes) = get(&format!("/v1/submissions/{submission}/media"));
        assert_eq!((status, String::from_utf8(bytes).unwrap()), (200, media(label)));
        let Some(job) = job else { continue };
        let state = (0..600).find_map(|_| {
            let (_, bytes) = get(&format!("/v1/assessments/{job}"));
            let now: Value = serde_json::from_slice(&bytes).unwrap();
            let over = !matches!(now["state"].as_str(), Some("queued" | "running"));
            if !over {
                std::thread::sleep(Duration::from_millis(100));
            }
            over.then(|| now["state"].as_str().unwrap_or("").to_owned())
        });
        assert_eq!(state.as_deref(), Some("done"), "job {job}");
    }
    drop(process);
    let audit = Command::new(env!("CARGO_BIN_EXE_inkling"))
        .args(["serve", "audit", "--folder"])
        .arg(folder.path())
        .output();
    let audit = audit.unwrap();
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
    println!("{} acknowledged submissions over {rounds} kills, all kept", told.len());
}

#[cfg(unix)]
#[test]
fn a_server_that_is_told_to_end_ends_well_and_soon() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(folder.path());
    accounts(&process.address);
    let told = Command::new("kill").args(["-TERM", &process.child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let begun = std::time::Instant::now();
    assert!(process.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn settings_that_cannot_be_worked_with_say_which() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inkling.toml");
    std::fs::write(&file, "lissten = 3\n").unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_inkling")).args(["serve", "--config"]).arg(&file).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("lissten"));
}

#[test]
fn the_log_names_operations_and_never_people() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_inkling"))
        .args(["serve", "--listen", "127.0.0.1:0", "--folder"])
        .arg(folder.path().join("house"))
        .env("INKLING_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line
        .split_whitespace()
        .find(|it| it.starts_with("http://"))
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    let process = Process { child, address: address.clone() };
    accounts(&address);
    let bearer = signed_in(&address, "han");
    let headers = [("authorization", bearer.as_str())];
    let named = json!({ "name": "Canary-Name", "note": "canary note" });
    assert_eq!(json_of("POST", &format!("{address}/v1/participants"), &headers, &named).unwrap().0, 201);
    let misspelt = json!({ "name": "Canary-Name", "canary": "canary note" });
    assert_eq!(json_of("POST", &format!("{address}/v1/participants"), &headers, &misspelt).unwrap().0, 422);
    ask("GET", &format!("{address}/v1/participants/Canary-Name?canary=note"), &headers, b"").unwrap();
    drop(process);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("/v1/participants"), "{log}");
    for word in ["Canary", "canary", PASSWORD, &bearer["Bearer ".len()..]] {
        assert!(!log.contains(word), "{word} is in the log");
    }
}
