//! What is done to a server's folder from the command line: verify, rotate, back up, restore, add an organisation.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Settings,
    app::{lock, open_store},
    disk, password,
    role::Role,
    seal::Keyring,
    serving::runtime,
    store::{
        Kind, Store, accounts,
        audit::{Checkpoints, Entry},
        fresh_id, participants,
    },
};

/// A chain that is whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Id of the organisation whose it is.
    pub tenant: String,
    /// Its records.
    pub records: u64,
}

/// Walks the audit chain of every organisation, and holds it against the notes beside the database.
///
/// # Errors
/// [`Error::Audit`] with the place where a chain breaks; the store cannot be opened.
pub fn verify_audit(settings: &Settings) -> Result<Vec<Chain>, Error> {
    runtime()?.block_on(async {
        let store = open_store(settings, false).await?;
        let chains = verified(&store, &settings.checkpoints()).await;
        store.close().await;
        chains
    })
}

async fn verified(store: &Store, notes: &Path) -> Result<Vec<Chain>, Error> {
    let checkpoints = Checkpoints::read(notes)?;
    let mut chains = Vec::new();
    for tenant in accounts::tenants(&mut *store.read().await?).await? {
        let records = store.verify_audit(&tenant, &checkpoints).await? as u64;
        chains.push(Chain { tenant, records });
    }
    Ok(chains)
}

/// Makes a new master key, wraps every data key with it, and forgets the old one. Refused while a server
/// runs: it would go on with the old key.
///
/// # Errors
/// The keys or the store cannot be read or written; until all is wrapped, the old key is kept.
pub fn rotate_keys(settings: &Settings) -> Result<u64, Error> {
    let _alone = lock(settings, true)?;
    runtime()?.block_on(async {
        let path = settings.keyring();
        drop(Keyring::read(&path)?.rotated()?);
        let store = open_store(settings, false).await?;
        let wrapped = store.rewrap().await?;
        for tenant in accounts::tenants(&mut *store.read().await?).await? {
            let mut write = store.write().await?;
            store.record(&mut write, by_operator(&tenant, "keys.rotate", "")).await?;
            write.commit().await?;
        }
        store.close().await;
        drop(Keyring::read(&path)?.pruned()?);
        Ok(wrapped)
    })
}

/// Adds an organisation with its administrator, apart from every other.
///
/// # Errors
/// The login is taken, the password too short; the store cannot be opened.
pub fn add_organisation(settings: &Settings, name: &str, login: &str, password: String) -> Result<(), Error> {
    runtime()?.block_on(async {
        let password = password::hashed(password).await?;
        let store = open_store(settings, true).await?;
        let (tenant, id, now) = (fresh_id(), fresh_id(), store.clock.now());
        let mut write = store.write().await?;
        accounts::insert_tenant(&mut write, &tenant, name, now).await?;
        let account = accounts::Account {
            id: id.clone(),
            tenant: tenant.clone(),
            login: login.to_owned(),
            password,
            role: Role::Administrator,
            disabled: false,
            epoch: 0,
            version: 1,
            created: now,
        };
        accounts::insert_account(&mut write, &account).await?;
        store.record(&mut write, by_operator(&tenant, "account.first", &id)).await?;
        write.commit().await?;
        store.close().await;
        Ok(())
    })
}

fn by_operator<'a>(tenant: &'a str, action: &'a str, subject: &'a str) -> Entry<'a> {
    Entry { tenant, actor: "operator", role: "operator", action, subject, detail: "" }
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// BLAKE3 of the database.
    database: String,
    /// Every blob the database speaks of, by its digest.
    blobs: Vec<String>,
}

const DATABASE: &str = "inkling.db";
const MANIFEST: &str = "backup.json";
const NOTES: &str = "audit.checkpoints";

