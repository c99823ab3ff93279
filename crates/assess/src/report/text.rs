//! The report for a terminal: the answer in the first lines, evidence below.

use feature::{Feature, Quality, Value};

use super::{Wording, key::is_key, published, wording};
use crate::{
    assessment::{Assessment, Performed},
    measurement::Valued,
    words,
};

const WIDTH: usize = 100;

/// The whole report as plain text.
pub fn report_text(assessment: &Assessment, how: Wording) -> String {
    let mut text = Text::default();
    if assessment.session.synthetic {
        text.wrapped("", wording::SYNTHETIC);
        text.blank();
    }
    text.line(&format!("Inkling screening report · {}", wording::who(&assessment.session)));
    text.blank();
    text.line(&format!("  {}", wording::headline(&assessment.conclusion).to_uppercase()));
    answer(&mut text, assessment, how);
    for performed in &assessment.performed {
        performed_text(&mut text, performed);
    }
    published::changes_text(&mut text, assessment);
    published::published_text(&mut text, assessment);
    left_out(&mut text, assessment);
    rests_on(&mut text, assessment, how);
    text.blank();
    text.wrapped("", wording::WHAT_IT_IS);
    text.line(&wording::colophon(assessment));
    text.0
}

/// Every value of one recording or drawing as plain text.
pub fn measured_text(valued: &Valued) -> String {
    let mut text = Text::default();
    text.line(&valued.file);
    match &valued.outcome {
        Err(declined) => text.wrapped("  declined: ", &declined.to_string()),
        Ok((quality, values)) => {
            text.wrapped(&format!("  {}, quality ", values.set()), &words::quality(quality));
            values.features().iter().for_each(|feature| text.feature(feature, quality));
        }
    }
    text.blank();
    text.0
}

fn answer(text: &mut Text, assessment: &Assessment, how: Wording) {
    for reason in wording::why_not(&assessment.conclusion) {
        text.wrapped("  ", &reason);
    }
    let (Some(score), Some(card)) = (assessment.conclusion.score(), &assessment.card) else { return };
    text.wrapped("  ", &wording::evidence(score, card));
    text.wrapped("  ", &wording::probability(score, card, how));
    text.wrapped(
        "  ",
        &format!("{} {}", wording::people_like_this(score, card, how), "It does not diagnose."),
    );
    text.blank();
    text.line("  What moved it (log-odds; + for, − against)");
    for it in &score.contributions {
        let label = format!("{} ({})", wording::label(&it.feature), wording::own_name(&it.task, assessment));
        text.line(&format!("    {:+.2}  {label}: {}", it.amount, wording::contribution(it)));
    }
    for it in &score.outside {
        text.wrapped("    ! ", &wording::outside(it, assessment));
    }
}

fn performed_text(text: &mut Text, performed: &Performed) {
    let (title, quality) = wording::title(performed);
    text.blank();
    text.wrapped("", &format!("{title}, {quality}"));
    let Ok(measurement) = &performed.measured.outcome else { return };
    if let Some(voices) = wording::voices(measurement) {
        text.wrapped("  ", &voices);
    }
    for feature in measurement.values.features().iter().filter(|it| is_key(it.definition.name)) {
        let note = note(feature, &measurement.quality);
        let value = words::value(&feature.value, feature.definition);
        text.line(&format!("  {:<44} {value:>16}{note}", feature.definition.label));
    }
    let rest = measurement.values.features().iter().filter(|it| !is_key(it.definition.name)).count();
    text.line(&format!("  and {rest} more in the page and in `inkling measure`"));
}

fn left_out(text: &mut Text, assessment: &Assessment) {
    let declined: Vec<String> = wording::declined(assessment)
        .map(|(performed, why)| format!("{} ({}): {why}", performed.task, performed.measured.file))
        .collect();
    let left_out = [declined, wording::not_in_score(assessment)].concat();
    if !left_out.is_empty() {
        text.blank();
        text.line("Left out");
        left_out.iter().for_each(|line| text.wrapped("  ", line));
    }
}

fn rests_on(text: &mut Text, assessment: &Assessment, how: Wording) {
    let (Some(score), Some(card)) = (assessment.conclusion.score(), &assessment.card) else { return };
    text.blank();
    text.line("What this rests on");
    for (name, words) in super::page::rests_on(score, card) {
        text.wrapped(&format!("  {name:<16} "), &words);
    }
    if let Some(words) = wording::arithmetic(score, card, how) {
        text.wrapped("  ", &words);
    }
    if let Some(words) = wording::coverage(score) {
        text.wrapped("  ", &words);
    }
}

/// Why a value is missing, or what the marks of its recording say against it.
fn note(feature: &Feature, quality: &Quality) -> String {
    let note = match &feature.value {
        Value::Measured(_) => words::caution(feature.definition, quality),
        Value::Missing(reason) => Some(reason.to_string()),
    };
    note.map(|it| format!("  {it}")).unwrap_or_default()
}

/// Lines no wider than a terminal.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Name, value with unit, and what is to be said of it.
    fn feature(&mut self, feature: &Feature, quality: &Quality) {
        let (name, value) = (feature.definition.name, words::value(&feature.value, feature.definition));
        self.line(&format!("  {name:<34} {value:>14}{}", note(feature, quality)));
    }

    /// `words` after `first`, broken at spaces, continued under the first word.
    pub(super) fn wrapped(&mut self, first: &str, words: &str) {
        let indent = " ".repeat(first.chars().count());
        let (mut line, mut empty) = (first.to_owned(), true);
        for word in words.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                (line, empty) = (indent.clone(), true);
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_broken_and_continued_under_their_first_word() {
        let mut text = Text::default();
        text.wrapped("  name  ", &"word ".repeat(40));
        assert!(text.0.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.0.lines().skip(1).all(|line| line.starts_with("        word")));
    }
}
