//! Everything that requests share.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use assess::{Assessor, Fitted, Intake, Norms};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio::sync::Notify;

use crate::{
    Error, api, disk,
    executor::Executors,
    limit::RateLimits,
    metrics::Metrics,
    network::Served,
    queue::Bounds,
    role::Role,
    seal::{self, Keyring},
    settings::Settings,
    store::{Store, accounts},
    token::Tokens,
};

/// The house while it serves.
pub(crate) struct App {
    pub settings: Settings,
    pub store: Store,
    pub executors: Executors,
    pub networks: Served,
    pub limits: RateLimits,
    pub tokens: Tokens,
    pub metrics: Metrics,
    /// Who may do what: operation (`GET /v1/accounts`) to roles, read from the OpenAPI.
    pub permits: HashMap<String, Permit>,
    /// The OpenAPI document as it is answered.
    pub openapi: String,
    /// Wakes those who assess.
    pub work: Notify,
    /// What the first account is made with from elsewhere than this machine; none once there is one.
    pub setup_token: Option<String>,
    assessor: RwLock<Arc<Assessor>>,
    norms: Norms,
    devices: Mutex<HashMap<[u8; 32], (accounts::Device, Instant)>>,
    draining: AtomicBool,
    /// Held while the server serves: what must not happen meanwhile asks for it alone.
    _lock: File,
}

/// Who may ask for an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Permit {
    /// Anybody.
    Public,
    /// These roles.
    Roles(Vec<Role>),
}

/// How long a device's key is believed without asking the database: a key that another server revoked works no longer.
const DEVICE_TRUST: Duration = Duration::from_secs(5);
/// Device keys remembered at once.
const DEVICES: usize = 10_000;

impl App {
    /// Opens everything below the settings' folder.
    pub(crate) async fn open(settings: Settings) -> Result<Arc<Self>, Error> {
        let settings = settings.checked()?;
        disk::make_folder(&settings.folder).map_err(|source| Error::write(&settings.folder, source))?;
        let lock = lock(&settings, false)?;
        let store = open_store(&settings, true).await?;
        let bounds = Bounds {
            requests: settings.queue_requests,
            bytes: settings.queue_bytes,
            batch_cost: settings.batch_cost,
            executors: settings.network_threads as u64,
        };
        let setup_token = match accounts::any_tenant(&mut *store.read().await?).await? {
            true => None,
            false => Some(BASE64_URL_SAFE_NO_PAD.encode(&seal::fresh_key()[..15])),
        };
        let (document, permits) = api::described();
        Ok(Arc::new(Self {
            executors: Executors::start(bounds)?,
            networks: Served::open(&settings.networks)?,
            limits: RateLimits::new(&settings),
            tokens: Tokens::new(&store.keyring, settings.access_minutes),
            metrics: Metrics::new(),
            permits,
            openapi: document,
            work: Notify::new(),
            setup_token,
            assessor: RwLock::new(Arc::new(assessor(&settings)?)),
            norms: Norms::of_site(Some(&settings.folder))?,
            devices: Mutex::new(HashMap::new()),
            draining: AtomicBool::new(false),
            _lock: lock,
            settings,
            store,
        }))
    }

    /// Who assesses now. An assessment keeps the one it began with.
    pub(crate) fn assessor(&self) -> Arc<Assessor> {
        Arc::clone(&self.assessor.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn norms(&self) -> &Norms {
        &self.norms
    }

    /// Reads the screeners again. All of them are read and checked before any is used: where one fails, the old ones go on.
    pub(crate) fn reload_screeners(&self) -> Result<usize, Error> {
        let fresh = assessor(&self.settings)?;
        let count = fresh.screeners().len();
        *self.assessor.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(count)
    }

    /// The device of a key, from memory where it was seen a moment ago.
    pub(crate) async fn device(&self, digest: &[u8; 32]) -> Result<Option<accounts::Device>, Error> {
        let known = self.known_devices().get(digest).filter(|it| it.1.elapsed() < DEVICE_TRUST).cloned();
        if let Some((device, _)) = known {
            return Ok(Some(device));
        }
        let device = accounts::device_by_key(&mut *self.store.read().await?, digest).await?;
        let device = device.filter(|it| it.revoked.is_none());
        let mut known = self.known_devices();
        match &device {
            Some(device) => {
                if known.len() >= DEVICES {
                    known.retain(|_, it| it.1.elapsed() < DEVICE_TRUST);
                }
                if known.len() < DEVICES {
                    known.insert(*digest, (device.clone(), Instant::now()));
                }
            }
            None => drop(known.remove(digest)),
        }
        Ok(device)
    }

    /// A device's key is void from here on.
    pub(crate) fn forget_device(&self, id: &str) {
        self.known_devices().retain(|_, it| it.0.id != id);
    }

    fn known_devices(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], (accounts::Device, Instant)>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No new work is begun from here on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        self.work.notify_waiters();
    }

    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

/// Holds the folder: servers together, what changes the keys or the whole of it alone.
pub(crate) fn lock(settings: &Settings, alone: bool) -> Result<File, Error> {
    let path = settings.folder.join("server.lock");
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|source| Error::open(&path, source))?;
    let held = if alone { file.try_lock() } else { file.try_lock_shared() };
    let reason = "expected a folder that nobody uses, got one in use; stop the server first";
    held.map(|()| file).map_err(|_| Error::Settings(format!("{}: {reason}", settings.folder.display())))
}

/// The store of these settings; `make` makes the folder and the keys where there are none.
pub(crate) async fn open_store(settings: &Settings, make: bool) -> Result<Store, Error> {
    let path = settings.keyring();
    let keyring = match make {
        true => {
            disk::make_folder(&settings.folder).map_err(|source| Error::write(&settings.folder, source))?;
            fits(settings, &path)?;
            Keyring::read_or_make(&path)?
        }
        false => Keyring::read(&path)?,
    };
    Store::open(settings.database.as_deref(), &settings.folder, keyring).await
}

/// A database without its keys must not get new ones: what is in it would be taken for damaged.
fn fits(settings: &Settings, keyring: &Path) -> Result<(), Error> {
    let orphaned =
        settings.database.is_none() && settings.folder.join("inkling.db").exists() && !keyring.exists();
    let reason = "expected the master keys of the database in this folder, got no such file".to_owned();
    match orphaned {
        true => Err(Error::Keyring { path: keyring.to_owned(), reason }),
        false => Ok(()),
    }
}

fn assessor(settings: &Settings) -> Result<Assessor, Error> {
    let mut screeners = Fitted::shipped()?;
    screeners.extend(Fitted::below(&settings.folder.join("screeners"))?);
    let mut intake = Intake::default();
    intake.sound.max_recording = feature::Seconds(settings.recording_seconds);
    intake.sound.max_bytes = settings.upload_bytes;
    Ok(Assessor::new(screeners, intake))
}
