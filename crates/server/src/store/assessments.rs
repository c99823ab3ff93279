//! Assessments of sessions: asked for, computed, signed by a person.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::Page;
use crate::Error;

/// An assessment as stored; report and note are sealed, the report as a blob.
#[derive(Debug, Clone)]
pub(crate) struct Assessment {
    pub id: String,
    pub tenant: String,
    pub session: String,
    pub participant: String,
    /// `queued`, `running`, `done`, `failed`, `erased`.
    pub state: String,
    /// One word for the conclusion, or a code of why there is none.
    pub outcome: Option<String>,
    /// The blob of its report.
    pub report: Option<String>,
    pub version: i64,
    pub created: i64,
    pub finished: Option<i64>,
    pub signed: Option<i64>,
    /// The account of the person who signed.
    pub signer: Option<String>,
    pub note: Option<Vec<u8>>,
}

fn assessment_of(row: &AnyRow) -> Result<Assessment, sqlx::Error> {
    Ok(Assessment {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        session: row.try_get("session")?,
        participant: row.try_get("participant")?,
        state: row.try_get("state")?,
        outcome: row.try_get("outcome")?,
        report: row.try_get("report")?,
        version: row.try_get("version")?,
        created: row.try_get("created")?,
        finished: row.try_get("finished")?,
        signed: row.try_get("signed")?,
        signer: row.try_get("signer")?,
        note: row.try_get("note")?,
    })
}

pub(crate) async fn insert(store: &mut AnyConnection, it: &Assessment) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO assessments (id, tenant, session, participant, state, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&it.id)
    .bind(&it.tenant)
    .bind(&it.session)
    .bind(&it.participant)
    .bind(&it.state)
    .bind(it.created)
    .execute(store)
    .await?;
    Ok(())
}

pub(crate) async fn find(store: &mut AnyConnection, tenant: &str, id: &str) -> Result<Assessment, Error> {
    let row = sqlx::query(
        "SELECT id, tenant, session, participant, state, outcome, report, version, created, finished, signed, signer, \
         note FROM assessments WHERE tenant = $1 AND id = $2",
    );
    let row = row.bind(tenant).bind(id).fetch_optional(store).await?;
    Ok(assessment_of(&row.ok_or(Error::NotFound { what: "assessment" })?)?)
}

/// Assessments of a tenant, or of one session of it.
pub(crate) async fn list(
    store: &mut AnyConnection,
    tenant: &str,
    session: Option<&str>,
    page: Page,
) -> Result<Vec<Assessment>, Error> {
    let rows = sqlx::query(
        "SELECT id, tenant, session, participant, state, outcome, report, version, created, finished, signed, signer, \
         note FROM assessments WHERE tenant = $1 AND created >= $2 AND session = COALESCE($4, session) \
         ORDER BY created, id LIMIT $3",
    );
    let rows = rows.bind(tenant).bind(page.since).bind(page.limit).bind(session.map(str::to_owned));
    Ok(rows.fetch_all(store).await?.iter().map(assessment_of).collect::<Result<_, _>>()?)
}

/// It ended: done with a report, or failed with a code.
pub(crate) async fn end(
    store: &mut AnyConnection,
    id: &str,
    (state, outcome): (&str, &str),
    report: Option<&str>,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE assessments SET state = $2, outcome = $3, report = $4, finished = $5, version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(outcome)
    .bind(report.map(str::to_owned))
    .bind(now)
    .execute(store)
    .await?;
    Ok(())
}

pub(crate) async fn begins(store: &mut AnyConnection, id: &str) -> Result<(), Error> {
    sqlx::query(
        "UPDATE assessments SET state = 'running', version = version + 1 WHERE id = $1 AND state = 'queued'",
    )
    .bind(id)
    .execute(store)
    .await?;
    Ok(())
}

/// Signs a version of a done assessment; false where it changed, or is signed already.
pub(crate) async fn sign(
    store: &mut AnyConnection,
    assessment: &Assessment,
    (signer, note): (&str, &[u8]),
    now: i64,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE assessments SET signed = $3, signer = $4, note = $5, version = version + 1 \
         WHERE id = $1 AND version = $2 AND state = 'done' AND signed IS NULL",
    )
    .bind(&assessment.id)
    .bind(assessment.version)
    .bind(now)
    .bind(signer)
    .bind(note.to_vec())
    .execute(store)
    .await?;
    Ok(done.rows_affected() == 1)
}
