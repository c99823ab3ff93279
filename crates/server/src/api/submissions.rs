//! Recordings and drawings handed in at a sitting: sealed as they arrive, acknowledged when they are on the disk.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequest, Multipart, Request, State,
        multipart::{Field, MultipartError},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use study::Task;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::participants;
use crate::{
    Error,
    app::App,
    blobs::{Blobs, Kept},
    caller::Caller,
    clock::rfc3339,
    extract::{Id, label},
    seal::{Key, Place},
    store::{
        fresh_id,
        idempotency::{Labelled, Once, done, once},
        sessions,
    },
};

/// What is said of a file by who hands it in.
#[derive(Serialize, Deserialize, ToSchema, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// What was asked of the participant: `picture`, `clock`.
    #[schema(value_type = String)]
    pub task: Task,
    /// The file's name; its ending says which decoder reads it where its bytes do not.
    pub file: String,
    /// Hexadecimal BLAKE3 of the file: what arrives is held against it.
    pub blake3: Option<String>,
    /// How it was made: codec, rate, device, whether echo cancellation, noise suppression and gain control were on.
    #[schema(value_type = Option<Object>)]
    pub capture: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A recording or drawing as it came: `multipart/form-data` of two parts in this order.
#[derive(ToSchema)]
#[allow(dead_code)] // the shape of a form, read part by part
pub(crate) struct Form {
    /// What it is.
    manifest: Manifest,
    /// Its bytes.
    #[schema(value_type = String, format = Binary)]
    media: Vec<u8>,
}

/// A file handed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Submission {
    id: String,
    session: String,
    task: String,
    /// What was said of it; nothing once the participant was erased.
    manifest: Option<Manifest>,
    bytes: i64,
    created: String,
    /// When its bytes were discarded: after they were measured, or by age.
    discarded: Option<String>,
}

/// What sealed media are sealed as.
pub(crate) const MEDIA: &str = "media";
pub(crate) const MANIFEST: &str = "manifest";
/// Most bytes of a manifest.
const MANIFEST_BYTES: usize = 16_384;
/// Files of one sitting.
const FILES: usize = 200;

pub(super) async fn opened(app: &App, it: sessions::Submission) -> Result<Submission, Error> {
    let manifest = manifest(app, &it).await?;
    let (created, discarded) = (rfc3339(it.created), it.discarded.map(rfc3339));
    Ok(Submission {
        id: it.id,
        session: it.session,
        task: it.task,
        manifest,
        bytes: it.bytes,
        created,
        discarded,
    })
}

/// What was said of a file.
pub(crate) async fn manifest(app: &App, it: &sessions::Submission) -> Result<Option<Manifest>, Error> {
    let Some(sealed) = &it.manifest else { return Ok(None) };
    let key = app.store.data_key(&mut *app.store.read().await?, &it.tenant, &it.participant).await?;
    Ok(Some(app.store.unseal(&key, &Place(MANIFEST, &it.id), sealed)?))
}

pub(super) async fn of_session(app: &App, caller: &Caller, session: &str) -> Result<Vec<Submission>, Error> {
    let found = sessions::submissions(&mut *app.store.read().await?, &caller.tenant, session).await?;
    let mut submissions = Vec::with_capacity(found.len());
    for it in found {
        submissions.push(opened(app, it).await?);
    }
    Ok(submissions)
}

/// What was handed in at a sitting, in order.
#[utoipa::path(get, path = "/v1/sessions/{id}/submissions", tag = "sessions", params(("id" = String, Path,)),
    responses((status = 200, body = [Submission])), extensions(("x-roles" = json!(["clinician", "assessor", "device"]))))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Vec<Submission>>, Error> {
    sessions::find(&mut *app.store.read().await?, &caller.tenant, &id).await?;
    Ok(Json(of_session(&app, &caller, &id).await?))
}

/// Hands in a recording or drawing. What was acknowledged is on the disk, sealed; what broke off left nothing.
#[utoipa::path(post, path = "/v1/sessions/{id}/submissions", tag = "sessions", params(("id" = String, Path,)),
    request_body(content = Form, content_type = "multipart/form-data"), responses((status = 201, body = Submission)),
    extensions(("x-roles" = json!(["clinician", "assessor", "device"]))))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    request: Request,
) -> Result<Response, Error> {
    let label = label(request.headers())?;
    let sitting = sessions::find(&mut *app.store.read().await?, &caller.tenant, &id).await?;
    let participant = participants::find(&app, &caller, &sitting.participant).await?;
    participants::present(participant)?;
    let multipart = Multipart::from_request(request, &app).await;
    let mut parts = multipart.map_err(|_| Error::MediaType { expected: "multipart/form-data" })?;
    let manifest = first_part(&app, &mut parts).await?;
    let key = app.store.data_key(&mut *app.store.read().await?, &caller.tenant, &sitting.participant).await?;
    let submission = fresh_id();
    let (kept, digest) = second_part(&app, &mut parts, (&key, &submission)).await?;
    let received = Received { submission, sitting, manifest, kept, digest, label };
    let blob = received.kept.digest.clone();
    match acknowledge(&app, &caller, &key, received).await {
        Ok((made, stored)) => {
            if !stored {
                app.store.blobs.remove(&blob)?;
            }
            Ok((StatusCode::CREATED, Json(opened(&app, made).await?)).into_response())
        }
        Err(error) => {
            // Unacknowledged, it would only take room; where even this fails, the sweep finds it.
            let _ = app.store.blobs.remove(&blob);
            Err(error)
        }
    }
}

