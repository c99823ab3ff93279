//! Every setting, from a file and from the environment. `docs/server.md` lists them; a test compares.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How the server is set up. Each field is a setting of the file, and of the environment as `INKLING_` and its name in capitals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where everything is kept: database, blobs, keys, screeners.
    pub folder: PathBuf,
    /// Address and port to listen at.
    pub listen: SocketAddr,
    /// `postgres://…`; SQLite in the folder where it is not given.
    pub database: Option<String>,
    /// File of the master keys; `master.key` in the folder where it is not given.
    pub master_key: Option<PathBuf>,
    /// How browsers reach the server; `https://…` turns on HSTS and secure cookies.
    pub public_url: Option<String>,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// Networks to serve by the Open Inference Protocol, by name.
    pub networks: BTreeMap<String, PathBuf>,
    /// Threads that assess sessions.
    pub assess_threads: usize,
    /// Threads that run networks.
    pub network_threads: usize,
    /// Requests to networks that may wait.
    pub queue_requests: usize,
    /// Bytes of their inputs that may wait.
    pub queue_bytes: usize,
    /// Elements of inputs that are computed as one batch.
    pub batch_cost: u64,
    /// Milliseconds until a request to a network is worth nothing, where it does not say.
    pub network_deadline_ms: u64,
    /// Assessments that may wait; more are refused.
    pub waiting_assessments: u64,
    /// Most bytes of a recording or drawing.
    pub upload_bytes: u64,
    /// Most bytes of any other body.
    pub body_bytes: usize,
    /// Longest recording, in seconds.
    pub recording_seconds: f64,
    /// Requests a minute of one address.
    pub address_requests: u32,
    /// Requests a minute of one account or device.
    pub key_requests: u32,
    /// Attempts to sign in a minute, of one address and for one name.
    pub sign_ins: u32,
    /// Minutes an access token lives.
    pub access_minutes: u32,
    /// Days a sign-in lives.
    pub refresh_days: u32,
    /// Days after which media are discarded; 0 keeps them.
    pub keep_days: u32,
    /// Connections at once.
    pub connections: usize,
    /// Seconds for the head of a request to arrive, and for its body to make progress.
    pub patience_seconds: u64,
    /// Seconds that a stopping server waits for what it began.
    pub drain_seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder: "inkling-server".into(),
            listen: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8731),
            database: None,
            master_key: None,
            public_url: None,
            proxies: vec![],
            networks: BTreeMap::new(),
            assess_threads: 1,
            network_threads: neural::available_threads(),
            queue_requests: 1_024,
            queue_bytes: 64 << 20,
            batch_cost: 1 << 16,
            network_deadline_ms: 10_000,
            waiting_assessments: 10_000,
            upload_bytes: 64 << 20,
            body_bytes: 4 << 20,
            recording_seconds: 1_800.0,
            address_requests: 6_000,
            key_requests: 600_000,
            sign_ins: 10,
            access_minutes: 10,
            refresh_days: 14,
            keep_days: 0,
            connections: 1_024,
            patience_seconds: 15,
            drain_seconds: 20,
        }
    }
}

impl Settings {
    /// The defaults, then the file, then the environment; `INKLING_FOLDER=/srv/inkling` is `folder`.
    ///
    /// # Errors
    /// [`Error::Settings`] with the setting, what was expected and where it came from.
    pub fn read(file: Option<&Path>) -> Result<Self, Error> {
        let known: Vec<String> = Self::names();
        let names = Env::prefixed("INKLING_").filter(move |it| known.contains(&it.as_str().to_lowercase()));
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            std::fs::metadata(file).map_err(|source| Error::open(file, source))?;
            figment = figment.merge(Toml::file_exact(file));
        }
        let settings: Self = figment.merge(names).extract().map_err(|it| Error::Settings(it.to_string()))?;
        settings.checked()
    }

    /// The names of all settings, in order.
    pub fn names() -> Vec<String> {
        let value = serde_json::to_value(Self::default()).expect("settings are always JSON");
        value.as_object().map(|it| it.keys().cloned().collect()).unwrap_or_default()
    }

    /// Refuses what no server can be run with.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let at_least_one = [
            ("assess_threads", self.assess_threads as u64),
            ("network_threads", self.network_threads as u64),
            ("queue_requests", self.queue_requests as u64),
            ("connections", self.connections as u64),
            ("address_requests", self.address_requests.into()),
            ("key_requests", self.key_requests.into()),
            ("sign_ins", self.sign_ins.into()),
            ("access_minutes", self.access_minutes.into()),
            ("refresh_days", self.refresh_days.into()),
            ("patience_seconds", self.patience_seconds),
        ];
        if let Some((name, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Settings(format!("{name}: expected at least 1, got 0")));
        }
        if !(self.recording_seconds > 0.0 && self.recording_seconds.is_finite()) {
            return Err(Error::Settings(format!(
                "recording_seconds: expected a length, got {}",
                self.recording_seconds
            )));
        }
        match &self.public_url {
            Some(url) if !url.starts_with("https://") && !url.starts_with("http://") => {
                Err(Error::Settings("public_url: expected https://… or http://…".into()))
            }
            _ => Ok(self),
        }
    }

    /// Whether browsers come by TLS.
    pub(crate) fn secure(&self) -> bool {
        self.public_url.as_deref().is_some_and(|it| it.starts_with("https://"))
    }

    /// Where the master keys are.
    pub(crate) fn keyring(&self) -> PathBuf {
        self.master_key.clone().unwrap_or_else(|| self.folder.join("master.key"))
    }

    /// Where the notes of the audit chains are.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.join("audit.checkpoints")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_over_the_defaults_and_a_misspelt_setting_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("inkling.toml");
        std::fs::write(&file, "listen = \"0.0.0.0:80\"\n[networks]\ndigits = \"d.onnx\"\n").unwrap();
        let settings = Settings::read(Some(&file)).unwrap();
        assert_eq!(settings.listen.port(), 80);
        assert_eq!(settings.networks["digits"], Path::new("d.onnx"));
        for (text, word) in
            [("lissten = 1", "lissten"), ("connections = 0", "connections"), ("folder = 3", "folder")]
        {
            std::fs::write(&file, text).unwrap();
            let message = Settings::read(Some(&file)).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
        assert!(Settings::read(Some(&folder.path().join("none.toml"))).is_err());
    }

    #[test]
    fn every_setting_is_documented_with_its_default() {
        let page = include_str!("../../../docs/server.md");
        for name in Settings::names() {
            assert!(
                page.contains(&format!("| `{name}` |")),
                "docs/server.md does not know the setting {name}"
            );
        }
    }
}
