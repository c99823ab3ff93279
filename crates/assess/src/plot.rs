//! One recording or drawing as a figure of its own: an SVG that opens anywhere and prints.

use maud::{Markup, PreEscaped, html};

use crate::{
    figure::{self, Inked, Sounding, Spectral},
    measurement::Analysis,
};

/// Columns of the drawn waveform: one for each pixel of the figure.
const COLUMNS: usize = 800;
/// Rows of the spectrogram: one for each pixel.
const ROWS: usize = 100;
/// Most places along the time axis at which formants are drawn.
const PLACES: usize = 400;

/// The figure of an analysis as a standalone SVG.
pub fn plot(analysis: &Analysis) -> String {
    let figure = match analysis {
        Analysis::Voice(analysis) => figure::waveform(&sounding(analysis)),
        Analysis::Ink(analysis) => figure::strokes(&inked(analysis)),
    };
    alone(figure)
}

/// A figure with its style inside, so that it opens anywhere.
pub(crate) fn alone(figure: Markup) -> String {
    let style = html! { style { (PreEscaped(FONTS)) } };
    let svg = figure.into_string();
    // The style must stand inside the root element, which the figure has written already.
    match svg.split_once('>') {
        Some((root, body)) => format!("{root}>{}{body}", style.into_string()),
        None => svg,
    }
}

/// What a page's own style says of the classes that figures use.
const FONTS: &str = "text{font-family:system-ui,sans-serif}.tick{font-size:11px;fill:#5b6b82}.row{font-size:12.5px;fill:#1b2a41}\
                     .big{font-size:17px;font-weight:700;fill:#1b2a41}";

/// What is drawn of a recording.
pub(crate) fn sounding(analysis: &voice::Analysis) -> Sounding {
    let pauses = analysis.pauses().iter().map(|it| (it.start.0, it.end.0));
    Sounding {
        duration_s: analysis.duration().0,
        envelope: analysis.envelope(COLUMNS),
        pauses: pauses.filter(|(from, to)| to - from >= 0.25).collect(),
        pitch: analysis.f0().iter().map(|(t, f0)| (t.0, f0.map(f64::from))).collect(),
        spectral: spectral(analysis),
    }
}

fn spectral(analysis: &voice::Analysis) -> Spectral {
    let recording = analysis.recording();
    let [f1, f2, f3, _] = &analysis.timbre().formants.frequency;
    // As many places as can be told apart: each the median of the frames that fall on it.
    let frames = f1.len().div_ceil(PLACES).max(1);
    let middle = |contour: &voice::Contour, from: usize| {
        let values: Vec<f64> =
            (from..from + frames).filter_map(|it| contour.get(it).map(f64::from)).collect();
        feature::median(&values)
    };
    let at = |from: usize| [f1, f2, f3].map(|formant| middle(formant, from));
    Spectral {
        level_db: voice::spectrogram(recording, COLUMNS, ROWS),
        columns: COLUMNS,
        highest_hz: recording.highest().0,
        formants: f1.iter().enumerate().step_by(frames).map(|(frame, (t, _))| (t.0, at(frame))).collect(),
    }
}

/// What is drawn of a drawing: nothing where it has no times.
pub(crate) fn inked(analysis: &ink::Analysis) -> Vec<Inked> {
    let one = |track: &ink::Track| {
        let speed = |n: usize| track.speed.get(n).copied().unwrap_or(0.0);
        let t_s = |n: usize| track.start_s + n as f64 / ink::RASTER_HZ;
        let points = (0..track.x.len()).map(|n| [t_s(n), track.x[n], track.y[n], speed(n)]).collect();
        Inked { air: track.place == ink::Place::Air, points }
    };
    analysis.tracks().iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use feature::Usable;
    use ink::synth::{Pen, circle};

    use super::*;

    #[test]
    fn a_figure_stands_alone_with_its_style_inside() {
        let drawing = Usable::new(circle(20.0, 1.0, 2.0, &Pen::steady())).unwrap();
        let svg = plot(&Analysis::Ink(Box::new(ink::Analysis::new(&drawing))));
        assert!(
            svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>") && svg.contains("<style>"),
            "{svg}"
        );
        let sound = voice::synth::bursts(&[(1.0, 0.6), (1.0, 1.4)], 0.0005).0;
        let recording = Usable::new(voice::Recording::from_samples(sound)).unwrap();
        let svg = plot(&Analysis::Voice(Box::new(voice::Analysis::new(&recording))));
        assert!(svg.contains("1.4 s</text>"), "{svg}");
    }
}
