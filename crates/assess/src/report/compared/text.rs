//! Two cards for a terminal.

use std::fmt::Write;

use super::{super::card_page::percent, Compared, signed, three};
use crate::words;

/// The verdict, then a line a number.
pub fn compared_text(compared: &Compared) -> String {
    let mut text = format!("A  {}\nB  {}\n\n{}\n\n", compared.a.name, compared.b.name, compared.verdict());
    line(&mut text, ["", "A", "B", "A − B, paired", ""]);
    let people = |it: &learn::Card| {
        let reading = &it.readings.masked;
        format!("{} ({} impaired)", reading.people, reading.impaired)
    };
    line(&mut text, ["people", &people(&compared.a), &people(&compared.b), "", ""]);
    for row in compared.rows() {
        line(&mut text, [row.name, &three(row.a), &three(row.b), &signed(row.difference), row.conclusion()]);
    }
    let [a, b] = compared.predictive();
    let share = words::stated_percent(compared.prevalence);
    let flagged = format!("flagged: impaired, at {share}");
    line(&mut text, [&flagged, &percent(a.0), &percent(b.0), "", ""]);
    let others = format!("not flagged: healthy, at {share}");
    line(&mut text, [&others, &percent(a.1), &percent(b.1), "", ""]);
    text
}

fn line(text: &mut String, [name, a, b, difference, words]: [&str; 5]) {
    let start = text.len();
    writeln!(text, "{name:<32} {a:>20} {b:>20} {difference:>26}  {words}")
        .expect("a String takes every write");
    let end = text[start..].trim_end().len();
    text.truncate(start + end);
    text.push('\n');
}
