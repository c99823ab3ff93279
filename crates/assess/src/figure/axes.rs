//! A plane with axes: frame, ticks, titles, lines and bands that every plot of a card shares.

use maud::{Markup, html};

use super::{FAINT, MUTED, Scale, canvas, polyline, px, text};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = HEIGHT - 40.0;

/// One axis: what it shows, from where to where, and its ticks.
pub(crate) struct Axis {
    title: String,
    domain: (f64, f64),
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis over `domain` with a tick at each multiple of `step`.
    pub(crate) fn new(title: &str, domain: (f64, f64), step: f64) -> Self {
        let (first, last) = ((domain.0 / step - 1e-9).ceil() as i64, (domain.1 / step + 1e-9).floor() as i64);
        let decimals = (0..4).find(|it| (step * 10f64.powi(*it)).fract().abs() < 1e-9).unwrap_or(4) as usize;
        let tick = |it: i64| (it as f64 * step, format!("{:.decimals$}", it as f64 * step));
        Self { title: title.to_owned(), domain, ticks: (first..=last).map(tick).collect() }
    }

    /// The least and the greatest value it shows.
    pub(crate) fn domain(&self) -> (f64, f64) {
        self.domain
    }

    /// The same ticks without their sign, for what is counted both ways from 0.
    pub(crate) fn both_ways(title: &str, largest: f64, step: f64) -> Self {
        let mut axis = Self::new(title, (-largest, largest), step);
        axis.ticks.iter_mut().for_each(|(_, words)| *words = words.trim_start_matches('-').to_owned());
        axis
    }

    /// A share from 0 to 1.
    pub(crate) fn share(title: &str) -> Self {
        Self::new(title, (0.0, 1.0), 0.2)
    }
}

/// Two axes and the places of points between them.
pub(crate) struct Axes {
    x: Axis,
    y: Axis,
    across: Scale,
    up: Scale,
}

impl Axes {
    /// A plane of the size that every plot has.
    pub(crate) fn new(x: Axis, y: Axis) -> Self {
        Self::between(x, y, (TOP, BOTTOM))
    }

    /// A plane whose frame runs from `top` to `bottom` only, so that something can stand below it.
    pub(crate) fn between(x: Axis, y: Axis, (top, bottom): (f64, f64)) -> Self {
        let (across, up) = (Scale::linear(x.domain, (LEFT, RIGHT)), Scale::linear(y.domain, (bottom, top)));
        Self { x, y, across, up }
    }

