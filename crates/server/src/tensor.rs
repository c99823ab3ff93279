//! Tensors of the Open Inference Protocol: as JSON, or as little-endian bytes after the JSON.

use neural::{Dtype, Tensor, Tensors, Values};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{Error, network::Loaded};

/// A request, as far as its answer depends on it; its tensors are read apart.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub parameters: Parameters,
    #[serde(default)]
    outputs: Option<Vec<Output>>,
}

/// What a request may say beside its tensors; what is unknown is other servers' and ignored.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Parameters {
    pub deadline_ms: Option<u64>,
    pub priority: Option<u64>,
    binary_data_output: Option<bool>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(default)]
    parameters: OutputParameters,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputParameters {
    binary_data: Option<bool>,
}

#[derive(Deserialize)]
struct Inputs<'a> {
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(default)]
    parameters: InputParameters,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputParameters {
    binary_data_size: Option<usize>,
}

/// An answer's bytes, and how many of them are JSON where tensors follow.
pub(crate) struct Written {
    pub bytes: Vec<u8>,
    pub json_length: Option<usize>,
}

/// Every element type that the protocol and our executors share: names of both, and how it is read and written.
macro_rules! datatypes {
    ($(($dtype:ident, $name:literal, $type:ty)),* $(,)?) => {
        /// The protocol's name of an element type.
        pub(crate) fn datatype(dtype: Dtype) -> Option<&'static str> {
            match dtype { $(Dtype::$dtype => Some($name),)* Dtype::Bool => Some("BOOL"), _ => None }
        }

        fn from_bytes(datatype: &str, bytes: &[u8]) -> Option<Values> {
            Some(match datatype {
                $($name => {
                    let (parts, rest) = bytes.as_chunks::<{ size_of::<$type>() }>();
                    if !rest.is_empty() { return None; }
                    Values::$dtype(parts.iter().map(|it| <$type>::from_le_bytes(*it)).collect())
                })*
                "BOOL" => Values::Bool(bytes.iter().map(|it| *it != 0).collect()),
                _ => return None,
            })
        }

        fn from_json(datatype: &str, data: &RawValue, count: usize) -> Result<Values, String> {
            Ok(match datatype {
                $($name => Values::$dtype(flat::<$type>(data, count)?),)*
                "BOOL" => Values::Bool(flat::<bool>(data, count)?),
                other => return Err(format!("the datatype {other}")),
            })
        }

        fn to_bytes(values: &Values, out: &mut Vec<u8>) -> Option<()> {
            match values {
                $(Values::$dtype(it) => it.iter().for_each(|it| out.extend_from_slice(&it.to_le_bytes())),)*
                Values::Bool(it) => out.extend(it.iter().map(|it| u8::from(*it))),
                _ => return None,
            }
            Some(())
        }

        fn to_json(values: &Values) -> Option<Box<RawValue>> {
            match values {
                // JSON has no infinity and no NaN: what is neither is `null`, as serde writes it.
                $(Values::$dtype(it) => serde_json::value::to_raw_value(it).ok(),)*
                Values::Bool(it) => serde_json::value::to_raw_value(it).ok(),
                _ => None,
            }
        }
    };
}

datatypes!(
    (F32, "FP32", f32),
    (F64, "FP64", f64),
    (I64, "INT64", i64),
    (I32, "INT32", i32),
    (I16, "INT16", i16),
    (I8, "INT8", i8),
    (U64, "UINT64", u64),
    (U32, "UINT32", u32),
    (U16, "UINT16", u16),
    (U8, "UINT8", u8),
);

