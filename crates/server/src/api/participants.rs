//! People who take part: who they are (sealed), what they agreed to, everything that is kept of them, and forgetting them.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use study::{Handedness, Sex};
use utoipa::ToSchema;

use super::{assessments, sessions, submissions};
use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::{Asked, Id, Query, Rows, if_match, versioned},
    seal::{Key, Place},
    store::{
        self, Page, fresh_id,
        idempotency::{Once, done, once},
        participants,
    },
};

/// What is known of a person; all of it is sealed.
#[derive(Serialize, Deserialize, ToSchema, Clone, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// The person's name.
    pub name: Option<String>,
    /// What the organisation's own records call the person.
    pub reference: Option<String>,
    /// Year of birth.
    pub birth_year: Option<i16>,
    /// `female`, `male` or `other`.
    #[schema(value_type = Option<String>)]
    pub sex: Option<Sex>,
    /// Years of school.
    pub education: Option<f64>,
    /// The hand the person writes with: `left`, `right` or `both`.
    #[schema(value_type = Option<String>)]
    pub handedness: Option<Handedness>,
    /// Anything else.
    pub note: Option<String>,
}

/// A participant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Participant {
    pub id: String,
    /// Pseudonym, of this server's making.
    pub code: String,
    /// What is known of the person; nothing once erased.
    pub profile: Option<Profile>,
    pub version: i64,
    pub created: String,
    /// When the person was forgotten.
    pub erased: Option<String>,
}

/// What a participant agrees to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConsent {
    /// The words that were agreed to, or their name and version.
    terms: String,
    /// Whether recordings may be kept after they were measured.
    #[serde(default)]
    keep_sound: bool,
    /// Whether values may be used for research under the pseudonym.
    #[serde(default)]
    research: bool,
    /// Whether everything agreed to before is withdrawn.
    #[serde(default)]
    withdrawn: bool,
}

/// What a participant agreed to, and when. The latest is in force.
#[derive(Serialize, ToSchema)]
pub(crate) struct Consent {
    id: String,
    at: String,
    /// The account that recorded it.
    account: String,
    terms: String,
    keep_sound: bool,
    research: bool,
    withdrawn: bool,
}

/// Everything that is kept of a participant, but media: those are at each submission.
#[derive(Serialize, ToSchema)]
pub(crate) struct Export {
    participant: Participant,
    consents: Vec<Consent>,
    sessions: Vec<sessions::Sitting>,
    submissions: Vec<submissions::Submission>,
    assessments: Vec<assessments::Assessment>,
    /// The report of each assessment that has one, by its id.
    #[schema(value_type = Object)]
    reports: serde_json::Map<String, serde_json::Value>,
}

const PROFILE: &str = "profile";
const TERMS: &str = "consent";
/// All rows: of one person there are not many.
const ALL: Page = Page { since: 0, limit: i64::MAX };
/// Longest text of a profile or consent, in bytes.
const TEXT: usize = 16_384;

/// 31 letters and digits that are not mistaken for each other, six of them: 887 million pseudonyms.
fn fresh_code() -> String {
    const LETTERS: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    let mut random = [0; 6];
    crate::seal::random(&mut random);
    let letters = random.iter().map(|it| char::from(LETTERS[usize::from(*it) % LETTERS.len()]));
    std::iter::once('P').chain(std::iter::once('-')).chain(letters).collect()
}

impl Profile {
    fn check(&self) -> Result<(), Error> {
        let texts = [("name", &self.name), ("reference", &self.reference), ("note", &self.note)];
        let long = texts.iter().find(|it| it.1.as_ref().is_some_and(|text| text.len() > TEXT));
        if let Some((what, _)) = long {
            return Err(Error::invalid(*what, format!("at most {TEXT} bytes"), "more"));
        }
        if self.birth_year.is_some_and(|it| !(1850..=2100).contains(&it)) {
            return Err(Error::invalid("birth_year", "a year from 1850 to 2100", "another"));
        }
        let years = self.education.unwrap_or(0.0);
        let good = (0.0..=40.0).contains(&years);
        good.then_some(()).ok_or_else(|| Error::invalid("education", "0 to 40 years", "another"))
    }
}

/// A participant with the profile opened.
pub(crate) async fn opened(app: &App, it: store::participants::Participant) -> Result<Participant, Error> {
    let profile = match &it.profile {
        Some(sealed) => {
            let key = app.store.data_key(&mut *app.store.read().await?, &it.tenant, &it.id).await?;
            Some(app.store.unseal(&key, &Place(PROFILE, &it.id), sealed)?)
        }
        None => None,
    };
    let (created, erased) = (rfc3339(it.created), it.erased.map(rfc3339));
    Ok(Participant { id: it.id, code: it.code, profile, version: it.version, created, erased })
}

pub(super) async fn find(app: &App, caller: &Caller, id: &str) -> Result<participants::Participant, Error> {
    participants::find(&mut *app.store.read().await?, &caller.tenant, id).await
}

