//! Level by time and frequency, as a grey picture inside the SVG: dark is loud, so that it prints.

use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{Markup, html};

use super::{MUTED, Scale, WARM, px, text};

/// Levels below the loudest that are drawn; what is softer is white.
const RANGE_DB: f32 = 60.0;
/// Formants that are drawn: those that carry the vowels.
const DRAWN: usize = 3;

/// What is drawn of a recording by frequency.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spectral {
    /// Level in dB, `[rows, columns]` row after row, the lowest frequency first.
    pub(crate) level_db: Vec<f32>,
    /// Columns of `level_db`.
    pub(crate) columns: usize,
    /// Frequency of its upper edge.
    pub(crate) highest_hz: f64,
    /// Time in seconds and F1 to F3 in hertz where they are defined.
    pub(crate) formants: Vec<(f64, [Option<f64>; DRAWN])>,
}

/// Draws the picture between `x` and `y` (top, bottom), with formants over it and frequencies at its left.
pub(crate) fn spectrogram(spectral: &Spectral, x: &Scale, (top, bottom): (f64, f64)) -> Markup {
    let y = Scale::linear((0.0, spectral.highest_hz), (bottom, top));
    let (left, right) = x.range;
    let ticks = [0.0, 2000.0, 4000.0, 6000.0, 8000.0].into_iter().filter(|hz| *hz <= spectral.highest_hz);
    html! {
        @if let Some(picture) = picture(spectral) {
            image href=(picture) x=(px(left)) y=(px(top)) width=(px(right - left)) height=(px(bottom - top))
                preserveAspectRatio="none" {}
        }
        @for formant in 0..DRAWN {
            path d=(dots(spectral, formant, x, &y)) fill="none" stroke=(WARM) stroke-width="1.4" {}
        }
        @for hz in ticks { (text(left - 4.0, y.at(hz) + 4.0, "tick", "end", &format!("{:.0}", hz / 1000.0))) }
        (text(0.0, (top + bottom) / 2.0 + 4.0, "tick", "start", "kHz"))
        rect x=(px(left)) y=(px(top)) width=(px(right - left)) height=(px(bottom - top)) fill="none" stroke=(MUTED) stroke-width="0.4" {}
    }
}

/// A dot for each place of a formant: lines would join what lies apart and cover the picture of a long recording.
fn dots(spectral: &Spectral, formant: usize, x: &Scale, y: &Scale) -> String {
    let places = spectral.formants.iter().filter_map(|(t, it)| Some((x.at(*t), y.at(it[formant]?))));
    places.map(|(x, y)| format!("M{x:.1} {y:.1}h1.4")).collect()
}

/// The picture as a data URI; `None` where there is nothing to draw.
fn picture(spectral: &Spectral) -> Option<String> {
    let rows = spectral.level_db.len().checked_div(spectral.columns).filter(|rows| *rows > 0)?;
    let loudest = spectral.level_db.iter().copied().fold(f32::MIN, f32::max);
    let grey = |level: f32| (255.0 * ((loudest - level) / RANGE_DB).clamp(0.0, 1.0)) as u8;
    // A picture's first row is its upper edge.
    let upside: Vec<u8> = (0..rows)
        .rev()
        .flat_map(|row| &spectral.level_db[row * spectral.columns..(row + 1) * spectral.columns])
        .map(|level| grey(*level))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, spectral.columns as u32, rows as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&upside).ok()?;
    writer.finish().ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loudest_is_black_the_softest_white_and_low_frequencies_lie_below() {
        let spectral = Spectral {
            level_db: vec![0.0, 0.0, -90.0, -90.0],
            columns: 2,
            highest_hz: 8000.0,
            formants: vec![],
        };
        let uri = picture(&spectral).unwrap();
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; 4];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [255, 255, 0, 0]);
    }

    #[test]
    fn nothing_to_draw_is_no_picture() {
        assert_eq!(picture(&Spectral::default()), None);
    }
}
