//! Who did what, when: a chain in which every record vouches for the one before it.
//!
//! Each record carries a keyed BLAKE3 hash over itself and the hash before it, so that no edit, removal, insertion or change
//! of order below the last record goes unnoticed by somebody who has the keyring; the head's row tells of a cut end, and
//! checkpoints outside the database (one line each: tenant, place, hash) of a head that was cut with it.

use std::{collections::BTreeMap, path::Path};

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{Kind, Store, Writing};
use crate::{Error, seal::Key};

/// What is recorded, besides time and place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub tenant: &'a str,
    pub actor: &'a str,
    pub role: &'a str,
    /// What was done: `participant.create`.
    pub action: &'a str,
    /// To what: an id.
    pub subject: &'a str,
    /// More, never of a person.
    pub detail: &'a str,
}

/// A record of the chain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub place: i64,
    pub at: i64,
    pub actor: String,
    pub role: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub mac: Vec<u8>,
}

/// Records of one query while a chain is verified.
const STRIDE: i64 = 1_000;

impl Store {
    fn audit_key(&self) -> Key {
        self.keyring.hashing_key("inkling audit chain v1")
    }

    /// Adds a record to the tenant's chain in the transaction of what it records.
    pub(crate) async fn record(&self, write: &mut Writing<'_>, entry: Entry<'_>) -> Result<(), Error> {
        let (place, before) = head(write, entry.tenant).await?.unwrap_or((0, vec![]));
        let record = Record {
            place: place + 1,
            at: self.clock.now(),
            actor: entry.actor.into(),
            role: entry.role.into(),
            action: entry.action.into(),
            subject: entry.subject.into(),
            detail: entry.detail.into(),
            mac: vec![],
        };
        let mac = mac(&self.audit_key(), entry.tenant, &record, &before);
        insert(write, entry.tenant, &Record { mac: mac.clone(), ..record.clone() }).await?;
        set_head(write, entry.tenant, record.place, &mac).await
    }

    /// Walks the whole chain of a tenant.
    ///
    /// # Errors
    /// [`Error::Audit`] with the place where the chain breaks, or of a checkpoint that it does not pass through.
    pub(crate) async fn verify_audit(&self, tenant: &str, checkpoints: &Checkpoints) -> Result<i64, Error> {
        let broken = |reason: String| Error::Audit { tenant: tenant.to_owned(), reason };
        let mut known = checkpoints.of(tenant);
        let (key, mut place, mut before) = (self.audit_key(), 0, vec![]);
        loop {
            let records = records(&mut *self.read().await?, tenant, place, STRIDE).await?;
            if records.is_empty() {
                break;
            }
            for record in records {
                if record.place != place + 1 {
                    return Err(broken(format!("expected record {}, got {}", place + 1, record.place)));
                }
                if mac(&key, tenant, &record, &before) != record.mac {
                    return Err(broken(format!("record {} is not as it was written", record.place)));
                }
                if known.remove(&record.place).is_some_and(|it| it != record.mac) {
                    return Err(broken(format!("record {} is not that of the checkpoint", record.place)));
                }
                (place, before) = (record.place, record.mac);
            }
        }
        let head = head_of(&mut *self.read().await?, tenant).await?.unwrap_or((0, vec![]));
        // Records that came while we walked are for the next walk.
        if head.0 < place || (head.0 == place && head.1 != before) {
            return Err(broken(format!("the head says {}, the chain ends at {place}", head.0)));
        }
        if head.0 > place && records(&mut *self.read().await?, tenant, place, 1).await?.is_empty() {
            return Err(broken(format!("the head says {}, the chain ends at {place}", head.0)));
        }
        match known.keys().find(|it| **it > place) {
            Some(lost) => Err(broken(format!("a checkpoint knows record {lost}, the chain ends at {place}"))),
            None => Ok(place),
        }
    }

    /// Notes where every chain stands in a file outside the database.
    pub(crate) async fn note_checkpoints(&self, path: &Path) -> Result<(), Error> {
        let rows = sqlx::query("SELECT tenant, place, mac FROM audit_heads ORDER BY tenant")
            .fetch_all(&mut *self.read().await?)
            .await?;
        let mut lines = std::fs::read_to_string(path).unwrap_or_default();
        for row in &rows {
            let (tenant, place): (String, i64) = (row.try_get("tenant")?, row.try_get("place")?);
            let line = format!("{tenant} {place} {}\n", hexadecimal(&row.try_get::<Vec<u8>, _>("mac")?));
            if !lines.ends_with(&line) {
                lines.push_str(&line);
            }
        }
        crate::disk::replace(path, lines.as_bytes()).map_err(|source| Error::write(path, source))
    }
}

