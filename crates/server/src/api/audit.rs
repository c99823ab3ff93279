//! Who did what: for administrators.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::Query,
    store::{PAGE, audit, audit::Checkpoints},
};

/// What somebody did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Record {
    /// Its place in the chain, from 1.
    place: i64,
    at: String,
    /// Id of the account or device; `server` for what the server did by itself.
    actor: String,
    role: String,
    /// `participant.show`, `assessment.sign` …
    action: String,
    /// Id of what it was done to.
    subject: String,
    detail: String,
}

/// Whether the chain is whole.
#[derive(Serialize, ToSchema)]
pub(crate) struct Verified {
    /// Records of the chain, all of them as they were written.
    records: i64,
}

/// Which records.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Records after this place.
    after: i64,
    /// Rows at most; 100 unless told, 500 at most.
    limit: Option<i64>,
}

/// Records in their order.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(After), responses((status = 200, body = [Record])),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn records(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<After>,
) -> Result<Json<Vec<Record>>, Error> {
    let limit = which.limit.unwrap_or(100).clamp(1, PAGE);
    let found = audit::records(&mut *app.store.read().await?, &caller.tenant, which.after, limit).await?;
    let shown = |it: audit::Record| Record {
        place: it.place,
        at: rfc3339(it.at),
        actor: it.actor,
        role: it.role,
        action: it.action,
        subject: it.subject,
        detail: it.detail,
    };
    Ok(Json(found.into_iter().map(shown).collect()))
}

/// Walks the whole chain: 409 with the place where it breaks.
#[utoipa::path(get, path = "/v1/audit/verification", tag = "audit", responses((status = 200, body = Verified)),
    extensions(("x-roles" = json!(["administrator"]))))]
pub(super) async fn verify(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Verified>, Error> {
    let checkpoints = Checkpoints::read(&app.settings.checkpoints())?;
    match app.store.verify_audit(&caller.tenant, &checkpoints).await {
        Ok(records) => Ok(Json(Verified { records })),
        Err(Error::Audit { reason, .. }) => Err(Error::Conflict { reason }),
        Err(other) => Err(other),
    }
}
