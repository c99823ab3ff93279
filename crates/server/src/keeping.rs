//! What is done by the clock: retention, expired sign-ins, notes of the audit chains, orphaned files.

use std::{sync::Arc, time::Duration};

use crate::{
    Error,
    app::App,
    store::{accounts, audit::Entry, idempotency, participants, sessions},
};

/// How often limits forget idle clients.
const MINUTE: Duration = Duration::from_secs(60);
/// Minutes between two rounds of everything else.
const ROUND: u64 = 60;
const DAY_MS: i64 = 86_400_000;
/// How long a client may come back with an `Idempotency-Key`.
const LABELS_MS: i64 = 7 * DAY_MS;
/// Age of a file that no row speaks of before it is taken for an orphan.
const ORPHAN: Duration = Duration::from_secs(3_600);

/// Keeps house until the server stops.
pub(crate) async fn keep_house(app: Arc<App>) {
    for minute in 0_u64.. {
        if minute % ROUND == 0
            && let Err(error) = round(&app).await
        {
            tracing::error!(cause = %error, "house-keeping was put off");
        }
        tokio::time::sleep(MINUTE).await;
        app.limits.forget_idle();
    }
}

/// One round; also run at the start.
pub(crate) async fn round(app: &App) -> Result<(), Error> {
    let now = app.store.clock.now();
    let mut write = app.store.write().await?;
    accounts::forget_expired(&mut write, now).await?;
    idempotency::forget(&mut write, now - LABELS_MS).await?;
    write.commit().await?;
    if app.settings.keep_days > 0 {
        while discard_some(app, now - i64::from(app.settings.keep_days) * DAY_MS).await? > 0 {}
    }
    let known = participants::known_blobs(&mut *app.store.read().await?).await?;
    let orphans = app.store.blobs.sweep(&known, ORPHAN)?;
    if orphans > 0 {
        tracing::info!(orphans, "files of uploads that were never acknowledged were removed");
    }
    app.store.checkpoint().await?;
    app.store.note_checkpoints(&app.settings.checkpoints()).await
}

/// Discards media over age; how many.
pub(crate) async fn discard_some(app: &App, before: i64) -> Result<usize, Error> {
    let old = sessions::over_age(&mut *app.store.read().await?, before).await?;
    if old.is_empty() {
        return Ok(0);
    }
    let mut write = app.store.write().await?;
    for it in &old {
        sessions::discard(&mut write, &it.id, app.store.clock.now()).await?;
        let entry = Entry {
            tenant: &it.tenant,
            actor: "server",
            role: "server",
            action: "submission.discard",
            subject: &it.id,
            detail: "by age",
        };
        app.store.record(&mut write, entry).await?;
    }
    write.commit().await?;
    old.iter().filter_map(|it| it.blob.as_ref()).try_for_each(|it| app.store.blobs.remove(it))?;
    Ok(old.len())
}
