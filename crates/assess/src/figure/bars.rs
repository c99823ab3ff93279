//! Signed bars from a common zero: what moved a score.

use maud::{Markup, html};

use super::{CALM, FAINT, MUTED, Scale, WARM, canvas, px, text};

const WIDTH: f64 = 860.0;
const ROW: f64 = 24.0;
/// Label, amount, and the words behind it.
type Bar = (String, f64, String);

/// Draws each amount to the right (for) or left (against) of zero with its label.
pub(crate) fn bars(rows: &[Bar]) -> Markup {
    let largest = rows.iter().map(|row| row.1.abs()).fold(1e-9, f64::max);
    let x = Scale::linear((-largest, largest), (360.0, 740.0));
    let height = rows.len() as f64 * ROW + 22.0;
    let body = html! {
        line x1=(px(x.at(0.0))) x2=(px(x.at(0.0))) y1="2" y2=(px(height - 20.0)) stroke=(FAINT) stroke-width="1.5" {}
        @for (place, (label, amount, words)) in rows.iter().enumerate() {
            @let y = place as f64 * ROW + 4.0;
            @let (from, to) = (x.at(amount.min(0.0)), x.at(amount.max(0.0)));
            (text(345.0, y + 12.0, "row", "end", label))
            rect x=(px(from)) y=(px(y)) width=(px((to - from).max(1.0))) height="15" rx="2"
                fill=(if *amount > 0.0 { WARM } else { CALM }) {}
            (text(755.0, y + 12.0, "row", "start", words))
        }
        (text(x.at(0.0) - 8.0, height - 5.0, "tick", "end", "← against"))
        (text(x.at(0.0) + 8.0, height - 5.0, "tick", "start", "for →"))
        line x1="360" x2="740" y1=(px(height - 19.0)) y2=(px(height - 19.0)) stroke=(MUTED) stroke-width="0.5" {}
    };
    canvas(WIDTH, height, "what moved the score", &body)
}