/// A file that is on the disk and not acknowledged yet.
struct Received {
    submission: String,
    sitting: sessions::Sitting,
    manifest: Manifest,
    kept: Kept,
    /// BLAKE3 of its plain bytes.
    digest: [u8; 32],
    label: Option<String>,
}

/// Writes the row of a file that is on the disk; false where an earlier request of the same name already did.
async fn acknowledge(
    app: &App,
    caller: &Caller,
    key: &Key,
    it: Received,
) -> Result<(sessions::Submission, bool), Error> {
    let hex = blake3::Hash::from_bytes(it.digest).to_hex().to_string();
    if it.manifest.blake3.as_ref().is_some_and(|said| !said.eq_ignore_ascii_case(&hex)) {
        return Err(Error::invalid("media", "bytes of the digest in the manifest", "others"));
    }
    let request = request_digest(&it)?;
    let labelled = it.label.as_deref().map(|label| Labelled {
        tenant: &caller.tenant,
        actor: &caller.id,
        label,
        request: &request,
    });
    let mut write = match once(&app.store, labelled).await? {
        Once::Now(write) => write,
        Once::Earlier(earlier) => {
            let made = sessions::submission(&mut *app.store.read().await?, &caller.tenant, &earlier).await?;
            return Ok((made, false));
        }
    };
    if sessions::submissions(&mut write, &caller.tenant, &it.sitting.id).await?.len() >= FILES {
        return Err(Error::conflict(format!("a session holds at most {FILES} files")));
    }
    let now = app.store.clock.now();
    let manifest = Manifest { blake3: Some(hex), ..it.manifest.clone() };
    let row = sessions::Submission {
        id: it.submission.clone(),
        tenant: caller.tenant.clone(),
        session: it.sitting.id.clone(),
        participant: it.sitting.participant.clone(),
        task: manifest.task.to_string(),
        manifest: Some(app.store.seal(key, &Place(MANIFEST, &it.submission), &manifest)?),
        blob: Some(it.kept.digest.clone()),
        bytes: it.kept.bytes as i64,
        created: now,
        discarded: None,
    };
    sessions::insert_submission(&mut write, &row).await?;
    app.store.record(&mut write, caller.does("submission.create", &row.id, &row.task)).await?;
    done(write, labelled, &row.id, now).await?;
    Ok((row, true))
}

