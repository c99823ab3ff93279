//! A drawing: ink coloured by speed, the lifted pen dotted.

use maud::{Markup, html};

use super::{CALM, MUTED, WARM, canvas, px};

/// One run of the pen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Inked {
    /// Whether the pen was lifted.
    pub(crate) air: bool,
    /// Time in s, x to the right and y downwards in one unit, and speed in units a second.
    pub(crate) points: Vec<[f64; 4]>,
}

const SIZE: f64 = 320.0;
const MARGIN: f64 = 14.0;
/// Shades between slow and fast; neighbours of one shade are one path, which keeps the page small.
const SHADES: usize = 12;

/// Draws strokes to fit, slow ink in green and fast ink in orange; each path carries when it was drawn, for the replay.
pub(crate) fn strokes(strokes: &[Inked]) -> Markup {
    let frame = Frame::around(strokes);
    let fast = fast_speed(strokes);
    let body = html! {
        @for stroke in strokes.iter().filter(|stroke| stroke.air) { (in_air(stroke, &frame)) }
        @for stroke in strokes.iter().filter(|stroke| !stroke.air) { (on_paper(stroke, &frame, fast)) }
    };
    canvas(SIZE, frame.height, "the drawing, coloured by speed, with the way of the lifted pen", &body)
}

struct Frame {
    scale: f64,
    left: f64,
    top: f64,
    height: f64,
}

impl Frame {
    fn around(strokes: &[Inked]) -> Self {
        let every = || strokes.iter().flat_map(|stroke| &stroke.points);
        let bounds = |axis: usize| {
            every().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| {
                (low.min(p[axis]), high.max(p[axis]))
            })
        };
        let ((left, right), (top, bottom)) = (bounds(1), bounds(2));
        let inner = SIZE - 2.0 * MARGIN;
        let scale = inner / (right - left).max(bottom - top).max(f64::MIN_POSITIVE);
        let left = left - (inner / scale - (right - left)) / 2.0;
        Self { scale, left, top, height: (bottom - top) * scale + 2.0 * MARGIN }
    }

    fn place(&self, point: &[f64; 4]) -> (f64, f64) {
        (MARGIN + (point[1] - self.left) * self.scale, MARGIN + (point[2] - self.top) * self.scale)
    }
}

/// The 95th percentile of speed on paper: one jerk should not make the rest look slow.
fn fast_speed(strokes: &[Inked]) -> f64 {
    let speeds: Vec<f64> =
        strokes.iter().filter(|it| !it.air).flat_map(|it| &it.points).map(|point| point[3]).collect();
    feature::percentile(&speeds, 95.0).unwrap_or(0.0)
}

fn in_air(stroke: &Inked, frame: &Frame) -> Markup {
    html! {
        path class="air" data-t=(start(&stroke.points)) d=(line(&stroke.points, frame)) fill="none" stroke=(MUTED)
            stroke-width="1.1" stroke-dasharray="0.4 3.2" stroke-linecap="round" {}
    }
}

fn on_paper(stroke: &Inked, frame: &Frame, fast: f64) -> Markup {
    if let [dot] = stroke.points.as_slice() {
        let (x, y) = frame.place(dot);
        return html! { circle class="ink" data-t=(start(&stroke.points)) cx=(px(x)) cy=(px(y)) r="1.6" fill=(CALM) {} };
    }
    let shade = |point: &[f64; 4]| {
        ((point[3] / fast.max(1e-9)).clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as usize
    };
    html! {
        @for run in runs(&stroke.points, shade) {
            path class="ink" data-t=(start(run)) d=(line(run, frame)) fill="none" stroke=(colour(shade(&run[0])))
                stroke-width="2.3" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// Cuts points into runs of one shade; each run ends with the first point of the next, so that the line is whole.
fn runs(points: &[[f64; 4]], shade: impl Fn(&[f64; 4]) -> usize) -> Vec<&[[f64; 4]]> {
    let (mut runs, mut from) = (Vec::new(), 0);
    for place in 1..points.len() {
        let last = place + 1 == points.len();
        if last || shade(&points[place]) != shade(&points[from]) {
            runs.push(&points[from..=place]);
            from = place;
        }
    }
    runs
}

fn start(points: &[[f64; 4]]) -> String {
    points.first().map_or_else(String::new, |point| format!("{:.2}", point[0]))
}

/// A path; steps below half a pixel are left out, the last point is kept.
fn line(points: &[[f64; 4]], frame: &Frame) -> String {
    let (mut path, mut before) = (String::new(), (f64::INFINITY, f64::INFINITY));
    for (place, point) in points.iter().enumerate() {
        let (x, y) = frame.place(point);
        let far = (x - before.0).hypot(y - before.1) >= 0.5;
        if far || place + 1 == points.len() {
            path.push_str(&format!("{}{x:.1} {y:.1}", if path.is_empty() { "M" } else { "L" }));
            before = (x, y);
        }
    }
    path
}

fn colour(shade: usize) -> String {
    let share = shade as f64 / (SHADES - 1) as f64;
    let channel = |place: usize| {
        let of = |hex: &str| u8::from_str_radix(&hex[place..place + 2], 16).map_or(0.0, f64::from);
        (of(CALM) + share * (of(WARM) - of(CALM))).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(1), channel(3), channel(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_ink_is_green_fast_ink_is_orange_and_air_is_dotted() {
        let stroke =
            |air, speed| Inked { air, points: vec![[0.0, 0.0, 0.0, speed], [1.0, 10.0, 5.0, speed]] };
        let svg = strokes(&[stroke(false, 0.0), stroke(false, 9.0), stroke(true, 5.0)]).into_string();
        assert!(svg.contains(CALM) && svg.contains(WARM) && svg.contains("stroke-dasharray"), "{svg}");
    }

    #[test]
    fn a_dot_and_a_flat_line_are_drawn_within_the_frame() {
        let dot = Inked { air: false, points: vec![[0.0, 3.0, 3.0, 0.0]] };
        let flat = Inked { air: false, points: vec![[0.0, 0.0, 3.0, 1.0], [1.0, 9.0, 3.0, 1.0]] };
        let svg = strokes(&[dot, flat]).into_string();
        assert!(svg.contains("<circle") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn runs_meet_at_their_ends() {
        let points: Vec<[f64; 4]> = (0..6).map(|n| [n as f64, n as f64, 0.0, f64::from(n > 2)]).collect();
        let runs = runs(&points, |point| point[3] as usize);
        assert_eq!(runs.iter().map(|run| run.len()).collect::<Vec<_>>(), [4, 3]);
        assert_eq!(runs[0].last(), runs[1].first());
    }
}
