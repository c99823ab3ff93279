//! The networks that are served, by name, and how requests to one of them share a run.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::Arc,
};

use neural::{Dim, Dtype, Network, Options, Port, Tensor, Tensors};

use crate::Error;

/// A network that answers.
pub(crate) struct Loaded {
    pub name: String,
    /// SHA-256 of its file: the version in every answer.
    pub digest: String,
    pub network: Network,
    /// Whether runs of several requests may be one: a plan of our own, whose rows do not depend on each other, with a free
    /// first dimension everywhere.
    shares: bool,
}

impl Loaded {
    /// Opens a network's file. Runs are on the thread that asks; requests run beside each other instead.
    pub(crate) fn open(name: &str, path: &PathBuf) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::open(path, source))?;
        let digest = neural::digest(&bytes);
        drop(bytes);
        let network = Network::open_with(path, &Options::default().on(1))?;
        Ok(Self { name: name.to_owned(), digest, shares: shares(&network), network })
    }

    /// Which requests may share a run with this one; none for a network whose runs are never shared.
    pub(crate) fn lane(&self, inputs: &Tensors) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.name, &self.digest).hash(&mut hasher);
        for port in self.network.inputs() {
            let tensor = inputs.get(&port.name)?;
            tensor.as_f32()?;
            tensor.shape().get(1..)?.hash(&mut hasher);
        }
        let rows: Vec<usize> = inputs.iter().map(|(_, it)| it.shape()[0]).collect();
        let same = rows.iter().all(|it| *it == rows[0] && *it > 0);
        (self.shares && same && inputs.len() == self.network.inputs().len()).then(|| hasher.finish())
    }

    /// Answers requests of one lane by one run; each gets what it would get alone, to the bit.
    pub(crate) fn run(&self, requests: &[Tensors]) -> Vec<Result<Tensors, neural::Error>> {
        match requests {
            [] => vec![],
            [one] => vec![self.network.run(one)],
            many => match self.shared_run(many) {
                Some(answers) => answers.into_iter().map(Ok).collect(),
                // What one of them did wrong is not the others' fault.
                None => many.iter().map(|it| self.network.run(it)).collect(),
            },
        }
    }

    fn shared_run(&self, requests: &[Tensors]) -> Option<Vec<Tensors>> {
        let joined: Tensors = self
            .network
            .inputs()
            .iter()
            .map(|port| Some((port.name.clone(), joined(&port.name, requests)?)))
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .collect();
        let outputs = self.network.run(&joined).ok()?;
        let rows: Vec<usize> =
            requests.iter().map(|it| it.iter().next().map_or(0, |(_, it)| it.shape()[0])).collect();
        let mut answers: Vec<Tensors> = requests.iter().map(|_| Tensors::new()).collect();
        for (name, output) in outputs.iter() {
            for (answer, part) in answers.iter_mut().zip(parted(output, &rows)?) {
                answer.insert(name, part);
            }
        }
        Some(answers)
    }
}

fn shares(network: &Network) -> bool {
    let free = |port: &Port| {
        let first = port.shape.as_ref().and_then(|it| it.first());
        port.dtype == Dtype::F32 && matches!(first, Some(Dim::Named(_) | Dim::Any))
    };
    network.executor() == "planned" && network.inputs().iter().chain(network.outputs()).all(free)
}

fn joined(name: &str, requests: &[Tensors]) -> Option<Tensor> {
    let mut shape = requests.first()?.get(name)?.shape().to_vec();
    let mut values = Vec::new();
    shape[0] = 0;
    for request in requests {
        let tensor = request.get(name)?;
        shape[0] += tensor.shape()[0];
        values.extend_from_slice(tensor.as_f32()?);
    }
    Tensor::f32(shape, values).ok()
}

fn parted(output: &Tensor, rows: &[usize]) -> Option<Vec<Tensor>> {
    let (values, mut shape) = (output.as_f32()?, output.shape().to_vec());
    if *shape.first()? != rows.iter().sum::<usize>() {
        return None;
    }
    let width: usize = shape[1..].iter().product();
    let mut rest = values;
    rows.iter()
        .map(|&count| {
            let (part, after) = rest.split_at_checked(count * width)?;
            (rest, shape[0]) = (after, count);
            Tensor::f32(shape.clone(), part.to_vec()).ok()
        })
        .collect()
}

/// Every network that is served.
#[derive(Default, Clone)]
pub(crate) struct Served(BTreeMap<String, Arc<Loaded>>);

impl Served {
    /// Opens every network; one that cannot be opened is an error of the start, not of a request.
    pub(crate) fn open(paths: &BTreeMap<String, PathBuf>) -> Result<Self, Error> {
        let opened = paths.iter().map(|(name, path)| Ok((name.clone(), Arc::new(Loaded::open(name, path)?))));
        Ok(Self(opened.collect::<Result<_, Error>>()?))
    }

    /// The network of this name.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Loaded>, Error> {
        self.0.get(name).cloned().ok_or(Error::NotFound { what: "network" })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use neural::{Graph, Node};

    use super::*;

    /// Two numbers in, three out: `relu(x · w + b)`, then a second layer.
    pub(crate) fn small() -> Graph {
        let weights = |shape: [usize; 2], start: f32| {
            let count = shape[0] * shape[1];
            Tensor::f32(shape, (0..count).map(|it| start + it as f32 * 0.37).collect()).unwrap()
        };
        let row =
            |width: usize| Tensor::f32([width], (0..width).map(|it| it as f32 - 0.5).collect()).unwrap();
        let port = |name: &str, width: usize| Port {
            name: name.into(),
            dtype: Dtype::F32,
            shape: Some(vec![Dim::Named("rows".into()), Dim::Fixed(width)]),
        };
        Graph {
            inputs: vec![port("x", 2)],
            outputs: vec![port("y", 3)],
            nodes: vec![
                Node::new("Gemm", ["x", "w1", "b1"], ["h"]),
                Node::new("Relu", ["h"], ["r"]),
                Node::new("Gemm", ["r", "w2", "b2"], ["y"]),
            ],
            initialisers: [
                ("w1".to_owned(), weights([2, 4], -0.6)),
                ("b1".to_owned(), row(4)),
                ("w2".to_owned(), weights([4, 3], -1.1)),
                ("b2".to_owned(), row(3)),
            ]
            .into(),
            opsets: [(String::new(), 17)].into(),
            name: "small".into(),
            ..Graph::default()
        }
    }

    fn rows(count: usize, seed: usize) -> Tensors {
        let values = (0..2 * count).map(|it| ((it * 31 + seed * 17) % 23) as f32 / 7.0 - 1.5).collect();
        [("x", Tensor::f32([count, 2], values).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_thousand_random_batches_give_what_their_requests_give_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.onnx");
        std::fs::write(&path, small().to_onnx()).unwrap();
        let loaded = Loaded::open("small", &path).unwrap();
        assert!(
            loaded.lane(&rows(1, 0)).is_some(),
            "this network's runs are not shared: {:?}",
            loaded.network.reason()
        );
        for batch in 0..1_000 {
            let requests: Vec<Tensors> =
                (0..1 + batch % 7).map(|it| rows(1 + (batch + it) % 5, batch * 10 + it)).collect();
            let answers = loaded.run(&requests);
            for (request, answer) in requests.iter().zip(answers) {
                assert_eq!(answer.unwrap(), loaded.network.run(request).unwrap(), "batch {batch}");
            }
        }
    }
}