fn request_digest(it: &Received) -> Result<[u8; 32], Error> {
    let manifest = serde_json::to_vec(&it.manifest).map_err(|it| Error::Broken(it.to_string()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(it.sitting.id.as_bytes()).update(&[0]).update(&manifest).update(&[0]).update(&it.digest);
    Ok(*hasher.finalize().as_bytes())
}

async fn first_part(app: &App, parts: &mut Multipart) -> Result<Manifest, Error> {
    let mut field = part(app, parts, "manifest").await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(app, &mut field).await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MANIFEST_BYTES {
            return Err(Error::TooLarge { what: "the manifest", limit: MANIFEST_BYTES as u64 });
        }
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|it| Error::invalid("the part manifest", "JSON as the API describes it", it.to_string()))?;
    let good = (1..=255).contains(&manifest.file.len()) && !manifest.file.contains(['/', '\\', '\0']);
    good.then_some(manifest)
        .ok_or_else(|| Error::invalid("file", "a name of 1 to 255 bytes without slash", "another"))
}

/// More of a part; a client that sends nothing for too long has gone.
async fn chunk(app: &App, field: &mut Field<'_>) -> Result<Option<Bytes>, Error> {
    let patience = Duration::from_secs(app.settings.patience_seconds);
    let chunk = tokio::time::timeout(patience, field.chunk()).await.map_err(|_| Error::BrokenOff)?;
    chunk.map_err(|it| broken(app, &it))
}

fn broken(app: &App, error: &MultipartError) -> Error {
    match error.status().as_u16() {
        413 => Error::TooLarge { what: "the media", limit: app.settings.upload_bytes },
        _ => Error::BrokenOff,
    }
}

async fn part<'a>(app: &App, parts: &'a mut Multipart, name: &'static str) -> Result<Field<'a>, Error> {
    let patience = Duration::from_secs(app.settings.patience_seconds);
    let field = tokio::time::timeout(patience, parts.next_field()).await.map_err(|_| Error::BrokenOff)?;
    let field = field.map_err(|it| broken(app, &it))?;
    let field = field.filter(|it| it.name() == Some(name));
    field.ok_or_else(|| Error::invalid("the form", format!("a part {name}"), "another part or none"))
}

/// Seals the media as they arrive, never more of them in memory than a few chunks, and puts them on the disk.
async fn second_part(
    app: &App,
    parts: &mut Multipart,
    (key, submission): (&Key, &str),
) -> Result<(Kept, [u8; 32]), Error> {
    let (chunks, received) = mpsc::channel(4);
    let (blobs, key, submission) = (app.store.blobs.clone(), key.clone(), submission.to_owned());
    let writing = tokio::task::spawn_blocking(move || write(&blobs, &key, &submission, received));
    let sent = send(app, parts, chunks).await;
    // What was written is gone from the disk, or safely there, before the client is answered.
    let written = writing.await.map_err(|it| Error::Broken(it.to_string()))?;
    match (sent, written) {
        (Err(error), Ok((kept, _))) => {
            app.store.blobs.remove(&kept.digest)?;
            Err(error)
        }
        // A writer that ended before its time knows better than the sender.
        (Err(error), Err(Error::BrokenOff)) => Err(error),
        (_, written) => written,
    }
}

/// Sends the media chunk by chunk to who writes them; the end is sent only after the last.
async fn send(app: &App, parts: &mut Multipart, chunks: mpsc::Sender<Option<Bytes>>) -> Result<(), Error> {
    let limit = app.settings.upload_bytes;
    let mut field = part(app, parts, "media").await?;
    let mut bytes = 0;
    while let Some(chunk) = chunk(app, &mut field).await? {
        bytes += chunk.len() as u64;
        if bytes > limit {
            return Err(Error::TooLarge { what: "the media", limit });
        }
        if chunks.send(Some(chunk)).await.is_err() {
            return Ok(());
        }
    }
    // A writer that is gone says why when it is joined.
    let _ = chunks.send(None).await;
    Ok(())
}

/// Chunks to a blob that is kept when the end was said; a channel that closes before is a request that broke off.
fn write(
    blobs: &Blobs,
    key: &Key,
    submission: &str,
    mut received: mpsc::Receiver<Option<Bytes>>,
) -> Result<(Kept, [u8; 32]), Error> {
    let mut writing = blobs.begin(key, &Place(MEDIA, submission))?;
    let mut hasher = blake3::Hasher::new();
    loop {
        match received.blocking_recv() {
            Some(Some(chunk)) => {
                hasher.update(&chunk);
                writing.write(&chunk)?;
            }
            Some(None) => return Ok((writing.keep()?, *hasher.finalize().as_bytes())),
            None => return Err(Error::BrokenOff),
        }
    }
}

/// One file, without its bytes.
#[utoipa::path(get, path = "/v1/submissions/{id}", tag = "sessions", params(("id" = String, Path,)),
    responses((status = 200, body = Submission)), extensions(("x-roles" = json!(["clinician", "assessor", "device"]))))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Submission>, Error> {
    let found = sessions::submission(&mut *app.store.read().await?, &caller.tenant, &id).await?;
    Ok(Json(opened(&app, found).await?))
}

/// Its bytes, as they came; 410 once they were discarded.
#[utoipa::path(get, path = "/v1/submissions/{id}/media", tag = "sessions", params(("id" = String, Path,)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>)),
    extensions(("x-roles" = json!(["clinician", "assessor"]))))]
pub(super) async fn media(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Error> {
    let found = sessions::submission(&mut *app.store.read().await?, &caller.tenant, &id).await?;
    let plain = bytes(&app, &found).await?;
    let mut write = app.store.write().await?;
    app.store.record(&mut write, caller.does("submission.media", &id, "")).await?;
    write.commit().await?;
    let mut headers = HeaderMap::new();
    let kind = header::HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static("attachment"));
    Ok((headers, plain.to_vec()).into_response())
}

/// The plain bytes of a file.
pub(crate) async fn bytes(
    app: &App,
    it: &sessions::Submission,
) -> Result<zeroize::Zeroizing<Vec<u8>>, Error> {
    let blob = it.blob.clone().ok_or(Error::Vanished { what: "this file: it was discarded, and".into() })?;
    let key = app.store.data_key(&mut *app.store.read().await?, &it.tenant, &it.participant).await?;
    let (blobs, id) = (app.store.blobs.clone(), it.id.clone());
    let reading = tokio::task::spawn_blocking(move || blobs.read(&blob, &key, &Place(MEDIA, &id)));
    reading.await.map_err(|it| Error::Broken(it.to_string()))?
}
