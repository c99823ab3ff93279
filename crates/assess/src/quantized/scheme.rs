//! The ways in which a network is run: other numbers in the same graph.

use neural::{
    Graph, Tensors,
    quantize::{self, Calibration, Recipe, Samples, quantise},
};

use super::{Candidate, export};
use crate::Error;

/// Makes a graph in other numbers from a network and inputs like those it will see.
type Making<'a> = dyn Fn(&Graph, &Tensors) -> Result<Graph, Error> + Sync + 'a;

/// A way of running a network: the graph of it in other numbers.
pub struct Scheme<'a> {
    name: String,
    how: String,
    /// Makes it from the network and inputs like those it will see.
    pub(super) make: Box<Making<'a>>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Float,
    Bfloat16,
    Quantised(quantize::Scheme),
}

/// Why bfloat16 has no time.
const NO_EXECUTOR: &str = "no executor here multiplies in bfloat16: ours keeps weights in it and widens them; judged by rounded numbers";

impl Scheme<'_> {
    /// As it was fitted.
    pub fn float() -> Self {
        let make = |graph: &Graph, _: &Tensors| Ok(graph.clone());
        Scheme::new("f32", "as it was fitted", Kind::Float, Box::new(make))
    }

    /// What bfloat16 would say: weights of products and what goes into them rounded to 16 bits with the exponent of 32, sums in 32
    /// bits, as processors with such products compute. Its size is that of a file whose weights take two bytes; none is written.
    pub fn bfloat16() -> Self {
        let how = "weights and what goes into products rounded to bfloat16, sums in f32";
        let make = |graph: &Graph, _: &Tensors| export::in_bfloat16(graph);
        Scheme::new("bf16", how, Kind::Bfloat16, Box::new(make))
    }

    /// 8-bit weights and activations, whose ranges lose least on the inputs.
    pub fn int8() -> Self {
        let of = quantize::Scheme::Static { calibration: Calibration::SquaredError, signed: false };
        let how = "8-bit weights and activations, ranges of least squared error";
        Scheme::quantised("int8", how, of, None)
    }

    /// 4-bit weights of products in blocks of 32.
    pub fn int4() -> Self {
        let how = "4-bit weights of products in blocks of 32, all else in f32";
        Scheme::quantised("int4", how, quantize::Scheme::Weights { block: 32 }, None)
    }

    /// The four that a cost table has: f32, bf16, int8, int4.
    pub fn every() -> [Self; 4] {
        [Scheme::float(), Scheme::bfloat16(), Scheme::int8(), Scheme::int4()]
    }

    /// `f32`, `bf16`, `int8`, `int4`; of one layer alone, the layer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This way in one layer and floats in all others, for each layer of a network that is quantised: to see which is to blame.
    ///
    /// # Errors
    /// What quantising fails with.
    pub fn by_layer(&self, graph: &Graph, inputs: &Tensors) -> Result<Vec<Self>, Error> {
        let Kind::Quantised(of) = self.kind else { return Ok(vec![]) };
        let samples = Samples::of(graph, std::slice::from_ref(inputs))?;
        let layers = quantise(graph, &recipe(of, vec![]), Some(&samples), None)?.layers;
        let layers: Vec<String> = layers.into_iter().filter(|it| it.bits < 32).map(|it| it.name).collect();
        let alone = |layer: &String| {
            let others = layers.iter().filter(|it| *it != layer).cloned().collect();
            Scheme::quantised(layer, &format!("{} in this layer alone", self.name), of, Some(others))
        };
        Ok(layers.iter().map(alone).collect())
    }

    /// A network in this way.
    ///
    /// # Errors
    /// What making it fails with.
    pub fn candidate(&self, graph: &Graph, inputs: &Tensors) -> Result<Candidate, Error> {
        let made = (self.make)(graph, inputs)?;
        let (sha256, bytes, untimed) = match self.kind {
            Kind::Bfloat16 => {
                let halved = 2 * export::product_weights(graph) as u64;
                (String::new(), graph.to_onnx().len() as u64 - halved, Some(NO_EXECUTOR.to_owned()))
            }
            _ => {
                let file = made.to_onnx();
                (neural::digest(&file), file.len() as u64, None)
            }
        };
        let (name, how) = (self.name.clone(), self.how.clone());
        Ok(Candidate { name, how, bytes, sha256, untimed, graph: made })
    }

    fn quantised(name: &str, how: &str, of: quantize::Scheme, keep: Option<Vec<String>>) -> Self {
        let recipe = recipe(of, keep.unwrap_or_default());
        let make = move |graph: &Graph, inputs: &Tensors| {
            let samples = Samples::of(graph, std::slice::from_ref(inputs))?;
            Ok(quantise(graph, &recipe, Some(&samples), None)?.graph)
        };
        Scheme::new(name, how, Kind::Quantised(of), Box::new(make))
    }
}

impl<'a> Scheme<'a> {
    fn new(name: &str, how: &str, kind: Kind, make: Box<Making<'a>>) -> Self {
        Scheme { name: name.to_owned(), how: how.to_owned(), make, kind }
    }
}

fn recipe(of: quantize::Scheme, keep: Vec<String>) -> Recipe {
    Recipe { by_layer: false, keep, ..Recipe::new(of) }
}
