//! A network that can be run: tensors with names in, tensors with names out.

#[cfg(feature = "ort")]
mod onnxruntime;
mod planned;
mod rten;

use std::path::Path;

use self::planned::Planned;
use self::rten::Rten;
use crate::{
    Error, Graph, Isa, Llama, Note, Port, Precision, Tensor, Tensors, Weights, available_threads,
    weights::Packing, whisper::Whisper,
};

/// Something that runs a network. Inputs come in the order of [`Executor::inputs`] and were checked against it.
///
/// A run has no memory: the same inputs give the same outputs to the bit, whatever ran before and on however many threads.
pub trait Executor: Send + Sync {
    /// Its name in messages and tables: `rten`, `onnxruntime`, `planned`.
    fn name(&self) -> &'static str;

    /// What it computes in, if that was chosen for it.
    fn precision(&self) -> Option<Precision> {
        None
    }

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

/// How a network is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Threads of executors that share a run among threads; plans of our own run on the thread that asks.
    pub threads: usize,
    /// What plans compute in; none for what the network's weights are: integers where they were quantised, else floats.
    pub precision: Option<Precision>,
}

impl Default for Options {
    /// This process's share of the machine ([`available_threads`]), in the network's own precision.
    fn default() -> Self {
        Options { threads: available_threads(), precision: None }
    }
}

impl Options {
    /// The same on this many threads.
    #[must_use]
    pub fn on(self, threads: usize) -> Self {
        Options { threads: threads.max(1), ..self }
    }

    /// The same in this precision.
    #[must_use]
    pub fn with(self, precision: Option<Precision>) -> Self {
        Options { precision, ..self }
    }
}

/// A network and the executor that runs it.
pub struct Network {
    executor: Box<dyn Executor>,
    /// Why no plan of our own runs it.
    reason: Option<String>,
    /// What the plan did that the file does not say.
    remark: Option<String>,
}

impl Network {
    /// A network run by this executor.
    pub fn new(executor: Box<dyn Executor>) -> Self {
        Network { executor, reason: None, remark: None }
    }

    /// Opens an ONNX file to be run on this many threads; a GGUF language network, packed Whisper (`inkpack`) or Whisper of
    /// CTranslate2 (`bin`), which run on one.
    ///
    /// # Errors
    /// As [`Graph::read_onnx`] and [`Network::of`], or as [`Weights::open`], [`Llama::open`] and [`Whisper::open`].
    pub fn open(path: &Path, threads: usize) -> Result<Self, Error> {
        Network::open_with(path, &Options::default().on(threads))
    }

    /// Opens a file to be run as these options say; language networks and Whisper have a precision of their own.
    ///
    /// # Errors
    /// As [`Graph::read_onnx`] and [`Network::with`], or as [`Weights::open`], [`Llama::open`] and [`Whisper::open`].
    pub fn open_with(path: &Path, options: &Options) -> Result<Self, Error> {
        match path.extension().and_then(|it| it.to_str()) {
            Some("gguf") => Ok(Network::new(Box::new(Llama::open(&Weights::open(path)?, None)?))),
            Some("inkpack" | "bin") => Network::of_weights(&Weights::open(path)?, options),
            _ => Network::with(&Graph::read_onnx(path)?, options),
        }
    }

    /// A network of weights that say themselves what they are: packed plans, or Whisper as packed or as CTranslate2 keeps it.
    ///
    /// # Errors
    /// [`Error::Refused`] for packed weights of another precision than asked for; as [`Whisper::open`] for the others;
    /// [`Error::Malformed`], [`Error::Tensor`] and [`Error::TooLarge`] for parts of a plan that do not fit each other.
    pub fn of_weights(weights: &Weights, options: &Options) -> Result<Self, Error> {
        match weights.notes().get("specification") {
            Some(Note::Text(it)) if it == planned::packed::SPECIFICATION => {
                Ok(Network::new(Box::new(Planned::unpacked(weights, options.precision, Isa::best())?)))
            }
            _ => Ok(Network::new(Box::new(Whisper::open(weights, None, Isa::best())?))),
        }
    }

    /// The plan of a graph, in this precision or in that of its weights, laid out for the kernels: to be written as a packed file,
    /// which opens without laying anything out and gives the same answers to the bit on every processor.
    ///
    /// # Errors
    /// [`Error::Refused`] where the graph is not planned, or is of convolutions or spectra, whose plans are not packed.
    pub fn packing(graph: &Graph, precision: Option<Precision>) -> Result<Packing, Error> {
        planned::packed::packing(graph, precision)
    }

    /// A graph run by the best executor for it on this many threads: our own plan, in the precision of its weights, where it is
    /// of a shape that is planned, else rten.
    ///
    /// # Errors
    /// As [`Network::by_rten`].
    pub fn of(graph: &Graph, threads: usize) -> Result<Self, Error> {
        Network::with(graph, &Options::default().on(threads))
    }

    /// A graph run by the best executor for it: our own plan where it is of a shape that is planned, else rten, which has no
    /// precision but the graph's own; [`Network::reason`] says why.
    ///
    /// # Errors
    /// As [`Network::by_rten`]; [`Error::Refused`] where integers or 16-bit floats are asked for and no plan takes the graph.
    pub fn with(graph: &Graph, options: &Options) -> Result<Self, Error> {
        match Planned::new(graph, options.precision, Isa::best()) {
            Ok(planned) => {
                let again = planned.again();
                let remark = format!("{again} of its layers are not pair-safe and were quantised again");
                Ok(Network { remark: (again > 0).then_some(remark), ..Network::new(Box::new(planned)) })
            }
            Err(it) if options.precision.is_some_and(|it| it != Precision::Float) => Err(it),
            Err(it) => {
                Ok(Network { reason: Some(it.to_string()), ..Network::by_rten(graph, options.threads)? })
            }
        }
    }

    /// A graph run by rten on this many threads.
    ///
    /// # Errors
    /// [`Error::Refused`] for operators rten would get wrong, [`Error::Run`] for those it does not have.
    pub fn by_rten(graph: &Graph, threads: usize) -> Result<Self, Error> {
        Ok(Network::new(Box::new(Rten::new(graph, threads)?)))
    }

    /// A graph run by our own plan, on the thread that asks: an encoder of rows or of spectra, a perceptron or convolutions.
    ///
    /// # Errors
    /// [`Error::Refused`] where the graph is none of these, [`Error::Run`] where its parts do not fit each other.
    pub fn by_plan(graph: &Graph, precision: Precision, isa: Isa) -> Result<Self, Error> {
        Ok(Network::new(Box::new(Planned::new(graph, Some(precision), isa)?)))
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

    /// What a plan of our own computes in; none where another executor runs the network.
    pub fn precision(&self) -> Option<Precision> {
        self.executor.precision()
    }

    /// Why another executor than our own plan was chosen; none where it was not, or where the executor was asked for.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What the plan did with the weights that the file does not say: layers whose integers were quantised again.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
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
