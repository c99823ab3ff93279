//! Random days in the life of a queue: every seed is one, and a broken promise prints its seed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ask, Bounds, Class, Millis, Queue, Refused, Ticket, Withdrawn};

/// Splitmix64 (Steele, Lea and Flood 2014): one number after another from a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What the world knows of the queue, kept apart from it.
struct World {
    chance: Chance,
    queue: Queue,
    bounds: Bounds,
    now: Millis,
    waiting: BTreeMap<Ticket, Ask>,
    batches: Vec<Vec<Ticket>>,
    ended: BTreeSet<Ticket>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let bounds = Bounds {
            requests: 1 + chance.below(20) as usize,
            bytes: 100 + chance.below(2_000) as usize,
            batch_cost: 1 + chance.below(60),
            executors: 1 + chance.below(3),
        };
        let queue = Queue::new(bounds);
        let (waiting, batches, ended) = (BTreeMap::new(), vec![], BTreeSet::new());
        Self { chance, queue, bounds, now: 0, waiting, batches, ended }
    }

    fn event(&mut self) {
        match self.chance.below(10) {
            0..=4 => self.arrives(),
            5 => self.leaves(),
            6 | 7 => self.begins(),
            8 => self.finishes(),
            _ => self.time_goes_on(),
        }
        self.keeps_its_bounds();
    }

    fn arrives(&mut self) {
        let class = if self.chance.below(3) == 0 { Class::Batch } else { Class::Interactive };
        let deadline = (self.now + self.chance.below(200)).saturating_sub(5);
        let (cost, bytes) = (1 + self.chance.below(40), self.chance.below(300) as usize);
        let lane = Some(self.chance.below(4)).filter(|it| *it > 0);
        let ask = Ask { class, deadline, cost, bytes, lane };
        match self.queue.admit(self.now, ask) {
            Ok(ticket) => {
                assert!(deadline > self.now, "an expired request was taken in");
                assert!(!self.ended.contains(&ticket), "a ticket was given twice");
                assert!(self.waiting.insert(ticket, ask).is_none(), "a ticket was given twice");
            }
            Err(Refused::Expired) => assert!(deadline <= self.now),
            Err(Refused::Full { retry }) => assert!((1_000..=60_000).contains(&retry)),
        }
    }

    fn leaves(&mut self) {
        let all: Vec<Ticket> =
            self.waiting.keys().chain(self.batches.iter().flatten()).chain(&self.ended).copied().collect();
        if all.is_empty() {
            return;
        }
        let ticket = all[self.chance.below(all.len() as u64) as usize];
        let expected = match ticket {
            it if self.waiting.contains_key(&it) => Withdrawn::Waiting,
            it if self.ended.contains(&it) => Withdrawn::Gone,
            _ => Withdrawn::Running,
        };
        assert_eq!(self.queue.withdraw(ticket), expected);
        if expected == Withdrawn::Waiting {
            self.end(ticket);
        }
    }

    fn begins(&mut self) {
        self.expires();
        if self.batches.len() as u64 >= self.bounds.executors {
            return;
        }
        let batch = self.queue.take(self.now);
        assert_eq!(
            batch.is_empty(),
            self.waiting.is_empty(),
            "an executor was left idle while somebody waits"
        );
        let Some(&first) = batch.first() else { return };
        let asks: Vec<Ask> = batch.iter().map(|it| self.waiting[it]).collect();
        let turn = |ticket: &Ticket| (self.waiting[ticket].class, self.waiting[ticket].deadline, *ticket);
        assert_eq!(self.waiting.keys().map(turn).min(), Some(turn(&first)), "somebody was passed over");
        assert!(asks.iter().all(|it| it.deadline > self.now), "an expired request was computed");
        assert!(asks.len() == 1 || asks.iter().all(|it| it.lane.is_some() && it.lane == asks[0].lane));
        let cost: u64 = asks.iter().map(|it| it.cost).sum();
        assert!(asks.len() == 1 || cost <= self.bounds.batch_cost, "a batch costs {cost}");
        for ticket in &batch {
            assert!(self.waiting.remove(ticket).is_some(), "a request was computed twice");
        }
        self.batches.push(batch);
    }

    fn finishes(&mut self) {
        if self.batches.is_empty() {
            return;
        }
        let which = self.chance.below(self.batches.len() as u64) as usize;
        let batch = self.batches.swap_remove(which);
        let took = self.chance.below(30) as f64;
        self.queue.finish(&batch, took);
        batch.into_iter().for_each(|it| self.end(it));
    }

    fn time_goes_on(&mut self) {
        self.now += self.chance.below(50);
        self.expires();
    }

    fn expires(&mut self) {
        let late: BTreeSet<Ticket> = self.queue.expire(self.now).into_iter().collect();
        let expected =
            self.waiting.iter().filter(|(_, ask)| ask.deadline <= self.now).map(|(it, _)| *it).collect();
        assert_eq!(late, expected, "expired requests are exactly those that are late");
        late.into_iter().for_each(|it| self.end(it));
    }

    fn end(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
        assert!(self.ended.insert(ticket), "a request ended twice");
    }

    fn keeps_its_bounds(&self) {
        assert_eq!(self.queue.len(), self.waiting.len());
        assert!(self.queue.len() <= self.bounds.requests && self.queue.bytes() <= self.bounds.bytes);
        assert_eq!(self.queue.bytes(), self.waiting.values().map(|it| it.bytes).sum::<usize>());
    }

    /// Nobody comes any more: everything that waits is computed or expires, and nothing is left.
    fn closes(&mut self) {
        while !self.waiting.is_empty() || !self.batches.is_empty() {
            self.finishes();
            self.begins();
        }
        assert_eq!((self.queue.len(), self.queue.bytes()), (0, 0));
        assert_eq!(self.queue.cost, [0; 2]);
        assert!(self.queue.running.is_empty() && self.queue.turns.is_empty());
    }
}