/// Elements of one list of JSON, which may be nested as deep as a tensor has dimensions.
fn flat<T: for<'de> Deserialize<'de>>(data: &RawValue, count: usize) -> Result<Vec<T>, String> {
    let text = data.get();
    let nested = text.bytes().filter(|it| *it == b'[').count() > 1;
    let values: Vec<T> = match nested {
        false => serde_json::from_str(text),
        // Row after row is the order of the elements: without the inner brackets the list is the flat one.
        true => {
            serde_json::from_str::<IgnoredAny>(text).map_err(|it| it.to_string())?;
            let inner: String = text.chars().filter(|it| !matches!(it, '[' | ']')).collect();
            serde_json::from_str(&format!("[{inner}]"))
        }
    }
    .map_err(|it| it.to_string())?;
    match values.len() == count {
        true => Ok(values),
        false => Err(format!("{} elements", values.len())),
    }
}

/// A request's tensors, and what else it asks for; `json_length` where tensors follow the JSON.
pub(crate) fn read(bytes: &[u8], json_length: Option<usize>) -> Result<(Wanted, Tensors), Error> {
    let (json, mut rest) = bytes.split_at_checked(json_length.unwrap_or(bytes.len())).ok_or_else(|| {
        Error::invalid("Inference-Header-Content-Length", "at most the body's length", "more")
    })?;
    let unreadable =
        |it: serde_json::Error| Error::invalid("the body", "JSON as the protocol says", it.to_string());
    let wanted: Wanted = serde_json::from_slice(json).map_err(unreadable)?;
    let asked: Inputs<'_> = serde_json::from_slice(json).map_err(unreadable)?;
    let mut tensors = Tensors::new();
    for input in asked.inputs {
        let values = values(&input, &mut rest)?;
        if tensors.get(&input.name).is_some() {
            return Err(Error::invalid(format!("input {:?}", input.name), "each input once", "two"));
        }
        tensors.insert(input.name, Tensor::new(input.shape, values)?);
    }
    match rest {
        [] => Ok((wanted, tensors)),
        more => Err(Error::invalid("the body", "no bytes after the tensors", format!("{}", more.len()))),
    }
}

