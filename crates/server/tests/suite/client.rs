//! A server of a test's own, and clients of it.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};
use server::{Server, Settings};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server with its folder; dropped, both are gone.
pub(crate) struct House {
    pub folder: TempDir,
    server: Option<Server>,
    pub address: SocketAddr,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("")
    }

    /// The JSON of an answer of this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// Holds that it is a problem of this status and code, with words that help.
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.len() > 10, "{detail}");
        detail
    }
}

pub(crate) fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        address_requests: 1_000_000,
        sign_ins: 1_000,
        patience_seconds: 2,
        drain_seconds: 10,
        ..Settings::default()
    }
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(|it| it)
    }

    pub(crate) fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let server = Server::start(change(settings(folder.path()))).unwrap();
        let address = server.address();
        Self { folder, server: Some(server), address }
    }

    pub(crate) fn settings(&self) -> Settings {
        settings(self.folder.path())
    }

    pub(crate) fn setup_token(&self) -> String {
        self.server.as_ref().unwrap().setup_token().unwrap().to_owned()
    }

    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().unwrap();
        }
    }

    pub(crate) fn start_again(&mut self) {
        self.stop();
        let server = Server::start(self.settings()).unwrap();
        self.address = server.address();
        self.server = Some(server);
    }

    pub(crate) fn nobody(&self) -> Client {
        Client { address: self.address, token: None }
    }

    /// The first account of a new server.
    pub(crate) fn administrator(&self) -> Client {
        let body = json!({ "organisation": "Clinic", "login": "admin", "password": PASSWORD });
        let answer = self.nobody().post("/v1/setup", &body).expect(201);
        self.nobody().with(&answer)
    }

    pub(crate) fn sign_in(&self, login: &str) -> Client {
        let body = json!({ "login": login, "password": PASSWORD });
        self.nobody().with(&self.nobody().post("/v1/auth/login", &body).expect(200))
    }

    /// An account of a role, signed in.
    pub(crate) fn member(&self, administrator: &Client, role: &str) -> Client {
        let login = format!("{role}-{}", fresh());
        let body = json!({ "login": login, "password": PASSWORD, "role": role });
        administrator.post("/v1/accounts", &body).expect(201);
        self.sign_in(&login)
    }

    pub(crate) fn device(&self, administrator: &Client) -> Client {
        let made = administrator.post("/v1/devices", &json!({ "name": "tablet" })).expect(201);
        Client { address: self.address, token: made["key"].as_str().map(str::to_owned) }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A number that no other test of this run has.
pub(crate) fn fresh() -> usize {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub address: SocketAddr,
    pub token: Option<String>,
}

impl Client {
    pub(crate) fn with(&self, signed_in: &Value) -> Self {
        Self { token: signed_in["access_token"].as_str().map(str::to_owned), ..self.clone() }
    }

    /// Any request at all.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .allow_non_standard_methods(true)
                .timeout_global(Some(Duration::from_secs(60)))
                .build(),
        );
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body.is_empty() && matches!(method, "GET" | "HEAD" | "DELETE") {
            true => agent.run(request.body(()).unwrap()),
            false => agent.run(request.body(body).unwrap()),
        };
        let mut response = response.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], body)
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.ask(method, path, &headers, body.to_string().as_bytes())
    }

    /// A participant who agreed; `keep_sound` and `research` as given.
    pub(crate) fn participant(&self, profile: &Value, keep_sound: bool, research: bool) -> String {
        let id = self.post("/v1/participants", profile).expect(201)["id"].as_str().unwrap().to_owned();
        let consent = json!({ "terms": "v1", "keep_sound": keep_sound, "research": research });
        self.post(&format!("/v1/participants/{id}/consents"), &consent).expect(201);
        id
    }

    pub(crate) fn session(&self, participant: &str) -> String {
        let body = json!({ "participant": participant, "facts": { "language": "en", "age": 71.0, "synthetic": true } });
        self.post("/v1/sessions", &body).expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// Hands in a file.
    pub(crate) fn hand_in(
        &self,
        session: &str,
        (task, file): (&str, &str),
        bytes: &[u8],
        label: Option<&str>,
    ) -> Answer {
        let manifest = json!({ "task": task, "file": file, "capture": { "device": "test tablet" } });
        let (kind, body) = form(&manifest, bytes);
        let mut headers = vec![("content-type", kind.as_str())];
        headers.extend(label.map(|it| ("idempotency-key", it)));
        self.ask("POST", &format!("/v1/sessions/{session}/submissions"), &headers, &body)
    }

    /// Asks for an assessment and waits until it is over.
    pub(crate) fn assess(&self, session: &str) -> Value {
        let asked = self.post("/v1/assessments", &json!({ "session": session })).expect(202);
        self.wait(asked["id"].as_str().unwrap())
    }

    pub(crate) fn wait(&self, id: &str) -> Value {
        for _ in 0..1_200 {
            let now = self.get(&format!("/v1/assessments/{id}")).expect(200);
            if !matches!(now["state"].as_str(), Some("queued" | "running")) {
                return now;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the assessment did not end within a minute");
    }
}

/// A form with a manifest and media.
pub(crate) fn form(manifest: &Value, media: &[u8]) -> (String, Vec<u8>) {
    let head = format!(
        "--line\r\ncontent-disposition: form-data; name=\"manifest\"\r\n\r\n{manifest}\r\n\
         --line\r\ncontent-disposition: form-data; name=\"media\"; filename=\"m\"\r\n\r\n"
    );
    ("multipart/form-data; boundary=line".into(), [head.as_bytes(), media, b"\r\n--line--\r\n"].concat())
}

/// A file of the fixtures.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session");
    std::fs::read(Path::new(path).join(name)).unwrap()
}
