//! What the activations of a network are, seen while it runs on samples.

use std::collections::BTreeMap;

use super::{
    grid::Grid,
    layer::{Kind, Layer},
    range::{Calibration, Histogram},
    samples::{Samples, finite},
};
use crate::{Error, Graph, Tensor};

/// What was seen of one value.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// At most 0, and at least 0.
    pub(super) low: f32,
    pub(super) high: f32,
    /// By channel: sums, sums of squares, greatest magnitudes.
    sums: Vec<f64>,
    squares: Vec<f64>,
    pub(super) mosts: Vec<f32>,
    /// Values of a channel.
    count: u64,
}

impl Seen {
    /// The mean of each channel.
    pub(super) fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|it| it / self.count.max(1) as f64).collect()
    }

    /// The mean square of each channel.
    pub(super) fn mean_squares(&self) -> Vec<f64> {
        self.squares.iter().map(|it| it / self.count.max(1) as f64).collect()
    }

    fn add(&mut self, values: &[f32], channels: usize, inner: usize, mut of: impl FnMut(f32) -> f32) {
        self.sums.resize(channels, 0.0);
        self.squares.resize(channels, 0.0);
        self.mosts.resize(channels, 0.0);
        self.count += (values.len() / channels.max(1)) as u64;
        for (row, values) in values.chunks_exact(inner.max(1)).enumerate() {
            let channel = row % channels.max(1);
            for value in values.iter().map(|it| of(*it)) {
                self.low = self.low.min(value);
                self.high = self.high.max(value);
                self.sums[channel] += f64::from(value);
                self.squares[channel] += f64::from(value) * f64::from(value);
                self.mosts[channel] = self.mosts[channel].max(value.abs());
            }
        }
    }
}

/// Which values are looked at, and along which dimension their channels are: the last, or the second of an image.
pub(super) type Watched = BTreeMap<String, bool>;

/// What goes into layers.
pub(super) fn inputs_of(layers: &[Layer]) -> Watched {
    let floats = layers.iter().filter(|it| it.kind != Kind::Table);
    floats.map(|it| (it.input.clone(), matches!(it.kind, Kind::Convolution { .. }))).collect()
}

/// Runs `graph` on all samples and keeps what is seen of the values.
///
/// # Errors
/// [`Error::Tensor`] where a value is not f32 or not finite; what the run fails with.
pub(super) fn observe(
    graph: &Graph,
    watched: &Watched,
    samples: &Samples,
    threads: usize,
) -> Result<BTreeMap<String, Seen>, Error> {
    see(graph, watched, samples, threads, |_, value| value)
}

/// The same of the values as they are on their grids.
pub(super) fn observe_on(
    graph: &Graph,
    (watched, grids): (&Watched, &BTreeMap<String, Grid>),
    samples: &Samples,
    threads: usize,
) -> Result<BTreeMap<String, Seen>, Error> {
    see(graph, watched, samples, threads, |name, value| grids.get(name).map_or(value, |it| it.nearest(value)))
}

fn see(
    graph: &Graph,
    watched: &Watched,
    samples: &Samples,
    threads: usize,
    of: impl Fn(&str, f32) -> f32,
) -> Result<BTreeMap<String, Seen>, Error> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let names: Vec<String> = watched.keys().cloned().collect();
    samples.watch(graph, &names, threads, |name, tensor| {
        let values = floats(name, tensor)?;
        let shape = tensor.shape();
        let axis = if watched[name] { 1.min(shape.len() - 1) } else { shape.len() - 1 };
        let inner = shape[axis + 1..].iter().product();
        seen.entry(name.to_owned()).or_default().add(values, shape[axis], inner, |it| of(name, it));
        Ok(())
    })?;
    Ok(seen)
}

/// The values, if they are finite floats of one dimension or more.
fn floats<'a>(name: &str, tensor: &'a Tensor) -> Result<&'a [f32], Error> {
    finite(name, tensor)?;
    tensor.as_f32().filter(|_| !tensor.shape().is_empty()).ok_or_else(|| {
        let got = format!("{} {:?}", tensor.dtype().name(), tensor.shape());
        Error::tensor(name, "f32 of one dimension or more", got)
    })
}

/// The grid of each value that was seen, by what is to be calibrated with.
///
/// # Errors
/// What the run fails with.
pub(super) fn grids(
    graph: &Graph,
    seen: &BTreeMap<String, Seen>,
    (by, signed): (Calibration, bool),
    samples: &Samples,
    threads: usize,
) -> Result<BTreeMap<String, Grid>, Error> {
    let blank = |it: &Seen| Histogram::new(it.low, it.high);
    let mut histograms: BTreeMap<String, Histogram> =
        seen.iter().map(|(name, it)| (name.clone(), blank(it))).collect();
    if by.needs_histogram() {
        let names: Vec<String> = seen.keys().cloned().collect();
        samples.watch(graph, &names, threads, |name, tensor| {
            if let Some(it) = histograms.get_mut(name) {
                it.add(floats(name, tensor)?);
            }
            Ok(())
        })?;
    }
    let grid = |(name, it): (String, Histogram)| {
        let (low, high) = it.range(by, signed);
        (name, Grid::over(low, high, signed))
    };
    Ok(histograms.into_iter().map(grid).collect())
}
