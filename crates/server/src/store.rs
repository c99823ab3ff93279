//! What is kept: tables in SQLite or Postgres, sealed blobs in a folder. The only file of the house that knows which database.

pub(crate) mod accounts;
pub(crate) mod assessments;
pub(crate) mod audit;
pub(crate) mod idempotency;
pub(crate) mod jobs;
pub(crate) mod participants;
mod schema;
pub(crate) mod sessions;

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Row, Transaction,
    any::{AnyPoolOptions, AnyRow},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{Error, blobs::Blobs, clock::Clock, seal::Keyring};

/// The database with the keys and blobs that belong to it.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: AnyPool,
    kind: Kind,
    /// SQLite has one writer: ours wait for each other here, in order, instead of trying again and again.
    turn: Arc<Mutex<()>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) blobs: Blobs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A transaction that writes. Dropped uncommitted, nothing of it was.
pub(crate) struct Writing<'s> {
    transaction: Transaction<'static, Any>,
    kind: Kind,
    _turn: Option<MutexGuard<'s, ()>>,
}

impl Writing<'_> {
    /// Everything of it is durable when this returns.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

impl Deref for Writing<'_> {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.transaction
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }
}

/// Write-ahead log, every commit synced, removed rows overwritten.
const SQLITE_HABITS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;";
const SQLITE_BEGIN: &str = "BEGIN IMMEDIATE";
const POSTGRES_BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// Of all programs on a database, ours take their steps of the schema one after another.
const POSTGRES_STEPS_LOCK: &str = "SELECT pg_advisory_xact_lock(7346515)";
/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the database at `address` (`postgres://…`), or `inkling.db` in the folder, and takes the steps of the schema that
    /// it lacks.
    pub(crate) async fn open(address: Option<&str>, folder: &Path, keyring: Keyring) -> Result<Self, Error> {
        let (kind, pool) = connected(address, folder).await?;
        let blobs = Blobs::open(&folder.join("blobs"))?;
        let (turn, clock) = (Arc::new(Mutex::new(())), Arc::new(Clock::new()));
        let store = Self { pool, kind, turn, clock, keyring: Arc::new(keyring), blobs };
        store.take_steps().await?;
        store.clock.not_before(audit::latest(&mut *store.read().await?).await?);
        Ok(store)
    }

    /// A connection to read with.
    pub(crate) async fn read(&self) -> Result<sqlx::pool::PoolConnection<Any>, Error> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction to write with; ours come one after another where the database has one writer.
    pub(crate) async fn write(&self) -> Result<Writing<'_>, Error> {
        let (turn, begin) = match self.kind {
            Kind::Sqlite => (Some(self.turn.lock().await), SQLITE_BEGIN),
            Kind::Postgres => (None, POSTGRES_BEGIN),
        };
        Ok(Writing { transaction: self.pool.begin_with(begin).await?, kind: self.kind, _turn: turn })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&mut *self.read().await?).await?;
        Ok(())
    }

    /// Moves the write-ahead log into the database and empties it, so that what was erased is in neither. Where a reader is in
    /// the way for too long, the next round of house-keeping does it.
    pub(crate) async fn checkpoint(&self) -> Result<(), Error> {
        if self.kind == Kind::Sqlite {
            let _turn = self.turn.lock().await;
            let row =
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *self.read().await?).await?;
            if row.try_get::<i64, _>("busy")? != 0 {
                tracing::warn!("the write-ahead log could not be emptied yet");
            }
        }
        Ok(())
    }

    /// A consistent copy of a SQLite database in a new file.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let text = path.to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO $1").bind(text).execute(&mut *self.read().await?).await?;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn take_steps(&self) -> Result<(), Error> {
        let mut write = self.write().await?;
        if self.kind == Kind::Postgres {
            sqlx::raw_sql(POSTGRES_STEPS_LOCK).execute(&mut *write).await?;
        }
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS schema_steps (taken BIGINT NOT NULL)")
            .execute(&mut *write)
            .await?;
        let row =
            sqlx::query("SELECT COALESCE(MAX(taken), 0) AS taken FROM schema_steps").fetch_one(&mut *write);
        let taken: i64 = row.await?.try_get("taken")?;
        let known = schema::STEPS.len() as i64;
        if taken > known {
            return Err(Error::Schema { got: taken, known });
        }
        let bytes = if self.kind == Kind::Sqlite { "BLOB" } else { "BYTEA" };
        for (place, step) in schema::STEPS.iter().enumerate().skip(taken as usize) {
            let step = step.replace("{bytes}", bytes);
            sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut *write).await?;
            sqlx::query("INSERT INTO schema_steps (taken) VALUES ($1)")
                .bind(place as i64 + 1)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await
    }
}

