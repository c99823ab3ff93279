//! What is counted of the file's own samples before they are averaged and resampled.

/// A sample this near full scale may be clipped; 16-bit audio reaches 32767/32768.
const FULL_SCALE: f32 = 0.999;
/// Neighbours at full scale, on one side, that make a clipped run: a peak alone may be an honest one.
const RUN: u32 = 3;

/// Clipped runs and values that are not finite, over all channels.
pub(crate) struct Tally {
    /// For each channel the length of the run it is in, and the sign of that run.
    runs: Vec<(u32, f32)>,
    samples: u64,
    clipped: u64,
    not_finite: u64,
}

impl Tally {
    pub(crate) fn new(channels: usize) -> Self {
        Self { runs: vec![(0, 0.0); channels], samples: 0, clipped: 0, not_finite: 0 }
    }

    /// The mean over the channels of one `frame`, with values that are not finite taken as 0.
    pub(crate) fn mean(&mut self, frame: &[f32]) -> f32 {
        let mut sum = 0.0;
        self.samples += frame.len() as u64;
        for (sample, run) in frame.iter().zip(&mut self.runs) {
            if !sample.is_finite() {
                self.not_finite += 1;
                continue;
            }
            sum += sample;
            if sample.abs() >= FULL_SCALE {
                self.clipped += lengthen(run, sample.signum());
            } else {
                run.0 = 0;
            }
        }
        sum / frame.len() as f32
    }

    /// Share of the samples that lie in a clipped run, in `[0, 1]`.
    pub(crate) fn clipped(&self) -> f64 {
        self.clipped as f64 / self.samples.max(1) as f64
    }

    /// Share of the samples that were NaN or infinite, in `[0, 1]`.
    pub(crate) fn not_finite(&self) -> f64 {
        self.not_finite as f64 / self.samples.max(1) as f64
    }
}

/// Makes a run one longer and says how many samples that adds to the clipped ones.
fn lengthen(run: &mut (u32, f32), sign: f32) -> u64 {
    *run = if run.1 == sign { (run.0 + 1, sign) } else { (1, sign) };
    match run.0 {
        RUN => u64::from(RUN),
        longer if longer > RUN => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clipped(samples: &[f32]) -> f64 {
        let mut tally = Tally::new(1);
        samples.iter().for_each(|sample| {
            tally.mean(&[*sample]);
        });
        tally.clipped()
    }

    #[test]
    fn a_run_at_full_scale_is_clipped_and_a_peak_is_not() {
        assert_eq!(clipped(&[0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]), 0.5);
        assert_eq!(clipped(&[0.0, 1.0, 1.0, 0.0, -1.0, 1.0, -1.0, 0.0]), 0.0);
    }

    #[test]
    fn channels_are_averaged_and_holes_are_counted() {
        let mut tally = Tally::new(2);
        assert_eq!(tally.mean(&[0.5, 0.1]), 0.3);
        assert_eq!(tally.mean(&[f32::NAN, 0.5]), 0.25);
        assert_eq!(tally.not_finite(), 0.25);
    }
}
