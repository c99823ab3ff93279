//! Every error as `application/problem+json` (RFC 9457): one exhaustive match decides what a client may know.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::Error;

/// What the server answers where it cannot do what was asked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Problem {
    /// A stable address of the kind of problem: `/docs/problems#not-found`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was expected, what came, what helps.
    detail: String,
    /// A short code for programs: `not-found`.
    code: &'static str,
    /// The same as `detail`, where clients of the Open Inference Protocol look for it.
    error: String,
}

/// How a problem is told: its code, what the client may know, and what only the log may.
struct Told {
    status: StatusCode,
    code: &'static str,
    public: String,
    cause: Option<String>,
    retry: Option<u64>,
}

/// Seconds after which a client may try again where the database or the disk was busy.
const BUSY_RETRY: u64 = 2;

/// The client may know all of it.
fn open(error: &Error, status: StatusCode, code: &'static str) -> Told {
    Told { status, code, public: error.to_string(), cause: None, retry: None }
}

/// The client learns these words, the log the cause.
fn closed(error: &Error, status: StatusCode, code: &'static str, public: &str) -> Told {
    Told { status, code, public: public.to_owned(), cause: Some(error.to_string()), retry: None }
}

/// What an honest client can do nothing about.
fn fault(error: &Error, code: &'static str) -> Told {
    closed(error, StatusCode::INTERNAL_SERVER_ERROR, code, "the server failed; its log says why")
}

fn told(error: &Error) -> Told {
    use StatusCode as S;
    let open = |status, code| open(error, status, code);
    match error {
        Error::Invalid { .. } | Error::Study(_) => open(S::UNPROCESSABLE_ENTITY, "invalid"),
        Error::MediaType { .. } => open(S::UNSUPPORTED_MEDIA_TYPE, "media-type"),
        Error::TooLarge { .. } => open(S::PAYLOAD_TOO_LARGE, "too-large"),
        Error::BrokenOff => open(S::BAD_REQUEST, "broken-off"),
        Error::NotFound { .. } => open(S::NOT_FOUND, "not-found"),
        Error::Unauthenticated { .. } => open(S::UNAUTHORIZED, "unauthenticated"),
        Error::Forbidden { .. } => open(S::FORBIDDEN, "forbidden"),
        Error::ForeignOrigin => open(S::FORBIDDEN, "foreign-origin"),
        Error::Conflict { .. } => open(S::CONFLICT, "conflict"),
        Error::Changed => open(S::PRECONDITION_FAILED, "changed"),
        Error::VersionNeeded => open(S::PRECONDITION_REQUIRED, "version-needed"),
        Error::Limited { seconds } => Told { retry: Some(*seconds), ..open(S::TOO_MANY_REQUESTS, "limited") },
        Error::QueueFull { seconds } => {
            Told { retry: Some(*seconds), ..open(S::TOO_MANY_REQUESTS, "queue-full") }
        }
        Error::Expired => open(S::GATEWAY_TIMEOUT, "expired"),
        Error::Draining => Told { retry: Some(BUSY_RETRY), ..open(S::SERVICE_UNAVAILABLE, "draining") },
        Error::Vanished { .. } => open(S::GONE, "vanished"),
        Error::Corrupt { .. } => closed(error, S::INTERNAL_SERVER_ERROR, "corrupt", DAMAGED),
        Error::Full { .. } => closed(error, S::INSUFFICIENT_STORAGE, "disk-full", NO_ROOM),
        Error::Sql(sql) => of_database(error, sql),
        Error::Neural(neural::Error::Tensor { .. }) => open(S::UNPROCESSABLE_ENTITY, "invalid"),
        Error::Neural(_) => {
            closed(error, S::INTERNAL_SERVER_ERROR, "network", "the network could not be run on this")
        }
        Error::Assess(_) => {
            let public = "the session could not be assessed; the log says why";
            closed(error, S::INTERNAL_SERVER_ERROR, "assessment", public)
        }
        Error::Open { .. } => fault(error, "file"),
        Error::Keyring { .. } => fault(error, "keyring"),
        Error::Schema { .. } => fault(error, "schema"),
        Error::Audit { .. } => fault(error, "audit"),
        Error::Settings(_) => fault(error, "settings"),
        Error::Broken(_) => fault(error, "broken"),
    }
}

const DAMAGED: &str =
    "what is stored is damaged and is not shown; an administrator finds in the log what it is";
const NO_ROOM: &str = "the server's disk is full; nothing of this request was kept";
const LOCKED: &str = "the database is locked or not there; nothing of this request was kept";

fn of_database(error: &Error, sql: &sqlx::Error) -> Told {
    match (is_full(sql), is_busy(sql)) {
        (true, _) => closed(error, StatusCode::INSUFFICIENT_STORAGE, "disk-full", NO_ROOM),
        (_, true) => Told {
            retry: Some(BUSY_RETRY),
            ..closed(error, StatusCode::SERVICE_UNAVAILABLE, "store-busy", LOCKED)
        },
        _ => fault(error, "database"),
    }
}

/// SQLITE_FULL (13), Postgres 53100.
fn is_full(error: &sqlx::Error) -> bool {
    database_code(error).is_some_and(|it| it == "13" || it == "53100")
}

/// SQLITE_BUSY (5) and SQLITE_LOCKED (6) with their extensions; Postgres' classes 40 (rolled back), 53 (no room) and 57
/// (shutting down); a connection that is not to be had.
fn is_busy(error: &sqlx::Error) -> bool {
    let by_code = |code: &str| match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6),
        _ => ["40", "53", "57"].iter().any(|class| code.starts_with(class)),
    };
    let gone = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_));
    gone || database_code(error).is_some_and(|it| by_code(&it))
}

fn database_code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|it| it.into_owned())
}

/// Whether a row was there already.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|it| it.is_unique_violation())
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let told = told(&self);
        if let Some(cause) = &told.cause {
            tracing::error!(code = told.code, cause, "a request failed");
        }
        let problem = Problem {
            kind: format!("/docs/problems#{}", told.code),
            title: told.status.canonical_reason().unwrap_or("Problem"),
            status: told.status.as_u16(),
            error: told.public.clone(),
            detail: told.public,
            code: told.code,
        };
        let mut response = (told.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = told.retry {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if told.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_may_not_know_is_not_in_the_answer() {
        let path = std::path::Path::new("/secret/place");
        let hidden = [
            Error::write(path, std::io::ErrorKind::StorageFull.into()),
            Error::open(path, std::io::ErrorKind::PermissionDenied.into()),
            Error::Corrupt { what: "the profile of Kim".into() },
            Error::Sql(sqlx::Error::Protocol("password=hunter2".into())),
        ];
        for error in hidden {
            let told = told(&error);
            assert!(told.status.is_server_error());
            assert!(told.cause.is_some(), "{error}: the log learns nothing");
            for word in ["secret", "Kim", "hunter2"] {
                assert!(!told.public.contains(word), "{}", told.public);
            }
        }
    }

    #[test]
    fn a_client_that_shall_come_again_is_told_when() {
        for error in [
            Error::Limited { seconds: 3 },
            Error::QueueFull { seconds: 3 },
            Error::Sql(sqlx::Error::PoolTimedOut),
        ] {
            let response = error.into_response();
            assert!(response.headers().contains_key(header::RETRY_AFTER));
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
    }
}
