//! Real servers on free ports against SQLite (and Postgres where `INKLING_POSTGRES` names one), asked as clients ask.
#![allow(clippy::unwrap_used)] // in a test the panic is the message

#[path = "suite/audit.rs"]
mod audit;
#[path = "suite/bad_input.rs"]
mod bad_input;
#[path = "suite/client.rs"]
mod client;
#[path = "suite/doors.rs"]
mod doors;
#[path = "suite/matrix.rs"]
mod matrix;
#[path = "suite/networks.rs"]
mod networks;
#[path = "suite/openapi.rs"]
mod openapi;
#[path = "suite/operating.rs"]
mod operating;
#[path = "suite/postgres.rs"]
mod postgres;
#[path = "suite/privacy.rs"]
mod privacy;
#[path = "suite/sessions.rs"]
mod sessions;
