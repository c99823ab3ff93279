//! The sound of a recording over time, with its pauses and its pitch.

use maud::{Markup, html};

use super::{
    CALM, DARK, FAINT, Scale, Spectral, canvas, polyline, px, round_step, spectrogram::spectrogram, text,
};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 46.0;
const SOUND: (f64, f64) = (14.0, 92.0);
const SPECTRUM: (f64, f64) = (114.0, 214.0);
const PITCH: (f64, f64) = (232.0, 286.0);
/// Pauses this long stand out and carry their length.
const LONG_S: f64 = 1.0;

/// What is drawn of a recording.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sounding {
    /// Length in seconds.
    pub(crate) duration_s: f64,
    /// Smallest and largest sample of each column, in `[-1, 1]`.
    pub(crate) envelope: Vec<(f32, f32)>,
    /// Start and end of each pause in seconds.
    pub(crate) pauses: Vec<(f64, f64)>,
    /// Time in seconds and F0 in hertz where voiced.
    pub(crate) pitch: Vec<(f64, Option<f64>)>,
    /// Level by frequency, and formants.
    pub(crate) spectral: Spectral,
}

/// Draws sound with its pauses, the spectrogram with formants, and pitch, on one time axis.
pub(crate) fn waveform(sounding: &Sounding) -> Markup {
    let x = Scale::linear((0.0, sounding.duration_s), (LEFT, WIDTH - 10.0));
    let label = format!("sound of {:.0} seconds with {} pauses", sounding.duration_s, sounding.pauses.len());
    let body = html! {
        (pauses(&sounding.pauses, &x))
        path d=(outline(&sounding.envelope)) fill=(DARK) stroke=(DARK) stroke-width="0.6" stroke-linejoin="round" {}
        (text(0.0, 57.0, "tick", "start", "sound"))
        (spectrogram(&sounding.spectral, &x, SPECTRUM))
        (pitch(&sounding.pitch, &x))
        (time_axis(sounding.duration_s, &x))
    };
    canvas(WIDTH, 314.0, &label, &body)
}

fn pauses(pauses: &[(f64, f64)], x: &Scale) -> Markup {
    let mut labelled_to = f64::NEG_INFINITY;
    html! {
        @for &(start, end) in pauses {
            @let (from, to) = (x.at(start), x.at(end));
            @let fill = if end - start >= LONG_S { "#f7e0cd" } else { "#e9edf2" };
            rect x=(px(from)) y=(px(SOUND.0)) width=(px((to - from).max(0.8))) height=(px(SOUND.1 - SOUND.0)) fill=(fill) {}
            // A label needs about 30 pixels; one that would touch its neighbour is left to the table.
            @if end - start >= LONG_S && (from + to) / 2.0 - labelled_to > 32.0 {
                (text((from + to) / 2.0, SOUND.1 + 13.0, "tick", "middle", &format!("{:.1} s", end - start)))
                @let () = labelled_to = (from + to) / 2.0;
            }
        }
    }
}

fn outline(envelope: &[(f32, f32)]) -> String {
    let loudest = envelope.iter().map(|(low, high)| low.abs().max(high.abs())).fold(1e-6, f32::max);
    let y = Scale::linear((-f64::from(loudest), f64::from(loudest)), (SOUND.1, SOUND.0));
    let step = (WIDTH - 10.0 - LEFT) / envelope.len().max(1) as f64;
    let upper = envelope.iter().enumerate().map(|(n, it)| (LEFT + n as f64 * step, y.at(f64::from(it.1))));
    let lower =
        envelope.iter().enumerate().rev().map(|(n, it)| (LEFT + n as f64 * step, y.at(f64::from(it.0))));
    polyline(upper.chain(lower).map(Some)) + "Z"
}

fn pitch(contour: &[(f64, Option<f64>)], x: &Scale) -> Markup {
    let voiced: Vec<f64> = contour.iter().filter_map(|(_, f0)| *f0).collect();
    let (Some(low), Some(high)) = (feature::percentile(&voiced, 2.0), feature::percentile(&voiced, 98.0))
    else {
        return text(LEFT, 262.0, "tick", "start", "no pitch: nothing voiced");
    };
    let step = round_step((high - low).max(10.0), 3);
    let (bottom, top) = ((low / step).floor() * step, (high / step).ceil() * step);
    let y = Scale::linear((bottom, top.max(bottom + step)), (PITCH.1, PITCH.0));
    // Points beyond the axis would lie flat on its edge and look like a plateau; they are left out of the line.
    let inside = |f0: &f64| (bottom..=top).contains(f0);
    let line = polyline(contour.iter().map(|(t, f0)| f0.filter(inside).map(|f0| (x.at(*t), y.at(f0)))));
    html! {
        @for value in [bottom, top] {
            line x1=(px(LEFT)) x2=(px(WIDTH - 10.0)) y1=(px(y.at(value))) y2=(px(y.at(value))) stroke=(FAINT) {}
            (text(LEFT - 4.0, y.at(value) + 4.0, "tick", "end", &format!("{value:.0}")))
        }
        (text(0.0, 263.0, "tick", "start", "Hz"))
        path d=(line) fill="none" stroke=(CALM) stroke-width="1.5" stroke-linecap="round" {}
    }
}

fn time_axis(duration_s: f64, x: &Scale) -> Markup {
    let step = round_step(duration_s.max(0.1), 8);
    let ticks = (0..=(duration_s / step) as usize).map(|tick| tick as f64 * step);
    let words = |t: f64| if step < 1.0 { format!("{t:.1} s") } else { format!("{t:.0} s") };
    html! {
        @for t in ticks { (text(x.at(t), 309.0, "tick", "middle", &words(t))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pauses_carry_their_length_and_short_ones_do_not() {
        let sounding = Sounding {
            duration_s: 10.0,
            envelope: vec![(-0.5, 0.5); 100],
            pauses: vec![(1.0, 3.0), (5.0, 5.4)],
            pitch: vec![(0.5, Some(120.0)), (0.6, Some(130.0)), (2.0, None)],
            ..Sounding::default()
        };
        let svg = waveform(&sounding).into_string();
        assert!(svg.contains("2.0 s</text>") && !svg.contains("0.4 s</text>"), "{svg}");
    }

    #[test]
    fn silence_says_that_nothing_is_voiced() {
        let svg =
            waveform(&Sounding { duration_s: 2.0, envelope: vec![(0.0, 0.0); 10], ..Sounding::default() });
        assert!(svg.into_string().contains("nothing voiced"));
    }
}
