//! The table in text and as a page.

use maud::{Markup, html};

use super::{Characteristic, NEGLIGIBLE, Summary, TableOne, share};
use crate::report::document;

/// A line: what, one cell a column, and the difference.
struct Line {
    name: String,
    cells: Vec<String>,
    smd: String,
    /// Whether it belongs to the line above it.
    below: bool,
}

/// The table in fixed columns, ending in a line break.
pub fn table_one_text(table: &TableOne) -> String {
    let lines = lines(table);
    let first =
        lines.iter().map(|it| it.name.chars().count() + 2 * usize::from(it.below)).max().unwrap_or(0).max(12);
    let width = |place: usize| {
        let cells = lines.iter().map(|it| it.cells[place].chars().count());
        cells.chain([table.classes[place].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.classes.len()).map(width).collect();
    let row = |name: &str, cells: &[String], smd: &str| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
        let line = format!("{name:<first$}{}  {smd:>5}", cells.collect::<String>());
        format!("{}\n", line.trim_end())
    };
    let mut text = format!("{}\n", table.name);
    if table.synthetic {
        text += "The people of this cohort are made up.\n";
    }
    for (what, words) in
        [("source", &table.source), ("licence", &table.licence), ("about", &table.description)]
    {
        text += &paragraph(what, words);
    }
    text += &format!("\n{}", row("", &table.classes, "SMD"));
    for line in &lines {
        let name = if line.below { format!("  {}", line.name) } else { line.name.clone() };
        text += &row(&name, &line.cells, &line.smd);
    }
    text += &format!("\n{}", notes(table).iter().map(|it| paragraph("", it)).collect::<String>());
    text
}

/// The table as one page.
pub fn table_one_html(table: &TableOne) -> String {
    let body = html! {
        header {
            h1 { "Inkling · who takes part in " (table.name) }
            div.meta { (table.people[0]) " people" }
        }
        @if table.synthetic { div.banner { "The people of this cohort are made up: nothing here is clinical evidence." } }
        section {
            h2 { "Table 1" small { "mean ± standard deviation (range), or people (share of the known)" } }
            table {
                thead { tr { th {} @for class in &table.classes { th.num { (class) } } th.num { "SMD" } } }
                tbody { @for line in lines(table) { (html_row(&line)) } }
            }
            @for note in notes(table) { p.meta { (note) } }
        }
        section {
            h2 { "Where it comes from" }
            @for (what, words) in [("Source", &table.source), ("Licence", &table.licence), ("About", &table.description)] {
                @if !words.is_empty() { p { b { (what) ". " } (words) } }
            }
        }
    };
    document(&format!("Inkling cohort · {}", table.name), &body).into_string()
}

fn html_row(line: &Line) -> Markup {
    html! {
        tr {
            @if line.below { td style="padding-left:1.6em" { (line.name) } } @else { td { (line.name) } }
            @for cell in &line.cells { td.num { (cell) } }
            td.num { (line.smd) }
        }
    }
}

fn lines(table: &TableOne) -> Vec<Line> {
    let people = Line {
        name: "people".to_owned(),
        cells: table.people.iter().map(usize::to_string).collect(),
        smd: String::new(),
        below: false,
    };
    std::iter::once(people).chain(table.characteristics.iter().flat_map(|it| of(it, &table.people))).collect()
}

fn of(it: &Characteristic, people: &[usize]) -> Vec<Line> {
    let smd = match (it.smd, it.apart) {
        (_, true) => "∞".to_owned(),
        (Some(smd), _) => format!("{smd:.2}"),
        (None, _) => "–".to_owned(),
    };
    let cells = match it.levels.is_empty() {
        true => it.numbers.iter().map(|cell| cell.as_ref().map_or("–".to_owned(), summary)).collect(),
        false => vec![String::new(); people.len()],
    };
    let mut lines = vec![Line { name: it.name.clone(), cells, smd, below: false }];
    for (level, counts) in &it.levels {
        let cell = |place: usize| share(counts[place], people[place] - it.unknown[place]);
        let cells = (0..people.len()).map(cell).collect();
        lines.push(Line { name: level.clone(), cells, smd: String::new(), below: true });
    }
    if it.unknown.iter().any(|count| *count > 0) {
        let cells = it.unknown.iter().map(usize::to_string).collect();
        lines.push(Line { name: "unknown".to_owned(), cells, smd: String::new(), below: true });
    }
    lines
}

/// `72.0 ± 2.0 (70–74)`.
fn summary(it: &Summary) -> String {
    let sd = it.sd.map_or(String::new(), |sd| format!(" ± {sd:.1}"));
    format!("{:.1}{sd} ({:.0}–{:.0})", it.mean, it.low, it.high)
}

fn notes(table: &TableOne) -> Vec<String> {
    let mut notes = Vec::new();
    if !table.not_recorded.is_empty() {
        notes.push(format!("Not recorded of anybody: {}.", table.not_recorded.join(", ")));
    }
    let tasks: Vec<String> = table.tasks.iter().map(|(task, people)| format!("{task} ({people})")).collect();
    if !tasks.is_empty() {
        notes.push(format!("Tasks, with people who did them: {}.", tasks.join(", ")));
    }
    notes.push(match table.columns {
        Some(columns) => format!("{columns} columns of numbers."),
        None => "No numbers yet: inkling measure of the cohort folder makes them.".to_owned(),
    });
    notes.push(format!(
        "SMD: standardised mean difference, the largest between two classes; above {NEGLIGIBLE} no longer negligible (Austin 2009)."
    ));
    notes.extend(table.answers.iter().map(|it| format!("Answered finding: {it}.")));
    notes
}

/// Lines of at most 112 characters, with a word in front of the first.
fn paragraph(what: &str, words: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    let indent = if what.is_empty() { 0 } else { 9 };
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + word.chars().count() + indent > 111 {
            lines.push(word.to_owned());
        } else {
            let space = if lines[last].is_empty() { "" } else { " " };
            lines[last] += &format!("{space}{word}");
        }
    }
    let front = |place: usize| if place == 0 { what } else { "" };
    lines.iter().enumerate().map(|(place, line)| format!("{:<indent$}{line}\n", front(place))).collect()
}
