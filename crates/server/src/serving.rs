//! The server itself: listens, serves, drains.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{
    body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tower::ServiceExt;

use crate::{Error, Settings, api, app::App, assessing, keeping};

/// Threads that answer requests; networks and assessments have their own.
const ANSWERING: usize = 2;

/// A server that runs until it is stopped. All of its threads end with it.
pub struct Server {
    runtime: Runtime,
    app: Arc<App>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the folder and the database, takes up the jobs that were left, and listens.
    ///
    /// # Errors
    /// Settings, folder, keys, database, networks or the address cannot be worked with.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let runtime = runtime()?;
        let (app, listener) = runtime.block_on(async {
            let listen = settings.listen;
            let app = App::open(settings).await?;
            let listener = TcpListener::bind(listen).await.map_err(|it| {
                Error::Settings(format!("listen: expected a free address, got {listen}: {it}"))
            })?;
            Ok::<_, Error>((app, listener))
        })?;
        let address = listener.local_addr().map_err(|it| Error::Settings(it.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let _inside = runtime.enter();
        let serving = tokio::spawn(serve(listener, Arc::clone(&app), stopped));
        let assessors =
            (0..app.settings.assess_threads).map(|_| tokio::spawn(assessing::work(Arc::clone(&app))));
        let workers = assessors.collect();
        tokio::spawn(keeping::keep_house(Arc::clone(&app)));
        drop(_inside);
        Ok(Self { runtime, app, address, stop, serving, workers })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the first account is made with from elsewhere than this machine; none once there is one.
    pub fn setup_token(&self) -> Option<&str> {
        self.app.setup_token.as_deref()
    }

    /// Serves until the process is told to end (SIGTERM, SIGINT), then stops as [`stop`](Self::stop) does.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub fn until_told(self) -> Result<(), Error> {
        self.runtime.block_on(told())?;
        self.stop()
    }

    /// Begins nothing more, answers what was begun, gives back what is not done in time, and ends.
    ///
    /// # Errors
    /// The last notes of the audit chains could not be written.
    pub fn stop(self) -> Result<(), Error> {
        let Self { runtime, app, stop, serving, workers, .. } = self;
        let noted = runtime.block_on(async {
            app.drain();
            let _ = stop.send(true);
            let patience = Duration::from_secs(app.settings.drain_seconds);
            let drained = async {
                let _ = serving.await;
                for worker in workers {
                    let _ = worker.await;
                }
            };
            if tokio::time::timeout(patience, drained).await.is_err() {
                tracing::warn!("not everything was done in time; what was not is done at the next start");
            }
            let stopping = Arc::clone(&app);
            let _ = tokio::task::spawn_blocking(move || stopping.executors.stop()).await;
            let noted = app.store.note_checkpoints(&app.settings.checkpoints()).await;
            app.store.close().await;
            noted
        });
        runtime.shutdown_timeout(Duration::from_secs(1));
        noted
    }
}

/// The runtime of everything that waits.
pub(crate) fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(ANSWERING)
        .thread_name("answering")
        .enable_all()
        .build()
        .map_err(|it| Error::Broken(it.to_string()))
}

/// Waits for SIGTERM or SIGINT.
async fn told() -> Result<(), Error> {
    let broken = |it: std::io::Error| Error::Broken(it.to_string());
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) = (
            signal(SignalKind::terminate()).map_err(broken)?,
            signal(SignalKind::interrupt()).map_err(broken)?,
        );
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(broken)
}

/// Takes connections until told to stop, never more at once than the settings say.
async fn serve(listener: TcpListener, app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let (router, graceful) = (api::router(&app), GracefulShutdown::new());
    let room = Arc::new(Semaphore::new(app.settings.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stopped.changed() => break,
        };
        let Some((stream, peer, place)) = accepted else { break };
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(app.settings.patience_seconds))
            .max_buf_size(64 * 1024);
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let answering = service_fn(move |request| answer(router.clone(), request, peer));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), answering));
        tokio::spawn(async move {
            // A connection that breaks off is the client's business.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return Some((stream, peer, place)),
            Err(error) => {
                // Out of files, mostly: connections that end make room.
                tracing::warn!(cause = %error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<axum::response::Response, Infallible> {
    let (mut parts, body) = request.into_parts();
    let body = Lingering(Arc::new(Mutex::new(body)));
    parts.extensions.insert(ConnectInfo(peer));
    let answered = router.oneshot(Request::from_parts(parts, Body::new(body.clone()))).await;
    if !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(LINGER, body.drain()));
    }
    answered
}

/// How long, and how much of, a refused body is still read: a client that only writes would else never see the answer, because
/// a connection that is closed with unread bytes takes the answer with it.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// A request's body that outlives who was to read it.
#[derive(Clone)]
struct Lingering(Arc<Mutex<Incoming>>);

impl Lingering {
    fn inner(&self) -> MutexGuard<'_, Incoming> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn drain(mut self) {
        let mut left = LINGER_BYTES;
        while left > 0 {
            let frame = std::future::poll_fn(|it| Pin::new(&mut self).poll_frame(it)).await;
            let Some(Ok(frame)) = frame else { return };
            left = left.saturating_sub(frame.data_ref().map_or(0, |it| it.len()));
        }
    }
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut *self.inner()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner().size_hint()
    }
}
