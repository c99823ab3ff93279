//! Which request is computed next: earliest deadline first in two classes, bounded, with opportunistic batches.
//!
//! A pure state machine: time comes in as milliseconds, nothing sleeps, nothing is sent. What runs it is
//! [`Executors`](crate::executor::Executors); what proves it is the seeded simulation below.

#[cfg(test)]
mod simulation;

use std::collections::BTreeMap;

/// Milliseconds on the server's own clock.
pub(crate) type Millis = u64;

/// Somebody waits for it, or nobody does. Interactive requests go first, whatever their deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Interactive,
    Batch,
}

/// How much may wait, and how much is computed at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Requests that may wait.
    pub requests: usize,
    /// Bytes of their inputs that may wait.
    pub bytes: usize,
    /// Cost of a batch; a request that costs more runs alone.
    pub batch_cost: u64,
    /// Executors that take from the queue, at least one.
    pub executors: u64,
}

/// A request, as far as its turn depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub class: Class,
    /// When an answer is worth nothing any more.
    pub deadline: Millis,
    /// Work in any unit that all requests share: elements of the inputs.
    pub cost: u64,
    /// Memory its inputs hold while it waits.
    pub bytes: usize,
    /// Requests of one lane may share a batch; none never does.
    pub lane: Option<u64>,
}

/// A request's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// Why a request was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no room, or its turn would come after its deadline; worth another try after so many milliseconds.
    Full { retry: Millis },
    /// Its deadline has passed already.
    Expired,
}

/// A request's standing before it was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Withdrawn {
    /// It had not begun, and never will.
    Waiting,
    /// It runs; its answer will be thrown away.
    Running,
    /// It was over.
    Gone,
}

/// The order of turns: class, deadline, then who came first.
type Turn = (Class, Millis, Ticket);

#[derive(Debug)]
pub(crate) struct Queue {
    bounds: Bounds,
    waiting: BTreeMap<Turn, Ask>,
    turns: BTreeMap<Ticket, Turn>,
    running: BTreeMap<Ticket, Ask>,
    bytes: usize,
    /// Cost that waits in each class.
    cost: [u64; 2],
    next: u64,
    /// Milliseconds a unit of cost takes, learnt from finished batches; none before the first.
    pace: Option<f64>,
}

/// Weight of the latest batch in the learnt pace.
const PACE_WEIGHT: f64 = 0.2;
/// Shortest and longest pause that a refused client is asked for.
const RETRY: (Millis, Millis) = (1_000, 60_000);

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            waiting: BTreeMap::new(),
            turns: BTreeMap::new(),
            running: BTreeMap::new(),
            bytes: 0,
            cost: [0; 2],
            next: 0,
            pace: None,
        }
    }

    /// Takes a request in, or says why not.
    pub(crate) fn admit(&mut self, now: Millis, ask: Ask) -> Result<Ticket, Refused> {
        if ask.deadline <= now {
            return Err(Refused::Expired);
        }
        let room = self.waiting.len() < self.bounds.requests
            && ask.bytes <= self.bounds.bytes.saturating_sub(self.bytes);
        let wait = self.wait(ask.class);
        if !room || now.saturating_add(wait) >= ask.deadline {
            return Err(Refused::Full { retry: wait.clamp(RETRY.0, RETRY.1) });
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        let turn = (ask.class, ask.deadline, ticket);
        self.waiting.insert(turn, ask);
        self.turns.insert(ticket, turn);
        self.bytes += ask.bytes;
        self.cost[ask.class as usize] += ask.cost;
        Ok(ticket)
    }

    /// The client left. What waits is dropped uncomputed.
    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> Withdrawn {
        match self.turns.get(&ticket).copied() {
            Some(turn) => {
                self.leave(turn);
                Withdrawn::Waiting
            }
            None if self.running.contains_key(&ticket) => Withdrawn::Running,
            None => Withdrawn::Gone,
        }
    }

    /// Drops what can no longer be answered in time, and says what it was.
    pub(crate) fn expire(&mut self, now: Millis) -> Vec<Ticket> {
        let late: Vec<Turn> = [Class::Interactive, Class::Batch]
            .into_iter()
            .flat_map(|class| self.waiting.range((class, 0, Ticket(0))..=(class, now, Ticket(u64::MAX))))
            .map(|(turn, _)| *turn)
            .collect();
        for turn in &late {
            self.leave(*turn);
        }
        late.into_iter().map(|(_, _, ticket)| ticket).collect()
    }

    /// The next batch for an executor that is free: the first in turn, and of its lane whatever else fits its cost. Nothing that
    /// has expired; call [`expire`](Self::expire) first to learn of those.
    pub(crate) fn take(&mut self, now: Millis) -> Vec<Ticket> {
        let Some((&first, &ask)) = self.waiting.iter().find(|((_, deadline, _), _)| *deadline > now) else {
            return vec![];
        };
        let mut batch = vec![first];
        let mut cost = ask.cost;
        if ask.lane.is_some() {
            let same = |(turn, it): &(&Turn, &Ask)| it.lane == ask.lane && **turn != first && turn.1 > now;
            for (turn, it) in self.waiting.iter().filter(same) {
                if cost.saturating_add(it.cost) > self.bounds.batch_cost {
                    break;
                }
                cost += it.cost;
                batch.push(*turn);
            }
        }
        for turn in &batch {
            if let Some(ask) = self.leave(*turn) {
                self.running.insert(turn.2, ask);
            }
        }
        batch.into_iter().map(|(_, _, ticket)| ticket).collect()
    }

    /// A batch is computed; it took so many milliseconds.
    pub(crate) fn finish(&mut self, batch: &[Ticket], took: f64) {
        let cost: u64 = batch.iter().filter_map(|it| self.running.remove(it)).map(|it| it.cost).sum();
        if cost > 0 {
            let pace = took / cost as f64;
            self.pace =
                Some(self.pace.map_or(pace, |known| known * (1.0 - PACE_WEIGHT) + pace * PACE_WEIGHT));
        }
    }

    /// Requests that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How long a request of this class is likely to wait, by what is before it and the pace so far.
    fn wait(&self, class: Class) -> Millis {
        let running: u64 = self.running.values().map(|it| it.cost).sum();
        let waiting = match class {
            Class::Interactive => self.cost[0],
            Class::Batch => self.cost[0] + self.cost[1],
        };
        let cost = running.saturating_add(waiting) as f64;
        (cost * self.pace.unwrap_or(0.0) / self.bounds.executors.max(1) as f64) as Millis
    }

    fn leave(&mut self, turn: Turn) -> Option<Ask> {
        let ask = self.waiting.remove(&turn)?;
        self.turns.remove(&turn.2);
        self.bytes -= ask.bytes;
        self.cost[ask.class as usize] -= ask.cost;
        Some(ask)
    }
}