fn values(input: &Input<'_>, rest: &mut &[u8]) -> Result<Values, Error> {
    let at = |expected: String, got: String| Error::invalid(format!("input {:?}", input.name), expected, got);
    let count = input.shape.iter().try_fold(1_usize, |product, it| product.checked_mul(*it));
    let count = count.ok_or_else(|| at("a shape that fits memory".into(), "a larger one".into()))?;
    match (input.parameters.binary_data_size, input.data) {
        (Some(size), None) => {
            let (own, after) = rest
                .split_at_checked(size)
                .ok_or_else(|| at(format!("{size} bytes after the JSON"), format!("{}", rest.len())))?;
            *rest = after;
            from_bytes(&input.datatype, own)
                .ok_or_else(|| at("a datatype of whole elements, FP32 … BOOL".into(), input.datatype.clone()))
        }
        (None, Some(data)) => from_json(&input.datatype, data, count)
            .map_err(|got| at(format!("{count} elements of {}", input.datatype), got)),
        _ => Err(at("data, or binary_data_size, one of them".into(), "both or neither".into())),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<AnswerTensor<'a>>,
}

#[derive(Serialize)]
struct AnswerTensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<AnswerParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct AnswerParameters {
    binary_data_size: usize,
}

/// The answer to a request.
pub(crate) fn write(network: &Loaded, wanted: &Wanted, outputs: &Tensors) -> Result<Written, Error> {
    let every = wanted.parameters.binary_data_output.unwrap_or(false);
    let chosen: Vec<(&str, bool)> = match &wanted.outputs {
        Some(some) => {
            some.iter().map(|it| (it.name.as_str(), it.parameters.binary_data.unwrap_or(every))).collect()
        }
        None => outputs.iter().map(|(name, _)| (name, every)).collect(),
    };
    let mut binary = Vec::new();
    let mut answer = Answer {
        model_name: &network.name,
        model_version: &network.digest,
        id: wanted.id.as_deref(),
        outputs: vec![],
    };
    for (name, as_bytes) in &chosen {
        let tensor = outputs.get(name);
        let tensor =
            tensor.ok_or_else(|| Error::invalid("outputs", "names of outputs", format!("{name:?}")))?;
        answer.outputs.push(written(name, tensor, as_bytes.then_some(&mut binary))?);
    }
    let mut bytes = serde_json::to_vec(&answer).map_err(|it| Error::Broken(it.to_string()))?;
    let json_length = chosen.iter().any(|it| it.1).then_some(bytes.len());
    bytes.append(&mut binary);
    Ok(Written { bytes, json_length })
}

fn written<'a>(
    name: &'a str,
    tensor: &'a Tensor,
    binary: Option<&mut Vec<u8>>,
) -> Result<AnswerTensor<'a>, Error> {
    let unknown =
        || Error::invalid(format!("output {name:?}"), "a datatype of the protocol", tensor.dtype().name());
    let datatype = datatype(tensor.dtype()).ok_or_else(unknown)?;
    let (parameters, data) = match binary {
        Some(out) => {
            let before = out.len();
            to_bytes(tensor.values(), out).ok_or_else(unknown)?;
            (Some(AnswerParameters { binary_data_size: out.len() - before }), None)
        }
        None => (None, Some(to_json(tensor.values()).ok_or_else(unknown)?)),
    };
    Ok(AnswerTensor { name, datatype, shape: tensor.shape(), parameters, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> String {
        read(json.as_bytes(), None).err().map_or_else(|| panic!("{json} was read"), |it| it.to_string())
    }

    #[test]
    fn nested_and_flat_lists_are_the_same_tensor() {
        let of = |data: &str| {
            let json =
                format!(r#"{{"inputs":[{{"name":"x","shape":[2,2],"datatype":"FP32","data":{data}}}]}}"#);
            read(json.as_bytes(), None).unwrap().1
        };
        assert_eq!(of("[1,2,3,4]"), of("[[1,2],[3,4]]"));
        assert_eq!(of("[1,2,3,4]").get("x").unwrap().as_f32(), Some(&[1.0, 2.0, 3.0, 4.0][..]));
    }

    #[test]
    fn bytes_after_the_json_are_tensors() {
        let json =
            br#"{"inputs":[{"name":"a","shape":[1],"datatype":"INT16","parameters":{"binary_data_size":2}},
            {"name":"b","shape":[2],"datatype":"BOOL","parameters":{"binary_data_size":2}}]}"#;
        let body = [&json[..], &[0x34, 0x12, 1, 0]].concat();
        let (_, tensors) = read(&body, Some(json.len())).unwrap();
        assert_eq!(tensors.get("a").unwrap().values(), &Values::I16(vec![0x1234]));
        assert_eq!(tensors.get("b").unwrap().values(), &Values::Bool(vec![true, false]));
        assert!(read(&body[..body.len() - 1], Some(json.len())).is_err());
        assert!(read(&[&body[..], &[9]].concat(), Some(json.len())).is_err());
        assert!(read(&body, Some(body.len() + 1)).is_err());
    }

    #[test]
    fn what_is_not_a_tensor_is_refused_with_where_and_what() {
        let input = |rest: &str| refusal(&format!(r#"{{"inputs":[{{"name":"x",{rest}}}]}}"#));
        for (message, word) in [
            (input(r#""shape":[3],"datatype":"FP32","data":[1,2]"#), "3 elements"),
            (input(r#""shape":[1],"datatype":"FP31","data":[1]"#), "FP31"),
            (input(r#""shape":[1],"datatype":"INT8","data":[300]"#), "INT8"),
            (input(r#""shape":[1],"datatype":"FP32""#), "data"),
            (input(r#""shape":[18446744073709551615,2],"datatype":"FP32","data":[]"#), "shape"),
            (refusal("{}"), "inputs"),
            (refusal(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))), "JSON"),
        ] {
            assert!(message.contains(word), "{message}");
        }
    }
}
