//! From ONNX messages to a [`Graph`].

use std::collections::BTreeMap;

use super::{
    folder::Folder,
    message::{self, Length, kind},
};
use crate::{
    Attribute, Dim, Dtype, Error, Graph, Node, Port, Tensor, Values,
    tensor::{MAX_RANK, elements},
};

/// Reads one message after another, with what tensors outside the file lie in.
pub(super) struct Reader<'a> {
    pub(super) folder: &'a Folder,
}

/// Element types by `TensorProto.DataType`.
const DTYPES: &[(i32, Dtype)] = &[
    (1, Dtype::F32),
    (2, Dtype::U8),
    (3, Dtype::I8),
    (4, Dtype::U16),
    (5, Dtype::I16),
    (6, Dtype::I32),
    (7, Dtype::I64),
    (9, Dtype::Bool),
    (10, Dtype::F16),
    (11, Dtype::F64),
    (12, Dtype::U32),
    (13, Dtype::U64),
    (16, Dtype::Bf16),
    (21, Dtype::U4),
    (22, Dtype::I4),
];

pub(super) fn dtype(at: &str, code: i32) -> Result<Dtype, Error> {
    let known = DTYPES.iter().find(|(it, _)| *it == code).map(|(_, dtype)| *dtype);
    known.ok_or_else(|| {
        let what = match code {
            8 => "strings".to_owned(),
            14 | 15 => "complex numbers".to_owned(),
            17..=20 => "8-bit floats".to_owned(),
            _ => format!("type number {code}"),
        };
        Error::malformed(at, "floats of 16 to 64 bits, integers of 4 to 64 bits or booleans", what)
    })
}

pub(super) fn code(dtype: Dtype) -> i32 {
    DTYPES.iter().find(|(_, it)| *it == dtype).map_or(0, |(code, _)| *code)
}

impl Reader<'_> {
    pub(super) fn model(&mut self, model: message::Model) -> Result<Graph, Error> {
        if let Some(function) = model.functions.first() {
            let reason = "functions of the file's own are not read; export with them inlined";
            return Err(Error::refused(format!("function {:?}", function.name), reason));
        }
        let graph = model.graph.ok_or_else(|| Error::malformed("onnx", "a graph", "none"))?;
        let mut graph = self.graph(graph)?;
        let opset =
            |it: message::Opset| (if it.domain == "ai.onnx" { String::new() } else { it.domain }, it.version);
        graph.opsets = model.opset_import.into_iter().map(opset).collect();
        graph.notes = model.metadata.into_iter().map(|it| (it.key, it.value)).collect();
        graph.check()?;
        Ok(graph)
    }

    fn graph(&mut self, graph: message::Graph) -> Result<Graph, Error> {
        if !graph.sparse_initializer.is_empty() {
            return Err(Error::refused("sparse initialisers", "not read; export them dense"));
        }
        let mut initialisers = BTreeMap::new();
        for mut tensor in graph.initializer {
            let name = std::mem::take(&mut tensor.name);
            let read = self.tensor(&format!("initialiser {name:?}"), tensor)?;
            if initialisers.insert(name.clone(), read).is_some() {
                return Err(Error::tensor(name, "an initialiser once", "two of this name"));
            }
        }
        // Before IR version 4 initialisers had to be listed among the inputs.
        let inputs = graph.input.into_iter().filter(|it| !initialisers.contains_key(&it.name));
        Ok(Graph {
            name: graph.name,
            inputs: inputs.map(port).collect::<Result<_, _>>()?,
            outputs: graph.output.into_iter().map(port).collect::<Result<_, _>>()?,
            nodes: graph.node.into_iter().map(|it| self.node(it)).collect::<Result<_, _>>()?,
            initialisers,
            ..Graph::default()
        })
    }

    fn node(&mut self, node: message::Node) -> Result<Node, Error> {
        let mut read = Node {
            name: node.name,
            op: node.op_type,
            domain: if node.domain == "ai.onnx" { String::new() } else { node.domain },
            inputs: node.input,
            outputs: node.output,
            attributes: BTreeMap::new(),
        };
        for mut attribute in node.attribute {
            let name = std::mem::take(&mut attribute.name);
            let at = format!("attribute {name:?} of {}", read.title());
            read.attributes.insert(name, self.attribute(&at, attribute)?);
        }
        Ok(read)
    }

    fn attribute(&mut self, at: &str, it: message::Attribute) -> Result<Attribute, Error> {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Error::malformed(at, "text in UTF-8", format!("{} other bytes", bytes.len()))),
        };
        Ok(match it.kind {
            kind::FLOAT => Attribute::Float(it.f),
            kind::INT => Attribute::Int(it.i),
            kind::STRING => Attribute::Text(text(&it.s)?),
            kind::TENSOR => {
                let tensor = it.t.ok_or_else(|| Error::malformed(at, "a tensor", "none"))?;
                Attribute::Tensor(self.tensor(at, tensor)?)
            }
            kind::GRAPH => {
                let graph = it.g.ok_or_else(|| Error::malformed(at, "a graph", "none"))?;
                Attribute::Graph(Box::new(self.graph(*graph)?))
            }
            kind::FLOATS => Attribute::Floats(it.floats),
            kind::INTS => Attribute::Ints(it.ints),
            kind::STRINGS => {
                Attribute::Texts(it.strings.iter().map(|it| text(it)).collect::<Result<_, _>>()?)
            }
            other => {
                return Err(Error::malformed(at, "a number, text, tensor or graph", format!("kind {other}")));
            }
        })
    }

    fn tensor(&mut self, at: &str, tensor: message::Tensor) -> Result<Tensor, Error> {
        let dtype = dtype(at, tensor.data_type)?;
        let shape = shape(at, &tensor.dims)?;
        if tensor.data_location != 0 {
            let bytes = self.folder.bytes(at, &tensor.external(), dtype.bytes(elements(at, &shape)?))?;
            return Tensor::from_le(at, shape, dtype, &bytes);
        }
        if let Some(bytes) = &tensor.raw_data {
            return Tensor::from_le(at, shape, dtype, bytes);
        }
        let count = elements(at, &shape)?;
        Tensor::new(shape, fields(at, dtype, tensor)?).map_err(|_| {
            Error::malformed(at, format!("{count} {} values", dtype.name()), "another number of them")
        })
    }
}