/// A participant who was not forgotten.
pub(super) fn present(it: participants::Participant) -> Result<participants::Participant, Error> {
    match it.erased {
        Some(_) => Err(Error::Vanished { what: "what is known of this participant".into() }),
        None => Ok(it),
    }
}

/// Participants of the organisation, oldest first.
#[utoipa::path(get, path = "/v1/participants", tag = "participants", params(Rows),
    responses((status = 200, body = [Participant])), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(rows): Query<Rows>,
) -> Result<Json<Vec<Participant>>, Error> {
    let found = participants::list(&mut *app.store.read().await?, &caller.tenant, rows.page()).await?;
    let mut write = app.store.write().await?;
    app.store
        .record(&mut write, caller.does("participant.list", "", &format!("{} rows", found.len())))
        .await?;
    write.commit().await?;
    let mut participants = Vec::with_capacity(found.len());
    for it in found {
        participants.push(opened(&app, it).await?);
    }
    Ok(Json(participants))
}

/// Adds a participant, with a pseudonym and a data key of their own.
#[utoipa::path(post, path = "/v1/participants", tag = "participants", request_body = Profile,
    responses((status = 201, body = Participant)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked<Profile>,
) -> Result<Response, Error> {
    asked.value.check()?;
    let labelled = asked.labelled(&caller);
    let id = match once(&app.store, labelled).await? {
        Once::Earlier(id) => id,
        Once::Now(mut write) => {
            let now = app.store.clock.now();
            let id = add(&app, &mut write, &caller, &asked.value, now).await?;
            done(write, labelled, &id, now).await?;
            id
        }
    };
    let made = find(&app, &caller, &id).await?;
    Ok((StatusCode::CREATED, versioned(&headers, made.version, &opened(&app, made).await?)).into_response())
}

async fn add(
    app: &App,
    write: &mut store::Writing<'_>,
    caller: &Caller,
    profile: &Profile,
    now: i64,
) -> Result<String, Error> {
    let (id, tenant) = (fresh_id(), caller.tenant.clone());
    let new = participants::Participant {
        id: id.clone(),
        tenant,
        code: fresh_code(),
        profile: None,
        version: 1,
        created: now,
        erased: None,
    };
    participants::insert(write, &new).await?;
    let key = app.store.make_data_key(write, &caller.tenant, &id).await?;
    let sealed = app.store.seal(&key, &Place(PROFILE, &id), profile)?;
    participants::set_profile(write, (&caller.tenant, &id), 1, &sealed).await?;
    app.store.record(write, caller.does("participant.create", &id, "")).await?;
    Ok(id)
}

/// One participant.
#[utoipa::path(get, path = "/v1/participants/{id}", tag = "participants", params(("id" = String, Path,)),
    responses((status = 200, body = Participant)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Error> {
    let found = find(&app, &caller, &id).await?;
    let mut write = app.store.write().await?;
    app.store.record(&mut write, caller.does("participant.show", &id, "")).await?;
    write.commit().await?;
    Ok(versioned(&headers, found.version, &opened(&app, found).await?))
}

/// Replaces what is known of a participant.
#[utoipa::path(put, path = "/v1/participants/{id}", tag = "participants", params(("id" = String, Path,)),
    request_body = Profile, responses((status = 200, body = Participant)),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
    asked: Asked<Profile>,
) -> Result<Response, Error> {
    let version = if_match(&headers)?;
    asked.value.check()?;
    present(find(&app, &caller, &id).await?)?;
    let mut write = app.store.write().await?;
    let key = app.store.data_key(&mut write, &caller.tenant, &id).await?;
    let sealed = app.store.seal(&key, &Place(PROFILE, &id), &asked.value)?;
    if !participants::set_profile(&mut write, (&caller.tenant, &id), version, &sealed).await? {
        return Err(Error::Changed);
    }
    app.store.record(&mut write, caller.does("participant.change", &id, "")).await?;
    write.commit().await?;
    let changed = find(&app, &caller, &id).await?;
    Ok(versioned(&headers, changed.version, &opened(&app, changed).await?))
}

/// Forgets a participant: the data key is destroyed, media and reports are removed, and no copy made from then on holds them.
#[utoipa::path(delete, path = "/v1/participants/{id}", tag = "participants", params(("id" = String, Path,)),
    responses((status = 204)), extensions(("x-roles" = json!(["clinician"]))))]
pub(super) async fn erase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    find(&app, &caller, &id).await?;
    let mut write = app.store.write().await?;
    let blobs = participants::erase(&mut write, (&caller.tenant, &id), app.store.clock.now()).await?;
    app.store
        .record(&mut write, caller.does("participant.erase", &id, &format!("{} files", blobs.len())))
        .await?;
    write.commit().await?;
    for blob in &blobs {
        app.store.blobs.remove(blob)?;
    }
    app.store.checkpoint().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn consent_of(app: &App, key: &Key, it: participants::Consent) -> Result<Consent, Error> {
    let terms = app.store.unseal(key, &Place(TERMS, &it.id), &it.terms)?;
    let participants::Consent { id, at, account, keep_sound, research, withdrawn, .. } = it;
    Ok(Consent { id, at: rfc3339(at), account, terms, keep_sound, research, withdrawn })
}

