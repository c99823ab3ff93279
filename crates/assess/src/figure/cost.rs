//! What each way of running a network costs, side by side: time, size, and what it loses against the first.

use learn::{
    Interval,
    cost::{CostRow, CostTable},
};
use maud::{Markup, html};

use super::{CALM, FAINT, Scale, WARM, canvas, px, round_step, text};
use crate::words;

const WIDTH: f64 = 720.0;
/// Where rows begin, and from one to the next.
const FIRST: f64 = 48.0;
const STEP: f64 = 34.0;
/// Where bars of time and of size begin, and how long the longest is.
const TIME: f64 = 58.0;
const SIZE: f64 = 222.0;
const LONGEST: f64 = 78.0;
/// Between these lie the differences.
const APART: (f64, f64) = (396.0, 608.0);
/// Where the shares of decisions end.
const SAME: f64 = 706.0;

/// A line for each way; none where there is none but the first.
pub(crate) fn cost(table: &CostTable) -> Option<Markup> {
    let first = table.rows.first()?.figures.first()?;
    if table.rows.len() < 2 {
        return None;
    }
    let bottom = FIRST + STEP * (table.rows.len() as f64 - 0.5);
    let most = table.rows.iter().filter_map(apart).flat_map(|it| [it.low.abs(), it.high.abs()]);
    let most = most.fold(1e-3, f64::max);
    let scale = Scale::linear((-most * 1.1, most * 1.1), APART);
    let titles = [
        (TIME, "start", "processor time of one item"),
        (SIZE, "start", "size of the file"),
        (
            f64::midpoint(APART.0, APART.1),
            "middle",
            &format!("{}, difference from {}", words::of_figure(&first.name), table.rows[0].name),
        ),
        (SAME, "end", "same decisions"),
    ];
    let body = html! {
        @for (x, anchor, title) in titles { (text(x, 16.0, "tick", anchor, title)) }
        (ticks(&scale, most, bottom))
        @for (place, row) in table.rows.iter().enumerate() {
            (line(table, row, FIRST + STEP * place as f64, &scale))
        }
    };
    let label = format!(
        "{}: time, size, and {} of {} ways of running it",
        table.network,
        first.name,
        table.rows.len()
    );
    Some(canvas(WIDTH, bottom + 24.0, &label, &body))
}

/// This row's first figure minus the first row's.
fn apart(row: &CostRow) -> Option<Interval> {
    row.figures.first()?.difference
}

/// Lines at round differences, that of none in the colour of the first way.
fn ticks(scale: &Scale, most: f64, bottom: f64) -> Markup {
    let step = round_step(2.0 * most, 4);
    let reach = (most * 1.1 / step).floor() as i64;
    let decimals = (0..6).find(|it| (step * 10f64.powi(*it)).fract().abs() < 1e-9).unwrap_or(6) as usize;
    html! {
        @for tick in -reach..=reach {
            @let x = scale.at(tick as f64 * step);
            line x1=(px(x)) x2=(px(x)) y1="26" y2=(px(bottom)) stroke=(if tick == 0 { CALM } else { FAINT }) {}
            (text(x, bottom + 16.0, "tick", "middle", &match tick {
                0 => "0".to_owned(),
                _ => format!("{:+.decimals$}", tick as f64 * step),
            }))
        }
    }
}

fn line(table: &CostTable, row: &CostRow, y: f64, scale: &Scale) -> Markup {
    let longest =
        table.rows.iter().filter_map(|it| it.speed.as_ref()).map(|it| it.cpu_ms_median).fold(0.0, f64::max);
    let largest = table.rows.iter().map(|it| it.bytes).max().unwrap_or(1) as f64;
    let colour = if row.agreement.is_none() { CALM } else { WARM };
    html! {
        (text(10.0, y + 4.0, "row", "start", &row.name))
        @match &row.speed {
            Some(it) => (bar((TIME, y), it.cpu_ms_median / longest, colour, &format!("{:.4} ms", it.cpu_ms_median))),
            None => (text(TIME, y + 4.0, "tick", "start", "not timed")),
        }
        (bar((SIZE, y), row.bytes as f64 / largest, colour, &words::kib(row.bytes)))
        @match (apart(row), row.figures.first()) {
            (Some(it), _) => (difference(&it, y, scale)),
            (None, Some(first)) => {
                circle cx=(px(scale.at(0.0))) cy=(px(y)) r="5" fill=(CALM) {}
                (text(scale.at(0.0) + 10.0, y + 4.0, "tick", "start", &words::interval(&first.value)))
            }
            _ => {}
        }
        @if let Some(it) = &row.agreement { (text(SAME, y + 4.0, "row", "end", &format!("{:.2} %", it.value * 100.0))) }
    }
}

/// A bar of a share of the longest, and what it stands for.
fn bar((x, y): (f64, f64), share: f64, colour: &str, words: &str) -> Markup {
    let width = (share * LONGEST).max(1.0);
    html! {
        rect x=(px(x)) y=(px(y - 7.0)) width=(px(width)) height="14" rx="2" fill=(colour) fill-opacity="0.75" {}
        (text(x + width + 6.0, y + 4.0, "tick", "start", words))
    }
}

/// An interval with its middle: filled where none is no part of it.
fn difference(it: &Interval, y: f64, scale: &Scale) -> Markup {
    let shown = it.low > 0.0 || it.high < 0.0;
    html! {
        line x1=(px(scale.at(it.low))) x2=(px(scale.at(it.high))) y1=(px(y)) y2=(px(y)) stroke=(WARM) stroke-width="2.5" stroke-linecap="round" {}
        circle cx=(px(scale.at(it.value))) cy=(px(y)) r="4.5" fill=(if shown { WARM } else { "white" }) stroke=(WARM) stroke-width="2" {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::cost::{CostFigure, Speed};

    fn row(name: &str, ms: Option<f64>, apart: Option<f64>) -> CostRow {
        let value = Interval { value: 0.95, low: 0.93, high: 0.97 };
        let about = |it: f64| Interval { value: it, low: it - 0.01, high: it + 0.01 };
        let speed = ms.map(|cpu_ms_median| Speed {
            executor: "planned".into(),
            cpu_ms_median,
            p99_ms: 1.0,
            peak_mib: None,
        });
        CostRow {
            name: name.into(),
            how: String::new(),
            bytes: 2048,
            sha256: String::new(),
            speed,
            untimed: None,
            figures: vec![CostFigure { name: "accuracy".into(), value, difference: apart.map(about) }],
            agreement: apart.map(about),
            worst: None,
        }
    }

    #[test]
    fn every_way_is_a_line_and_a_difference_that_is_shown_is_filled() {
        let mut table = CostTable {
            network: "digits".into(),
            judged_on: String::new(),
            items: 1,
            people: 1,
            draws: (1, 1),
            fewest: 10,
            rows: vec![
                row("f32", Some(0.2), None),
                row("int8", Some(0.1), Some(-0.02)),
                row("bf16", None, Some(0.001)),
            ],
        };
        let svg = cost(&table).unwrap().into_string();
        for part in [">f32<", ">int8<", ">bf16<", "not timed", "0.2000 ms", "2.0 KiB", "0.950 (0.930–0.970)"]
        {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        let circles = |fill: &str| svg.matches(&format!("r=\"4.5\" fill=\"{fill}\"")).count();
        assert_eq!((circles(WARM), circles("white")), (1, 1));
        table.rows.truncate(1);
        assert!(cost(&table).is_none());
    }
}