/// Values that were written as numbers rather than as raw bytes.
fn fields(at: &str, dtype: Dtype, tensor: message::Tensor) -> Result<Values, Error> {
    macro_rules! narrow {
        ($variant:ident, $t:ty, $from:expr) => {{
            let narrow =
                |it| <$t>::try_from(it).map_err(|_| Error::malformed(at, stringify!($t), format!("{it}")));
            Values::$variant($from.into_iter().map(narrow).collect::<Result<_, _>>()?)
        }};
    }
    Ok(match dtype {
        Dtype::F32 => Values::F32(tensor.float_data),
        Dtype::F64 => Values::F64(tensor.double_data),
        Dtype::I64 => Values::I64(tensor.int64_data),
        Dtype::I32 => Values::I32(tensor.int32_data),
        Dtype::U64 => Values::U64(tensor.uint64_data),
        Dtype::U32 => narrow!(U32, u32, tensor.uint64_data),
        Dtype::I16 => narrow!(I16, i16, tensor.int32_data),
        Dtype::U16 => narrow!(U16, u16, tensor.int32_data),
        Dtype::I8 => narrow!(I8, i8, tensor.int32_data),
        Dtype::U8 => narrow!(U8, u8, tensor.int32_data),
        Dtype::I4 => narrow!(I4, u8, tensor.int32_data),
        Dtype::U4 => narrow!(U4, u8, tensor.int32_data),
        Dtype::Bool => Values::Bool(tensor.int32_data.iter().map(|&it| it != 0).collect()),
        // The bits of each, in the low half of an integer (`onnx.proto`, TensorProto.int32_data).
        Dtype::F16 | Dtype::Bf16 => {
            let bytes: Vec<u8> =
                tensor.int32_data.iter().flat_map(|it| [*it as u8, (*it >> 8) as u8]).collect();
            Values::from_le(at, dtype, &bytes)?
        }
    })
}

fn shape(at: &str, dims: &[i64]) -> Result<Vec<usize>, Error> {
    Error::limit(at, MAX_RANK as u64, dims.len() as u64, "dimensions")?;
    let length = |&it: &i64| {
        usize::try_from(it).map_err(|_| Error::malformed(at, "dimensions of 0 or more", it.to_string()))
    };
    dims.iter().map(length).collect()
}

fn port(value: message::ValueInfo) -> Result<Port, Error> {
    let at = format!("{:?}", value.name);
    let tensor = value.r#type.and_then(|it| it.tensor);
    let tensor = tensor.ok_or_else(|| Error::malformed(&at, "a tensor", "a sequence, a map or nothing"))?;
    let shape = match tensor.shape {
        Some(shape) => Some(dims(&at, shape)?),
        None => None,
    };
    Ok(Port { dtype: dtype(&at, tensor.elem_type)?, name: value.name, shape })
}

fn dims(at: &str, shape: message::Shape) -> Result<Vec<Dim>, Error> {
    Error::limit(at, MAX_RANK as u64, shape.dim.len() as u64, "dimensions")?;
    let dim = |it: message::Dimension| match it.length {
        Some(Length::Value(it)) => usize::try_from(it).map_or(Dim::Any, Dim::Fixed),
        Some(Length::Param(name)) if !name.is_empty() => Dim::Named(name),
        Some(Length::Param(_)) | None => Dim::Any,
    };
    Ok(shape.dim.into_iter().map(dim).collect())
}
