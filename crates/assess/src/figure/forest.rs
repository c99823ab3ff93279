//! One estimate with its interval on a scale that all rows of a table share.

use maud::{Markup, html};

use super::{CALM, FAINT, MUTED, Scale, canvas, px, text};

const WIDTH: f64 = 300.0;

/// The common scale of a forest, with the value every row is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forest {
    x: Scale,
    from: f64,
    to: f64,
    /// Distance of the ticks.
    step: f64,
    /// What nothing at all reaches.
    chance: Option<f64>,
    headline: Option<f64>,
}

impl Forest {
    /// A scale up to 1 that holds every low end of `lows`, and reaches down to .4 at least.
    pub(crate) fn new(lows: impl IntoIterator<Item = f64>, headline: Option<f64>) -> Self {
        let lowest = lows.into_iter().filter(|it| it.is_finite()).fold(0.4, f64::min);
        let from = ((lowest * 10.0).floor() / 10.0).max(0.0);
        let step = if from < 0.2 { 0.5 } else { 0.1 };
        let x = Scale::linear((from, 1.0), (8.0, WIDTH - 8.0));
        Self { x, from, to: 1.0, step, chance: Some(0.5).filter(|it| from < *it), headline }
    }

    /// A scale from 0 that holds every high end: of errors, where less is better.
    pub(crate) fn of_errors(highs: impl IntoIterator<Item = f64>, headline: Option<f64>) -> Self {
        let most = highs.into_iter().filter(|it| it.is_finite()).fold(1e-9, f64::max);
        let step = super::round_step(most, 6);
        let to = (most / step).ceil() * step;
        Self { x: Scale::linear((0.0, to), (8.0, WIDTH - 8.0)), from: 0.0, to, step, chance: None, headline }
    }

    /// The same with another value that nothing at all reaches, or none.
    pub(crate) fn with_chance(self, chance: Option<f64>) -> Self {
        Self { chance, ..self }
    }

    /// The scale itself, for the head of the column: chance is .5.
    pub(crate) fn scale(&self) -> Markup {
        let first = (self.from / self.step - 1e-9).ceil() as u32;
        let ticks = (first..=(self.to / self.step + 1e-9) as u32).map(|it| f64::from(it) * self.step);
        let words = |tick: f64| match self.step {
            step if step >= 1.0 => format!("{tick:.0}"),
            _ if self.to > 1.0 => format!("{tick:.1}"),
            _ => format!("{tick:.1}").replace("0.", "."),
        };
        let body = html! {
            @for tick in ticks { (text(self.x.at(tick), 11.0, "tick", "middle", &words(tick))) }
        };
        canvas(WIDTH, 14.0, "scale", &body)
    }

    /// One row; a greyed one is hollow and pale.
    pub(crate) fn row(&self, (value, low, high): (f64, f64, f64), greyed: bool) -> Markup {
        let colour = if greyed { "#9aa7b8" } else { CALM };
        let x = |value: f64| px(self.x.at(value));
        let body = html! {
            line x1=(x(self.from)) x2=(x(self.to)) y1="9" y2="9" stroke=(FAINT) {}
            @if let Some(chance) = self.chance { line x1=(x(chance)) x2=(x(chance)) y1="0" y2="18" stroke=(MUTED) stroke-dasharray="2 2" {} }
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
    fn a_scale_of_errors_begins_at_0_and_ends_at_a_round_number() {
        let forest = Forest::of_errors([2.3, 4.1, f64::NAN], None);
        assert!((forest.to - 5.0).abs() < 1e-12 && forest.from == 0.0);
        assert!(forest.scale().into_string().contains(">4<"), "{}", forest.scale().into_string());
    }

    #[test]
    fn a_greyed_row_looks_different_from_the_others() {
        let forest = Forest::new([0.5], Some(0.9));
        let row = |greyed| forest.row((0.8, 0.7, 0.9), greyed).into_string();
        assert!(row(true).contains("fill=\"white\"") && !row(false).contains("fill=\"white\""));
    }
}
