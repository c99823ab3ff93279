//! Quantisation: a network in floating point becomes one of small integers, and it is said what that cost.
//!
//! **In.** A [`Graph`] in floating point, a [`Recipe`], and [`Samples`] of its inputs. **Out.** [`Quantised`]: a graph of standard
//! operators that other programs load, a record that travels with it, and a line for each layer.
//!
//! | scheme | weights | activations | operators |
//! |---|---|---|---|
//! | static | 8 bits, a scale each output | 8 bits, ranges from samples | `QuantizeLinear`, `DequantizeLinear` around the old ones |
//! | dynamic | 8 bits, a scale each output | 8 bits, ranges as they come | `MatMulInteger`, `ConvInteger` |
//! | weights | 4 bits, a scale each block | floats | `MatMulNBits` |
//!
//! Scales of weights are those that lose least, each input counted by its mean square on the samples. Biases are 32-bit integers
//! of the static scheme. Tables that are looked up (embeddings) get 8 bits and a scale each row in every scheme. Products of two
//! activations (attention), normalisations and functions stay in floating point.

mod correct;
mod draft;
mod equalise;
mod fidelity;
mod grid;
mod integer;
mod layer;
mod observe;
mod prepare;
mod range;
mod rewrite;
mod samples;
mod search;
mod weights;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use self::{
    fidelity::{Budget, EXACT_DB, Fidelity},
    range::Calibration,
    samples::Samples,
};
use self::{
    grid::Grid,
    layer::{Bias, Kind, Layer, Left},
    observe::{Seen, Watched},
    rewrite::{Form, Plan},
    search::{Found, Judge},
    weights::{Coded, Weighing},
};
use crate::{Error, Graph, Quantisation, digest};

/// Sizes of a block that `MatMulNBits` takes.
const BLOCKS: [usize; 4] = [16, 32, 64, 128];

/// What becomes integers, and of how many bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scheme {
    /// 8-bit weights and activations, whose ranges were chosen on samples.
    Static {
        /// How ranges are chosen.
        calibration: Calibration,
        /// Codes of activations from −127 to 127 around 0, as some accelerators ask; else 0 to 255 around a zero point.
        signed: bool,
    },
    /// 8-bit weights and activations, whose ranges are those of each run.
    Dynamic {
        /// A range for each row of a product, so that no row depends on another of its batch; else one for all.
        rows: bool,
    },
    /// 4-bit weights of products; activations and convolutions stay in floating point.
    Weights {
        /// Weights that share a scale: 16, 32, 64 or 128.
        block: usize,
    },
}

impl Scheme {
    /// Its name in records: `static-int8`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Static { signed: false, .. } => "static-int8",
            Scheme::Static { signed: true, .. } => "static-int8-signed",
            Scheme::Dynamic { rows: false } => "dynamic-int8",
            Scheme::Dynamic { rows: true } => "dynamic-int8-by-row",
            Scheme::Weights { .. } => "weights-int4",
        }
    }
}

/// How a network is to be quantised.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// What becomes integers.
    pub scheme: Scheme,
    /// Layers that stay in floating point whatever comes, by name.
    pub keep: Vec<String>,
    /// Moves what is hard to quantise from activations into weights: 0 nothing, 1 all (Xiao et al. 2023; they take 0.5).
    pub equalise: Option<f64>,
    /// Moves the means of outputs back by the bias, where there are samples (Nagel et al. 2019).
    pub correct_bias: bool,
    /// 8-bit codes with which processors that add pairs with saturation (AVX2 without VNNI) count exactly in every program.
    pub pair_safe: bool,
    /// What has to hold.
    pub budget: Budget,
    /// Whether each layer is quantised alone too, to say what it costs by itself; a budget needs it.
    pub by_layer: bool,
    /// SHA-256 of the file the network came in; without it, that of the graph as it would be written.
    pub of: Option<String>,
    /// Threads that samples are run on; results do not depend on it.
    pub threads: usize,
}

