//! Assessments of sittings: asked for, waited for, read, signed by a person.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::participants;
use crate::{
    Error,
    app::App,
    caller::Caller,
    clock::rfc3339,
    extract::{Asked, Id, Query, Rows, if_match, versioned},
    queue::Class,
    rendered::{COLUMNS, Rendered},
    seal::Place,
    store::{
        self, PAGE, Page, accounts, assessments, fresh_id,
        idempotency::{Once, done, once},
        jobs, sessions,
    },
};

/// Asks for an assessment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAssessment {
    /// Of which sitting.
    session: String,
    /// Whether nobody waits for it: it goes after those that somebody waits for.
    #[serde(default)]
    batch: bool,
}

/// An assessment of a sitting.
#[derive(Serialize, ToSchema)]
pub(crate) struct Assessment {
    pub id: String,
    pub session: String,
    pub participant: String,
    /// `queued`, `running`, `done`, `failed`, `erased`.
    pub state: String,
    /// `scored`, `inconclusive`, `no screener`, `declined`; of a failed one a code.
    pub outcome: Option<String>,
    pub version: i64,
    pub created: String,
    pub finished: Option<String>,
    /// Who signed, when, and what they noted.
    pub signature: Option<Signature>,
}

/// A person's word on an assessment.
#[derive(Serialize, ToSchema)]
pub(crate) struct Signature {
    /// The name the person signs in with.
    by: String,
    at: String,
    note: String,
}

/// What a person says to an assessment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSignature {
    /// What the person concludes.
    note: String,
}

/// Which assessments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Of this sitting alone.
    session: Option<String>,
    /// Only what was created at or after this moment, in milliseconds since 1970.
    since: Option<i64>,
    /// Rows at most; 100 unless told, 500 at most.
    limit: Option<i64>,
}

/// What sealed reports are sealed as.
pub(crate) const REPORT: &str = "report";
const NOTE: &str = "note of a signature";
/// When somebody waits, and when nobody does, an answer is due after so many milliseconds: the order of turns, no more.
const DUE_MS: [i64; 2] = [60_000, 86_400_000];
/// Longest note, in bytes.
const NOTE_BYTES: usize = 16_384;

pub(super) async fn opened(app: &App, it: assessments::Assessment) -> Result<Assessment, Error> {
    let signature = signature(app, &it).await?;
    Ok(Assessment {
        id: it.id,
        session: it.session,
        participant: it.participant,
        state: it.state,
        outcome: it.outcome,
        version: it.version,
        created: rfc3339(it.created),
        finished: it.finished.map(rfc3339),
        signature,
    })
}

async fn signature(app: &App, it: &assessments::Assessment) -> Result<Option<Signature>, Error> {
    let (Some(at), Some(signer), Some(note)) = (it.signed, &it.signer, &it.note) else { return Ok(None) };
    let mut read = app.store.read().await?;
    let key = app.store.data_key(&mut read, &it.tenant, &it.participant).await?;
    let by = accounts::account(&mut read, signer).await?.map_or_else(|| signer.clone(), |it| it.login);
    Ok(Some(Signature { by, at: rfc3339(at), note: app.store.unseal(&key, &Place(NOTE, &it.id), note)? }))
}

async fn find(app: &App, caller: &Caller, id: &str) -> Result<assessments::Assessment, Error> {
    assessments::find(&mut *app.store.read().await?, &caller.tenant, id).await
}

/// Everything that is kept of a done assessment.
pub(super) async fn rendered(app: &App, it: &assessments::Assessment) -> Result<Rendered, Error> {
    let blob = match (it.state.as_str(), &it.report) {
        (_, Some(blob)) => blob.clone(),
        ("queued" | "running", None) => return Err(Error::conflict("the assessment is not done yet")),
        ("failed", None) => return Err(Error::conflict("the assessment failed; ask for another")),
        (_, None) => return Err(Error::Vanished { what: "the report".into() }),
    };
    let key = app.store.data_key(&mut *app.store.read().await?, &it.tenant, &it.participant).await?;
    let (blobs, id) = (app.store.blobs.clone(), it.id.clone());
    let reading = tokio::task::spawn_blocking(move || blobs.read(&blob, &key, &Place(REPORT, &id)));
    let plain = reading.await.map_err(|it| Error::Broken(it.to_string()))??;
    serde_json::from_slice(&plain).map_err(|_| Error::Corrupt { what: REPORT.into() })
}