/// Where chains stood, as was noted outside the database.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints(Vec<(String, i64, Vec<u8>)>);

impl Checkpoints {
    /// Reads the notes; none where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(it) if it.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(Error::open(path, source)),
        };
        let line = |line: &str| {
            let mut parts = line.split(' ');
            let (tenant, place) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?);
            Some((tenant, place, parts.next().and_then(from_hexadecimal)?))
        };
        let noted: Option<Vec<_>> = text.lines().map(line).collect();
        let layout =
            || Error::Settings(format!("{}: expected lines of tenant, place and hash", path.display()));
        Ok(Self(noted.ok_or_else(layout)?))
    }

    fn of(&self, tenant: &str) -> BTreeMap<i64, Vec<u8>> {
        let own = self.0.iter().filter(|it| it.0 == tenant);
        own.map(|(_, place, mac)| (*place, mac.clone())).collect()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2).map(|it| u8::from_str_radix(text.get(2 * it..2 * it + 2)?, 16).ok()).collect()
}

/// Keyed hash of a record and the hash before it; every part with its length, so that none can flow into the next.
fn mac(key: &Key, tenant: &str, record: &Record, before: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(key);
    let (place, at) = (record.place.to_le_bytes(), record.at.to_le_bytes());
    let texts = [tenant, &record.actor, &record.role, &record.action, &record.subject, &record.detail];
    let parts = [before, &place, &at].into_iter().chain(texts.iter().map(|it| it.as_bytes()));
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().as_bytes().to_vec()
}

/// The head, held against other writers until the transaction ends.
async fn head(write: &mut Writing<'_>, tenant: &str) -> Result<Option<(i64, Vec<u8>)>, Error> {
    match write.kind() {
        Kind::Sqlite => head_of(write, tenant).await,
        Kind::Postgres => {
            // The row is made first, so that two servers cannot both find none.
            sqlx::query(
                "INSERT INTO audit_heads (tenant, place, mac) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
            )
            .bind(tenant)
            .bind(Vec::<u8>::new())
            .execute(&mut **write)
            .await?;
            let row = sqlx::query("SELECT place, mac FROM audit_heads WHERE tenant = $1 FOR UPDATE");
            let row = row.bind(tenant).fetch_one(&mut **write).await?;
            Ok(Some((row.try_get("place")?, row.try_get("mac")?)))
        }
    }
}

async fn head_of(store: &mut AnyConnection, tenant: &str) -> Result<Option<(i64, Vec<u8>)>, Error> {
    let row = sqlx::query("SELECT place, mac FROM audit_heads WHERE tenant = $1").bind(tenant);
    let row = row.fetch_optional(store).await?;
    Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get("place")?, row.try_get("mac")?))).transpose()?)
}

async fn set_head(store: &mut AnyConnection, tenant: &str, place: i64, mac: &[u8]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO audit_heads (tenant, place, mac) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant) DO UPDATE SET place = excluded.place, mac = excluded.mac",
    )
    .bind(tenant)
    .bind(place)
    .bind(mac.to_vec())
    .execute(store)
    .await?;
    Ok(())
}

async fn insert(store: &mut AnyConnection, tenant: &str, record: &Record) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO audit (tenant, place, at, actor, role, action, subject, detail, mac) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant)
    .bind(record.place)
    .bind(record.at)
    .bind(&record.actor)
    .bind(&record.role)
    .bind(&record.action)
    .bind(&record.subject)
    .bind(&record.detail)
    .bind(record.mac.clone())
    .execute(store)
    .await?;
    Ok(())
}

/// Records after a place, in order.
pub(crate) async fn records(
    store: &mut AnyConnection,
    tenant: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    let rows = sqlx::query(
        "SELECT place, at, actor, role, action, subject, detail, mac FROM audit \
         WHERE tenant = $1 AND place > $2 ORDER BY place LIMIT $3",
    );
    let rows = rows.bind(tenant).bind(after).bind(limit).fetch_all(store).await?;
    Ok(rows.iter().map(record_of).collect::<Result<_, _>>()?)
}

fn record_of(row: &AnyRow) -> Result<Record, sqlx::Error> {
    Ok(Record {
        place: row.try_get("place")?,
        at: row.try_get("at")?,
        actor: row.try_get("actor")?,
        role: row.try_get("role")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        mac: row.try_get("mac")?,
    })
}

/// When the last record of any chain was written; 0 where there is none.
pub(super) async fn latest(store: &mut AnyConnection) -> Result<i64, Error> {
    let row = sqlx::query("SELECT COALESCE(MAX(at), 0) AS at FROM audit").fetch_one(store).await?;
    Ok(row.try_get("at")?)
}
