//! One value against the range of a reference group.

use maud::{Markup, html};

use super::{CALM, FAINT, Scale, WARM, canvas, px};

/// Percentiles of a reference group, in the unit of the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reference {
    /// 5th, 25th, 50th, 75th and 95th percentile.
    pub(crate) percentiles: [f64; 5],
}

impl Reference {
    /// Whether `value` lies within the middle nine tenths.
    pub(crate) fn holds(&self, value: f64) -> bool {
        (self.percentiles[0]..=self.percentiles[4]).contains(&value)
    }
}

/// Draws `value` over the middle half (dark) and the middle nine tenths (light) of `reference`.
pub(crate) fn strip(value: f64, reference: &Reference) -> Markup {
    let [p5, p25, p50, p75, p95] = reference.percentiles;
    let (low, high) = (value.min(p5), value.max(p95));
    let margin = (high - low).max(f64::MIN_POSITIVE) * 0.08;
    let x = Scale::linear((low - margin, high + margin), (4.0, 146.0));
    let colour = if reference.holds(value) { CALM } else { WARM };
    let bar = |from: f64, to: f64| (px(x.at(from)), px((x.at(to) - x.at(from)).max(1.0)));
    let ((outer, outer_width), (inner, inner_width)) = (bar(p5, p95), bar(p25, p75));
    let body = html! {
        line x1="4" x2="146" y1="8" y2="8" stroke=(FAINT) stroke-width="1.5" {}
        rect x=(outer) y="4.5" width=(outer_width) height="7" rx="3.5" fill="#e1efeb" {}
        rect x=(inner) y="4.5" width=(inner_width) height="7" fill="#bfddd5" {}
        line x1=(px(x.at(p50))) x2=(px(x.at(p50))) y1="3" y2="13" stroke="white" stroke-width="1.5" {}
        circle cx=(px(x.at(value))) cy="8" r="4.5" fill=(colour) stroke="white" {}
    };
    canvas(150.0, 16.0, "value against the reference group", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_beyond_the_middle_nine_tenths_stands_out() {
        let reference = Reference { percentiles: [10.0, 20.0, 30.0, 40.0, 50.0] };
        assert!(strip(60.0, &reference).into_string().contains(WARM));
        assert!(strip(50.0, &reference).into_string().contains(CALM));
    }
}
