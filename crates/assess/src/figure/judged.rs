//! How a screener was judged: ROC curves, calibration, probabilities by class, net benefit.

use maud::{Markup, html};

use super::{
    CALM, FAINT, MUTED, WARM,
    axes::{Axes, Axis, Look},
    px, text,
};

/// One point of a ROC curve: false-positive rate, and sensitivity with its interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RocPoint {
    pub(crate) fpr: f64,
    pub(crate) tpr: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Draws ROC curves with their bands, each with its words; the first is drawn last, on top.
pub(crate) fn roc(curves: &[(String, Vec<RocPoint>)]) -> Markup {
    let axes = Axes::new(Axis::share("1 − specificity"), Axis::share("sensitivity"));
    let label = curves.iter().map(|(words, _)| words.as_str()).collect::<Vec<_>>().join("; ");
    let look = |place: usize| if place == 0 { Look::main(CALM) } else { Look::second(WARM) };
    let body = html! {
        (axes.line([(0.0, 0.0), (1.0, 1.0)], Look::against()))
        @for (place, (_, points)) in curves.iter().enumerate().rev() {
            (axes.band(&points.iter().map(|it| (it.fpr, it.low, it.high)).collect::<Vec<_>>(), if place == 0 { "#cfe5df" } else { "#f7e0cd" }))
        }
        @for (place, (words, points)) in curves.iter().enumerate().rev() {
            (axes.line(points.iter().map(|it| (it.fpr, it.tpr)), look(place)))
            (axes.key((0.42, 0.05 + 0.075 * (curves.len() - 1 - place) as f64), look(place), words))
        }
    };
    axes.draw(&format!("ROC: {label}"), &body)
}

/// One bin of a calibration plot: mean predicted probability, observed share, and people in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CalibrationBin {
    pub(crate) predicted: f64,
    pub(crate) observed: f64,
    pub(crate) people: f64,
}

impl CalibrationBin {
    /// The interval of Wilson 1927 for the observed share, at 95 %.
    fn interval(&self) -> (f64, f64) {
        let (p, n, z2) = (self.observed, self.people.max(1e-9), 1.96f64 * 1.96);
        let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = (z2.sqrt() / (1.0 + z2 / n)) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        ((centre - half).max(0.0), (centre + half).min(1.0))
    }
}

/// Draws observed share against predicted probability with the Wilson interval of each bin, and below it how many people have
/// which probability.
pub(crate) fn calibration(bins: &[CalibrationBin], people: &[f64]) -> Markup {
    const UNDER: (f64, f64) = (222.0, 260.0);
    let axes =
        Axes::between(Axis::share("predicted probability"), Axis::share("observed share"), (12.0, 208.0));
    let most = people.iter().copied().fold(1.0, f64::max);
    let wide = (axes.x(1.0) - axes.x(0.0)) / people.len().max(1) as f64;
    let body = html! {
        (axes.line([(0.0, 0.0), (1.0, 1.0)], Look::against()))
        (axes.key((0.84, 0.06), Look::against(), "ideal"))
        @for (bin, (low, high)) in bins.iter().map(|bin| (bin, bin.interval())) {
            line x1=(px(axes.x(bin.predicted))) x2=(px(axes.x(bin.predicted))) y1=(px(axes.y(low))) y2=(px(axes.y(high))) stroke="#9cc5bc" stroke-width="2" {}
        }
        (axes.line(bins.iter().map(|bin| (bin.predicted, bin.observed)), Look::main(CALM)))
        @for bin in bins { circle cx=(px(axes.x(bin.predicted))) cy=(px(axes.y(bin.observed))) r="4" fill=(CALM) stroke="white" {} }
        @for (place, count) in people.iter().enumerate() {
            @let high = (UNDER.1 - UNDER.0) * count / most;
            rect x=(px(axes.x(0.0) + wide * place as f64 + 0.5)) width=(px(wide - 1.0)) y=(px(UNDER.1 - high)) height=(px(high)) fill="#9aa7b8" {}
        }
        (text(axes.x(0.0) - 6.0, UNDER.1 - 8.0, "tick", "end", "people"))
        line x1=(px(axes.x(0.0))) x2=(px(axes.x(1.0))) y1=(px(UNDER.1)) y2=(px(UNDER.1)) stroke=(MUTED) {}
    };
    axes.draw(&format!("calibration in {} bins, with the number of people by probability", bins.len()), &body)
}

