//! A cost table as text, and in a card's page.

use std::fmt::Write as _;

use learn::{
    Card, Interval,
    cost::{CostFigure, CostRow, CostTable, Speed},
};
use maud::{Markup, html};

use crate::{
    figure, plot,
    words::{self, difference as differs, interval as short, kib as size},
};

/// The table in columns: what each way is, and what it differs by from the first.
pub fn cost_text(table: &CostTable) -> String {
    let mut text = format!("{}\njudged on {}\n", table.network, table.judged_on);
    let _ = writeln!(text, "{}, 95 % intervals over draws of people\n", judged(table));
    for row in &table.rows {
        let _ = writeln!(text, "{:6} {} ({})", row.name, size(row.bytes), row.how);
        let _ = writeln!(text, "       {}", time(row));
        for figure in &row.figures {
            let apart = figure.difference.map_or(String::new(), |it| format!("   {}", differs(&it)));
            let name = words::of_figure(&figure.name);
            let _ = writeln!(text, "       {name:18} {}{apart}", plain(&figure.value));
        }
        if let Some(agreement) = &row.agreement {
            let _ = writeln!(text, "       {:18} {}", "same decisions", plain(agreement));
        }
        if row.agreement.is_some() {
            let _ = writeln!(text, "       {:18} {}", "worst group", worst(row).join("   "));
        }
        text.push('\n');
    }
    text
}

/// `2184 items of 30 people`; `174 people` where each is an item.
fn judged(table: &CostTable) -> String {
    match table.items == table.people {
        true => format!("{} people", table.people),
        false => format!("{} items of {} people", table.items, table.people),
    }
}

/// Time and memory in one line, or why there is none.
fn time(row: &CostRow) -> String {
    let Some(speed) = &row.speed else {
        return format!("not timed{}", row.untimed.as_ref().map_or(String::new(), |it| format!(": {it}")));
    };
    let memory = speed.peak_mib.map_or(String::new(), |it| format!(", {it:.1} MiB of memory"));
    format!(
        "{:.4} ms of processor time an item, 99 of 100 within {:.4} ms{memory} ({})",
        speed.cpu_ms_median, speed.p99_ms, speed.executor
    )
}

/// What the group that lost most lost, and `class 3 (38 people)`; or why there is none.
fn worst(row: &CostRow) -> Vec<String> {
    match &row.worst {
        Some(it) if it.difference.value < 0.0 => {
            let few = if it.is_small() { ": few" } else { "" };
            vec![differs(&it.difference), format!("{} ({} people{few})", it.group, it.people)]
        }
        Some(_) => vec!["no group lost".to_owned()],
        None if row.agreement.is_some() => vec!["none known of enough people".to_owned()],
        None => vec![],
    }
}

/// Why a way is not written: what it may have lost, and the layer that is to blame, from a table of each layer alone.
pub fn cost_refusal(row: &CostRow, most: f64, layers: &CostTable) -> String {
    let lost = row.figures.first().map_or(String::new(), |it| {
        let apart = it.difference.map_or(String::new(), |it| differs(&it));
        format!("{} {apart}", words::of_figure(&it.name))
    });
    let blame = layers.worst_row().map_or("no layer is quantised".to_owned(), |it| {
        let alone = it.figures.first().and_then(|it| it.difference).map_or(String::new(), |it| differs(&it));
        format!("the layer to blame is {} (alone {alone})", it.name)
    });
    format!("{}: expected to have lost at most {most}, got {lost}; not written; {blame}", row.name)
}

