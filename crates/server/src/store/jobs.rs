//! Assessments that wait or run: claimed by lease, so that what a server began and did not finish is begun again.

use sqlx::{AnyConnection, Row};

use super::{Kind, Writing};
use crate::{Error, queue::Class};

/// An assessment to be computed, held by whoever claimed it until the lease ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub assessment: String,
    pub tenant: String,
    pub attempts: i64,
}

pub(crate) async fn insert(
    store: &mut AnyConnection,
    (tenant, assessment): (&str, &str),
    class: Class,
    deadline: i64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO jobs (assessment, tenant, class, deadline) VALUES ($1, $2, $3, $4)")
        .bind(assessment)
        .bind(tenant)
        .bind(class as i64)
        .bind(deadline)
        .execute(store)
        .await?;
    Ok(())
}

/// The next job whose lease is free: interactive before batch, earliest deadline first. Two servers never get the same one.
const CLAIM_SQLITE: &str = "UPDATE jobs SET owner = $1, lease = $2, attempts = attempts + 1 WHERE assessment = \
    (SELECT assessment FROM jobs WHERE lease <= $3 ORDER BY class, deadline, assessment LIMIT 1) \
    RETURNING assessment, tenant, attempts";
const CLAIM_POSTGRES: &str = "UPDATE jobs SET owner = $1, lease = $2, attempts = attempts + 1 WHERE assessment = \
    (SELECT assessment FROM jobs WHERE lease <= $3 ORDER BY class, deadline, assessment LIMIT 1 \
    FOR UPDATE SKIP LOCKED) RETURNING assessment, tenant, attempts";

pub(crate) async fn claim(
    write: &mut Writing<'_>,
    owner: &str,
    now: i64,
    until: i64,
) -> Result<Option<Job>, Error> {
    let statement = match write.kind() {
        Kind::Sqlite => CLAIM_SQLITE,
        Kind::Postgres => CLAIM_POSTGRES,
    };
    let row = sqlx::query(statement).bind(owner).bind(until).bind(now).fetch_optional(&mut **write).await?;
    let job = |row: sqlx::any::AnyRow| -> Result<Job, sqlx::Error> {
        Ok(Job {
            assessment: row.try_get("assessment")?,
            tenant: row.try_get("tenant")?,
            attempts: row.try_get("attempts")?,
        })
    };
    Ok(row.map(job).transpose()?)
}

/// Holds a job for longer; false where it is somebody else's by now, or gone.
pub(crate) async fn renew(
    store: &mut AnyConnection,
    job: &Job,
    owner: &str,
    until: i64,
) -> Result<bool, Error> {
    let done =
        sqlx::query("UPDATE jobs SET lease = $4 WHERE assessment = $1 AND owner = $2 AND attempts = $3")
            .bind(&job.assessment)
            .bind(owner)
            .bind(job.attempts)
            .bind(until)
            .execute(store)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a job wait until a moment without counting the attempt: what failed was the house, not the job.
pub(crate) async fn postpone(
    store: &mut AnyConnection,
    job: &Job,
    owner: &str,
    until: i64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE jobs SET lease = $4, attempts = attempts - 1 WHERE assessment = $1 AND owner = $2 AND attempts = $3",
    )
    .bind(&job.assessment)
    .bind(owner)
    .bind(job.attempts)
    .bind(until)
    .execute(store)
    .await?;
    Ok(())
}

/// Ends a job in the transaction of its result; false where it is somebody else's by now, or gone: then the result must not
/// be kept.
pub(crate) async fn end(store: &mut AnyConnection, job: &Job, owner: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM jobs WHERE assessment = $1 AND owner = $2 AND attempts = $3")
        .bind(&job.assessment)
        .bind(owner)
        .bind(job.attempts)
        .execute(store)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives back what this owner holds: at a drain, so that the next server need not wait for the leases to end.
pub(crate) async fn give_back(store: &mut AnyConnection, owner: &str) -> Result<(), Error> {
    sqlx::query("UPDATE jobs SET lease = 0, attempts = attempts - 1, owner = NULL WHERE owner = $1")
        .bind(owner)
        .execute(store)
        .await?;
    Ok(())
}

/// Jobs that wait or run.
pub(crate) async fn depth(store: &mut AnyConnection) -> Result<i64, Error> {
    Ok(sqlx::query("SELECT COUNT(*) AS n FROM jobs").fetch_one(store).await?.try_get("n")?)
}
