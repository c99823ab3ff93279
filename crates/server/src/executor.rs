//! The threads that run networks, and how a request waits for one of them.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use neural::Tensors;
use tokio::sync::oneshot;

use crate::{
    Error,
    network::Loaded,
    queue::{Ask, Bounds, Class, Millis, Queue, Refused, Ticket},
};

/// Threads of their own, so that health and sign-in are answered while every one of them computes.
pub(crate) struct Executors {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    start: Instant,
}

struct State {
    queue: Queue,
    work: HashMap<Ticket, Work>,
    stopping: bool,
}

struct Work {
    network: Arc<Loaded>,
    inputs: Tensors,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Tensors, Error>;

/// How a request wants to be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub class: Class,
    pub within: Duration,
}

impl Executors {
    pub(crate) fn start(bounds: Bounds) -> Result<Self, Error> {
        let state = State { queue: Queue::new(bounds), work: HashMap::new(), stopping: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new(), start: Instant::now() });
        let begin = |place: u64| {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("network-{place}"));
            thread.spawn(move || shared.work()).map_err(|it| Error::Broken(it.to_string()))
        };
        let threads = (0..bounds.executors.max(1)).map(begin).collect::<Result<_, _>>()?;
        Ok(Self { shared, threads: Mutex::new(threads) })
    }

    /// Runs a network on inputs that were checked against it. Answered at the deadline at the latest; dropped by its client,
    /// what has not begun never does.
    pub(crate) async fn run(&self, network: Arc<Loaded>, inputs: Tensors, terms: Terms) -> Answer {
        let (answer, answered) = oneshot::channel();
        let ticket = self.shared.admit(Work { network, inputs, answer }, terms)?;
        let leaving = Leaving { shared: &self.shared, ticket };
        let waited = tokio::time::timeout(terms.within, answered).await;
        drop(leaving);
        match waited {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Error::Expired),
        }
    }

    /// Requests that wait, and bytes of their inputs.
    pub(crate) fn depth(&self) -> (usize, usize) {
        let state = self.shared.lock();
        (state.queue.len(), state.queue.bytes())
    }

    /// Finishes what waits, then ends the threads.
    pub(crate) fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.wake.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has logged why; there is nothing left to wait for.
            let _ = thread.join();
        }
    }
}

/// Withdraws a request when its client is gone, or has its answer.
struct Leaving<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.queue.withdraw(self.ticket);
        state.work.remove(&self.ticket);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Millis {
        self.start.elapsed().as_millis() as Millis
    }

    fn admit(&self, work: Work, terms: Terms) -> Result<Ticket, Error> {
        let elements: usize = work.inputs.iter().map(|(_, it)| it.count()).sum();
        let ask = Ask {
            class: terms.class,
            deadline: self.now() + terms.within.as_millis() as Millis,
            cost: elements.max(1) as u64,
            bytes: work.inputs.iter().map(|(_, it)| it.dtype().bytes(it.count())).sum(),
            lane: work.network.lane(&work.inputs),
        };
        let mut state = self.lock();
        if state.stopping {
            return Err(Error::Draining);
        }
        let ticket = state.queue.admit(self.now(), ask).map_err(|refused| match refused {
            Refused::Full { retry } => Error::QueueFull { seconds: retry.div_ceil(1_000) },
            Refused::Expired => Error::Expired,
        })?;
        state.work.insert(ticket, work);
        drop(state);
        self.wake.notify_one();
        Ok(ticket)
    }

    /// An executor's life: the next batch, as long as there is one or may come one.
    fn work(&self) {
        loop {
            let Some((tickets, batch)) = self.next() else { return };
            let begun = Instant::now();
            run(batch);
            self.lock().queue.finish(&tickets, begun.elapsed().as_secs_f64() * 1e3);
        }
    }

    fn next(&self) -> Option<(Vec<Ticket>, Vec<Work>)> {
        let mut state = self.lock();
        loop {
            let now = self.now();
            for late in state.queue.expire(now) {
                // Its client is told at the deadline by its own timer.
                state.work.remove(&late);
            }
            let tickets = state.queue.take(now);
            if !tickets.is_empty() {
                let batch = tickets.iter().filter_map(|it| state.work.remove(it)).collect();
                return Some((tickets, batch));
            }
            if state.stopping {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs a batch of one lane and sends each its answer; a client that left takes none.
fn run(batch: Vec<Work>) {
    let Some(network) = batch.first().map(|it| Arc::clone(&it.network)) else { return };
    let (inputs, senders): (Vec<Tensors>, Vec<_>) =
        batch.into_iter().map(|it| (it.inputs, it.answer)).unzip();
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| network.run(&inputs)));
    let broke = || Err(Error::Broken(format!("network {} panicked", network.name)));
    let answers: Vec<Answer> = match ran {
        Ok(answers) => answers.into_iter().map(|it| Ok(it?)).collect(),
        Err(_) => senders.iter().map(|_| broke()).collect(),
    };
    for (sender, answer) in senders.into_iter().zip(answers) {
        let _ = sender.send(answer);
    }
}
