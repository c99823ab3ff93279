//! Everything that is drawn: axes, scales, waveform, strokes, evidence, ROC and calibration, as inline SVG.
//!
//! Figures take points and numbers; the rooms return those and never draw. Each figure scales to the width it is given,
//! says in `aria-label` what it shows, and uses colours that stay apart in grey print.

mod axes;
mod bars;
mod evidence;
mod forest;
mod graded;
mod judged;
mod learning;
mod spectrogram;
mod strip;
mod strokes;
mod waveform;

use maud::{Markup, html};

pub(crate) use bars::bars;
pub(crate) use evidence::evidence;
pub(crate) use forest::Forest;
pub(crate) use graded::{agreement, confusion, of_classes, predicted, signed};
pub(crate) use judged::{Benefit, CalibrationBin, RocPoint, calibration, decision, distribution, roc};
pub(crate) use learning::{Metric, learning_curve, permutation};
pub(crate) use spectrogram::Spectral;
pub(crate) use strip::{Reference, strip};
pub(crate) use strokes::{Inked, strokes};
pub(crate) use waveform::{Sounding, waveform};

/// Text and thin lines.
pub(crate) const DARK: &str = "#1b2a41";
/// Labels of axes.
pub(crate) const MUTED: &str = "#5b6b82";
/// Frames and grid lines.
pub(crate) const FAINT: &str = "#d9dfe7";
/// What is as expected, or slow.
pub(crate) const CALM: &str = "#0f766e";
/// What stands out, or fast.
pub(crate) const WARM: &str = "#b45309";

/// A number for an SVG attribute: one decimal is a tenth of a pixel.
pub(crate) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Maps values of `domain` to pixels of `range`, linearly or by logarithm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
    logarithmic: bool,
}

impl Scale {
    /// A linear scale; a domain of no width maps to the middle.
    pub(crate) fn linear(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain, range, logarithmic: false }
    }

    /// A logarithmic scale over a positive domain.
    pub(crate) fn logarithmic(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain: (domain.0.ln(), domain.1.ln()), range, logarithmic: true }
    }

    /// The pixel of `value`, kept within the range.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let width = self.domain.1 - self.domain.0;
        let share = if width == 0.0 { 0.5 } else { ((value - self.domain.0) / width).clamp(0.0, 1.0) };
        self.range.0 + share * (self.range.1 - self.range.0)
    }
}

/// Round steps that cut `span` into at most `most` parts: 1, 2 or 5 times a power of ten.
pub(crate) fn round_step(span: f64, most: usize) -> f64 {
    let rough = (span / most.max(1) as f64).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|&step| step >= rough * 0.999)
        .unwrap_or(rough)
}

/// An SVG of `width` × `height` pixels that shrinks with the page and says `label` to those who cannot see it.
pub(crate) fn canvas(width: f64, height: f64, label: &str, body: &Markup) -> Markup {
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width:.0} {height:.0}")) role="img" aria-label=(label) {
            (body)
        }
    }
}

/// Text of the given class (`tick`, `big`) and anchor.
pub(crate) fn text(x: f64, y: f64, class: &str, anchor: &str, words: &str) -> Markup {
    html! { text x=(px(x)) y=(px(y)) class=(class) text-anchor=(anchor) { (words) } }
}

/// A path through points, each run of `Some` a line of its own.
pub(crate) fn polyline(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let (mut path, mut drawing) = (String::new(), false);
    for point in points {
        if let Some((x, y)) = point {
            path.push_str(&format!("{}{x:.1} {y:.1}", if drawing { "L" } else { "M" }));
        }
        drawing = point.is_some();
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_map_ends_to_ends_and_keep_outliers_inside() {
        let linear = Scale::linear((0.0, 10.0), (100.0, 200.0));
        assert_eq!((linear.at(0.0), linear.at(5.0), linear.at(99.0)), (100.0, 150.0, 200.0));
        let logarithmic = Scale::logarithmic((0.1, 10.0), (0.0, 100.0));
        assert!((logarithmic.at(1.0) - 50.0).abs() < 1e-9);
        assert_eq!(logarithmic.at(0.0), 0.0);
    }

    #[test]
    fn steps_are_round() {
        let cases = [(60.0, 6, 10.0), (7.0, 5, 2.0), (0.9, 3, 0.5), (100.0, 4, 50.0)];
        for (span, most, step) in cases {
            assert!((round_step(span, most) - step).abs() < 1e-9, "{span} {most}");
        }
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let points = [Some((0.0, 0.0)), Some((1.0, 1.0)), None, Some((2.0, 2.0))];
        assert_eq!(polyline(points.into_iter()), "M0.0 0.0L1.0 1.0M2.0 2.0");
    }
}
