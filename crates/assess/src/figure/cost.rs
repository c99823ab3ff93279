//! How good each way of running a network is against how long it takes.

use learn::{
    Interval,
    cost::{CostRow, CostTable},
};
use maud::{Markup, html};

use super::{
    CALM, WARM,
    axes::{Axes, Axis},
    px, round_step,
};

/// One point a row that was timed: its first figure with its interval over CPU time; none where fewer than two were.
pub(crate) fn cost(table: &CostTable) -> Option<Markup> {
    let point = |row: &CostRow| {
        Some((row.name.clone(), row.speed.as_ref()?.cpu_ms_median, row.figures.first()?.value))
    };
    let points: Vec<(String, f64, Interval)> = table.rows.iter().filter_map(point).collect();
    let named = &table.rows.first()?.figures.first()?.name;
    if points.len() < 2 {
        return None;
    }
    let longest = points.iter().map(|it| it.1).fold(0.0, f64::max);
    let low = points.iter().map(|it| it.2.low).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|it| it.2.high).fold(f64::NEG_INFINITY, f64::max);
    let step = round_step((high - low).max(1e-3), 4);
    let domain = ((low / step).floor() * step, (high / step).ceil() * step);
    let across = round_step(longest * 1.3, 5);
    let title = format!("{} and 95 % interval", crate::words::of_figure(named));
    let axes = Axes::new(
        Axis::new("processor time of one item, ms", (0.0, longest * 1.3), across),
        Axis::new(&title, domain, step),
    );
    let body = html! {
        @for (place, (name, ms, value)) in points.iter().enumerate() {
            @let colour = if place == 0 { CALM } else { WARM };
            line x1=(px(axes.x(*ms))) x2=(px(axes.x(*ms))) y1=(px(axes.y(value.low))) y2=(px(axes.y(value.high)))
                stroke=(colour) stroke-width="2" {}
            @if place == 0 {
                circle cx=(px(axes.x(*ms))) cy=(px(axes.y(value.value))) r="5" fill=(colour) {}
            } @else {
                circle cx=(px(axes.x(*ms))) cy=(px(axes.y(value.value))) r="4.5" fill="white" stroke=(colour) stroke-width="2" {}
            }
            (axes.words((ms + longest * 0.02, value.value + step * (0.12 + 0.3 * above(&points, place))), "start", name))
        }
    };
    let label = format!("{}: {} against processor time of {}", table.network, named, points.len());
    Some(axes.draw(&format!("{label} ways of running it"), &body))
}

/// How many lines a point's name stands above others': as many as there are earlier points that it would be written over.
fn above(points: &[(String, f64, Interval)], place: usize) -> f64 {
    let longest = points.iter().map(|it| it.1).fold(0.0, f64::max);
    let near = |it: &&(String, f64, Interval)| (it.1 - points[place].1).abs() < 0.25 * longest;
    points[..place].iter().filter(near).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::cost::{CostFigure, Speed};

    fn row(name: &str, ms: Option<f64>) -> CostRow {
        let value = Interval { value: 0.95, low: 0.93, high: 0.97 };
        let speed = ms.map(|cpu_ms_median| Speed {
            executor: "rten".into(),
            cpu_ms_median,
            p99_ms: 1.0,
            peak_mib: None,
        });
        CostRow {
            name: name.into(),
            how: String::new(),
            bytes: 10,
            sha256: String::new(),
            speed,
            untimed: None,
            figures: vec![CostFigure { name: "accuracy".into(), value, difference: None }],
            agreement: None,
            worst: None,
        }
    }

    #[test]
    fn names_of_near_points_stand_above_each_other() {
        let value = Interval { value: 0.9, low: 0.8, high: 1.0 };
        let points: Vec<_> = [1.0, 0.9, 0.5, 1.02].map(|ms| (String::new(), ms, value)).to_vec();
        assert_eq!([0, 1, 2, 3].map(|it| above(&points, it)), [0.0, 1.0, 0.0, 2.0]);
    }

    #[test]
    fn every_row_that_was_timed_is_a_point_with_its_name() {
        let mut table = CostTable {
            network: "digits".into(),
            judged_on: String::new(),
            items: 1,
            people: 1,
            draws: (1, 1),
            fewest: 30,
            rows: vec![row("f32", Some(0.2)), row("int8", Some(0.1)), row("int4", None)],
        };
        let svg = cost(&table).unwrap().into_string();
        assert!(svg.contains(">f32<") && svg.contains(">int8<") && !svg.contains("int4"), "{svg}");
        table.rows.truncate(1);
        assert!(cost(&table).is_none());
    }
}