/// Copies database, blobs and notes of the audit into a new folder, also while the server runs. The master keys are not in it:
/// a backup alone opens nothing, and they must be kept elsewhere.
///
/// # Errors
/// The folder is there already; the database is Postgres, which has its own backups; something cannot be read or written.
pub fn backup(settings: &Settings, to: &Path) -> Result<u64, Error> {
    runtime()?.block_on(async {
        let store = open_store(settings, false).await?;
        if store.kind() != Kind::Sqlite {
            return Err(Error::Settings(
                "backup: a Postgres database is backed up by pg_dump, the folder by a copy".into(),
            ));
        }
        if to.exists() {
            return Err(Error::Settings(format!("backup: expected a new folder, got {}", to.display())));
        }
        let wrote = |source| Error::write(to, source);
        disk::make_folder(&to.join("blobs")).map_err(wrote)?;
        store.copy_to(&to.join(DATABASE)).await?;
        let mut blobs = Vec::new();
        for blob in participants::known_blobs(&mut *store.read().await?).await? {
            let copied = copy(&settings.folder.join("blobs").join(&blob), &to.join("blobs").join(&blob));
            match copied {
                Ok(()) => blobs.push(blob),
                // Discarded or erased since.
                Err(it) if it.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(wrote(source)),
            }
        }
        store.note_checkpoints(&settings.checkpoints()).await?;
        store.close().await;
        copy(&settings.checkpoints(), &to.join(NOTES)).map_err(wrote)?;
        fs::File::open(to.join(DATABASE)).and_then(|it| it.sync_all()).map_err(wrote)?;
        disk::sync_folder(&to.join("blobs")).map_err(wrote)?;
        let manifest = Manifest { database: digest(&to.join(DATABASE))?, blobs };
        let bytes = serde_json::to_vec_pretty(&manifest).map_err(|it| Error::Broken(it.to_string()))?;
        disk::replace(&to.join(MANIFEST), &bytes).map_err(wrote)?;
        Ok(manifest.blobs.len() as u64)
    })
}

/// Puts a backup into the empty folder of the settings, checks every byte of it against its digests, and verifies the audit.
///
/// # Errors
/// The folder has a database; the master keys are not there; the backup is not whole.
pub fn restore(settings: &Settings, from: &Path) -> Result<Vec<Chain>, Error> {
    let manifest = checked(from)?;
    let folder = &settings.folder;
    if settings.database.is_some() {
        return Err(Error::Settings(
            "restore: a Postgres database is restored by pg_restore, the folder by a copy".into(),
        ));
    }
    if folder.join(DATABASE).exists() {
        return Err(Error::Settings(format!(
            "restore: expected a folder without database, got {}",
            folder.display()
        )));
    }
    drop(Keyring::read(&settings.keyring())?);
    let alone = lock(settings, true)?;
    let put = || -> io::Result<()> {
        disk::make_folder(&folder.join("blobs"))?;
        for blob in &manifest.blobs {
            copy(&from.join("blobs").join(blob), &folder.join("blobs").join(blob))?;
        }
        disk::sync_folder(&folder.join("blobs"))?;
        copy(&from.join(NOTES), &folder.join(NOTES))?;
        // The database comes last: a folder without it is empty, and the restore is begun again.
        let beside: PathBuf = folder.join("restored.new");
        copy(&from.join(DATABASE), &beside)?;
        fs::rename(&beside, folder.join(DATABASE))?;
        disk::sync_folder(folder)
    };
    put().map_err(|source| Error::write(folder, source))?;
    drop(alone);
    verify_audit(settings)
}

/// The manifest of a backup whose every byte is as it was written.
fn checked(from: &Path) -> Result<Manifest, Error> {
    let path = from.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|source| Error::open(&path, source))?;
    let damaged = |what: String| Error::Corrupt { what: format!("the backup's {what}") };
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|_| damaged("manifest".into()))?;
    if digest(&from.join(DATABASE))? != manifest.database {
        return Err(damaged("database".into()));
    }
    for blob in &manifest.blobs {
        let named = blob.len() == 64 && blob.bytes().all(|it| it.is_ascii_hexdigit());
        if !named || digest(&from.join("blobs").join(blob))? != *blob {
            return Err(damaged(format!("blob {blob}")));
        }
    }
    Ok(manifest)
}

fn digest(path: &Path) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    let read = fs::File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    read.map_err(|source| Error::open(path, source))?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let _ = fs::remove_file(to);
    let mut source = fs::File::open(from)?;
    let mut target = disk::create(to)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()
}
