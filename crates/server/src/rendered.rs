//! What is kept of an assessment: everything a reader may ask for, made once, so that no later change of the program changes
//! what somebody signed.

use assess::{Assessment, Bundled, Wording, fhir_bundle, report_json, report_page};
use feature::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// Report, page, FHIR bundle and values of an assessment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Rendered {
    pub report: Value,
    pub page: String,
    pub fhir: Value,
    pub values: Vec<ValueRow>,
}

/// One value of one task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ValueRow {
    pub task: String,
    pub set: String,
    pub feature: String,
    pub label: String,
    pub unit: String,
    /// The number, or nothing.
    pub value: Option<f64>,
    /// Why there is no number.
    pub missing: Option<String>,
    pub quality: String,
}

/// The columns of a table of values.
pub(crate) const COLUMNS: [&str; 13] = [
    "assessment",
    "session",
    "code",
    "date",
    "task",
    "set",
    "feature",
    "label",
    "unit",
    "value",
    "missing",
    "quality",
    "conclusion",
];

impl Rendered {
    /// Everything of an assessment.
    pub(crate) fn of(assessment: &Assessment, named: &Bundled<'_>) -> Self {
        let how = Wording::default();
        Self {
            report: report_json(assessment, how),
            page: report_page(assessment, how),
            fhir: fhir_bundle(assessment, named, how),
            values: assessment.performed.iter().flat_map(values).collect(),
        }
    }

    /// Writes every value as a row of [`COLUMNS`].
    pub(crate) fn write_rows(
        &self,
        out: &mut csv::Writer<Vec<u8>>,
        (assessment, session, code): (&str, &str, &str),
    ) -> Result<(), Error> {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let (date, conclusion) =
            (text(&self.report["session"]["date"]), text(&self.report["conclusion"]["kind"]));
        for it in &self.values {
            let number = it.value.map(|it| it.to_string()).unwrap_or_default();
            let missing = it.missing.as_deref().unwrap_or("");
            let row = [
                assessment,
                session,
                code,
                &date,
                &it.task,
                &it.set,
                &it.feature,
                &it.label,
                &it.unit,
                &number,
                missing,
                &it.quality,
                &conclusion,
            ];
            out.write_record(row.map(inert)).map_err(|it| Error::Broken(it.to_string()))?;
        }
        Ok(())
    }
}

/// A cell that no spreadsheet takes for a formula; numbers are left as they are.
fn inert(cell: &str) -> String {
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

fn values(performed: &assess::Performed) -> Vec<ValueRow> {
    let Ok(measurement) = &performed.measured.outcome else { return vec![] };
    let quality: Verdict = measurement.quality.verdict();
    let row = |it: &feature::Feature| ValueRow {
        task: performed.task.to_string(),
        set: measurement.values.set().to_string(),
        feature: it.definition.name.to_owned(),
        label: it.definition.label.to_owned(),
        unit: it.definition.unit.symbol().to_owned(),
        value: it.value.measured(),
        missing: it.value.reason().map(|it| it.as_str().to_owned()),
        quality: quality.to_string(),
    };
    measurement.values.features().iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (cell, written) in [("=1+1", "'=1+1"), ("-3.5", "-3.5"), ("@x", "'@x"), ("clock", "clock")] {
            assert_eq!(inert(cell), written);
        }
    }
}