    /// The pixel of a value along x.
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.across.at(value)
    }

    /// The pixel of a value along y.
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.up.at(value)
    }

    /// A line through points; those outside the axes break it.
    pub(crate) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, look: Look) -> Markup {
        let inside = |axis: &Axis, value: f64| {
            let slack = 1e-9 * (axis.domain.1 - axis.domain.0);
            (axis.domain.0 - slack..=axis.domain.1 + slack).contains(&value)
        };
        let place =
            |(x, y): (f64, f64)| (inside(&self.x, x) && inside(&self.y, y)).then(|| (self.x(x), self.y(y)));
        html! {
            path d=(polyline(points.into_iter().map(place))) fill="none" stroke=(look.colour) stroke-width=(look.width)
                stroke-dasharray=[look.dashes] stroke-linejoin="round" stroke-linecap="round" {}
        }
    }

    /// The area between two lines over the same x: (x, low, high).
    pub(crate) fn band(&self, points: &[(f64, f64, f64)], fill: &str) -> Markup {
        let upper = points.iter().map(|&(x, _, high)| Some((self.x(x), self.y(high))));
        let lower = points.iter().rev().map(|&(x, low, _)| Some((self.x(x), self.y(low))));
        html! { path d=(polyline(upper.chain(lower)) + "Z") fill=(fill) fill-opacity="0.75" {} }
    }

    /// Words at a place in the plane.
    pub(crate) fn words(&self, (x, y): (f64, f64), anchor: &str, words: &str) -> Markup {
        text(self.x(x), self.y(y), "row", anchor, words)
    }

    /// Words with a sample of their line, the end of the sample at a place in the plane.
    pub(crate) fn key(&self, (x, y): (f64, f64), look: Look, words: &str) -> Markup {
        let (right, middle) = (self.x(x) - 6.0, self.y(y) - 4.0);
        html! {
            path d=(polyline([Some((right - 26.0, middle)), Some((right, middle))].into_iter())) fill="none" stroke=(look.colour)
                stroke-width=(look.width) stroke-dasharray=[look.dashes] {}
            (text(self.x(x), self.y(y), "row", "start", words))
        }
    }

    /// The whole plot: grid, `body`, frame, ticks and titles. `label` says to those who cannot see it what it shows.
    pub(crate) fn draw(&self, label: &str, body: &Markup) -> Markup {
        let (left, right) = (self.x(self.x.domain.0), self.x(self.x.domain.1));
        let (bottom, top) = (self.y(self.y.domain.0), self.y(self.y.domain.1));
        let body = html! {
            @for (value, words) in &self.y.ticks {
                line x1=(px(left)) x2=(px(right)) y1=(px(self.y(*value))) y2=(px(self.y(*value))) stroke=(FAINT) {}
                (text(left - 6.0, self.y(*value) + 4.0, "tick", "end", words))
            }
            (body)
            line x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) stroke=(MUTED) {}
            @for (value, words) in &self.x.ticks {
                line x1=(px(self.x(*value))) x2=(px(self.x(*value))) y1=(px(BOTTOM)) y2=(px(BOTTOM + 4.0)) stroke=(MUTED) {}
                (text(self.x(*value), BOTTOM + 17.0, "tick", "middle", words))
            }
            (text(f64::midpoint(left, right), HEIGHT - 4.0, "tick", "middle", &self.x.title))
            text transform=(format!("translate(11 {}) rotate(-90)", px(f64::midpoint(top, bottom)))) class="tick" text-anchor="middle" {
                (self.y.title)
            }
        };
        canvas(WIDTH, HEIGHT, label, &body)
    }
}

/// How a line looks. Lines differ in more than colour, so that they stay apart in grey print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    colour: &'static str,
    width: &'static str,
    dashes: Option<&'static str>,
}

impl Look {
    /// The line that a plot is about.
    pub(crate) fn main(colour: &'static str) -> Self {
        Self { colour, width: "2.2", dashes: None }
    }

    /// A second line beside it.
    pub(crate) fn second(colour: &'static str) -> Self {
        Self { colour, width: "2.2", dashes: Some("7 3") }
    }

    /// A third line beside them.
    pub(crate) fn third(colour: &'static str) -> Self {
        Self { colour, width: "2.2", dashes: Some("1.5 4") }
    }

    /// What the plot is held against: chance, the ideal, referring everybody.
    pub(crate) fn against() -> Self {
        Self { colour: MUTED, width: "1.2", dashes: Some("3 4") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_multiples_of_the_step_with_the_digits_it_needs() {
        let words = |axis: Axis| axis.ticks.into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(words(Axis::share("")), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(words(Axis::new("", (-2.0, 9.0), 5.0)), ["0", "5"]);
        assert_eq!(words(Axis::new("", (0.5, 1.0), 0.25)), ["0.50", "0.75", "1.00"]);
    }

    #[test]
    fn a_point_outside_the_axes_is_not_drawn_on_their_edge() {
        let axes = Axes::new(Axis::share("x"), Axis::share("y"));
        let svg = axes.line([(0.0, 0.5), (0.5, 2.0), (1.0, 0.5)], Look::against()).into_string();
        assert_eq!(svg.matches('M').count(), 2, "{svg}");
        assert!(!svg.contains('L'), "{svg}");
    }
}
