//! A network that can be run: tensors with names in, tensors with names out.

#[cfg(feature = "ort")]
mod onnxruntime;
mod planned;
mod rten;

use std::path::Path;

use self::planned::Planned;
use self::rten::Rten;
use crate::{Error, Graph, Isa, Llama, Port, Precision, Tensor, Tensors, Weights, whisper::Whisper};

/// Something that runs a network. Inputs come in the order of [`Executor::inputs`] and were checked against it.
///
/// A run has no memory: the same inputs give the same outputs to the bit, whatever ran before and on however many threads.
pub trait Executor: Send + Sync {
    /// Its name in messages and tables: `rten`, `onnxruntime`, `planned`.
    fn name(&self) -> &'static str;

    /// What goes in.
    fn inputs(&self) -> &[Port];

    /// What comes out.
    fn outputs(&self) -> &[Port];

    /// Runs it once; outputs in the order of [`Executor::outputs`].
    ///
    /// # Errors
    /// [`Error::Run`] with what the executor said.
    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error>;
}

/// A network and the executor that runs it.
pub struct Network {
    executor: Box<dyn Executor>,
}

impl Network {
    /// A network run by this executor.
    pub fn new(executor: Box<dyn Executor>) -> Self {
        Network { executor }
    }

    /// Opens an ONNX file to be run on this many threads; a GGUF language network, packed Whisper (`inkpack`) or Whisper of
    /// CTranslate2 (`bin`), which run on one.
    ///
    /// # Errors
    /// As [`Graph::read_onnx`] and [`Network::of`], or as [`Weights::open`], [`Llama::open`] and [`Whisper::open`].
    pub fn open(path: &Path, threads: usize) -> Result<Self, Error> {
        match path.extension().and_then(|it| it.to_str()) {
            Some("gguf") => Ok(Network::new(Box::new(Llama::open(&Weights::open(path)?, None)?))),
            Some("inkpack" | "bin") => {
                Ok(Network::new(Box::new(Whisper::open(&Weights::open(path)?, None, Isa::best())?)))
            }
            _ => Network::of(&Graph::read_onnx(path)?, threads),
        }
    }

    /// A graph run by the best executor for it: our own plan in floating point where it is of a shape that is planned, else
    /// rten on this many threads.
    ///
    /// # Errors
    /// As [`Network::by_rten`].
    pub fn of(graph: &Graph, threads: usize) -> Result<Self, Error> {
        Network::by_plan(graph, Precision::Float, Isa::best()).or_else(|_| Network::by_rten(graph, threads))
    }

    /// A graph run by rten on this many threads.
    ///
    /// # Errors
    /// [`Error::Refused`] for operators rten would get wrong, [`Error::Run`] for those it does not have.
    pub fn by_rten(graph: &Graph, threads: usize) -> Result<Self, Error> {
        Ok(Network::new(Box::new(Rten::new(graph, threads)?)))
    }

    /// A graph run by our own plan, on the thread that asks: an encoder of rows or of spectra, or a perceptron.
    ///
    /// # Errors
    /// [`Error::Refused`] where the graph is none of these, [`Error::Run`] where its parts do not fit each other.
    pub fn by_plan(graph: &Graph, precision: Precision, isa: Isa) -> Result<Self, Error> {
        Ok(Network::new(Box::new(Planned::new(graph, precision, isa)?)))
    }

    /// A graph run by ONNX Runtime on this many threads: the user's own shared library, loaded at this path.
    ///
    /// # Errors
    /// [`Error::Run`] where the library cannot be loaded or does not take the graph.
    #[cfg(feature = "ort")]
    pub fn by_onnxruntime(graph: &Graph, library: &Path, threads: usize) -> Result<Self, Error> {
        Ok(Network::new(Box::new(onnxruntime::OnnxRuntime::new(graph, library, threads)?)))
    }

    /// The executor's name.
    pub fn executor(&self) -> &'static str {
        self.executor.name()
    }

    /// What goes in.
    pub fn inputs(&self) -> &[Port] {
        self.executor.inputs()
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Port] {
        self.executor.outputs()
    }

    /// Runs it once.
    ///
    /// # Errors
    /// [`Error::Tensor`] where an input is missing, unknown or of the wrong element type or shape; [`Error::Run`] where the
    /// executor fails.
    pub fn run(&self, inputs: &Tensors) -> Result<Tensors, Error> {
        let ordered = self.order(inputs)?;
        let outputs = self.executor.run(&ordered)?;
        let names = self.outputs().iter().map(|it| it.name.as_str());
        Ok(names.zip(outputs).collect())
    }

    /// The inputs in the executor's order, each checked.
    fn order<'a>(&self, inputs: &'a Tensors) -> Result<Vec<&'a Tensor>, Error> {
        let ports = self.inputs();
        if let Some((name, _)) = inputs.iter().find(|(name, _)| !ports.iter().any(|it| it.name == *name)) {
            let known: Vec<&str> = ports.iter().map(|it| it.name.as_str()).collect();
            return Err(Error::tensor(
                name,
                format!("one of the inputs {}", known.join(", ")),
                "another name",
            ));
        }
        ports.iter().map(|port| checked(port, inputs)).collect()
    }
}

fn checked<'a>(port: &Port, inputs: &'a Tensors) -> Result<&'a Tensor, Error> {
    let tensor =
        inputs.get(&port.name).ok_or_else(|| Error::tensor(&port.name, port.to_string(), "nothing"))?;
    port.accepts(tensor)?;
    Ok(tensor)
}
