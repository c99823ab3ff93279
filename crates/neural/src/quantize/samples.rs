//! What a network is calibrated and judged on: its inputs, checked and in batches.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::{
    Dim, Error, Graph, Network, Port, Tensor, Tensors, Values, artifact::hexadecimal, tensor::elements,
};

/// Rows of a batch: as many as are held in memory at once with everything between the layers.
const ROWS: usize = 8;

/// Inputs of a network, to calibrate or to judge it on.
#[derive(Clone, Debug)]
pub struct Samples {
    pub(super) batches: Vec<Tensors>,
    rows: usize,
    sha256: String,
}

impl Samples {
    /// Takes inputs of `graph`: every element of `inputs` has all of them by name. Where the first dimension is a batch, it may
    /// have any length; a network of fixed batch takes a whole number of batches.
    ///
    /// # Errors
    /// [`Error::Tensor`] naming the input where one is missing, unknown, of another element type or shape, empty, or not finite.
    pub fn of(graph: &Graph, inputs: &[Tensors]) -> Result<Self, Error> {
        let (mut batches, mut rows, mut digest) = (vec![], 0, Sha256::new());
        for tensors in inputs {
            check(&graph.inputs, tensors)?;
            rows += tensors.iter().next().map_or(0, |(_, it)| it.shape().first().copied().unwrap_or(1));
            tensors.iter().for_each(|(name, tensor)| add(&mut digest, name, tensor));
            batches.extend(split(&graph.inputs, tensors)?);
        }
        if batches.is_empty() {
            let first = graph.inputs.first().map_or("", |it| it.name.as_str());
            return Err(Error::tensor(first, "at least one row of samples", "none"));
        }
        Ok(Samples { batches, rows, sha256: hexadecimal(&digest.finalize()) })
    }

    /// Reads `.npz` files: each an array for every input of `graph`.
    ///
    /// # Errors
    /// As [`Tensors::read_npz`] and [`Samples::of`].
    pub fn read(graph: &Graph, paths: &[PathBuf]) -> Result<Self, Error> {
        let inputs = paths.iter().map(|it| Tensors::read_npz(it)).collect::<Result<Vec<_>, _>>()?;
        Samples::of(graph, &inputs)
    }

    /// How many rows there are: the sum of first dimensions of the first input.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// SHA-256 of names, element types, shapes and values, whatever file they came in.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Runs a graph on every batch.
    pub(super) fn run(&self, graph: &Graph, threads: usize) -> Result<Vec<Tensors>, Error> {
        let network = Network::by_rten(graph, threads)?;
        self.batches.iter().map(|it| network.run(it)).collect()
    }

    /// Runs a graph and shows the tensors of these names, batch after batch: values inside it, its inputs and its weights.
    pub(super) fn watch(
        &self,
        graph: &Graph,
        names: &[String],
        threads: usize,
        mut see: impl FnMut(&str, &Tensor) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let is_given = |name: &String| graph.inputs.iter().any(|it| it.name == *name);
        let (given, inside): (Vec<&String>, Vec<&String>) = names.iter().partition(|it| is_given(it));
        let port = |name: &&String| Port { name: (*name).clone(), dtype: crate::Dtype::F32, shape: None };
        let wide = Graph { outputs: inside.iter().map(port).collect(), ..graph.clone() };
        let network = (!inside.is_empty()).then(|| Network::by_rten(&wide, threads)).transpose()?;
        for batch in &self.batches {
            for name in &given {
                see(name, batch.get(name).ok_or_else(|| Error::tensor(*name, "an input", "none"))?)?;
            }
            if let Some(network) = &network {
                network.run(batch)?.iter().try_for_each(|(name, tensor)| see(name, tensor))?;
            }
        }
        Ok(())
    }
}