impl Recipe {
    /// A scheme, biases corrected where there are samples, exact on every processor.
    pub fn new(scheme: Scheme) -> Self {
        Recipe {
            scheme,
            keep: vec![],
            equalise: None,
            correct_bias: true,
            pair_safe: true,
            budget: Budget::default(),
            by_layer: true,
            of: None,
            threads: 1,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |what: &str, expected: &str, got: String| Err(Error::tensor(what, expected, got));
        match self.scheme {
            Scheme::Weights { block } if !BLOCKS.contains(&block) => {
                return refuse("block", "16, 32, 64 or 128 weights", block.to_string());
            }
            Scheme::Static { calibration: Calibration::Percentile(it), .. }
                if !(it > 50.0 && it <= 100.0) =>
            {
                return refuse("percentile", "above 50 and up to 100", it.to_string());
            }
            _ => {}
        }
        match self.equalise {
            Some(alpha) if !(0.0..=1.0).contains(&alpha) => refuse("equalise", "0 to 1", alpha.to_string()),
            _ => Ok(()),
        }
    }
}

/// A quantised network.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// In standard operators, with the record among its notes.
    pub graph: Graph,
    /// How it was made and what it cost.
    pub record: Quantisation,
    /// What became of each layer.
    pub layers: Vec<LayerReport>,
    /// How near its outputs are, where there were samples.
    pub fidelity: Option<Fidelity>,
}

/// What became of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// How many weights it has.
    pub weights: usize,
    /// Bits of a weight: 4, 8 or 32.
    pub bits: u32,
    /// Why it was left in floating point; none where it was not.
    pub kept: Option<String>,
    /// Signal to noise of its weights in dB; none where rounding changed none of them, or it was not tried.
    pub weights_db: Option<f64>,
    /// The network's outputs with this layer alone quantised; none without samples.
    pub alone: Option<Fidelity>,
}

/// Quantises a network.
///
/// `samples` are needed by the static scheme, by equalisation and a budget; the cost is judged on `held` where it
/// is given, else on them.
///
/// # Errors
/// [`Error::Refused`] for a network that cannot be quantised, [`Error::Tensor`] for a recipe, weights or samples that do not fit or
/// are not finite, [`Error::Budget`] where it does not hold, naming the layer to blame; what a run of the network fails with.
pub fn quantise(
    graph: &Graph,
    recipe: &Recipe,
    samples: Option<&Samples>,
    held: Option<&Samples>,
) -> Result<Quantised, Error> {
    recipe.check()?;
    let needs =
        matches!(recipe.scheme, Scheme::Static { .. }) || recipe.equalise.is_some() || recipe.budget.asks();
    if needs && samples.is_none() {
        let reason = "the static scheme, equalisation and a budget need samples to calibrate on";
        return Err(Error::refused(graph.name.as_str(), reason));
    }
    let work = Work::begun(graph, recipe, samples)?;
    let plan = work.plan(recipe.scheme);
    let judge = samples.map(|samples| {
        let samples = held.unwrap_or(samples);
        let reference = samples.run(graph, recipe.threads)?;
        Ok::<_, Error>(Judge { samples, reference, threads: recipe.threads })
    });
    let found = match judge.transpose()? {
        Some(judge) => {
            let found = judge.search(&plan, &work.may(), recipe)?;
            (found.on.clone(), Some(found))
        }
        None => (work.may(), None),
    };
    let mut graph = plan.rewritten(&found.0, Form::Written)?;
    let record = work.record(recipe, &found.0, found.1.as_ref(), samples.zip(Some(held)));
    record.note(&mut graph);
    graph.check()?;
    let layers = work.report(&found.0, found.1.as_ref());
    Ok(Quantised { graph, record, layers, fidelity: found.1.map(|it| it.fidelity) })
}

/// A network that is ready to be rewritten.
struct Work {
    /// SHA-256 of what it was made from.
    of: String,
    graph: Graph,
    layers: Vec<Layer>,
    /// Operations that might have been layers.
    left: Vec<Left>,
    /// Why each layer has to stay in floating point, where it has to.
    stays: Vec<Option<String>>,
    coded: Vec<Coded>,
    biases: Vec<Option<Vec<f32>>>,
    grids: BTreeMap<String, Grid>,
}