/// Records that a report was read, then reads it.
async fn read(
    app: &App,
    caller: &Caller,
    id: &str,
    action: &str,
) -> Result<(assessments::Assessment, Rendered), Error> {
    let found = find(app, caller, id).await?;
    let rendered = rendered(app, &found).await?;
    let mut write = app.store.write().await?;
    app.store.record(&mut write, caller.does(action, id, "")).await?;
    write.commit().await?;
    Ok((found, rendered))
}

/// Assessments, oldest first.
#[utoipa::path(get, path = "/v1/assessments", tag = "assessments", params(Which),
    responses((status = 200, body = [Assessment])), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Assessment>>, Error> {
    let page = Rows { since: which.since, limit: which.limit }.page();
    let session = which.session.as_deref();
    let found = assessments::list(&mut *app.store.read().await?, &caller.tenant, session, page).await?;
    let mut all = Vec::with_capacity(found.len());
    for it in found {
        all.push(opened(&app, it).await?);
    }
    Ok(Json(all))
}

/// Asks for the assessment of a sitting. It is durable once acknowledged: it survives a restart, and is computed once.
#[utoipa::path(post, path = "/v1/assessments", tag = "assessments", request_body = NewAssessment,
    responses((status = 202, body = Assessment)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    asked: Asked<NewAssessment>,
) -> Result<Response, Error> {
    let tenant = caller.tenant.as_str();
    let sitting = sessions::find(&mut *app.store.read().await?, tenant, &asked.value.session).await?;
    participants::present(participants::find(&app, &caller, &sitting.participant).await?)?;
    let labelled = asked.labelled(&caller);
    let id = match once(&app.store, labelled).await? {
        Once::Earlier(id) => id,
        Once::Now(mut write) => {
            let id = begin(&app, &mut write, &caller, (&sitting, asked.value.batch)).await?;
            done(write, labelled, &id, app.store.clock.now()).await?;
            app.work.notify_one();
            id
        }
    };
    let made = find(&app, &caller, &id).await?;
    let location = HeaderValue::from_str(&format!("/v1/assessments/{id}")).expect("an id is a header");
    let answer = versioned(&headers, made.version, &opened(&app, made).await?);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], answer).into_response())
}

async fn begin(
    app: &App,
    write: &mut store::Writing<'_>,
    caller: &Caller,
    (sitting, batch): (&sessions::Sitting, bool),
) -> Result<String, Error> {
    let tenant = caller.tenant.as_str();
    let files = sessions::submissions(write, tenant, &sitting.id).await?;
    if files.is_empty() {
        return Err(Error::conflict("nothing was handed in at this session"));
    }
    if let Some(gone) = files.iter().find(|it| it.blob.is_none()) {
        return Err(Error::conflict(format!(
            "the media of task {} were discarded after an earlier assessment or by age; it cannot be measured again",
            gone.task
        )));
    }
    if jobs::depth(write).await? as u64 >= app.settings.waiting_assessments {
        return Err(Error::QueueFull { seconds: 30 });
    }
    let (id, now) = (fresh_id(), app.store.clock.now());
    let class = if batch { Class::Batch } else { Class::Interactive };
    let new = assessments::Assessment {
        id: id.clone(),
        tenant: tenant.to_owned(),
        session: sitting.id.clone(),
        participant: sitting.participant.clone(),
        state: "queued".into(),
        outcome: None,
        report: None,
        version: 1,
        created: now,
        finished: None,
        signed: None,
        signer: None,
        note: None,
    };
    assessments::insert(write, &new).await?;
    jobs::insert(write, (tenant, &id), class, now + DUE_MS[class as usize]).await?;
    app.store.record(write, caller.does("assessment.create", &id, "")).await?;
    Ok(id)
}

