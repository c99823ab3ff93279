//! How three classes or points were told: said against true points, their differences, the table of classes, a curve a class.

use maud::{Markup, html};

use super::{
    CALM, DARK, FAINT, MUTED, RocPoint, WARM,
    axes::{Axes, Axis, Look},
    canvas, px, text,
};

/// Points of one person: true, said.
pub(crate) type Pair = (f64, f64);

/// Draws what was said of each person against what is true; on the diagonal they are the same, and the flat line is what is said of
/// everybody without a measurement.
pub(crate) fn predicted(pairs: &[Pair], mean: f64, name: &str) -> Markup {
    let all = || pairs.iter().flat_map(|it| [it.0, it.1]);
    let (domain, step) = round(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let axes = Axes::new(
        Axis::new(&format!("{name}, true"), domain, step),
        Axis::new(&format!("{name}, said out of fold"), domain, step),
    );
    let span = domain.1 - domain.0;
    let body = html! {
        (axes.line([(domain.0, mean), (domain.1, mean)], Look::against()))
        (axes.words((domain.0 + 0.01 * span, mean + 0.02 * span), "start", "mean of all"))
        (axes.line([(domain.0, domain.0), (domain.1, domain.1)], Look::second(MUTED)))
        (dots(&axes, pairs.iter().copied()))
    };
    axes.draw(&format!("{name} said against {name} true, {} people", pairs.len()), &body)
}

/// Draws the difference of said and true points against their mean, with the bias and the limits of agreement (Bland & Altman 1986).
pub(crate) fn agreement(pairs: &[Pair], bias: f64, (low, high): (f64, f64), name: &str) -> Markup {
    let means = || pairs.iter().map(|it| f64::midpoint(it.0, it.1));
    let differences = || pairs.iter().map(|it| it.1 - it.0).chain([low, high]);
    let (across, step) =
        round(means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let farthest = differences().map(f64::abs).fold(1.0, f64::max);
    let up = super::round_step(2.2 * farthest, 6);
    let ends = (1.05 * farthest / up).ceil() * up;
    let axes = Axes::new(
        Axis::new(&format!("{name}, mean of said and true"), across, step),
        Axis::new("said less true", (-ends, ends), up),
    );
    let level = |it: f64, look: Look| axes.line([(across.0, it), (across.1, it)], look);
    let words = |it: f64, what: &str| axes.words((across.1, it + 0.025 * 2.0 * ends), "end", what);
    let body = html! {
        (axes.band(&[(across.0, low, high), (across.1, low, high)], "#eef2f6"))
        (level(0.0, Look::against()))
        (dots(&axes, means().zip(pairs.iter().map(|it| it.1 - it.0))))
        (level(low, Look::second(WARM))) (words(low, &signed(low)))
        (level(high, Look::second(WARM))) (words(high, &signed(high)))
        (level(bias, Look::main(WARM))) (words(bias, &format!("bias {}", signed(bias))))
    };
    axes.draw(
        &format!(
            "difference of said and true {name}: bias {bias:.1}, limits of agreement {low:.1} to {high:.1}"
        ),
        &body,
    )
}

/// Most points of the MMSE and of the MoCA: what is said above is drawn at the edge.
const MOST: f64 = 30.0;

/// A domain that holds two ends, and the distance of its ticks.
fn round(low: f64, high: f64) -> ((f64, f64), f64) {
    let step = super::round_step((high - low).max(1.0), 6);
    (((low / step).floor() * step, ((high / step).ceil() * step).min(MOST)), step)
}

/// A difference with its sign; 0 has none.
pub(crate) fn signed(value: f64) -> String {
    if value.abs() < 0.05 { "0.0".to_owned() } else { format!("{value:+.1}").replace('-', "−") }
}

fn dots(axes: &Axes, points: impl Iterator<Item = (f64, f64)>) -> Markup {
    html! {
        @for (x, y) in points { circle cx=(px(axes.x(x))) cy=(px(axes.y(y))) r="3.4" fill=(CALM) fill-opacity="0.5" stroke="white" stroke-width="0.6" {} }
    }
}

/// Draws people by true class (rows) and given class (columns): the darker, the larger the share of the row.
pub(crate) fn confusion(table: &[[f64; 3]; 3], names: [&str; 3]) -> Markup {
    const LEFT: f64 = 96.0;
    const TOP: f64 = 34.0;
    const WIDE: f64 = 104.0;
    const HIGH: f64 = 70.0;
    let cell = |row: usize, column: usize| {
        let count = table[row][column];
        let share = count / table[row].iter().sum::<f64>().max(1e-9);
        let (x, y) = (LEFT + WIDE * column as f64, TOP + HIGH * row as f64);
        let colour = if row == column { CALM } else { WARM };
        let light = share > 0.55;
        html! {
            rect x=(px(x)) y=(px(y)) width=(px(WIDE - 3.0)) height=(px(HIGH - 3.0)) fill="white" stroke=(FAINT) {}
            rect x=(px(x)) y=(px(y)) width=(px(WIDE - 3.0)) height=(px(HIGH - 3.0)) fill=(colour) fill-opacity=(format!("{:.3}", 0.9 * share)) {}
            text x=(px(x + WIDE / 2.0 - 1.5)) y=(px(y + HIGH / 2.0 - 2.0)) class="big" text-anchor="middle" style=(if light { "fill:white" } else { "" }) { (format!("{:.0} %", 100.0 * share)) }
            text x=(px(x + WIDE / 2.0 - 1.5)) y=(px(y + HIGH / 2.0 + 16.0)) class="tick" text-anchor="middle" style=(if light { "fill:white" } else { "" }) { (format!("{count:.1}")) }
        }
    };
    let body = html! {
        @for (place, name) in names.iter().enumerate() {
            (text(LEFT + WIDE * (place as f64 + 0.5), TOP - 8.0, "row", "middle", name))
            (text(LEFT - 8.0, TOP + HIGH * (place as f64 + 0.5) + 2.0, "row", "end", name))
        }
        (text(LEFT + 1.5 * WIDE, 11.0, "tick", "middle", "given"))
        text transform=(format!("translate(12 {}) rotate(-90)", px(TOP + 1.5 * HIGH))) class="tick" text-anchor="middle" { "true" }
        @for row in 0..3 { @for column in 0..3 { (cell(row, column)) } }
    };
    canvas(420.0, 300.0, "people by true and given class", &body)
}

/// Draws the ROC curve of each class against the others, each with its words.
pub(crate) fn of_classes(curves: &[(String, Vec<RocPoint>)]) -> Markup {
    let axes = Axes::new(Axis::share("1 − specificity"), Axis::share("sensitivity"));
    let looks = [Look::main(CALM), Look::second(DARK), Look::third(WARM)];
    let fills = ["#cfe5df", "#dfe4ec", "#f7e0cd"];
    let label = curves.iter().map(|(words, _)| words.as_str()).collect::<Vec<_>>().join("; ");
    let all = || curves.iter().zip(looks).zip(fills).enumerate();
    let body = html! {
        (axes.line([(0.0, 0.0), (1.0, 1.0)], Look::against()))
        @for (_, (((_, points), _), fill)) in all() {
            (axes.band(&points.iter().map(|it| (it.fpr, it.low, it.high)).collect::<Vec<_>>(), fill))
        }
        @for (_, (((_, points), look), _)) in all() { (axes.line(points.iter().map(|it| (it.fpr, it.tpr)), look)) }
        @let (left, top) = (axes.x(0.27), axes.y(0.01 + 0.075 * (curves.len() as f64 + 0.2)));
        rect x=(px(left)) y=(px(top)) width=(px(axes.x(1.0) - left)) height=(px(axes.y(0.01) - top)) fill="white" fill-opacity="0.82" {}
        @for (place, (((words, _), look), _)) in all() {
            (axes.key((0.36, 0.05 + 0.075 * (curves.len() - 1 - place) as f64), look, words))
        }
    };
    axes.draw(&format!("ROC of each class against the others: {label}"), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_person_is_a_dot_and_the_limits_are_named() {
        let pairs = [(28.0, 26.5), (22.0, 24.0), (12.0, 18.0)];
        let svg = agreement(&pairs, 2.2, (-5.0, 9.4), "MMSE").into_string();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("−5.0") && svg.contains("+9.4") && svg.contains("bias +2.2"), "{svg}");
        assert_eq!(predicted(&pairs, 20.0, "MMSE").into_string().matches("<circle").count(), 3);
    }

    #[test]
    fn shares_are_of_the_true_class() {
        let svg =
            confusion(&[[8.0, 2.0, 0.0], [5.0, 5.0, 0.0], [0.0, 0.0, 4.0]], ["a", "b", "c"]).into_string();
        assert!(svg.contains("80 %") && svg.contains("100 %") && svg.matches("50 %").count() == 2, "{svg}");
    }
}
