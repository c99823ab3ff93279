//! Items with their true classes, to judge a recogniser on.

use std::path::Path;

use learn::{cost::Groups, recognition::Recognition};
use neural::{Network, Tensor, Tensors, Values};

use crate::Error;

/// Inputs of a network, item after item, with the class of each and who made it. As `.npz`: the network's inputs, `class` i64
/// `[items]` and `person` i64 `[items]`.
pub struct JudgedSet {
    inputs: Tensors,
    truth: Vec<usize>,
    people: Vec<u64>,
}

const CLASS: &str = "class";
const PERSON: &str = "person";

impl JudgedSet {
    /// Reads the arrays of a `.npz` file.
    ///
    /// # Errors
    /// Where it cannot be read, or as [`JudgedSet::of`].
    pub fn read(path: &Path) -> Result<JudgedSet, Error> {
        JudgedSet::of(Tensors::read_npz(path)?)
    }

    /// Takes the arrays.
    ///
    /// # Errors
    /// [`Error::Network`] naming the array that is missing or does not fit.
    pub fn of(tensors: Tensors) -> Result<JudgedSet, Error> {
        let numbers = |name: &str| -> Result<Vec<u64>, Error> {
            let found = tensors.get(name).and_then(Tensor::as_i64);
            let sound = found.filter(|it| it.iter().all(|it| *it >= 0));
            let sound = sound.ok_or_else(|| bad(name, "i64 numbers of at least 0", "something else"))?;
            Ok(sound.iter().map(|it| it.unsigned_abs()).collect())
        };
        let (truth, people) = (numbers(CLASS)?, numbers(PERSON)?);
        let inputs: Tensors = tensors
            .iter()
            .filter(|(name, _)| *name != CLASS && *name != PERSON)
            .map(|(name, tensor)| (name.to_owned(), tensor.clone()))
            .collect();
        for (name, tensor) in inputs.iter() {
            let items = tensor.shape().first().copied().unwrap_or(0);
            if items != truth.len() || people.len() != truth.len() {
                let expected = format!("{} items, as many as classes and people", truth.len());
                return Err(bad(name, &expected, &format!("{items} and {} people", people.len())));
            }
        }
        let truth = truth.into_iter().map(|it| it as usize).collect();
        Ok(JudgedSet { inputs, truth, people })
    }

    /// Its inputs alone, as samples to calibrate on.
    pub fn inputs(&self) -> &Tensors {
        &self.inputs
    }

    /// What a network says of every item: the shares of its first output's scores. Items are run one at a time, as they will
    /// be where it is used.
    ///
    /// # Errors
    /// What the network fails with, or where its output is no row of scores.
    pub fn recognised(&self, network: &Network) -> Result<Recognition, Error> {
        let (mut shares, mut classes) = (Vec::new(), 0);
        for item in 0..self.truth.len() {
            let outputs = network.run(&self.item(item)?)?;
            let scores = outputs.iter().next().and_then(|(_, it)| it.as_f32());
            let scores = scores.ok_or_else(|| bad("output", "f32 scores", "something else"))?;
            classes = scores.len();
            shares.extend(neural::softmax(scores));
        }
        Ok(Recognition::new(classes, shares, self.truth.clone(), &self.people)?)
    }

    /// Items by class, as groups that may lose more than others.
    pub(super) fn groups(&self) -> Groups {
        let classes = self.truth.iter().max().map_or(0, |it| it + 1);
        let of = |class: usize| (0..self.truth.len()).filter(|&it| self.truth[it] == class).collect();
        (0..classes).map(|class| (format!("class {class}"), of(class))).collect()
    }

    fn item(&self, item: usize) -> Result<Tensors, Error> {
        let one = |(name, tensor): (&str, &Tensor)| {
            let shape = [vec![1], tensor.shape()[1..].to_vec()].concat();
            let step: usize = shape.iter().product();
            let of = item * step..(item + 1) * step;
            let values = match tensor.values() {
                Values::F32(it) => Values::F32(it[of].to_vec()),
                Values::I64(it) => Values::I64(it[of].to_vec()),
                Values::Bool(it) => Values::Bool(it[of].to_vec()),
                _ => return Err(bad(name, "f32, i64 or bool", tensor.dtype().name())),
            };
            Ok((name.to_owned(), Tensor::new(shape, values)?))
        };
        self.inputs.iter().map(one).collect()
    }
}

fn bad(name: &str, expected: &str, got: &str) -> Error {
    Error::Network { name: name.to_owned(), reason: format!("as an array: expected {expected}, got {got}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neural::{Dim, Dtype, Graph, Node, Port};

    fn set(classes: Vec<i64>) -> Result<JudgedSet, Error> {
        let items = classes.len();
        let picture: Vec<f32> = (0..items).flat_map(|it| [it as f32, 1.0]).collect();
        let tensors = [
            ("x".to_owned(), Tensor::f32([items, 2], picture)?),
            (CLASS.to_owned(), Tensor::i64([items], classes)?),
            (PERSON.to_owned(), Tensor::i64([items], (0..items as i64).map(|it| it / 2).collect())?),
        ];
        JudgedSet::of(tensors.into_iter().collect())
    }

    #[test]
    fn items_are_run_one_by_one_and_shares_are_of_scores() {
        let port = |name: &str| Port {
            name: name.to_owned(),
            dtype: Dtype::F32,
            shape: Some(vec![Dim::Named("batch".into()), Dim::Fixed(2)]),
        };
        let graph = Graph {
            inputs: vec![port("x")],
            outputs: vec![port("y")],
            nodes: vec![Node::new("Relu", ["x"], ["y"])],
            opsets: [(String::new(), 17)].into(),
            ..Graph::default()
        };
        let set = set(vec![1, 1, 0, 0]).unwrap();
        let found = set.recognised(&Network::of(&graph, 1).unwrap()).unwrap();
        assert_eq!((found.items(), found.people()), (4, 2));
        // The second item has equal scores, and of equals the first class is given.
        assert_eq!(found.judge((10, 1)).accuracy.value, 0.75);
        assert_eq!(set.groups()[1], ("class 1".to_owned(), vec![0, 1]));
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_by_name() {
        let error = set(vec![-1, 0]).err().unwrap().to_string();
        assert!(error.contains("\"class\"") && error.contains("at least 0"), "{error}");
        let alone = [("x".to_owned(), Tensor::f32([1, 2], vec![0.0; 2]).unwrap())];
        assert!(JudgedSet::of(alone.into_iter().collect()).is_err());
    }
}
