//! HTTP, queue and storage around the one path from a session to a report.
//!
//! **What comes in.** Requests of browsers, devices and programs: participants, consents, sessions with their recordings and
//! drawings, tensors for networks ([`Settings`] says how). Everything is refused that is not what the API describes.
//!
//! **What goes out.** Assessments as JSON, page, CSV and FHIR R4; networks' answers by the Open Inference Protocol v2; a problem
//! with a code for everything that cannot be done ([`Error`] is what it is made of).
//!
//! **What is promised.** What was acknowledged is on the disk. What is known of a person is sealed with a key of that person's
//! own. Who did what is in a chain that shows every change. Nothing leaves the machine.
//!
//! This is the only room that is asynchronous and the only one that knows HTTP and SQL; its surface is plain functions.
//!
//! # Example
//! ```
//! use server::{Server, Settings};
//!
//! # let temporary = std::env::temp_dir().join(format!("inkling-doc-{}", std::process::id()));
//! let settings = Settings { folder: temporary.clone(), listen: "127.0.0.1:0".parse()?, ..Settings::default() };
//! let server = Server::start(settings.clone())?;
//! assert!(server.address().port() > 0);
//! assert!(server.setup_token().is_some(), "the first account is still to be made");
//! server.stop()?;
//! assert_eq!(server::verify_audit(&settings)?, []);
//! # std::fs::remove_dir_all(temporary)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where to go next: `docs/server.md` for running it, `docs/security.md` for what it defends against, `assess` for the path
//! itself.
#![forbid(unsafe_code)]

mod api;
mod app;
mod assessing;
mod blobs;
mod caller;
mod clock;
mod disk;
mod error;
mod executor;
mod extract;
mod keeping;
mod limit;
mod metrics;
mod network;
mod operating;
mod password;
mod problem;
mod queue;
mod rendered;
mod role;
mod seal;
mod serving;
mod settings;
mod store;
mod tensor;
mod token;

pub use error::Error;
pub use operating::{Chain, add_organisation, backup, restore, rotate_keys, verify_audit};
pub use serving::Server;
pub use settings::Settings;

/// The description of the API as JSON: OpenAPI 3.1. `docs/openapi.json` is this; a test compares.
pub fn openapi() -> String {
    api::described().0
}

/// Logs what happens to stderr, one line each, from the level `INKLING_LOG` (`error`, `warn`, `info`; `warn` unless told).
pub fn log_to_stderr() {
    let level = std::env::var("INKLING_LOG").ok().and_then(|it| it.parse().ok());
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(level.unwrap_or(tracing::Level::WARN));
    // A second call finds the first one's.
    let _ = subscriber.try_init();
}
