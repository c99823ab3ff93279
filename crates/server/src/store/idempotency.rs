//! Requests that were sent twice are done once.

use sqlx::{AnyConnection, Row};

use super::{Store, Writing};
use crate::Error;

/// What a client calls its request, and what was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelled<'a> {
    pub tenant: &'a str,
    pub actor: &'a str,
    /// The `Idempotency-Key`.
    pub label: &'a str,
    /// Digest of operation and body.
    pub request: &'a [u8],
}

/// A request that makes something.
pub(crate) enum Once<'s> {
    /// It came before, and made this.
    Earlier(String),
    /// It has not come before: the transaction to make it in, which [`done`] ends.
    Now(Writing<'s>),
}

/// Begins a request, or finds what it made when it came before.
///
/// # Errors
/// [`Error::Conflict`] where the earlier request of this label was another one.
pub(crate) async fn once<'s>(store: &'s Store, it: Option<Labelled<'_>>) -> Result<Once<'s>, Error> {
    let mut write = store.write().await?;
    let earlier = match it {
        Some(it) => earlier(&mut write, it).await?,
        None => None,
    };
    Ok(earlier.map_or(Once::Now(write), Once::Earlier))
}

/// Remembers in the transaction of the request what came of it, and ends both.
pub(crate) async fn done(
    mut write: Writing<'_>,
    it: Option<Labelled<'_>>,
    subject: &str,
    now: i64,
) -> Result<(), Error> {
    if let Some(it) = it {
        remember(&mut write, it, subject, now).await?;
    }
    write.commit().await
}

async fn earlier(store: &mut AnyConnection, it: Labelled<'_>) -> Result<Option<String>, Error> {
    let row = sqlx::query(
        "SELECT request, subject FROM idempotency WHERE tenant = $1 AND actor = $2 AND label = $3",
    );
    let row = row.bind(it.tenant).bind(it.actor).bind(it.label).fetch_optional(store).await?;
    let Some(row) = row else { return Ok(None) };
    match row.try_get::<Vec<u8>, _>("request")? == it.request {
        true => Ok(Some(row.try_get("subject")?)),
        false => Err(Error::conflict("this Idempotency-Key was used for another request")),
    }
}

async fn remember(store: &mut AnyConnection, it: Labelled<'_>, subject: &str, now: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO idempotency (tenant, actor, label, request, subject, created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(it.tenant)
    .bind(it.actor)
    .bind(it.label)
    .bind(it.request.to_vec())
    .bind(subject)
    .bind(now)
    .execute(store)
    .await?;
    Ok(())
}

/// Forgets what is older than a client may come back for.
pub(crate) async fn forget(store: &mut AnyConnection, before: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM idempotency WHERE created < $1").bind(before).execute(store).await?;
    Ok(())
}
