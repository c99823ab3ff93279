//! What labels that were dealt out anew reach, and what more people would bring.

use maud::{Markup, html};

use super::{
    CALM, WARM,
    axes::{Axes, Axis, Look},
    px,
};

/// The metric along an axis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Metric {
    /// An area under a ROC curve of this name: a half is chance, more is better.
    Area(&'static str),
    /// An error in points of this name: less is better.
    Error(&'static str),
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Area(name) | Self::Error(name) => name,
        }
    }

    fn axis(self, largest: f64) -> Axis {
        let step = super::round_step(largest, 5);
        match self {
            Self::Area(name) => Axis::share(name),
            Self::Error(name) => Axis::new(name, (0.0, (1.02 * largest / step).ceil() * step), step),
        }
    }

    /// The axis of a curve, whose low points matter.
    fn axis_from(self, lowest: f64, largest: f64) -> Axis {
        match self {
            Self::Error(_) => self.axis(largest),
            Self::Area(name) => {
                let lowest = ((lowest.min(0.9) - 0.02) * 20.0).floor() / 20.0;
                Axis::new(name, (lowest, 1.0), if 1.0 - lowest > 0.31 { 0.1 } else { 0.05 })
            }
        }
    }
}

/// Draws how often each value came of permuted labels, and the value of the labels as they are.
pub(crate) fn permutation(permuted: &[f64], observed: f64, metric: Metric) -> Markup {
    let across = metric.axis(permuted.iter().copied().fold(observed, f64::max));
    let last = across.domain().1;
    // Few permutations in narrow bars are a comb.
    let bars = if permuted.len() < 200 { 25 } else { 50 };
    let mut counts = vec![0.0; bars];
    for value in permuted {
        counts[((value / last * bars as f64) as usize).min(bars - 1)] += 1.0;
    }
    let most = counts.iter().copied().fold(1.0, f64::max);
    let step = super::round_step(most, 4).max(1.0);
    // Room above the bars for the words.
    let top = (1.15 * most / step).ceil() * step;
    let axes = Axes::new(across, Axis::new("permutations", (0.0, top), step));
    let wide = (axes.x(last) - axes.x(0.0)) / bars as f64;
    let right = observed > 0.7 * last;
    let (anchor, beside) = if right { ("end", -0.015 * last) } else { ("start", 0.015 * last) };
    let body = html! {
        @for (place, count) in counts.iter().enumerate().filter(|it| *it.1 > 0.0) {
            rect x=(px(axes.x(0.0) + wide * place as f64 + 0.5)) width=(px(wide - 1.0)) y=(px(axes.y(*count))) height=(px(axes.y(0.0) - axes.y(*count))) fill="#9aa7b8" {}
        }
        @if let Metric::Area(_) = metric { (axes.line([(0.5, 0.0), (0.5, top)], Look::against())) }
        (axes.line([(observed, 0.0), (observed, top)], Look::main(WARM)))
        (axes.words((observed + beside, 0.95 * top), anchor, &format!("labels as they are: {observed:.2}")))
    };
    let (name, count) = (metric.name(), permuted.len());
    axes.draw(&format!("{name} of {count} permutations of the labels, and {observed:.2} as they are"), &body)
}

/// Draws a metric by number of people fitted on: (people, value, low, high).
pub(crate) fn learning_curve(points: &[(f64, f64, f64, f64)], metric: Metric) -> Markup {
    let last = points.iter().map(|it| it.0).fold(1.0, f64::max);
    let lowest = points.iter().map(|it| it.2).fold(f64::INFINITY, f64::min);
    let largest = points.iter().map(|it| it.3).fold(0.0, f64::max);
    let across = Axis::new("people fitted on", (0.0, last * 1.05), super::round_step(last, 5));
    let axes = Axes::new(across, metric.axis_from(lowest, largest));
    let body = html! {
        (axes.band(&points.iter().map(|it| (it.0, it.2, it.3)).collect::<Vec<_>>(), "#cfe5df"))
        (axes.line(points.iter().map(|it| (it.0, it.1)), Look::main(CALM)))
        @for it in points { circle cx=(px(axes.x(it.0))) cy=(px(axes.y(it.1))) r="4" fill=(CALM) stroke="white" {} }
    };
    axes.draw(&format!("{} by number of people fitted on", metric.name()), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permutation_stands_in_a_bar_and_one_is_the_last() {
        let svg = permutation(&[0.5, 0.51, 0.3, 1.0], 0.8, Metric::Area("AUC")).into_string();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains("0.80"));
    }

    #[test]
    fn an_error_has_an_axis_that_holds_it() {
        let svg = permutation(&[5.1, 5.2, 4.9], 2.3, Metric::Error("mean absolute error")).into_string();
        assert!(svg.contains("2.30") && svg.contains(">6<"), "{svg}");
        let points = [(20.0, 4.0, 3.0, 5.0), (40.0, 3.0, 2.5, 3.5)];
        let svg = learning_curve(&points, Metric::Error("mean absolute error")).into_string();
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
    }
}