/// A page of tables with what they say in plain words, as Markdown: `docs/networks-cost.md`. Each comes with the address of its figure,
/// empty where it has none.
pub fn cost_markdown(tables: &[(CostTable, String)]) -> String {
    let mut text = include_str!("costs/page.md").to_owned();
    for (table, figure) in tables {
        let _ =
            write!(text, "\n## {}\n\n{}. Judged on {}.\n\n", table.network, judged(table), table.judged_on);
        let ways: Vec<&str> = table.rows.iter().map(|it| it.name.as_str()).collect();
        let _ = writeln!(text, "| | {} |\n|---|{}", ways.join(" | "), "---|".repeat(ways.len()));
        for (name, cells) in lines(table) {
            let cells: Vec<String> = cells.iter().map(|it| it.join("<br>")).collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
        text.push('\n');
        if !figure.is_empty() {
            let _ = writeln!(
                text,
                "![Time, size and difference of each way of running {}]({figure})\n",
                table.network
            );
        }
        table.rows.iter().skip(1).for_each(|row| text.push_str(&said(row, &table.rows[0])));
    }
    text
}

/// Lines of a cell.
type Cell = Vec<String>;

/// The table with a column a way: what each line is of, and its cells.
fn lines(table: &CostTable) -> Vec<(String, Vec<Cell>)> {
    let line = |name: &str, of: &dyn Fn(&CostRow) -> Cell| -> (String, Vec<Cell>) {
        (name.to_owned(), table.rows.iter().map(of).collect())
    };
    let figures = table.rows.first().map_or(&[][..], |it| &it.figures[..]);
    let figure = |(place, it): (usize, &CostFigure)| {
        line(words::of_figure(&it.name), &|row| row.figures.get(place).map_or(vec![], cell))
    };
    let of_speed = |row: &CostRow, of: &dyn Fn(&Speed) -> Option<String>| -> Cell {
        row.speed.as_ref().and_then(of).into_iter().collect()
    };
    let timed = |row: &CostRow| match &row.speed {
        Some(it) => vec![format!("{:.4}", it.cpu_ms_median)],
        None => vec!["not timed".to_owned()],
    };
    let others = [
        line("same decisions", &|row| row.agreement.iter().map(plain).collect()),
        line("worst group", &worst),
        line("size", &|row| vec![size(row.bytes)]),
        line("processor time, ms", &timed),
        line("99 of 100 within, ms", &|row| of_speed(row, &|it| Some(format!("{:.4}", it.p99_ms)))),
        line("memory, MiB", &|row| of_speed(row, &|it| it.peak_mib.map(|it| format!("{it:.1}")))),
        line("run by", &|row| of_speed(row, &|it| Some(it.executor.clone()))),
    ];
    figures.iter().enumerate().map(figure).chain(others).collect()
}

/// A value, and under it its difference.
fn cell(figure: &CostFigure) -> Cell {
    [short(&figure.value)].into_iter().chain(figure.difference.iter().map(differs)).collect()
}

/// What a way costs and gains, as an item of a list.
fn said(row: &CostRow, first: &CostRow) -> String {
    let mut text =
        format!("- **{}** ({}): {:.2} of the size", row.name, row.how, row.bytes as f64 / first.bytes as f64);
    match (&row.speed, &first.speed, &row.untimed) {
        (Some(it), Some(first), _) => {
            let _ = write!(text, ", {:.2} of the time", it.cpu_ms_median / first.cpu_ms_median);
        }
        (_, _, Some(reason)) => {
            let _ = write!(text, ", not timed ({reason})");
        }
        _ => {}
    }
    let of = |it: &CostFigure| {
        let (name, apart) = (words::of_figure(&it.name), it.difference?);
        (apart.low > 0.0 || apart.high < 0.0).then(|| format!("{name} by {}", differs(&apart)))
    };
    let apart: Vec<String> = row.figures.iter().filter_map(of).collect();
    match apart.is_empty() {
        true => text.push_str("; no figure is shown to differ"),
        false => {
            let _ = write!(text, "; differs in {}", apart.join(", "));
        }
    }
    if let Some(it) = &row.agreement {
        let _ = write!(text, "; {:.2} of 100 decisions are the same", it.value * 100.0);
    }
    text + ".\n"
}

/// The card of a network that is a screener's, for people who read files: how it was judged, whom it was fitted on, what it is not,
/// and what fits it again.
pub fn network_markdown(card: &Card, file: &str, command: &str) -> String {
    let (reading, cohort) = (&card.readings.masked, &card.cohort);
    let mut text = format!(
        "# {}\n\nA network of one hidden layer on the columns of {} that mean the same on any device: log-odds of impairment at \
         the study's own prevalence. A screening aid for research; it does not diagnose.\n\n",
        card.name, cohort.name
    );
    let _ = writeln!(
        text,
        "**Nested cross-validation** ({} × {} × {} folds by people, everything fitted inside the fold): {} people, {} of them \
         impaired, 95 % intervals over draws of people.\n\n| metric | value |\n|---|---|",
        card.plan.repeats, card.plan.outer, card.plan.inner, reading.people, reading.impaired
    );
    let metrics = &reading.metrics;
    let rows = [
        ("AUC", metrics.auc),
        ("sensitivity", metrics.sensitivity),
        ("specificity", metrics.specificity),
        ("Brier score", metrics.brier),
        ("calibration slope", metrics.calibration_slope),
    ];
    rows.iter().for_each(|(name, it)| text.push_str(&format!("| {name} | {} |\n", plain(it))));
    text.push_str(
        "\nThe file itself was fitted on everybody, as each fold fitted its own, and was judged by nobody.\n",
    );
    text.push_str("\n## What it is not\n\n");
    card.limits.iter().for_each(|it| text.push_str(&format!("- {it}\n")));
    let open: Vec<&str> = card.open_findings().map(|it| it.kind.as_str()).collect();
    if !open.is_empty() {
        let _ = writeln!(text, "- Open findings of the audit: {}.", open.join(", "));
    }
    let digest = card.screener_digest.as_deref().unwrap_or("not known");
    let _ = writeln!(
        text,
        "\n## Where it comes from\n\n| | |\n|---|---|\n| fitted on | {} ({}), {} |\n| licence of the weights | {} |\n| file | \
         `{file}`, SHA-256 `{digest}` |\n| `values` | f32 [batch, columns], in the columns' own units |\n| `measured` | bool \
         [batch, columns]; the training median stands in where it is false |\n| `log_odds` | f32 [batch, 1] |\n| made by | {} \
         |\n| again | `{command}` |",
        cohort.name, cohort.source, cohort.licence, cohort.licence, card.software
    );
    text
}

/// The figure alone, as a file; none where there is no second way.
pub fn cost_svg(table: &CostTable) -> Option<String> {
    figure::cost(table).map(plot::alone)
}

/// A section of a card's page.
pub(super) fn section(table: &CostTable) -> Markup {
    html! {
        section {
            h2 { "What fewer bits cost" }
            p.meta { "Judged on " (table.judged_on) ". Differences from " (table.rows.first().map_or("", |it| &it.name)) " are paired: the same draws of people." }
            table {
                tr { th {} @for row in &table.rows { th { b { (row.name) } div { (row.how) } } } }
                @for (name, cells) in lines(table) {
                    tr {
                        td { (name) }
                        @for cell in cells {
                            td { @for (place, line) in cell.iter().enumerate() { div.meta[place > 0] { (line) } } }
                        }
                    }
                }
            }
            @if let Some(figure) = figure::cost(table) { div style="max-width: 46rem" { (figure) } }
        }
    }
}

/// `0.9523 (0.9310–0.9704)`.
fn plain(it: &Interval) -> String {
    format!("{:.4} ({:.4}–{:.4})", it.value, it.low, it.high)
}