impl Work {
    fn begun(source: &Graph, recipe: &Recipe, samples: Option<&Samples>) -> Result<Work, Error> {
        let mut graph = prepare::prepared(source)?;
        let (mut found, mut left) = layer::layers(&graph)?;
        let unknown = recipe.keep.iter().find(|name| !found.iter().any(|it| it.name == **name));
        if let Some(unknown) = unknown {
            let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
            return Err(Error::tensor(
                unknown,
                format!("one of the layers {}", names.join(", ")),
                "another name",
            ));
        }
        if let (Some(alpha), Some(samples)) = (recipe.equalise, samples) {
            let seen = observe::observe(&graph, &observe::inputs_of(&found), samples, recipe.threads)?;
            let moved: Vec<Layer> =
                found.iter().filter(|it| stays(&graph, it, recipe).is_none()).cloned().collect();
            graph = equalise::equalised(&graph, &moved, &seen, alpha)?;
            (found, left) = layer::layers(&graph)?;
        }
        let mut work = Work {
            of: recipe.of.clone().unwrap_or_else(|| digest(&source.to_onnx())),
            graph,
            stays: vec![],
            layers: found,
            left,
            coded: vec![],
            biases: vec![],
            grids: BTreeMap::new(),
        };
        work.choose(recipe)?;
        work.calibrate(recipe, samples)?;
        Ok(work)
    }

    /// Which layers may be quantised.
    fn may(&self) -> Vec<bool> {
        self.stays.iter().map(Option::is_none).collect()
    }

    fn choose(&mut self, recipe: &Recipe) -> Result<(), Error> {
        self.stays = self.layers.iter().map(|it| stays(&self.graph, it, recipe)).collect();
        if self.stays.iter().any(Option::is_none) {
            return Ok(());
        }
        let layers = self.layers.iter().zip(&self.stays);
        let layers =
            layers.map(|(it, reason)| format!("{}: {}", it.title(), reason.as_deref().unwrap_or("")));
        let left = self.left.iter().map(|it| format!("{} {:?}: {}", it.op, it.name, it.reason));
        let reasons: Vec<String> = layers.chain(left).collect();
        let reason = format!("no layer that can be quantised; {}", reasons.join("; "));
        Err(Error::refused(self.graph.name.as_str(), reason))
    }

    /// Looks at activations, chooses grids, rounds weights, corrects biases.
    fn calibrate(&mut self, recipe: &Recipe, samples: Option<&Samples>) -> Result<(), Error> {
        let threads = recipe.threads;
        let watched = self.watched(recipe.scheme);
        let seen = match samples {
            Some(samples) => observe::observe(&self.graph, &watched, samples, threads)?,
            None => BTreeMap::new(),
        };
        if let (Scheme::Static { calibration, signed }, Some(samples)) = (recipe.scheme, samples) {
            self.grids = observe::grids(&self.graph, &seen, (calibration, signed), samples, threads)?;
            self.share_grids();
        }
        self.coded = self.layers.iter().map(|it| self.coded(it, recipe, &seen)).collect();
        self.biases = match samples.filter(|_| recipe.correct_bias) {
            None => vec![None; self.layers.len()],
            Some(samples) => {
                let rounded = match self.grids.is_empty() {
                    true => BTreeMap::new(),
                    false => observe::observe_on(&self.graph, (&watched, &self.grids), samples, threads)?,
                };
                correct::corrected(&self.graph, &self.layers, &self.coded, &seen, &rounded)
            }
        };
        Ok(())
    }

    /// What goes into layers and, of the static scheme, what comes out of convolutions.
    fn watched(&self, scheme: Scheme) -> Watched {
        let free = self.layers.iter().zip(&self.stays).filter(|it| it.1.is_none());
        let layers: Vec<Layer> = free.map(|it| it.0.clone()).collect();
        let mut watched = observe::inputs_of(&layers);
        if matches!(scheme, Scheme::Static { .. }) {
            let images = layers.iter().filter(|it| matches!(it.kind, Kind::Convolution { .. }));
            for value in images.filter_map(|it| rewrite::outcome(&self.graph, it)) {
                watched.entry(value).or_insert(true);
            }
        }
        watched
    }

    /// What was only moved keeps the grid it had: rounding it again changes nothing.
    fn share_grids(&mut self) {
        let producers = self.graph.producers();
        let roots: Vec<(String, Grid)> = self
            .grids
            .keys()
            .filter_map(|it| {
                let root = rewrite::root(&self.graph, &producers, it);
                Some((it.clone(), *self.grids.get(root)?))
            })
            .collect();
        self.grids.extend(roots);
    }

