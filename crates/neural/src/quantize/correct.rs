//! Bias correction: rounding moves the mean of what comes out of a layer, and the bias moves it back.
//!
//! Of output j, `b' = b + E[(W x)ⱼ] − E[(Ŵ x̂)ⱼ]`, the expectation over the samples (Nagel et al. 2019, §4.2, with the means seen
//! instead of those of a batch normalisation; what rounding and cutting do to the activation is counted in).

use std::collections::BTreeMap;

use super::{
    layer::{Kind, Layer},
    observe::Seen,
    weights::Coded,
};
use crate::Graph;

/// What each layer's bias has to be, where it was seen what goes in.
pub(super) fn corrected(
    graph: &Graph,
    layers: &[Layer],
    coded: &[Coded],
    seen: &BTreeMap<String, Seen>,
    rounded: &BTreeMap<String, Seen>,
) -> Vec<Option<Vec<f32>>> {
    let of = |(layer, coded): (&Layer, &Coded)| {
        if layer.kind == Kind::Table {
            return None;
        }
        let before = seen.get(&layer.input)?.means();
        let after = rounded.get(&layer.input).or_else(|| seen.get(&layer.input))?.means();
        if before.len() != layer.inputs() {
            return None;
        }
        let weights = graph.initialisers.get(&layer.weights)?.as_f32()?;
        let moved = moved(layer, (weights, &before), (&coded.values(layer), &after));
        let bias = bias_of(graph, layer);
        Some(
            moved
                .iter()
                .enumerate()
                .map(|(at, it)| (f64::from(bias.get(at).copied().unwrap_or(0.0)) + it) as f32)
                .collect(),
        )
    };
    layers.iter().zip(coded).map(of).collect()
}

fn bias_of<'a>(graph: &'a Graph, layer: &Layer) -> &'a [f32] {
    use super::layer::Bias;
    match &layer.bias {
        Bias::Own(name) | Bias::Added { name, .. } => {
            graph.initialisers.get(name).and_then(|it| it.as_f32()).unwrap_or(&[])
        }
        Bias::None => &[],
    }
}

/// By how much the mean of each output was moved down.
fn moved(layer: &Layer, (weights, means): (&[f32], &[f64]), (coded, rounded): (&[f32], &[f64])) -> Vec<f64> {
    let of = |channel: usize| {
        let term = |(k, place): (usize, usize)| {
            let source = layer.source(channel, k);
            f64::from(weights[place]) * means[source] - f64::from(coded[place]) * rounded[source]
        };
        layer.places(channel).enumerate().map(term).sum()
    };
    (0..layer.channels()).map(of).collect()
}
