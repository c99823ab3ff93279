//! Parts of a request, read strictly, each refusal a problem that says what was expected.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use crate::{
    Error,
    app::App,
    caller::Caller,
    store::{PAGE, Page, idempotency::Labelled},
};

/// A JSON body, with the digest that tells a repetition from another request.
pub(crate) struct Asked<T> {
    pub value: T,
    request: [u8; 32],
    label: Option<String>,
}

/// Longest `Idempotency-Key`.
const LABEL: usize = 128;

impl<T> Asked<T> {
    /// How the request is remembered, where its client named it.
    pub(crate) fn labelled<'a>(&'a self, caller: &'a Caller) -> Option<Labelled<'a>> {
        let label = self.label.as_deref()?;
        Some(Labelled { tenant: &caller.tenant, actor: &caller.id, label, request: &self.request })
    }
}

/// The `Idempotency-Key` of a request.
pub(crate) fn label(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().ok().filter(|it| (1..=LABEL).contains(&it.len())).map(str::to_owned);
    let refused =
        || Error::invalid("Idempotency-Key", format!("1 to {LABEL} printable characters"), "another");
    text.map(Some).ok_or_else(refused)
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Asked<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        let label = label(request.headers())?;
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Error::MediaType { expected: "application/json" });
        }
        let what = format!("{} {}", request.method(), request.uri().path());
        let bytes = body(request, app).await?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|it| Error::invalid("the body", "JSON as the API describes it", it.to_string()))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(what.as_bytes()).update(&[0]).update(&bytes);
        Ok(Self { value, request: *hasher.finalize().as_bytes(), label })
    }
}

/// The whole body, under the limit of the server.
pub(crate) async fn body(request: Request, app: &Arc<App>) -> Result<Bytes, Error> {
    let patience = Duration::from_secs(app.settings.patience_seconds);
    let bytes = tokio::time::timeout(patience, Bytes::from_request(request, app)).await;
    bytes.map_err(|_| Error::BrokenOff)?.map_err(|it| match it.into_response().status().as_u16() {
        413 => Error::TooLarge { what: "the body", limit: app.settings.body_bytes as u64 },
        _ => Error::BrokenOff,
    })
}

/// What is asked for in the address.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|it| Self(it.0))
            .map_err(|it| Error::invalid("the query", "what the API describes", it.body_text()))
    }
}

/// An id in the address.
pub(crate) struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.map(|it| Self(it.0)).map_err(|_| Error::NotFound { what: "thing" })
    }
}

/// Which rows of a list.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Rows {
    /// Only what was created at or after this moment, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Rows at most; 100 unless told, 500 at most.
    pub limit: Option<i64>,
}

impl Rows {
    pub(crate) fn page(&self) -> Page {
        Page { since: self.since.unwrap_or(0), limit: self.limit.unwrap_or(100).clamp(1, PAGE) }
    }
}

/// A version as an ETag.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes are a header")
}

/// The version that a change is of, from `If-Match`.
pub(crate) fn if_match(headers: &HeaderMap) -> Result<i64, Error> {
    let value = headers.get(header::IF_MATCH).ok_or(Error::VersionNeeded)?;
    let version = value.to_str().ok().and_then(|it| it.trim().trim_matches('"').parse().ok());
    version.ok_or_else(|| Error::invalid("If-Match", "the ETag of what is changed", "another"))
}

/// A JSON answer with the version of what it shows; 304 where the client has that version.
pub(crate) fn versioned(headers: &HeaderMap, version: i64, value: &impl serde::Serialize) -> Response {
    let tag = etag(version);
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return (axum::http::StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], axum::Json(value)).into_response()
}
