//! The screeners that are asked, their cards, and what every measure means.

use std::sync::Arc;

use assess::{card_page, dictionary};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Error, app::App, caller::Caller, extract::Id};

/// A screener that is asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Screener {
    name: String,
    /// SHA-256 of its artefact.
    digest: String,
    /// The cohort it was fitted on.
    cohort: String,
    /// The forms it has, each for other devices.
    forms: Vec<String>,
}

/// What a measure is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Definition {
    /// The set it belongs to: `voice@1`.
    set: String,
    name: String,
    label: String,
    unit: String,
    /// Smallest and largest plausible value.
    range: [f64; 2],
    formula: String,
    source: String,
    /// When there is no value.
    missing: String,
}

/// How many screeners are asked from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reloaded {
    screeners: usize,
}

/// The screeners that are asked, in order.
#[utoipa::path(get, path = "/v1/screeners", tag = "screeners", responses((status = 200, body = [Screener])),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<Vec<Screener>> {
    let shown = |it: &assess::Fitted| Screener {
        name: it.screener.name().to_owned(),
        digest: it.screener.digest(),
        cohort: it.screener.cohort().to_owned(),
        forms: it.screener.forms().map(str::to_owned).collect(),
    };
    Json(app.assessor().screeners().iter().map(shown).collect())
}

/// Reads the folder `screeners` again and asks those from now on; all or none. Assessments that run keep theirs.
#[utoipa::path(post, path = "/v1/screeners/reload", tag = "screeners", responses((status = 200, body = Reloaded)),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn reload(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Reloaded>, Error> {
    let reading = Arc::clone(&app);
    let reloaded = tokio::task::spawn_blocking(move || reading.reload_screeners());
    let screeners = match reloaded.await.map_err(|it| Error::Broken(it.to_string()))? {
        Ok(screeners) => screeners,
        Err(error) => {
            tracing::error!(cause = %error, "screeners could not be read; the old ones go on");
            return Err(Error::conflict(
                "a screener could not be read; the old ones go on, and the log says which",
            ));
        }
    };
    let mut write = app.store.write().await?;
    app.store
        .record(&mut write, caller.does("screeners.reload", "", &format!("{screeners} screeners")))
        .await?;
    write.commit().await?;
    Ok(Json(Reloaded { screeners }))
}

/// A screener's card: how it was judged. As a page where `Accept` prefers `text/html`.
#[utoipa::path(get, path = "/v1/screeners/{name}", tag = "screeners", params(("name" = String, Path,)),
    responses((status = 200, content((serde_json::Value = "application/json"), (String = "text/html")))),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn card(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Id(name): Id,
) -> Result<Response, Error> {
    let assessor = app.assessor();
    let fitted = assessor.screeners().iter().find(|it| it.screener.name() == name);
    let fitted = fitted.ok_or(Error::NotFound { what: "screener" })?;
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("");
    if !accept.trim().starts_with("text/html") {
        return Ok(Json(&fitted.card).into_response());
    }
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; sandbox allow-scripts";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    Ok((headers, card_page(&fitted.card)).into_response())
}

/// What every measure is: from the definitions that the rooms measure by.
#[utoipa::path(get, path = "/v1/dictionary", tag = "screeners", responses((status = 200, body = [Definition])),
    extensions(("x-roles" = json!(["administrator", "clinician", "assessor", "researcher", "device"]))))]
pub(super) async fn definitions() -> Json<Vec<Definition>> {
    let shown = |(set, it): (String, feature::Definition)| Definition {
        set,
        name: it.name.to_owned(),
        label: it.label.to_owned(),
        unit: it.unit.symbol().to_owned(),
        range: [it.range.0, it.range.1],
        formula: it.formula.to_owned(),
        source: it.source.to_owned(),
        missing: it.missing.to_owned(),
    };
    Json(dictionary().into_iter().map(shown).collect())
}