async fn connected(address: Option<&str>, folder: &Path) -> Result<(Kind, AnyPool), Error> {
    sqlx::any::install_default_drivers();
    let options = AnyPoolOptions::new().acquire_timeout(WAIT).max_connections(8);
    match address {
        Some(address) if address.starts_with("postgres://") || address.starts_with("postgresql://") => {
            Ok((Kind::Postgres, options.connect(address).await?))
        }
        Some(_) => Err(Error::Settings("database: expected postgres://…, or nothing for SQLite".into())),
        None => {
            let habits = options.after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(SQLITE_HABITS).execute(connection).await.map(drop) })
            });
            let address = format!("sqlite://{}?mode=rwc", percent(&folder.join("inkling.db")));
            Ok((Kind::Sqlite, habits.connect(&address).await?))
        }
    }
}

/// A path as an address holds it.
fn percent(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |text, &byte| match plain(byte) {
        true => text + &char::from(byte).to_string(),
        false => text + &format!("%{byte:02X}"),
    })
}

/// A new id.
pub(crate) fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A flag of a row.
fn flag(row: &AnyRow, name: &str) -> Result<bool, sqlx::Error> {
    Ok(row.try_get::<i64, _>(name)? != 0)
}

/// Where a page of a list begins, and how long it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Created at or after this moment.
    pub since: i64,
    /// Rows at most.
    pub limit: i64,
}

/// Most rows of one answer.
pub(crate) const PAGE: i64 = 500;

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn opened(folder: &Path) -> (tokio::runtime::Runtime, Store) {
        let runtime = crate::serving::runtime().unwrap();
        let keyring = Keyring::read_or_make(&folder.join("master.key")).unwrap();
        let store = runtime.block_on(Store::open(None, folder, keyring)).unwrap();
        (runtime, store)
    }

    #[test]
    fn a_database_that_is_full_keeps_nothing_of_the_request_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (runtime, store) = opened(folder.path());
        runtime.block_on(async {
            let mut write = store.write().await.unwrap();
            sqlx::raw_sql("PRAGMA max_page_count = 1").execute(&mut *write).await.unwrap();
            accounts::insert_tenant(&mut write, "small", "x", 0).await.unwrap();
            let full =
                accounts::insert_tenant(&mut write, "large", &"x".repeat(1 << 20), 0).await.unwrap_err();
            drop(write);
            assert_eq!(full.into_response().status(), 507);
            let tenants = accounts::tenants(&mut store.read().await.unwrap()).await.unwrap();
            assert_eq!(tenants, Vec::<String>::new(), "a part of the request was kept");
        });
    }

    #[test]
    fn a_folder_with_any_name_is_opened_again_with_what_was_committed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("한국 50% ?mode=ro#x");
        std::fs::create_dir(&folder).unwrap();
        let (runtime, store) = opened(&folder);
        runtime.block_on(async {
            let mut write = store.write().await.unwrap();
            accounts::insert_tenant(&mut write, "one", "x", 0).await.unwrap();
            write.commit().await.unwrap();
            let mut dropped = store.write().await.unwrap();
            accounts::insert_tenant(&mut dropped, "two", "x", 0).await.unwrap();
            drop(dropped);
            store.close().await;
        });
        assert!(folder.join("inkling.db").exists());
        let (runtime, store) = opened(&folder);
        let tenants = runtime.block_on(async { accounts::tenants(&mut store.read().await.unwrap()).await });
        assert_eq!(tenants.unwrap(), ["one"]);
    }

    #[test]
    fn a_lease_holds_until_it_ends_and_a_late_result_is_nobodys() {
        use crate::queue::Class;
        let folder = tempfile::tempdir().unwrap();
        let (runtime, store) = opened(folder.path());
        runtime.block_on(async {
            let mut write = store.write().await.unwrap();
            sqlx::raw_sql("PRAGMA defer_foreign_keys = ON").execute(&mut *write).await.unwrap();
            for (id, class, deadline) in [
                ("later", Class::Interactive, 9),
                ("sooner", Class::Interactive, 5),
                ("batch", Class::Batch, 1),
            ] {
                jobs::insert(&mut write, ("t", id), class, deadline).await.unwrap();
            }
            let mut claimed = vec![];
            for _ in 0..3 {
                claimed.push(jobs::claim(&mut write, "a", 100, 200).await.unwrap().unwrap());
            }
            let order: Vec<&str> = claimed.iter().map(|it| it.assessment.as_str()).collect();
            assert_eq!(order, ["sooner", "later", "batch"]);
            assert_eq!(jobs::claim(&mut write, "b", 199, 300).await.unwrap(), None);
            assert!(jobs::renew(&mut write, &claimed[0], "a", 400).await.unwrap());
            let taken = jobs::claim(&mut write, "b", 200, 300).await.unwrap().unwrap();
            assert_eq!((taken.assessment.as_str(), taken.attempts), ("later", 2));
            assert!(!jobs::end(&mut write, &claimed[1], "a").await.unwrap(), "a late result was kept");
            assert!(!jobs::renew(&mut write, &claimed[1], "a", 900).await.unwrap());
            assert!(jobs::end(&mut write, &taken, "b").await.unwrap());
            jobs::give_back(&mut write, "a").await.unwrap();
            let again = jobs::claim(&mut write, "c", 201, 300).await.unwrap().unwrap();
            assert_eq!((again.assessment.as_str(), again.attempts), ("sooner", 1));
        });
    }
}
