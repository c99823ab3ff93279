//! Sittings and what was handed in at them.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::Page;
use crate::Error;

/// A sitting; its facts (age, sex, language, device, date) are sealed.
#[derive(Debug, Clone)]
pub(crate) struct Sitting {
    pub id: String,
    pub tenant: String,
    pub participant: String,
    pub facts: Option<Vec<u8>>,
    pub version: i64,
    pub created: i64,
    pub account: String,
}

/// A file handed in for a task. The manifest (name, media type, digest, capture) is sealed; the blob goes once discarded.
#[derive(Debug, Clone)]
pub(crate) struct Submission {
    pub id: String,
    pub tenant: String,
    pub session: String,
    pub participant: String,
    pub task: String,
    pub manifest: Option<Vec<u8>>,
    pub blob: Option<String>,
    pub bytes: i64,
    pub created: i64,
    pub discarded: Option<i64>,
}

fn sitting_of(row: &AnyRow) -> Result<Sitting, sqlx::Error> {
    Ok(Sitting {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        participant: row.try_get("participant")?,
        facts: row.try_get("facts")?,
        version: row.try_get("version")?,
        created: row.try_get("created")?,
        account: row.try_get("account")?,
    })
}

pub(crate) async fn insert(store: &mut AnyConnection, sitting: &Sitting) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO sessions (id, tenant, participant, facts, created, account) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&sitting.id)
    .bind(&sitting.tenant)
    .bind(&sitting.participant)
    .bind(sitting.facts.clone())
    .bind(sitting.created)
    .bind(&sitting.account)
    .execute(store)
    .await?;
    Ok(())
}

pub(crate) async fn find(store: &mut AnyConnection, tenant: &str, id: &str) -> Result<Sitting, Error> {
    let row = sqlx::query(
        "SELECT id, tenant, participant, facts, version, created, account FROM sessions WHERE tenant = $1 AND id = $2",
    );
    let row = row.bind(tenant).bind(id).fetch_optional(store).await?;
    Ok(sitting_of(&row.ok_or(Error::NotFound { what: "session" })?)?)
}

/// Sessions of a tenant, or of one participant of it.
pub(crate) async fn list(
    store: &mut AnyConnection,
    tenant: &str,
    participant: Option<&str>,
    page: Page,
) -> Result<Vec<Sitting>, Error> {
    let rows = sqlx::query(
        "SELECT id, tenant, participant, facts, version, created, account FROM sessions \
         WHERE tenant = $1 AND created >= $2 AND participant = COALESCE($4, participant) ORDER BY created, id LIMIT $3",
    );
    let rows = rows.bind(tenant).bind(page.since).bind(page.limit).bind(participant.map(str::to_owned));
    Ok(rows.fetch_all(store).await?.iter().map(sitting_of).collect::<Result<_, _>>()?)
}

fn submission_of(row: &AnyRow) -> Result<Submission, sqlx::Error> {
    Ok(Submission {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        session: row.try_get("session")?,
        participant: row.try_get("participant")?,
        task: row.try_get("task")?,
        manifest: row.try_get("manifest")?,
        blob: row.try_get("blob")?,
        bytes: row.try_get("bytes")?,
        created: row.try_get("created")?,
        discarded: row.try_get("discarded")?,
    })
}

pub(crate) async fn insert_submission(store: &mut AnyConnection, it: &Submission) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO submissions (id, tenant, session, participant, task, manifest, blob, bytes, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&it.id)
    .bind(&it.tenant)
    .bind(&it.session)
    .bind(&it.participant)
    .bind(&it.task)
    .bind(it.manifest.clone())
    .bind(it.blob.clone())
    .bind(it.bytes)
    .bind(it.created)
    .execute(store)
    .await?;
    Ok(())
}

pub(crate) async fn submission(
    store: &mut AnyConnection,
    tenant: &str,
    id: &str,
) -> Result<Submission, Error> {
    let row = sqlx::query(
        "SELECT id, tenant, session, participant, task, manifest, blob, bytes, created, discarded FROM submissions \
         WHERE tenant = $1 AND id = $2",
    );
    let row = row.bind(tenant).bind(id).fetch_optional(store).await?;
    Ok(submission_of(&row.ok_or(Error::NotFound { what: "submission" })?)?)
}

/// Everything handed in at a session, in order.
pub(crate) async fn submissions(
    store: &mut AnyConnection,
    tenant: &str,
    session: &str,
) -> Result<Vec<Submission>, Error> {
    let rows = sqlx::query(
        "SELECT id, tenant, session, participant, task, manifest, blob, bytes, created, discarded FROM submissions \
         WHERE tenant = $1 AND session = $2 ORDER BY created, id",
    );
    let rows = rows.bind(tenant).bind(session).fetch_all(store).await?;
    Ok(rows.iter().map(submission_of).collect::<Result<_, _>>()?)
}

/// The media of a submission are discarded; what it was remains.
pub(crate) async fn discard(store: &mut AnyConnection, id: &str, now: i64) -> Result<(), Error> {
    sqlx::query("UPDATE submissions SET blob = NULL, discarded = $2 WHERE id = $1 AND blob IS NOT NULL")
        .bind(id)
        .bind(now)
        .execute(store)
        .await?;
    Ok(())
}

/// Submissions whose media are older than may be kept, and of no assessment that waits.
pub(crate) async fn over_age(store: &mut AnyConnection, before: i64) -> Result<Vec<Submission>, Error> {
    let rows = sqlx::query(
        "SELECT id, tenant, session, participant, task, manifest, blob, bytes, created, discarded FROM submissions \
         WHERE blob IS NOT NULL AND created < $1 AND session NOT IN \
         (SELECT session FROM assessments WHERE state IN ('queued', 'running')) ORDER BY created LIMIT 100",
    );
    let rows = rows.bind(before).fetch_all(store).await?;
    Ok(rows.iter().map(submission_of).collect::<Result<_, _>>()?)
}
