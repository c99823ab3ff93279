//! The likelihood ratio on its scale: how far the evidence moves the odds, and how sure that is.

use maud::{Markup, html};

use super::{CALM, DARK, MUTED, Scale, WARM, canvas, px, text};

/// Close to the width it is shown at, so that its text has the size of the page's.
const WIDTH: f64 = 440.0;
const ENDS: (f64, f64) = (0.05, 20.0);
const TICKS: [(f64, &str); 9] = [
    (0.05, "1/20"),
    (0.1, "1/10"),
    (0.2, "1/5"),
    (0.5, "1/2"),
    (1.0, "1"),
    (2.0, "2"),
    (5.0, "5"),
    (10.0, "10"),
    (20.0, "20"),
];

/// Draws `ratio` with its interval over the bands cut at `cuts` (below the first speaks against, above the second for).
pub(crate) fn evidence(ratio: f64, interval: (f64, f64), cuts: (f64, f64)) -> Markup {
    let x = Scale::logarithmic(ENDS, (16.0, WIDTH - 16.0));
    let bands = [
        (ENDS.0, cuts.0, "#d8ece6", "speaks against"),
        (cuts.0, cuts.1, "#f0eee6", "says little"),
        (cuts.1, ENDS.1, "#f7e0cd", "speaks for"),
    ];
    let colour = if ratio >= cuts.1 {
        WARM
    } else if ratio <= cuts.0 {
        CALM
    } else {
        MUTED
    };
    let label = format!("likelihood ratio {ratio:.2}, 95 % interval {:.2} to {:.2}", interval.0, interval.1);
    let body = html! {
        @for (from, to, fill, words) in bands {
            rect x=(px(x.at(from))) y="34" width=(px(x.at(to) - x.at(from))) height="18" fill=(fill) {}
            (text((x.at(from) + x.at(to)) / 2.0, 88.0, "tick", "middle", words))
        }
        @for (value, words) in TICKS {
            line x1=(px(x.at(value))) x2=(px(x.at(value))) y1="52" y2="57" stroke=(MUTED) {}
            (text(x.at(value), 70.0, "tick", "middle", words))
        }
        line x1=(px(x.at(interval.0))) x2=(px(x.at(interval.1))) y1="43" y2="43" stroke=(DARK) stroke-width="2.5" {}
        circle cx=(px(x.at(ratio))) cy="43" r="7.5" fill=(colour) stroke="white" stroke-width="2" {}
        (text(x.at(ratio), 22.0, "big", "middle", &format!("× {ratio:.1}")))
    };
    canvas(WIDTH, 94.0, &label, &body)
}
