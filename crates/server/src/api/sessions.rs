//! Sittings of participants.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use study::Language;
use utoipa::{IntoParams, ToSchema};

use super::participants;
use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::{Asked, Id, Query, Rows, versioned},
    seal::Place,
    store::{
        self, fresh_id,
        idempotency::{Once, done, once},
        sessions,
    },
};

/// What is known of a sitting; all of it is sealed.
#[derive(Serialize, Deserialize, ToSchema, Clone, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    /// `ko`, `en` …
    #[schema(value_type = Option<String>)]
    pub language: Option<Language>,
    /// Age in years; from the year of birth where it is not given.
    pub age: Option<f64>,
    /// What was recorded with.
    pub device: Option<String>,
    /// The day, `2026-11-24`; today where it is not given.
    #[schema(value_type = Option<String>)]
    pub date: Option<Date>,
    /// Whether the participant is made up; a report then says so in its first line.
    pub synthetic: bool,
}

/// A new sitting.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSession {
    /// Whose.
    participant: String,
    /// What is known of it.
    #[serde(default)]
    facts: Facts,
}

/// A sitting of a participant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sitting {
    pub id: String,
    pub participant: String,
    /// What is known of it; nothing once the participant was erased.
    pub facts: Option<Facts>,
    pub version: i64,
    pub created: String,
}

/// Which sittings.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this participant alone.
    participant: Option<String>,
    /// Only what was created at or after this moment, in milliseconds since 1970.
    since: Option<i64>,
    /// Rows at most; 100 unless told, 500 at most.
    limit: Option<i64>,
}

const FACTS: &str = "facts of a session";

pub(super) async fn opened(app: &App, it: sessions::Sitting) -> Result<Sitting, Error> {
    let facts = facts(app, &it).await?;
    Ok(Sitting {
        id: it.id,
        participant: it.participant,
        facts,
        version: it.version,
        created: rfc3339(it.created),
    })
}

/// What is known of a sitting.
pub(crate) async fn facts(app: &App, it: &sessions::Sitting) -> Result<Option<Facts>, Error> {
    let Some(sealed) = &it.facts else { return Ok(None) };
    let key = app.store.data_key(&mut *app.store.read().await?, &it.tenant, &it.participant).await?;
    Ok(Some(app.store.unseal(&key, &Place(FACTS, &it.id), sealed)?))
}

/// Sittings, oldest first.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions", params(Which), responses((status = 200, body = [Sitting])),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Sitting>>, Error> {
    let page = Rows { since: which.since, limit: which.limit }.page();
    let participant = which.participant.as_deref();
    let found = sessions::list(&mut *app.store.read().await?, &caller.tenant, participant, page).await?;
    let mut sittings = Vec::with_capacity(found.len());
    for it in found {
        sittings.push(opened(&app, it).await?);
    }
    Ok(Json(sittings))
}

/// Begins a sitting. The participant must have agreed to something first.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", request_body = NewSession,
    responses((status = 201, body = Sitting)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked<NewSession>,
) -> Result<Response, Error> {
    let (tenant, wanted) = (caller.tenant.as_str(), &asked.value);
    check(&wanted.facts)?;
    participants::present(participants::find(&app, &caller, &wanted.participant).await?)?;
    let labelled = asked.labelled(&caller);
    let id = match once(&app.store, labelled).await? {
        Once::Earlier(id) => id,
        Once::Now(mut write) => {
            let now = app.store.clock.now();
            let id = begin(&app, &mut write, &caller, wanted, now).await?;
            done(write, labelled, &id, now).await?;
            id
        }
    };
    let made = sessions::find(&mut *app.store.read().await?, tenant, &id).await?;
    Ok((StatusCode::CREATED, versioned(&headers, made.version, &opened(&app, made).await?)).into_response())
}

async fn begin(
    app: &App,
    write: &mut store::Writing<'_>,
    caller: &Caller,
    wanted: &NewSession,
    now: i64,
) -> Result<String, Error> {
    let (tenant, id) = (caller.tenant.as_str(), fresh_id());
    let consent = store::participants::consent_in_force(write, tenant, &wanted.participant).await?;
    consent
        .ok_or_else(|| Error::conflict("the participant has agreed to nothing; record a consent first"))?;
    let key = app.store.data_key(write, tenant, &wanted.participant).await?;
    let facts = Facts { date: Some(wanted.facts.date.unwrap_or_else(|| day(now))), ..wanted.facts.clone() };
    let new = sessions::Sitting {
        id: id.clone(),
        tenant: tenant.to_owned(),
        participant: wanted.participant.clone(),
        facts: Some(app.store.seal(&key, &Place(FACTS, &id), &facts)?),
        version: 1,
        created: now,
        account: caller.id.clone(),
    };
    sessions::insert(write, &new).await?;
    app.store.record(write, caller.does("session.create", &id, "")).await?;
    Ok(id)
}

fn check(facts: &Facts) -> Result<(), Error> {
    let age = facts.age.unwrap_or(0.0);
    if !(0.0..=130.0).contains(&age) {
        return Err(Error::invalid("age", "0 to 130 years", "another"));
    }
    let good = facts.device.as_ref().is_none_or(|it| it.len() <= 256);
    good.then_some(()).ok_or_else(|| Error::invalid("device", "at most 256 bytes", "more"))
}

fn day(now: i64) -> Date {
    let at = jiff::Timestamp::from_millisecond(now).unwrap_or_default();
    jiff::tz::Offset::UTC.to_datetime(at).date()
}

/// One sitting.
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "sessions", params(("id" = String, Path,)),
    responses((status = 200, body = Sitting)), extensions(("x-roles" = json!(["clinician", "assessor", "device"]))))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Error> {
    let found = sessions::find(&mut *app.store.read().await?, &caller.tenant, &id).await?;
    Ok(versioned(&headers, found.version, &opened(&app, found).await?))
}
