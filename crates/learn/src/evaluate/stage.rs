//! One stage of a long computation: its name, who watches it, and where its finished pieces are kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Serialize, de::DeserializeOwned};

use super::{Progress, Watch, Work};
use crate::Error;

#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    name: &'static str,
    seen: Option<(&'a Work, Watch<'a>)>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(name: &'static str, work: &'a Work, watch: Watch<'a>) -> Self {
        Self { name, seen: Some((work, watch)) }
    }

    /// Watched by nobody, kept nowhere.
    pub(crate) fn silent() -> Self {
        Self { name: "", seen: None }
    }

    /// What to call after each of `of` steps, from any thread.
    pub(crate) fn steps(&self, of: usize) -> impl Fn() + Sync {
        let (done, Self { name: stage, seen }) = (AtomicUsize::new(0), *self);
        move || {
            let done = 1 + done.fetch_add(1, Ordering::Relaxed);
            if let Some((_, watch)) = seen {
                watch(Progress { stage, done, of });
            }
        }
    }

    /// A piece of the stage, from the work of an earlier run or computed.
    pub(crate) fn piece<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        compute: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.seen {
            Some((work, _)) => work.piece(&format!("{}/{name}", self.name), compute),
            None => compute(),
        }
    }
}
