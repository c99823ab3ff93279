//! Reading what was written: a numeral by its strokes.

use std::path::Path;

use ink::Stroke;
use neural::{Network, Tensor, Tensors};

use crate::{CHANNELS, Error, Picture, SIDE};

/// A network that reads single numerals 0 to 9: `picture` `[batch, 4, 28, 28]` in, `score` `[batch, 10]` out, the logarithms
/// of shares up to a constant.
pub struct Numerals {
    network: Network,
}

/// What a numeral was read as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// How likely each numeral is; they sum to 1.
    pub shares: [f64; 10],
}

impl Reading {
    /// The likeliest numeral, the smaller of equals, and its share.
    pub fn likeliest(&self) -> (usize, f64) {
        let better = |best: usize, it: usize| if self.shares[it] > self.shares[best] { it } else { best };
        let numeral = (1..self.shares.len()).fold(0, better);
        (numeral, self.shares[numeral])
    }
}

impl Numerals {
    /// Opens a network, `networks/digits@1/digits.onnx` for one, to be run on one thread.
    ///
    /// # Errors
    /// Where the file is no network or its ports are others.
    pub fn open(path: &Path) -> Result<Numerals, Error> {
        Numerals::of(Network::open(path, 1)?)
    }

    /// Takes over a network.
    ///
    /// # Errors
    /// [`Error::Ports`] where it takes or gives something else.
    pub fn of(network: Network) -> Result<Numerals, Error> {
        let names = |ports: &[neural::Port]| ports.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        let got = (names(network.inputs()), names(network.outputs()));
        match (&got.0[..], &got.1[..]) {
            ([input], [output]) if input == INPUT && output == OUTPUT => Ok(Numerals { network }),
            _ => Err(Error::Ports {
                expected: format!("{INPUT} in and {OUTPUT} out"),
                got: format!("{} in and {} out", got.0.join(", "), got.1.join(", ")),
            }),
        }
    }

    /// Reads the strokes of one numeral; none where they leave no ink.
    ///
    /// # Errors
    /// What the network fails with.
    pub fn read<'a>(&self, strokes: impl IntoIterator<Item = &'a Stroke>) -> Result<Option<Reading>, Error> {
        let Some(picture) = Picture::of(strokes) else { return Ok(None) };
        let tensor = Tensor::f32([1, CHANNELS, SIDE, SIDE], picture.values)?;
        let outputs = self.network.run(&[(INPUT.to_owned(), tensor)].into_iter().collect::<Tensors>())?;
        let scores = outputs.get(OUTPUT).and_then(Tensor::as_f32).unwrap_or(&[]);
        let shares = neural::softmax(scores).try_into().map_err(|it: Vec<f64>| Error::Ports {
            expected: format!("{OUTPUT} f32 [1, 10]"),
            got: format!("{} values", it.len()),
        })?;
        Ok(Some(Reading { shares }))
    }
}

/// Name of the input of a network that sees pictures.
pub const INPUT: &str = "picture";

/// Name of its output.
pub const OUTPUT: &str = "score";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_shares_the_smaller_numeral_is_read() {
        let mut scores = [0.0; 10];
        (scores[3], scores[7]) = (90.0, 90.0);
        let reading = Reading { shares: neural::softmax(&scores).try_into().unwrap() };
        let (numeral, share) = reading.likeliest();
        assert!(numeral == 3 && (share - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_network_of_other_ports_is_refused_with_what_it_takes() {
        let graph = neural::Graph {
            inputs: vec![neural::Port::fixed("x", neural::Dtype::F32, &[1, 2])],
            outputs: vec![neural::Port::fixed("y", neural::Dtype::F32, &[1, 2])],
            nodes: vec![neural::Node::new("Relu", ["x"], ["y"])],
            opsets: [(String::new(), 17)].into(),
            ..neural::Graph::default()
        };
        let error = Numerals::of(Network::of(&graph, 1).unwrap()).err().unwrap().to_string();
        assert!(error.contains("expected picture in and score out, got x in and y out"), "{error}");
    }
}
