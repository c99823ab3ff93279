//! One estimate with its interval on a scale that all rows of a table share.

use maud::{Markup, html};

use super::{CALM, FAINT, MUTED, Scale, canvas, px, text};

const WIDTH: f64 = 300.0;

/// The common scale of a forest, with the value every row is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forest {
    x: Scale,
    from: f64,
    headline: Option<f64>,
}

impl Forest {
    /// A scale up to 1 that holds every low end of `lows`, and reaches down to .4 at least.
    pub(crate) fn new(lows: impl IntoIterator<Item = f64>, headline: Option<f64>) -> Self {
        let lowest = lows.into_iter().filter(|it| it.is_finite()).fold(0.4, f64::min);
        let from = ((lowest * 10.0).floor() / 10.0).max(0.0);
        Self { x: Scale::linear((from, 1.0), (8.0, WIDTH - 8.0)), from, headline }
    }

    /// The scale itself, for the head of the column: chance is .5.
    pub(crate) fn scale(&self) -> Markup {
        let ticks = ((self.from * 10.0).round() as u32..=10).map(|it| f64::from(it) / 10.0);
        let every = if self.from < 0.2 { 5 } else { 1 };
        let body = html! {
            @for tick in ticks.filter(|it| ((it * 10.0).round() as u32).is_multiple_of(every)) {
                (text(self.x.at(tick), 11.0, "tick", "middle", &format!("{tick:.1}").replace("0.", ".")))
            }
        };
        canvas(WIDTH, 14.0, "scale", &body)
    }

    /// One row; a greyed one is hollow and pale.
    pub(crate) fn row(&self, (value, low, high): (f64, f64, f64), greyed: bool) -> Markup {
        let colour = if greyed { "#9aa7b8" } else { CALM };
        let x = |value: f64| px(self.x.at(value));
        let body = html! {
            line x1=(x(self.from)) x2=(x(1.0)) y1="9" y2="9" stroke=(FAINT) {}
            @if self.from < 0.5 { line x1=(x(0.5)) x2=(x(0.5)) y1="0" y2="18" stroke=(MUTED) stroke-dasharray="2 2" {} }
            @if let Some(headline) = self.headline { line x1=(x(headline)) x2=(x(headline)) y1="0" y2="18" stroke="#9cc5bc" stroke-width="1.5" {} }
            line x1=(x(low)) x2=(x(high)) y1="9" y2="9" stroke=(colour) stroke-width="2.4" {}
            circle cx=(x(value)) cy="9" r="4.5" fill=(if greyed { "white" } else { colour }) stroke=(if greyed { colour } else { "white" }) stroke-width="1.5" {}
        };
        canvas(WIDTH, 18.0, &format!("{value:.2}, from {low:.2} to {high:.2}"), &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_reaches_down_to_the_lowest_row() {
        assert!((Forest::new([0.55, 0.72], None).from - 0.4).abs() < 1e-12);
        assert!((Forest::new([0.27, f64::NAN], None).from - 0.2).abs() < 1e-12);
        assert!(Forest::new([-0.3], None).from.abs() < 1e-12);
    }

    #[test]
    fn a_greyed_row_looks_different_from_the_others() {
        let forest = Forest::new([0.5], Some(0.9));
        let row = |greyed| forest.row((0.8, 0.7, 0.9), greyed).into_string();
        assert!(row(true).contains("fill=\"white\"") && !row(false).contains("fill=\"white\""));
    }
}
