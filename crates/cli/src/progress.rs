//! Progress on stderr, shown only to a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `total` things called `noun`.
pub(crate) fn bar(total: usize, noun: &str) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}s {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(noun.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A bar for each stage of a long computation, one after another.
pub(crate) struct Stages {
    bar: ProgressBar,
}

impl Stages {
    /// No stage has begun.
    pub(crate) fn new() -> Self {
        Self { bar: bar(0, "step") }
    }

    /// Shows how far a stage is. Called from several threads.
    pub(crate) fn show(&self, progress: learn::evaluate::Progress) {
        if self.bar.length() != Some(progress.of as u64) {
            self.bar.set_length(progress.of as u64);
        }
        self.bar.set_message(format!("{}, step", progress.stage));
        self.bar.set_position(progress.done as u64);
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
