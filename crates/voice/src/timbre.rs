//! What a voice sounds like beside its pitch: all contours of spectrum, resonances and clarity, computed once.

use feature::{Hertz, Reason};

use crate::{
    analysis::Analysis,
    cepstrum,
    contour::{Contour, Contours},
    formant::{FormantSettings, Formants, Raised},
    harmonic::Harmonics,
    recording::Recording,
    spectrum::Spectrum,
};

/// Contours of the spectrum, the formants and the cepstrum, every 10 ms on the grid of all contours.
///
/// Contours of bands that the file does not reach (`Recording::highest`) are read off what little is there: the measures
/// leave them out and say why.
#[derive(Debug, Clone, PartialEq)]
pub struct Timbre {
    /// Loudness: 26 mel bands from 20 to 8000 Hz, weighed as the ear does, to the power 0.33, summed.
    pub loudness: Contour,
    /// Mel-frequency cepstral coefficients 1–4.
    pub mfcc: [Contour; 4],
    /// 1–5 kHz over 50–1000 Hz, dB.
    pub alpha_ratio: Contour,
    /// Strongest of 0–2 kHz over strongest of 2–5 kHz, dB.
    pub hammarberg: Contour,
    /// Slope of the spectrum from 0 to 500 Hz, dB/Hz.
    pub slope_0_500: Contour,
    /// Slope of the spectrum from 500 to 1500 Hz, dB/Hz.
    pub slope_500_1500: Contour,
    /// Change of magnitude from frame to frame, 0–5 kHz, full scale 1.
    pub flux: Contour,
    /// First harmonic over the second, dB, in voiced frames.
    pub h1_h2: Contour,
    /// First harmonic over the strongest near F3, dB, in voiced frames.
    pub h1_a3: Contour,
    /// Formants of the voiced frames.
    pub formants: Formants,
    /// Cepstral peak prominence of the voiced frames, dB.
    pub cpps: Contour,
}

impl Timbre {
    /// The contours of a recording, saying after each kind that it is done.
    pub(crate) fn told(
        recording: &Recording,
        contours: &Contours,
        done: &mut dyn FnMut(&'static str),
    ) -> Self {
        let (samples, f0) = (recording.samples(), &contours.f0);
        let voiced = |frame: usize| f0.get(frame).is_some();
        let settings = FormantSettings::default();
        let raised = Raised::of(recording, settings.ceiling);
        done("resampled to 11 kHz");
        let formants = raised.formants(&settings, samples.len(), voiced);
        done("formants");
        // Below its band the cepstrum is not defined; see `cepstrum`.
        let reaches = recording.highest().0 >= cepstrum::NEEDS_HZ;
        let cpps = cepstrum::prominence(&raised, samples.len(), |frame| reaches && voiced(frame));
        drop(raised);
        done("CPPS");
        let harmonics = Harmonics::of(samples, f0, &formants.frequency);
        done("H1-H2, H1-A3");
        let spectrum = Spectrum::of(samples);
        done("loudness, MFCC, tilt, flux");
        Self::from(spectrum, harmonics, formants, cpps)
    }

    /// Contours that were taken one by one.
    pub(crate) fn from(spectrum: Spectrum, harmonics: Harmonics, formants: Formants, cpps: Contour) -> Self {
        let Spectrum { loudness, mfcc, alpha_ratio, hammarberg, slope_0_500, slope_500_1500, flux } =
            spectrum;
        let Harmonics { h1_h2, h1_a3 } = harmonics;
        Self {
            loudness,
            mfcc,
            alpha_ratio,
            hammarberg,
            slope_0_500,
            slope_500_1500,
            flux,
            h1_h2,
            h1_a3,
            formants,
            cpps,
        }
    }
}

impl Analysis {
    /// Why a band up to `needs_hz` cannot be measured; `None` where the file reaches it.
    pub(crate) fn lacks(&self, needs_hz: f64) -> Option<Reason> {
        let Hertz(highest) = self.recording().highest();
        (highest < needs_hz).then(|| {
            format!("the file holds nothing above {highest:.0} Hz, and this needs {needs_hz:.0} Hz").into()
        })
    }
}