/// Every input there, none beside them, each of its element type and shape but for the batch, not empty and finite.
fn check(ports: &[Port], tensors: &Tensors) -> Result<(), Error> {
    if let Some((name, _)) = tensors.iter().find(|(name, _)| !ports.iter().any(|it| it.name == *name)) {
        let known: Vec<&str> = ports.iter().map(|it| it.name.as_str()).collect();
        return Err(Error::tensor(name, format!("one of the inputs {}", known.join(", ")), "another name"));
    }
    for port in ports {
        let tensor =
            tensors.get(&port.name).ok_or_else(|| Error::tensor(&port.name, port.to_string(), "nothing"))?;
        if tensor.count() == 0 {
            return Err(Error::tensor(
                &port.name,
                port.to_string(),
                format!("nothing in {:?}", tensor.shape()),
            ));
        }
        finite(&port.name, tensor)?;
        accepts(port, tensor)?;
    }
    Ok(())
}

/// What a port takes, with a fixed first dimension as the length of a batch of which there may be several.
fn accepts(port: &Port, tensor: &Tensor) -> Result<(), Error> {
    let (Some([Dim::Fixed(batch), rest @ ..]), Some(&rows)) = (port.shape.as_deref(), tensor.shape().first())
    else {
        return port.accepts(tensor);
    };
    if *batch == 0 || !rows.is_multiple_of(*batch) {
        return port.accepts(tensor);
    }
    let shape = [&[Dim::Any], rest].concat();
    Port { shape: Some(shape), ..port.clone() }.accepts(tensor).map_err(|_| {
        let got = format!("{} {:?}", tensor.dtype().name(), tensor.shape());
        Error::tensor(&port.name, format!("{port}, any number of times"), got)
    })
}

/// # Errors
/// [`Error::Tensor`] with the first value that is infinite or no number.
pub(super) fn finite(name: &str, tensor: &Tensor) -> Result<(), Error> {
    let values = tensor.as_f32().unwrap_or(&[]);
    match values.iter().position(|it| !it.is_finite()) {
        None => Ok(()),
        Some(place) => {
            let got = format!("{} at place {place}", values[place]);
            Err(Error::tensor(name, "finite numbers", got))
        }
    }
}

/// Batches of the port's length, or of at most [`ROWS`] where the inputs share a batch that has none.
fn split(ports: &[Port], tensors: &Tensors) -> Result<Vec<Tensors>, Error> {
    let first = |port: &Port| port.shape.as_ref().and_then(|it| it.first().cloned());
    let lengths: Vec<usize> =
        tensors.iter().map(|(_, it)| it.shape().first().copied().unwrap_or(1)).collect();
    let of = |port: &Port| match first(port) {
        Some(Dim::Fixed(it)) => Some(it),
        Some(_) => Some(ROWS),
        None => None,
    };
    let sizes: Vec<Option<usize>> = ports.iter().map(of).collect();
    let (Some(Some(size)), Some(&rows)) = (sizes.first(), lengths.first()) else {
        return Ok(vec![tensors.clone()]);
    };
    if sizes.iter().any(|it| *it != Some(*size)) || lengths.iter().any(|it| *it != rows) {
        // No batch that all share: as it is, if the network takes it so.
        ports.iter().try_for_each(|it| tensors.get(&it.name).map_or(Ok(()), |tensor| it.accepts(tensor)))?;
        return Ok(vec![tensors.clone()]);
    }
    let part = |from: usize| {
        let cut = |(name, tensor): (&str, &Tensor)| Ok((name.to_owned(), rows_of(tensor, from, *size)?));
        tensors.iter().map(cut).collect::<Result<Tensors, Error>>()
    };
    (0..rows).step_by(*size).map(part).collect()
}

/// `count` rows of a tensor, or as many as are left.
fn rows_of(tensor: &Tensor, from: usize, count: usize) -> Result<Tensor, Error> {
    let mut shape = tensor.shape().to_vec();
    let length = elements("a row", &shape[1..])?;
    shape[0] = count.min(shape[0] - from);
    let range = from * length..(from + shape[0]) * length;
    macro_rules! cut {
        ($($variant:ident),*) => {
            match tensor.values() {
                $(Values::$variant(it) => Values::$variant(it[range].to_vec()),)*
                _ => return Err(Error::tensor("", "a type of whole bytes to cut", tensor.dtype().name())),
            }
        };
    }
    Tensor::new(shape, cut!(F32, F64, F16, Bf16, I64, I32, I16, I8, U64, U32, U16, U8, Bool))
}

