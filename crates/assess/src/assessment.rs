//! What Inkling concludes from one session. No bare number can be built: a score comes with interval, band and card.

use learn::{Card, Score};
use study::{Session, Task};

use crate::{
    Error,
    measurement::Measured,
    norm::{Changes, Norms, Stands},
};

/// What was handed in for a task, measured.
#[derive(Debug, Clone)]
pub struct Performed {
    /// The task as the session names it.
    pub task: Task,
    /// The values, or why there are none.
    pub measured: Measured,
}

/// The one answer to the question that a session asks.
#[derive(Debug, Clone)]
pub enum Conclusion {
    /// There is a score, and it may be read.
    Scored(Box<Score>),
    /// A screener was asked, and says why its score should not be read.
    Inconclusive {
        /// The score, where one could be computed.
        score: Option<Box<Score>>,
        /// Why it does not count.
        reasons: Vec<String>,
    },
    /// There are values, and no screener for them.
    NoScreener {
        /// Why.
        reason: String,
    },
    /// Nothing that was handed in could be measured.
    Declined {
        /// Why, one for each submission.
        reasons: Vec<String>,
    },
}

impl Conclusion {
    /// The score, if one was computed, conclusive or not.
    pub fn score(&self) -> Option<&Score> {
        match self {
            Self::Scored(score) => Some(score),
            Self::Inconclusive { score, .. } => score.as_deref(),
            Self::NoScreener { .. } | Self::Declined { .. } => None,
        }
    }

    /// One word for it: `scored`, `inconclusive`, `no screener`, `declined`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scored(_) => "scored",
            Self::Inconclusive { .. } => "inconclusive",
            Self::NoScreener { .. } => "no screener",
            Self::Declined { .. } => "declined",
        }
    }
}

/// A session, what was measured of it, and what follows.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// Who, when, and what was handed in.
    pub session: Session,
    /// Every recording and drawing, in the order of the session.
    pub performed: Vec<Performed>,
    /// What follows from them.
    pub conclusion: Conclusion,
    /// The card of the screener that was asked.
    pub card: Option<Box<Card>>,
    /// Where its values stand among published ones; empty until [`with_norms`](Self::with_norms).
    pub standings: Vec<Stands>,
    /// What has changed since an earlier session, where one was given.
    pub changes: Option<Changes>,
}

impl Assessment {
    /// The same with where its values stand among published ones.
    pub fn with_norms(mut self, norms: &Norms) -> Self {
        self.standings = norms.standings(&self);
        self
    }

    /// The same with what has changed since an earlier session of the same participant.
    pub fn since(mut self, earlier: &Self, norms: &Norms) -> Result<Self, Error> {
        self.changes = Some(norms.changes(earlier, &self)?);
        Ok(self)
    }
}