/// One assessment: where it stands. Ask again with If-None-Match until it is done.
#[utoipa::path(get, path = "/v1/assessments/{id}", tag = "assessments", params(("id" = String, Path,)),
    responses((status = 200, body = Assessment)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Error> {
    let found = find(&app, &caller, &id).await?;
    Ok(versioned(&headers, found.version, &opened(&app, found).await?))
}

/// The report, as JSON; as a page where `Accept` prefers `text/html`.
#[utoipa::path(get, path = "/v1/assessments/{id}/report", tag = "assessments", params(("id" = String, Path,)),
    responses((status = 200, content((serde_json::Value = "application/json"), (String = "text/html")))),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn report(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
) -> Result<Response, Error> {
    let (_, rendered) = read(&app, &caller, &id, "assessment.report").await?;
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("");
    let page = accept.split(',').next().is_some_and(|it| it.trim().starts_with("text/html"));
    if !page {
        return Ok(Json(rendered.report).into_response());
    }
    Ok(as_page(rendered.page))
}

/// A report's page is one file with its styles and its replay inside, shown apart from this origin; only our own page frames it.
fn as_page(page: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; \
                  sandbox allow-scripts allow-modals";
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ];
    (headers, page).into_response()
}

/// Where the page of a report can be opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    /// Path on this server, good for five minutes.
    path: String,
}

/// Opens the page of a report for five minutes without a header, for a frame or a tab.
#[utoipa::path(post, path = "/v1/assessments/{id}/page", tag = "assessments", params(("id" = String, Path,)),
    responses((status = 200, body = Opened)), extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn open_page(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Opened>, Error> {
    read(&app, &caller, &id, "assessment.page").await?;
    let ticket = app.tokens.ticket(&caller.tenant, &id, app.store.clock.seconds())?;
    Ok(Json(Opened { path: format!("/pages/{ticket}") }))
}

/// The page that a ticket opens.
#[utoipa::path(get, path = "/pages/{ticket}", tag = "assessments", params(("ticket" = String, Path,)),
    responses((status = 200, content_type = "text/html", body = String)), extensions(("x-roles" = json!(["public"]))))]
pub(super) async fn page(State(app): State<Arc<App>>, Id(ticket): Id) -> Result<Response, Error> {
    let ticket = app.tokens.read_ticket(&ticket, app.store.clock.seconds())?;
    let found = assessments::find(&mut *app.store.read().await?, &ticket.tenant, &ticket.sub).await?;
    Ok(as_page(rendered(&app, &found).await?.page))
}

/// Every value of an assessment, as CSV.
#[utoipa::path(get, path = "/v1/assessments/{id}/measures", tag = "assessments", params(("id" = String, Path,)),
    responses((status = 200, content_type = "text/csv", body = String)),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn measures(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Error> {
    let (found, rendered) = read(&app, &caller, &id, "assessment.measures").await?;
    let code = participants::find(&app, &caller, &found.participant).await?.code;
    let mut table = table_head()?;
    rendered.write_rows(&mut table, (&found.id, &found.session, &code))?;
    answered(table)
}

/// The assessment as a bundle of HL7 FHIR R4; final once signed.
#[utoipa::path(get, path = "/v1/assessments/{id}/fhir", tag = "assessments", params(("id" = String, Path,)),
    responses((status = 200, content_type = "application/fhir+json", body = serde_json::Value)),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn fhir(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Response, Error> {
    let (found, mut rendered) = read(&app, &caller, &id, "assessment.fhir").await?;
    if let Some(signature) = signature(&app, &found).await? {
        assess::fhir_signed(&mut rendered.fhir, &signature.by, &signature.at);
    }
    let kind = HeaderValue::from_static("application/fhir+json");
    Ok(([(header::CONTENT_TYPE, kind)], rendered.fhir.to_string()).into_response())
}

/// Signs a done assessment, once, by If-Match of the version that was read.
#[utoipa::path(post, path = "/v1/assessments/{id}/signature", tag = "assessments", params(("id" = String, Path,)),
    request_body = NewSignature, responses((status = 200, body = Assessment)),
    extensions(("x-roles" = json!(["clinician"]))))]
