//! People who take part, their data keys, what they consented to, and how they are forgotten.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{Page, Store, flag};
use crate::{
    Error,
    seal::{self, Key, Place, Wrapped},
};

/// A participant as stored: the profile is sealed with the participant's data key, and gone once erased.
#[derive(Debug, Clone)]
pub(crate) struct Participant {
    pub id: String,
    pub tenant: String,
    /// Pseudonym of this server's making.
    pub code: String,
    pub profile: Option<Vec<u8>>,
    pub version: i64,
    pub created: i64,
    pub erased: Option<i64>,
}

/// What a participant agreed to, and when. The latest one is in force.
#[derive(Debug, Clone)]
pub(crate) struct Consent {
    pub id: String,
    pub at: i64,
    /// The account that recorded it.
    pub account: String,
    /// Whether recordings are kept after they were measured.
    pub keep_sound: bool,
    /// Whether values may be used for research under the pseudonym.
    pub research: bool,
    /// Whether everything before is withdrawn.
    pub withdrawn: bool,
    /// The sealed words that were agreed to.
    pub terms: Vec<u8>,
}

impl Store {
    /// Seals something of a person.
    pub(crate) fn seal<T: Serialize>(
        &self,
        key: &Key,
        place: &Place<'_>,
        value: &T,
    ) -> Result<Vec<u8>, Error> {
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(value).map_err(|it| Error::Broken(format!("{}: {it}", place.0)))?,
        );
        seal::seal(key, place, &plain)
    }

    /// Opens something of a person.
    pub(crate) fn unseal<T: for<'de> Deserialize<'de>>(
        &self,
        key: &Key,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<T, Error> {
        let plain = seal::open(key, place, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Corrupt { what: place.0.into() })
    }

    /// The data key of a participant; gone once erased.
    pub(crate) async fn data_key(
        &self,
        store: &mut AnyConnection,
        tenant: &str,
        participant: &str,
    ) -> Result<Key, Error> {
        let row = sqlx::query("SELECT master, wrapped FROM data_keys WHERE participant = $1 AND tenant = $2")
            .bind(participant)
            .bind(tenant)
            .fetch_optional(store)
            .await?
            .ok_or(Error::Vanished { what: "what is known of this participant".into() })?;
        let wrapped = Wrapped { key: row.try_get("master")?, bytes: row.try_get("wrapped")? };
        self.keyring.unwrap(tenant, participant, &wrapped)
    }

    /// Makes a participant's data key.
    pub(crate) async fn make_data_key(
        &self,
        store: &mut AnyConnection,
        tenant: &str,
        participant: &str,
    ) -> Result<Key, Error> {
        let key = seal::fresh_key();
        let wrapped = self.keyring.wrap(tenant, participant, &key)?;
        sqlx::query("INSERT INTO data_keys (participant, tenant, master, wrapped) VALUES ($1, $2, $3, $4)")
            .bind(participant)
            .bind(tenant)
            .bind(wrapped.key)
            .bind(wrapped.bytes)
            .execute(store)
            .await?;
        Ok(key)
    }

    /// Wraps every data key with the latest master key; the number of keys.
    pub(crate) async fn rewrap(&self) -> Result<u64, Error> {
        let mut write = self.write().await?;
        let rows =
            sqlx::query("SELECT participant, tenant, master, wrapped FROM data_keys WHERE master <> $1")
                .bind(self.keyring.current())
                .fetch_all(&mut *write)
                .await?;
        for row in &rows {
            let (participant, tenant): (String, String) =
                (row.try_get("participant")?, row.try_get("tenant")?);
            let wrapped = Wrapped { key: row.try_get("master")?, bytes: row.try_get("wrapped")? };
            let again = self.keyring.wrap(
                &tenant,
                &participant,
                &self.keyring.unwrap(&tenant, &participant, &wrapped)?,
            )?;
            sqlx::query("UPDATE data_keys SET master = $2, wrapped = $3 WHERE participant = $1")
                .bind(participant)
                .bind(again.key)
                .bind(again.bytes)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await?;
        self.checkpoint().await?;
        Ok(rows.len() as u64)
    }
}

fn participant_of(row: &AnyRow) -> Result<Participant, sqlx::Error> {
    Ok(Participant {
        id: row.try_get("id")?,
        tenant: row.try_get("tenant")?,
        code: row.try_get("code")?,
        profile: row.try_get("profile")?,
        version: row.try_get("version")?,
        created: row.try_get("created")?,
        erased: row.try_get("erased")?,
    })
}

pub(crate) async fn insert(store: &mut AnyConnection, participant: &Participant) -> Result<(), Error> {
    sqlx::query("INSERT INTO participants (id, tenant, code, created) VALUES ($1, $2, $3, $4)")
        .bind(&participant.id)
        .bind(&participant.tenant)
        .bind(&participant.code)
        .bind(participant.created)
        .execute(store)
        .await?;
    Ok(())
}

/// Writes the profile of a version, which becomes the next; false where somebody else was first.
pub(crate) async fn set_profile(
    store: &mut AnyConnection,
    (tenant, id): (&str, &str),
    version: i64,
    profile: &[u8],
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE participants SET profile = $4, version = version + 1 \
         WHERE tenant = $1 AND id = $2 AND version = $3 AND erased IS NULL",
    )
    .bind(tenant)
    .bind(id)
    .bind(version)
    .bind(profile.to_vec())
    .execute(store)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn find(store: &mut AnyConnection, tenant: &str, id: &str) -> Result<Participant, Error> {
    let row = sqlx::query(
        "SELECT id, tenant, code, profile, version, created, erased FROM participants WHERE tenant = $1 AND id = $2",
    );
    let row = row.bind(tenant).bind(id).fetch_optional(store).await?;
    let row = row.ok_or(Error::NotFound { what: "participant" })?;
    Ok(participant_of(&row)?)
}

pub(crate) async fn list(
    store: &mut AnyConnection,
    tenant: &str,
    page: Page,
) -> Result<Vec<Participant>, Error> {
    let rows = sqlx::query(
        "SELECT id, tenant, code, profile, version, created, erased FROM participants \
         WHERE tenant = $1 AND created >= $2 ORDER BY created, id LIMIT $3",
    );
    let rows = rows.bind(tenant).bind(page.since).bind(page.limit).fetch_all(store).await?;
    Ok(rows.iter().map(participant_of).collect::<Result<_, _>>()?)
}

pub(crate) async fn insert_consent(
    store: &mut AnyConnection,
    (tenant, participant): (&str, &str),
    consent: &Consent,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO consents (id, tenant, participant, at, account, keep_sound, research, withdrawn, terms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&consent.id)
    .bind(tenant)
    .bind(participant)
    .bind(consent.at)
    .bind(&consent.account)
    .bind(i64::from(consent.keep_sound))
    .bind(i64::from(consent.research))
    .bind(i64::from(consent.withdrawn))
    .bind(consent.terms.clone())
    .execute(store)
    .await?;
    Ok(())
}

/// Every consent of a participant, the latest last.
pub(crate) async fn consents(
    store: &mut AnyConnection,
    tenant: &str,
    participant: &str,
) -> Result<Vec<Consent>, Error> {
    let rows = sqlx::query(
        "SELECT id, at, account, keep_sound, research, withdrawn, terms FROM consents \
         WHERE tenant = $1 AND participant = $2 ORDER BY at, id",
    );
    let rows = rows.bind(tenant).bind(participant).fetch_all(store).await?;
    let consent = |row: &AnyRow| -> Result<Consent, sqlx::Error> {
        Ok(Consent {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            account: row.try_get("account")?,
            keep_sound: flag(row, "keep_sound")?,
            research: flag(row, "research")?,
            withdrawn: flag(row, "withdrawn")?,
            terms: row.try_get("terms")?,
        })
    };
    Ok(rows.iter().map(consent).collect::<Result<_, _>>()?)
}

/// The consent in force: the latest, unless it withdraws.
pub(crate) async fn consent_in_force(
    store: &mut AnyConnection,
    tenant: &str,
    participant: &str,
) -> Result<Option<Consent>, Error> {
    Ok(consents(store, tenant, participant).await?.pop().filter(|it| !it.withdrawn))
}

/// Forgets a person: the data key, the profile and everything sealed go; blobs to be removed are returned. What stays says
/// that there was somebody, and when what was done.
pub(crate) async fn erase(
    store: &mut AnyConnection,
    (tenant, id): (&str, &str),
    now: i64,
) -> Result<Vec<String>, Error> {
    let mut blobs = Vec::new();
    for statement in [
        "SELECT blob FROM submissions WHERE tenant = $1 AND participant = $2 AND blob IS NOT NULL",
        "SELECT report AS blob FROM assessments WHERE tenant = $1 AND participant = $2 AND report IS NOT NULL",
    ] {
        let rows = sqlx::query(statement).bind(tenant).bind(id).fetch_all(&mut *store).await?;
        for row in &rows {
            blobs.push(row.try_get("blob")?);
        }
    }
    for statement in [
        "DELETE FROM data_keys WHERE tenant = $1 AND participant = $2",
        "DELETE FROM jobs WHERE tenant = $1 AND assessment IN (SELECT id FROM assessments WHERE participant = $2)",
        "DELETE FROM consents WHERE tenant = $1 AND participant = $2",
        "UPDATE sessions SET facts = NULL, version = version + 1 WHERE tenant = $1 AND participant = $2",
        "UPDATE assessments SET report = NULL, note = NULL, outcome = NULL, state = 'erased', version = version + 1 \
         WHERE tenant = $1 AND participant = $2",
    ] {
        sqlx::query(statement).bind(tenant).bind(id).execute(&mut *store).await?;
    }
    for statement in [
        "UPDATE submissions SET manifest = NULL, blob = NULL, discarded = COALESCE(discarded, $3) \
         WHERE tenant = $1 AND participant = $2",
        "UPDATE participants SET profile = NULL, erased = COALESCE(erased, $3), version = version + 1 \
         WHERE tenant = $1 AND id = $2",
    ] {
        sqlx::query(statement).bind(tenant).bind(id).bind(now).execute(&mut *store).await?;
    }
    Ok(blobs)
}

/// Every blob that a row speaks of.
pub(crate) async fn known_blobs(store: &mut AnyConnection) -> Result<BTreeSet<String>, Error> {
    let rows = sqlx::query(
        "SELECT blob FROM submissions WHERE blob IS NOT NULL \
         UNION SELECT report AS blob FROM assessments WHERE report IS NOT NULL",
    );
    rows.fetch_all(store).await?.iter().map(|row| Ok(row.try_get("blob")?)).collect()
}
