//! The server's own clock: it starts at the wall's time and never steps.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970 that only go forward, whatever is done to the wall clock while the server runs: no lease is lost
/// and no token lives again because somebody set the time.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    origin: AtomicI64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis() as i64);
        Self { start: Instant::now(), origin: AtomicI64::new(wall) }
    }

    /// Goes on from `moment` where the wall clock was set back before it: what is in the store already happened.
    pub(crate) fn not_before(&self, moment: i64) {
        let ahead = moment - self.now();
        if ahead > 0 {
            self.origin.fetch_add(ahead, Ordering::Relaxed);
        }
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        self.origin.load(Ordering::Relaxed) + self.start.elapsed().as_millis() as i64
    }

    /// Seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.now().div_euclid(1_000)
    }
}

/// A moment as the API shows it: RFC 3339 in UTC.
pub(crate) fn rfc3339(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| String::new(), |it| it.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on_from_what_has_already_happened() {
        let clock = Clock::new();
        let ahead = clock.now() + 86_400_000;
        clock.not_before(ahead);
        assert!(clock.now() >= ahead);
        clock.not_before(5);
        assert!(clock.now() >= ahead);
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    }
}