pub(super) async fn sign(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id,
    asked: Asked<NewSignature>,
) -> Result<Response, Error> {
    let version = if_match(&headers)?;
    let note = &asked.value.note;
    if note.len() > NOTE_BYTES {
        return Err(Error::invalid("note", format!("at most {NOTE_BYTES} bytes"), "more"));
    }
    let found = find(&app, &caller, &id).await?;
    match (found.state.as_str(), found.signed) {
        ("done", None) => {}
        ("done", Some(_)) => return Err(Error::conflict("it is signed already")),
        _ => return Err(Error::conflict("only a done assessment can be signed")),
    }
    let mut write = app.store.write().await?;
    let key = app.store.data_key(&mut write, &caller.tenant, &found.participant).await?;
    let sealed = app.store.seal(&key, &Place(NOTE, &id), note)?;
    let wanted = assessments::Assessment { version, ..found };
    if !assessments::sign(&mut write, &wanted, (&caller.id, &sealed), app.store.clock.now()).await? {
        return Err(Error::Changed);
    }
    app.store.record(&mut write, caller.does("assessment.sign", &id, "")).await?;
    write.commit().await?;
    let signed = find(&app, &caller, &id).await?;
    Ok(versioned(&headers, signed.version, &opened(&app, signed).await?))
}

/// Values of all participants who agreed to research, under their pseudonyms, as CSV: up to 500 assessments from a moment on.
/// `Inkling-Next` holds the moment of the next part, where there is one.
#[utoipa::path(get, path = "/v1/measures", tag = "assessments", params(Rows),
    responses((status = 200, content_type = "text/csv", body = String)),
    extensions(("x-roles" = json!(["researcher", "clinician"]))))]
pub(super) async fn table(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(rows): Query<Rows>,
) -> Result<Response, Error> {
    let page = Page { limit: rows.limit.unwrap_or(PAGE).clamp(1, PAGE), ..rows.page() };
    let found = assessments::list(&mut *app.store.read().await?, &caller.tenant, None, page).await?;
    let next = found.last().filter(|_| found.len() as i64 == page.limit).map(|it| it.created + 1);
    let mut table = table_head()?;
    for it in found.iter().filter(|it| it.report.is_some()) {
        let mut read = app.store.read().await?;
        let consent =
            store::participants::consent_in_force(&mut read, &caller.tenant, &it.participant).await?;
        drop(read);
        if consent.is_some_and(|it| it.research) {
            let code = participants::find(&app, &caller, &it.participant).await?.code;
            rendered(&app, it).await?.write_rows(&mut table, (&it.id, &it.session, &code))?;
        }
    }
    let mut write = app.store.write().await?;
    app.store.record(&mut write, caller.does("measures.table", "", "")).await?;
    write.commit().await?;
    let mut response = answered(table)?;
    if let Some(next) = next {
        response.headers_mut().insert("inkling-next", next.into());
    }
    Ok(response)
}

fn table_head() -> Result<csv::Writer<Vec<u8>>, Error> {
    let mut table = csv::Writer::from_writer(vec![]);
    table.write_record(COLUMNS).map_err(|it| Error::Broken(it.to_string()))?;
    Ok(table)
}

fn answered(table: csv::Writer<Vec<u8>>) -> Result<Response, Error> {
    let bytes = table.into_inner().map_err(|it| Error::Broken(it.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"measures.csv\"")),
    ];
    Ok((headers, bytes).into_response())
}
