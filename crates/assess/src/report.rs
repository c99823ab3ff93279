//! An assessment as text, page and JSON. The words are the same everywhere: `wording` holds them once.

mod card_page;
mod compared;
mod costs;
mod json;
mod key;
mod page;
mod published;
mod reference;
mod text;
mod wording;

use crate::assessment::Conclusion;

pub(crate) use key::is_key;

pub use card_page::{card_page, graded_page};
pub use compared::{Compared, Judged, compared_page, compared_text};
pub use costs::{cost_markdown, cost_refusal, cost_svg, cost_text, network_markdown};
pub use json::report_json;
pub(crate) use page::document;
pub use page::report_page;
pub use text::{measured_text, report_text};

/// What a conclusion says first.
pub(crate) fn conclusion_headline(conclusion: &Conclusion) -> &'static str {
    wording::headline(conclusion)
}

/// Why there is no score to read; empty for a score.
pub(crate) fn conclusion_reasons(conclusion: &Conclusion) -> Vec<String> {
    wording::why_not(conclusion)
}

/// How an assessment is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wording {
    /// Share of impaired people among those who are screened; a probability is only ever shown at this prevalence.
    pub prevalence: f64,
}

/// Dementia among people of 65 and older in Korea: 9.25 % (national survey of 2023).
pub const PREVALENCE: f64 = 0.0925;

impl Default for Wording {
    fn default() -> Self {
        Self { prevalence: PREVALENCE }
    }
}