    fn coded(&self, layer: &Layer, recipe: &Recipe, seen: &BTreeMap<String, Seen>) -> Coded {
        let values = self.graph.initialisers[&layer.weights].as_f32().unwrap_or(&[]);
        let importance = seen.get(&layer.input).filter(|_| layer.kind != Kind::Table).map(Seen::mean_squares);
        let bias = match &layer.bias {
            Bias::Own(name) => self.graph.initialisers.get(name).and_then(|it| it.as_f32()),
            _ => None,
        };
        let how = Weighing {
            importance: importance.as_deref(),
            pair_safe: recipe.pair_safe,
            bias: self.grids.get(&layer.input).map(|it| it.scale).zip(bias),
        };
        match recipe.scheme {
            Scheme::Weights { block } if matches!(layer.kind, Kind::Product { .. }) => {
                weights::four(layer, values, block, &how)
            }
            _ => weights::eight(layer, values, &how),
        }
    }

    fn plan(&self, scheme: Scheme) -> Plan<'_> {
        Plan {
            graph: &self.graph,
            scheme,
            layers: &self.layers,
            coded: &self.coded,
            biases: &self.biases,
            grids: &self.grids,
        }
    }

    fn report(&self, on: &[bool], found: Option<&Found>) -> Vec<LayerReport> {
        let layers = self.layers.iter().enumerate().map(|(at, layer)| {
            let values = self.graph.initialisers[&layer.weights].as_f32().unwrap_or(&[]);
            let budget = || "the budget asks for it".to_owned();
            let kept = (!on[at]).then(|| self.stays[at].clone().unwrap_or_else(budget));
            LayerReport {
                name: layer.name.clone(),
                op: layer.op.clone(),
                weights: values.len(),
                bits: if on[at] { self.coded[at].bits() } else { 32 },
                kept,
                weights_db: self.stays[at]
                    .is_none()
                    .then(|| weights::weights_db(values, &self.coded[at].values(layer)))
                    .flatten(),
                alone: found.and_then(|it| it.alone[at]),
            }
        });
        let left = self.left.iter().map(|it| LayerReport {
            name: it.name.clone(),
            op: it.op.clone(),
            weights: 0,
            bits: 32,
            kept: Some(it.reason.clone()),
            weights_db: None,
            alone: None,
        });
        layers.chain(left).collect()
    }

    fn record(
        &self,
        recipe: &Recipe,
        on: &[bool],
        found: Option<&Found>,
        samples: Option<(&Samples, Option<&Samples>)>,
    ) -> Quantisation {
        let kept: BTreeSet<&str> =
            self.layers.iter().zip(on).filter(|it| !*it.1).map(|it| it.0.name.as_str()).collect();
        let by = match recipe.scheme {
            Scheme::Static { calibration, .. } => format!("{} on ", calibration.name()),
            _ => String::new(),
        };
        Quantisation {
            scheme: recipe.scheme.name().to_owned(),
            of: self.of.clone(),
            calibration: samples.map(|it| format!("{by}{} rows", it.0.rows())).unwrap_or_default(),
            calibration_sha256: samples.map(|it| it.0.sha256().to_owned()).unwrap_or_default(),
            judged_on_sha256: samples.map(|it| it.1.unwrap_or(it.0).sha256().to_owned()).unwrap_or_default(),
            kept: kept.into_iter().map(str::to_owned).collect(),
            equalised: recipe.equalise,
            bias_corrected: recipe.correct_bias && samples.is_some(),
            pair_safe: recipe.pair_safe && !matches!(recipe.scheme, Scheme::Weights { .. }),
            sqnr_db: found.map(|it| it.fidelity.sqnr_db),
            error: found.map(|it| it.fidelity.error),
        }
    }
}

/// Why a layer has to stay in floating point, if it has to.
fn stays(graph: &Graph, layer: &Layer, recipe: &Recipe) -> Option<String> {
    if recipe.keep.contains(&layer.name) {
        return Some("asked to be kept".to_owned());
    }
    let node = &graph.nodes[layer.node];
    let pads_itself = node.text("auto_pad").is_some_and(|it| it.starts_with("SAME"));
    match (recipe.scheme, layer.kind) {
        (Scheme::Weights { .. }, Kind::Convolution { .. }) => {
            Some("4-bit weights are of products only".to_owned())
        }
        (Scheme::Dynamic { .. }, Kind::Convolution { .. }) if pads_itself => {
            Some("auto_pad: how much to pad by the zero point is not known".to_owned())
        }
        _ => None,
    }
}