async fn consents_of(app: &App, caller: &Caller, id: &str) -> Result<Vec<Consent>, Error> {
    let mut read = app.store.read().await?;
    let key = app.store.data_key(&mut read, &caller.tenant, id).await?;
    let found = participants::consents(&mut read, &caller.tenant, id).await?;
    found.into_iter().map(|it| consent_of(app, &key, it)).collect()
}

/// What a participant agreed to, the latest last.
#[utoipa::path(get, path = "/v1/participants/{id}/consents", tag = "participants", params(("id" = String, Path,)),
    responses((status = 200, body = [Consent])), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn consents(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Vec<Consent>>, Error> {
    present(find(&app, &caller, &id).await?)?;
    Ok(Json(consents_of(&app, &caller, &id).await?))
}

/// Records what a participant agrees to, or withdraws.
#[utoipa::path(post, path = "/v1/participants/{id}/consents", tag = "participants", params(("id" = String, Path,)),
    request_body = NewConsent, responses((status = 201, body = Consent)),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn consent(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    asked: Asked<NewConsent>,
) -> Result<Response, Error> {
    present(find(&app, &caller, &id).await?)?;
    let wanted = &asked.value;
    if !(1..=TEXT).contains(&wanted.terms.trim().len()) {
        return Err(Error::invalid("terms", format!("1 to {TEXT} bytes"), "another"));
    }
    let labelled = asked.labelled(&caller);
    let mut write = match once(&app.store, labelled).await? {
        Once::Now(write) => write,
        Once::Earlier(earlier) => {
            let mut read = app.store.read().await?;
            let key = app.store.data_key(&mut read, &caller.tenant, &id).await?;
            let all = participants::consents(&mut read, &caller.tenant, &id).await?;
            let made = all.into_iter().find(|it| it.id == earlier);
            let made = made.ok_or(Error::NotFound { what: "consent" })?;
            return Ok((StatusCode::CREATED, Json(consent_of(&app, &key, made)?)).into_response());
        }
    };
    let key = app.store.data_key(&mut write, &caller.tenant, &id).await?;
    let (consent_id, now) = (fresh_id(), app.store.clock.now());
    let terms = app.store.seal(&key, &Place(TERMS, &consent_id), &wanted.terms)?;
    let NewConsent { keep_sound, research, withdrawn, .. } = *wanted;
    let account = caller.id.clone();
    let new =
        participants::Consent { id: consent_id, at: now, account, keep_sound, research, withdrawn, terms };
    participants::insert_consent(&mut write, (&caller.tenant, &id), &new).await?;
    let detail = format!("keep_sound {keep_sound}, research {research}, withdrawn {withdrawn}");
    app.store.record(&mut write, caller.does("consent.record", &id, &detail)).await?;
    done(write, labelled, &new.id, now).await?;
    Ok((StatusCode::CREATED, Json(consent_of(&app, &key, new)?)).into_response())
}

/// Everything that is kept of a participant.
#[utoipa::path(get, path = "/v1/participants/{id}/export", tag = "participants", params(("id" = String, Path,)),
    responses((status = 200, body = Export)), extensions(("x-roles" = json!(["clinician"]))))]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Export>, Error> {
    let participant = present(find(&app, &caller, &id).await?)?;
    let mut write = app.store.write().await?;
    app.store.record(&mut write, caller.does("participant.export", &id, "")).await?;
    write.commit().await?;
    let mut export = Export {
        participant: opened(&app, participant).await?,
        consents: consents_of(&app, &caller, &id).await?,
        sessions: vec![],
        submissions: vec![],
        assessments: vec![],
        reports: serde_json::Map::new(),
    };
    let found = store::sessions::list(&mut *app.store.read().await?, &caller.tenant, Some(&id), ALL).await?;
    for sitting in found {
        add_session(&app, &caller, &mut export, sitting).await?;
    }
    Ok(Json(export))
}

async fn add_session(
    app: &App,
    caller: &Caller,
    export: &mut Export,
    sitting: store::sessions::Sitting,
) -> Result<(), Error> {
    export.submissions.extend(submissions::of_session(app, caller, &sitting.id).await?);
    let found =
        store::assessments::list(&mut *app.store.read().await?, &caller.tenant, Some(&sitting.id), ALL)
            .await?;
    for it in found {
        if it.report.is_some() {
            export.reports.insert(it.id.clone(), assessments::rendered(app, &it).await?.report);
        }
        export.assessments.push(assessments::opened(app, it).await?);
    }
    export.sessions.push(sessions::opened(app, sitting).await?);
    Ok(())
}
