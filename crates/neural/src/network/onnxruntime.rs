//! Any ONNX graph through ONNX Runtime, from a shared library the user has: the judge of the other executors.

use std::{
    borrow::Cow,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use ort::{
    environment::Environment,
    session::{Session, SessionInputValue},
    value::{DynValue, Tensor as Theirs, TensorRef},
};

use super::Executor;
use crate::{Dtype, Error, Graph, Port, Tensor, Values};

const NAME: &str = "onnxruntime";

/// A network run by ONNX Runtime. A session is run by one caller at a time.
pub(super) struct OnnxRuntime {
    session: Mutex<Session>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

fn failed(it: impl std::fmt::Display) -> Error {
    Error::Run { executor: NAME, reason: it.to_string() }
}

/// The library is loaded once a process; the first path stays.
fn environment(library: &Path) -> Result<&'static Environment, Error> {
    static LOADED: OnceLock<Result<Environment, String>> = OnceLock::new();
    let load = || {
        let builder = ort::init_from(library).map_err(|it| it.to_string())?;
        builder.with_name("inkling").build().map_err(|it| it.to_string())
    };
    LOADED.get_or_init(load).as_ref().map_err(failed)
}

impl OnnxRuntime {
    pub(super) fn new(graph: &Graph, library: &Path, threads: usize) -> Result<Self, Error> {
        let builder = Session::builder(environment(library)?).map_err(failed)?;
        let mut builder = builder.with_intra_threads(threads).map_err(failed)?;
        let session = builder.commit_from_memory(&graph.to_onnx()).map_err(failed)?;
        let (inputs, outputs) = (graph.inputs.clone(), graph.outputs.clone());
        Ok(OnnxRuntime { session: Mutex::new(session), inputs, outputs })
    }
}

impl Executor for OnnxRuntime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        let given = self.inputs.iter().zip(inputs);
        let given =
            given.map(|(port, tensor)| Ok((Cow::from(port.name.as_str()), value(&port.name, tensor)?)));
        let given = given.collect::<Result<Vec<_>, Error>>()?;
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let got = session.run(given).map_err(failed)?;
        self.outputs.iter().map(|port| tensor(port, got.get(&port.name))).collect()
    }
}

fn value<'a>(name: &str, tensor: &'a Tensor) -> Result<SessionInputValue<'a>, Error> {
    macro_rules! view {
        ($values:expr) => {
            TensorRef::from_array_view((tensor.shape().to_vec(), $values.as_slice()))
                .map(SessionInputValue::from)
        };
    }
    if tensor.count() == 0 {
        return empty(name, tensor);
    }
    match tensor.values() {
        Values::F32(it) => view!(it),
        Values::F64(it) => view!(it),
        Values::I64(it) => view!(it),
        Values::I32(it) => view!(it),
        Values::I16(it) => view!(it),
        Values::I8(it) => view!(it),
        Values::U64(it) => view!(it),
        Values::U32(it) => view!(it),
        Values::U16(it) => view!(it),
        Values::U8(it) => view!(it),
        Values::Bool(it) => view!(it),
        _ => {
            return Err(Error::tensor(
                name,
                "numbers of 8 to 64 bits (executor onnxruntime)",
                tensor.dtype().name(),
            ));
        }
    }
    .map_err(failed)
}

/// A view of nothing has no address, which the library refuses; an owned tensor has one.
fn empty<'a>(name: &str, tensor: &Tensor) -> Result<SessionInputValue<'a>, Error> {
    let shape = tensor.shape().to_vec();
    match tensor.dtype() {
        Dtype::F32 => Theirs::from_array((shape, Vec::<f32>::new())).map(SessionInputValue::from),
        Dtype::I64 => Theirs::from_array((shape, Vec::<i64>::new())).map(SessionInputValue::from),
        other => return Err(Error::tensor(name, "empty f32 or i64 (executor onnxruntime)", other.name())),
    }
    .map_err(failed)
}

fn tensor(port: &Port, value: Option<&DynValue>) -> Result<Tensor, Error> {
    let value = value.ok_or_else(|| Error::tensor(&port.name, "an output", "none"))?;
    macro_rules! taken {
        ($variant:ident, $t:ty) => {{
            let (shape, values) = value.try_extract_tensor::<$t>().map_err(failed)?;
            let shape = shape.iter().map(|&it| usize::try_from(it).unwrap_or(0)).collect::<Vec<_>>();
            Tensor::new(shape, Values::$variant(values.to_vec()))
        }};
    }
    match port.dtype {
        Dtype::F32 => taken!(F32, f32),
        Dtype::F64 => taken!(F64, f64),
        Dtype::I64 => taken!(I64, i64),
        Dtype::I32 => taken!(I32, i32),
        Dtype::I16 => taken!(I16, i16),
        Dtype::I8 => taken!(I8, i8),
        Dtype::U64 => taken!(U64, u64),
        Dtype::U32 => taken!(U32, u32),
        Dtype::U16 => taken!(U16, u16),
        Dtype::U8 => taken!(U8, u8),
        Dtype::Bool => taken!(Bool, bool),
        other => {
            Err(Error::tensor(&port.name, "numbers of 8 to 64 bits (executor onnxruntime)", other.name()))
        }
    }
}