fn simulate(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let day = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..200).for_each(|_| world.event());
            world.closes();
        });
        assert!(day.is_ok(), "seed {seed} breaks a promise of the queue");
    }
}

#[test]
fn a_queue_keeps_its_promises_on_two_thousand_random_days() {
    simulate(0..2_000);
}

/// `make soak`.
#[test]
#[ignore = "a hundred thousand days: make soak"]
fn a_queue_keeps_its_promises_on_a_hundred_thousand_random_days() {
    simulate(0..100_000);
}

fn ask(class: Class, deadline: Millis) -> Ask {
    Ask { class, deadline, cost: 10, bytes: 1, lane: Some(1) }
}

const BOUNDS: Bounds = Bounds { requests: 4, bytes: 100, batch_cost: 20, executors: 1 };

#[test]
fn interactive_requests_go_before_batch_ones_whatever_their_deadlines() {
    let mut queue = Queue::new(BOUNDS);
    let batch = queue.admit(0, ask(Class::Batch, 5)).unwrap();
    let (later, sooner) = (
        queue.admit(0, ask(Class::Interactive, 9)).unwrap(),
        queue.admit(0, ask(Class::Interactive, 8)).unwrap(),
    );
    assert_eq!(queue.take(1), [sooner, later]);
    assert_eq!(queue.take(1), [batch]);
}

#[test]
fn a_request_whose_turn_would_come_too_late_is_refused_at_once() {
    let mut queue = Queue::new(BOUNDS);
    queue.admit(0, ask(Class::Interactive, 1_000)).unwrap();
    let first = queue.take(0);
    queue.finish(&first, 50.0); // 5 ms a unit
    queue.admit(0, ask(Class::Interactive, 1_000)).unwrap();
    assert_eq!(queue.admit(0, ask(Class::Interactive, 40)), Err(Refused::Full { retry: 1_000 }));
    assert!(queue.admit(0, ask(Class::Interactive, 60)).is_ok());
}

#[test]
fn a_full_queue_refuses_by_number_and_by_bytes() {
    let mut queue = Queue::new(Bounds { requests: 2, ..BOUNDS });
    assert!(queue.admit(0, Ask { bytes: 99, ..ask(Class::Batch, 9) }).is_ok());
    assert!(matches!(queue.admit(0, Ask { bytes: 2, ..ask(Class::Batch, 9) }), Err(Refused::Full { .. })));
    assert!(queue.admit(0, ask(Class::Batch, 9)).is_ok());
    assert!(matches!(queue.admit(0, Ask { bytes: 0, ..ask(Class::Batch, 9) }), Err(Refused::Full { .. })));
}
