//! What a finding is made of: words for people, numbers and names for programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use study::{Block, Decision, FeatureTable};

use super::chance::Told;
use crate::Interval;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; it does not stand between the numbers and what they mean.
    Note,
    /// The numbers cannot be trusted while it stands.
    Serious,
}

/// Something the audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Kind: `copied_blocks`.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in words with numbers.
    pub evidence: String,
    /// What to do about it.
    #[serde(default)]
    pub advice: String,
    /// The numbers of the evidence.
    #[serde(default)]
    pub numbers: Vec<Figure>,
    /// The blocks it names.
    #[serde(default)]
    pub blocks: Vec<BlockName>,
    /// The people it names, as in the cohort, the most striking first.
    #[serde(default)]
    pub participants: Vec<String>,
    /// The columns it names, `task/feature`, or what is recorded of people: `device`.
    #[serde(default)]
    pub columns: Vec<String>,
    /// What was decided of it.
    pub decision: Option<Decision>,
}

/// A number of the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What it is: `auc`, `people`.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Lower end of its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper end of its 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Chance of a number as extreme where nothing is wrong, after correction for looking more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
}

/// A participant's task, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockName {
    /// Pseudonym as in the cohort.
    pub participant: String,
    /// Task.
    pub task: String,
}

impl Finding {
    /// A finding nobody has answered.
    pub(crate) fn new(kind: &str, severity: Severity, evidence: String, advice: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            severity,
            evidence,
            advice: advice.to_owned(),
            numbers: vec![],
            blocks: vec![],
            participants: vec![],
            columns: vec![],
            decision: None,
        }
    }

    /// Whether it is serious and nobody answered it.
    pub fn open(&self) -> bool {
        self.severity == Severity::Serious && self.decision.is_none()
    }

    pub(crate) fn number(mut self, number: Figure) -> Self {
        self.numbers.push(number);
        self
    }

    pub(crate) fn columns(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    pub(crate) fn people(mut self, table: &FeatureTable, rows: impl IntoIterator<Item = usize>) -> Self {
        let name = |row: usize| table.participants()[row].id.reveal().to_owned();
        self.participants.extend(rows.into_iter().map(name));
        self
    }

    pub(crate) fn blocks<'a>(
        mut self,
        table: &FeatureTable,
        blocks: impl IntoIterator<Item = Block<'a>>,
    ) -> Self {
        let name = |block: Block<'_>| BlockName {
            participant: table.participants()[block.row].id.reveal().to_owned(),
            task: block.task.to_string(),
        };
        self.blocks.extend(blocks.into_iter().map(name));
        self
    }
}

impl Figure {
    /// A number by itself.
    pub(crate) fn plain(name: &str, value: f64) -> Self {
        Self { name: name.to_owned(), value, low: None, high: None, p: None }
    }

    /// A count.
    pub(crate) fn count(name: &str, count: usize) -> Self {
        Self::plain(name, count as f64)
    }

    /// A number with a p-value.
    pub(crate) fn tested(name: &str, value: f64, p: f64) -> Self {
        Self { p: Some(p), ..Self::plain(name, value) }
    }

    /// A number with its interval.
    pub(crate) fn within(name: &str, it: Interval) -> Self {
        Self { low: Some(it.low), high: Some(it.high), ..Self::plain(name, it.value) }
    }

    /// An AUC with its interval and p-value.
    pub(crate) fn told(it: &Told) -> Self {
        Self { p: Some(it.p), ..Self::within("auc", it.auc) }
    }
}

/// `AUC 0.65 (0.58–0.72)`.
pub(crate) fn auc_words(it: &Interval) -> String {
    format!("AUC {:.2} ({:.2}–{:.2})", it.value, it.low, it.high)
}

/// `p = 0.0020`, or `p < 0.0001` where four digits would say zero.
pub(crate) fn p_words(p: f64) -> String {
    if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") }
}

/// The first `most` words, and how many more there are.
pub(crate) fn few(words: &[String], most: usize) -> String {
    let shown = words[..words.len().min(most)].join(", ");
    if words.len() > most { format!("{shown} and {} more", words.len() - most) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_serious_findings_without_an_answer_are_open() {
        let of = |severity, decision| Finding {
            decision,
            ..Finding::new("kind", severity, "evidence".into(), "advice")
        };
        assert!(of(Severity::Serious, None).open());
        assert!(!of(Severity::Note, None).open());
        assert!(!of(Severity::Serious, Some(Decision::Acknowledged)).open());
    }

    #[test]
    fn cards_of_before_read_as_findings_without_advice() {
        let before = r#"{"kind": "copied_blocks", "severity": "serious", "evidence": "x", "decision": null}"#;
        let finding: Finding = serde_json::from_str(before).unwrap();
        assert!(finding.advice.is_empty() && finding.numbers.is_empty() && finding.participants.is_empty());
    }

    #[test]
    fn long_lists_say_how_much_more_there_is() {
        let words: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        assert_eq!((few(&words, 2), few(&words, 4)), ("a, b and 2 more".to_owned(), "a, b, c, d".to_owned()));
        assert_eq!((p_words(0.0005), p_words(3e-9)), ("p = 0.0005".to_owned(), "p < 0.0001".to_owned()));
    }
}