/// Draws how many people of each class have which probability: the impaired up, the healthy down.
pub(crate) fn distribution(healthy: &[f64], impaired: &[f64]) -> Markup {
    let most = healthy.iter().chain(impaired).copied().fold(1.0, f64::max);
    let step = super::round_step(most, 3);
    let top = (most / step).ceil() * step;
    let axes = Axes::new(
        Axis::share("predicted probability at the study's prevalence"),
        Axis::both_ways("people", top, step),
    );
    let wide = (axes.x(1.0) - axes.x(0.0)) / healthy.len().max(1) as f64;
    let bars = |counts: &[f64], up: bool, fill: &str| {
        html! {
            @for (place, count) in counts.iter().enumerate() {
                @let (from, to) = if up { (axes.y(*count), axes.y(0.0)) } else { (axes.y(0.0), axes.y(-count)) };
                rect x=(px(axes.x(0.0) + wide * place as f64 + 0.5)) width=(px(wide - 1.0)) y=(px(from)) height=(px(to - from)) fill=(fill) {}
            }
        }
    };
    let body = html! {
        (bars(impaired, true, WARM))
        (bars(healthy, false, CALM))
        line x1=(px(axes.x(0.0))) x2=(px(axes.x(1.0))) y1=(px(axes.y(0.0))) y2=(px(axes.y(0.0))) stroke=(MUTED) {}
        (axes.line([(0.5, -top), (0.5, top)], Look::against()))
        (axes.words((0.03, top * 0.88), "start", "impaired people"))
        (axes.words((0.97, -top * 0.95), "end", "healthy people"))
    };
    axes.draw("people of each class by predicted probability", &body)
}

/// A point of the decision curve: threshold, net benefit of the screener and of referring everybody, a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Benefit {
    pub(crate) threshold: f64,
    pub(crate) screener: f64,
    pub(crate) everybody: f64,
}

/// Draws net benefit by threshold (Vickers & Elkin 2006), as true positives net of false ones among 100 people.
pub(crate) fn decision(points: &[Benefit]) -> Markup {
    let highest = points.iter().map(|it| 100.0 * it.screener.max(it.everybody)).fold(1.0, f64::max);
    let step = super::round_step(highest, 4);
    let domain = (-0.4 * step, (highest / step).ceil() * step);
    let last = points.last().map_or(0.5, |it| it.threshold);
    let axes = Axes::new(
        Axis::new("probability at which somebody would be referred", (0.0, last), 0.1),
        Axis::new("net benefit, in 100 people", domain, step),
    );
    let crossing =
        points.iter().find(|it| it.everybody < 0.25 * highest / 100.0).map_or(0.1, |it| it.threshold);
    let middle = points.get(points.len() / 2);
    let body = html! {
        line x1=(px(axes.x(0.0))) x2=(px(axes.x(last))) y1=(px(axes.y(0.0))) y2=(px(axes.y(0.0))) stroke=(FAINT) stroke-width="2" {}
        (axes.line(points.iter().map(|it| (it.threshold, 100.0 * it.everybody)), Look::against()))
        (axes.line(points.iter().map(|it| (it.threshold, 100.0 * it.screener)), Look::main(CALM)))
        (axes.words((crossing + 0.012, 0.3 * highest), "start", "refer everybody"))
        (axes.words((last, 0.04 * highest), "end", "refer nobody"))
        @if let Some(it) = middle { (axes.words((it.threshold, 100.0 * it.screener + 0.13 * highest), "middle", "refer by this screener")) }
    };
    axes.draw("decision curve: net benefit of referring by the screener, of referring everybody, and of referring nobody", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_of_five_in_ten_is_known() {
        // Wilson 1927: 5 of 10 gives 0.237–0.763.
        let (low, high) = CalibrationBin { predicted: 0.5, observed: 0.5, people: 10.0 }.interval();
        assert!((low - 0.2366).abs() < 1e-3 && (high - 0.7634).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn no_number_of_people_is_negative() {
        let svg = distribution(&[10.0, 4.0], &[1.0, 9.0]).into_string();
        assert!(svg.contains(">10<") && !svg.contains(">-"), "{svg}");
    }

    #[test]
    fn a_curve_that_needs_everybody_below_the_axis_is_cut_there() {
        let points = [0.01, 0.2, 0.5].map(|threshold| Benefit {
            threshold,
            screener: 0.05,
            everybody: 0.09 - threshold,
        });
        assert!(decision(&points).into_string().contains("refer everybody"));
    }
}
