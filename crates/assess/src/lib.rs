//! From a session to a report: the one path that joins all rooms.
//!
//! **What comes in.** A session folder (`session.json` and its files), a bare recording or drawing, or a published data set.
//!
//! **What goes out.** An [`Assessment`] with its [`Conclusion`] (scored, inconclusive, no screener, declined: never a bare
//! number), as text ([`report_text`]), page ([`report_page`]), JSON ([`report_json`]) and FHIR R4 ([`fhir_bundle`]); every value of a file
//! ([`Measured`]); a cohort folder ([`import_cohort`]); the page of a card ([`card_page`]); the feature dictionary.
//!
//! **What is refused.** Nothing that a person hands in: a file that cannot be read is declined with the decoder's words and
//! reaches the report, and the other files go on. A session or cohort that is not of its shape is an [`Error`] that says where,
//! expected and got.
//!
//! # Example
//! ```
//! use assess::{Assessor, Fitted, Intake, Wording, report_text};
//!
//! let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/session"));
//! let assessor = Assessor::new(Fitted::shipped()?, Intake::default());
//! let text = report_text(&assessor.assess_folder(folder)?, Wording::default());
//! assert!(text.starts_with("Synthetic participant"));
//! assert!(text.contains("It does not diagnose."));
//! # Ok::<(), assess::Error>(())
//! ```
//!
//! Where to go next: `learn` for how a score is earned, `voice` and `ink` for how a value is measured.
#![forbid(unsafe_code)]

mod assessment;
mod assessor;
mod batch;
mod cohort;
mod dictionary;
mod error;
mod facts;
mod fhir;
mod figure;
mod intake;
mod measurement;
mod networks;
mod norm;
mod plot;
mod quantized;
mod report;
mod tabular;
mod training;
mod words;

pub use assessment::{Assessment, Conclusion, Performed};
pub use assessor::{Assessor, Fitted};
pub use batch::{Ending, Found, Journal, Shard, measure_files};
pub use cohort::{
    Characteristic, Gathered, Imported, Layout, Measuring, Rating, TableOne, import_cohort, measure_cohort,
    measure_part, table_one, table_one_html, table_one_text,
};
pub use dictionary::{dictionary, dictionary_markdown};
pub use error::Error;
pub use facts::{CaptureFacts, FileFacts};
pub use fhir::{Bundled, fhir_bundle, fhir_signed};
pub use intake::{Intake, Medium, Received, files, is_sound};
pub use measurement::{Analysis, Measured, Measurement, Valued, Voices, Whose, sets};
pub use networks::{Listed, Networks, home};
pub use norm::{Change, Changes, Judgement, Norms, Standing, Stands};
pub use plot::plot;
pub use quantized::{
    Candidate, JudgedSet, Scheme, ScreenerNetworks, cost_by_layer, cost_of_networks, exported,
    portable_table, prepared_inputs,
};
pub use report::{
    Compared, Judged, PREVALENCE, Wording, card_page, compared_page, compared_text, cost_markdown,
    cost_refusal, cost_svg, cost_text, graded_page, measured_text, network_markdown, report_json,
    report_page, report_text,
};
pub use tabular::Columns;
pub use training::{check_disease, portable, time_feature};
