//! Whether the server lives, is ready, and how it does.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{Error, app::App, store::jobs};

/// 204 while the process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 204)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn livez() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// 204 while requests can be done: the database answers and the server is not stopping.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 204)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<StatusCode, Error> {
    if app.draining() {
        return Err(Error::Draining);
    }
    app.store.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counters for Prometheus; of operations and outcomes, never of people.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, content_type = "application/openmetrics-text", body = String)),
    extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Error> {
    let (requests, bytes) = app.executors.depth();
    app.metrics.queued_requests.set(requests as i64);
    app.metrics.queued_bytes.set(bytes as i64);
    app.metrics.waiting_assessments.set(jobs::depth(&mut *app.store.read().await?).await?);
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], app.metrics.text()).into_response())
}
