//! What labels that were dealt out anew reach, and what more people would bring.

use maud::{Markup, html};

use super::{
    CALM, WARM,
    axes::{Axes, Axis, Look},
    px,
};

/// Draws how often each AUC came of permuted labels, and the AUC of the labels as they are.
pub(crate) fn permutation(permuted: &[f64], observed: f64) -> Markup {
    // Few permutations in narrow bars are a comb.
    let bars = if permuted.len() < 200 { 25 } else { 50 };
    let mut counts = vec![0.0; bars];
    for auc in permuted {
        counts[((auc * bars as f64) as usize).min(bars - 1)] += 1.0;
    }
    let most = counts.iter().copied().fold(1.0, f64::max);
    let step = super::round_step(most, 4).max(1.0);
    let axes =
        Axes::new(Axis::share("AUC"), Axis::new("permutations", (0.0, (most / step).ceil() * step), step));
    let wide = (axes.x(1.0) - axes.x(0.0)) / bars as f64;
    let top = (most / step).ceil() * step;
    let anchor = if observed > 0.7 { "end" } else { "start" };
    let beside = observed + if observed > 0.7 { -0.015 } else { 0.015 };
    let body = html! {
        @for (place, count) in counts.iter().enumerate().filter(|it| *it.1 > 0.0) {
            rect x=(px(axes.x(0.0) + wide * place as f64 + 0.5)) width=(px(wide - 1.0)) y=(px(axes.y(*count))) height=(px(axes.y(0.0) - axes.y(*count))) fill="#9aa7b8" {}
        }
        (axes.line([(0.5, 0.0), (0.5, top)], Look::against()))
        (axes.line([(observed, 0.0), (observed, top)], Look::main(WARM)))
        (axes.words((beside, 0.92 * most), anchor, &format!("labels as they are: {observed:.2}")))
    };
    axes.draw(
        &format!("AUC of {} permutations of the labels, and {observed:.2} as they are", permuted.len()),
        &body,
    )
}

/// Draws AUC by number of people fitted on: (people, AUC, low, high).
pub(crate) fn learning_curve(points: &[(f64, f64, f64, f64)]) -> Markup {
    let last = points.iter().map(|it| it.0).fold(1.0, f64::max);
    let lowest = points.iter().map(|it| it.2).fold(0.9, f64::min);
    let step = super::round_step(last, 5);
    let domain = (((lowest - 0.02) * 20.0).floor() / 20.0, 1.0);
    let up = if 1.0 - domain.0 > 0.31 { 0.1 } else { 0.05 };
    let axes =
        Axes::new(Axis::new("people fitted on", (0.0, last * 1.05), step), Axis::new("AUC", domain, up));
    let body = html! {
        (axes.band(&points.iter().map(|it| (it.0, it.2, it.3)).collect::<Vec<_>>(), "#cfe5df"))
        (axes.line(points.iter().map(|it| (it.0, it.1)), Look::main(CALM)))
        @for it in points { circle cx=(px(axes.x(it.0))) cy=(px(axes.y(it.1))) r="4" fill=(CALM) stroke="white" {} }
    };
    axes.draw("AUC by number of people fitted on", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permutation_stands_in_a_bar_and_one_is_the_last() {
        let svg = permutation(&[0.5, 0.51, 0.3, 1.0], 0.8).into_string();
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains("0.80"));
    }
}