fn add(digest: &mut Sha256, name: &str, tensor: &Tensor) {
    digest.update(format!("{name} {} {:?}\n", tensor.dtype().name(), tensor.shape()));
    digest.update(tensor.values().to_le());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dtype, Node};

    fn graph(first: Dim) -> Graph {
        let port = |name: &str| Port {
            name: name.to_owned(),
            dtype: Dtype::F32,
            shape: Some(vec![first.clone(), Dim::Fixed(2)]),
        };
        Graph {
            inputs: vec![port("x")],
            outputs: vec![port("y")],
            nodes: vec![Node::new("Relu", ["x"], ["y"])],
            opsets: [(String::new(), 17)].into(),
            ..Graph::default()
        }
    }

    fn rows(count: usize) -> Vec<Tensors> {
        let values = (0..count * 2).map(|it| it as f32).collect();
        vec![[("x", Tensor::f32([count, 2], values).unwrap())].into_iter().collect()]
    }

    #[test]
    fn rows_are_cut_into_batches_and_none_is_lost() {
        for (first, count, expected) in [
            (Dim::Named("batch".into()), 19, vec![8, 8, 3]),
            (Dim::Any, 3, vec![3]),
            (Dim::Fixed(1), 2, vec![1, 1]),
            (Dim::Fixed(4), 8, vec![4, 4]),
        ] {
            let samples = Samples::of(&graph(first), &rows(count)).unwrap();
            let lengths: Vec<usize> =
                samples.batches.iter().map(|it| it.get("x").unwrap().shape()[0]).collect();
            assert_eq!((lengths, samples.rows()), (expected, count));
            let all: Vec<f32> =
                samples.batches.iter().flat_map(|it| it.get("x").unwrap().to_f32().unwrap()).collect();
            assert_eq!(all, (0..count * 2).map(|it| it as f32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn samples_that_do_not_fit_are_refused_by_name() {
        let message =
            |tensors: Vec<Tensors>| Samples::of(&graph(Dim::Fixed(4)), &tensors).unwrap_err().to_string();
        let of = |name: &str, shape: &[usize], value: f32| -> Vec<Tensors> {
            let count = shape.iter().product();
            vec![[(name, Tensor::f32(shape, vec![value; count]).unwrap())].into_iter().collect()]
        };
        assert!(message(rows(7)).contains("\"x\"") && message(rows(7)).contains("[4, 2]"));
        assert!(message(of("x", &[8, 3], 0.0)).contains("[4, 2], any number of times"));
        assert!(message(of("z", &[4, 2], 0.0)).contains("one of the inputs x"));
        assert!(message(of("x", &[4, 2], f32::NAN)).contains("NaN at place 0"));
        assert!(message(of("x", &[0, 2], 0.0)).contains("nothing in [0, 2]"));
        assert!(message(vec![]).contains("at least one row"));
        assert!(message(vec![Tensors::new()]).contains("nothing"));
        let integers: Tensors = [("x", Tensor::i64([4, 2], vec![0; 8]).unwrap())].into_iter().collect();
        assert!(message(vec![integers]).contains("i64"));
    }

    #[test]
    fn the_digest_is_of_the_values_and_not_of_their_batches() {
        let digest = |first| Samples::of(&graph(first), &rows(8)).unwrap().sha256().to_owned();
        assert_eq!(digest(Dim::Any), digest(Dim::Fixed(2)));
        let other = Samples::of(&graph(Dim::Any), &rows(9)).unwrap();
        assert_ne!(digest(Dim::Any), other.sha256());
    }
}
