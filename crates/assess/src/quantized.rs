//! Where `learn` and `neural` meet: what was fitted becomes a network, is run in fewer bits, and it is said what that cost.
//!
//! A screener's network is judged on people it did not see: every outer fold's network is exported, quantised by what its own
//! training people are like, and run on the held ones. That is the honest price; quantising one network fitted on everybody
//! would be judged on people it knows.

mod export;
mod judged_set;

use std::path::Path;

use learn::{
    Plan, Training,
    audit::copied_blocks,
    cost::{CostTable, Groups, Way},
    evaluate::{FoldNetwork, Watch, fold_networks},
    recognition::Recognition,
    scores::{EstimatorScores, Scores},
    subgroup::named_groups,
};
use neural::{
    Graph, Network, Tensors,
    quantize::{self, Calibration, Recipe, Samples, quantise},
};
use rayon::prelude::*;
use study::{Cohort, FeatureTable};

use crate::Error;

pub use export::{exported, prepared_inputs};
pub use judged_set::JudgedSet;

/// Makes a graph in other numbers from a network and inputs like those it will see.
type Making<'a> = dyn Fn(&Graph, &Tensors) -> Result<Graph, Error> + Sync + 'a;

/// A way of running a network: the graph of it in other numbers.
pub struct Scheme<'a> {
    /// `f32`, `int8`.
    pub name: &'static str,
    /// How it is made, in words.
    pub how: String,
    /// Makes it from the network and inputs like those it will see.
    pub make: Box<Making<'a>>,
}

impl Scheme<'_> {
    /// As it was fitted.
    pub fn float() -> Self {
        let how = "as it was fitted".to_owned();
        Scheme { name: "f32", how, make: Box::new(|graph, _| Ok(graph.clone())) }
    }

    /// Weights rounded to 16 bits with the exponent of 32 (bfloat16, to nearest, ties to even), computed in 32. The file holds
    /// them as 32 bits still, so that any program reads it.
    pub fn bfloat16() -> Self {
        let how = "weights rounded to bfloat16, computed in f32".to_owned();
        Scheme { name: "bf16", how, make: Box::new(|graph, _| Ok(export::rounded_to_bfloat16(graph))) }
    }

    /// 8-bit weights and activations, whose ranges lose least on the inputs.
    pub fn int8() -> Self {
        let of = quantize::Scheme::Static { calibration: Calibration::SquaredError, signed: false };
        Scheme::quantised("int8", "8-bit weights and activations, ranges of least squared error", of)
    }

    /// 4-bit weights of products in blocks of 32.
    pub fn int4() -> Self {
        let how = "4-bit weights of products in blocks of 32, all else in f32";
        Scheme::quantised("int4", how, quantize::Scheme::Weights { block: 32 })
    }

    /// The four that a cost table has: f32, bf16, int8, int4.
    pub fn every() -> [Self; 4] {
        [Scheme::float(), Scheme::bfloat16(), Scheme::int8(), Scheme::int4()]
    }

    fn quantised(name: &'static str, how: &str, of: quantize::Scheme) -> Self {
        let make = move |graph: &Graph, inputs: &Tensors| {
            let samples = Samples::of(graph, std::slice::from_ref(inputs))?;
            Ok(quantise(graph, &Recipe::new(of), Some(&samples), None)?.graph)
        };
        Scheme { name, how: how.to_owned(), make: Box::new(make) }
    }
}

/// The cost table of a recogniser: networks of the same inputs and classes, the first held against the others.
///
/// # Errors
/// What a network fails with; [`learn::Error`] where what it says are no scores of the classes.
pub fn cost_of_networks(
    networks: &[Candidate],
    set: &JudgedSet,
    words: (&str, &str),
    draws: (usize, u64),
) -> Result<CostTable, Error> {
    let way = |it: &Candidate| -> Result<Way<Recognition>, Error> {
        let network = Network::of(&it.graph, 1)?;
        Ok(Way {
            name: it.name.clone(),
            how: it.how.clone(),
            bytes: it.bytes,
            sha256: it.sha256.clone(),
            said: set.recognised(&network)?,
        })
    };
    let ways: Vec<Way<Recognition>> = networks.iter().map(way).collect::<Result<_, Error>>()?;
    Ok(CostTable::of_recognition(words, &ways, &set.groups(), draws)?)
}

/// A network to be held against others.
pub struct Candidate {
    /// `f32`, `int8`.
    pub name: String,
    /// How it was made, in words.
    pub how: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// The network.
    pub graph: Graph,
}

impl Candidate {
    /// Reads an ONNX file under this name.
    ///
    /// # Errors
    /// What reading it fails with.
    pub fn read(path: &Path, name: &str) -> Result<Candidate, Error> {
        let bytes = std::fs::read(path).map_err(Error::open(path))?;
        let graph = Graph::read_onnx(path)?;
        let how = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let sha256 = neural::digest(&bytes);
        Ok(Candidate { name: name.to_owned(), how, bytes: bytes.len() as u64, sha256, graph })
    }

    /// A graph as its ONNX file would be.
    pub fn of(graph: Graph, name: &str, how: &str) -> Candidate {
        let bytes = graph.to_onnx();
        let (sha256, bytes) = (neural::digest(&bytes), bytes.len() as u64);
        Candidate { name: name.to_owned(), how: how.to_owned(), bytes, sha256, graph }
    }
}

/// The numbers of a cohort that a network on any device can be fitted on: copied blocks missing, portable columns only.
///
/// # Errors
/// [`learn::Error::NothingMeasured`] where no column is portable; a cohort without a table.
pub fn portable_table(cohort: &Cohort) -> Result<FeatureTable, Error> {
    let name = || learn::Error::NoTable { name: cohort.provenance.name.clone() };
    let table = cohort.table.as_ref().ok_or_else(name)?;
    let masked = table.masked(&copied_blocks(table).concat(), &"copy of another person's block".into());
    let columns: Vec<usize> =
        (0..masked.columns().len()).filter(|&it| crate::portable(&masked.columns()[it])).collect();
    match columns.is_empty() {
        true => Err(learn::Error::NothingMeasured { place: "portable columns".to_owned() }.into()),
        false => Ok(masked.select(&columns)),
    }
}

/// The cost table of a screener's network, fitted on a table as a plan says, and the candidates fitted on everybody in each way.
///
/// # Errors
/// What fitting, exporting, making a scheme or running it fails with.
pub fn cost_of_screener(
    name: &str,
    (table, whole): (&FeatureTable, &Graph),
    (plan, schemes): (&Plan, &[Scheme<'_>]),
    watch: Watch<'_>,
) -> Result<(CostTable, Vec<Candidate>), Error> {
    let everybody = Training::new(table)?;
    let folds = fold_networks(&everybody, plan, watch)?;
    let all: Vec<usize> = (0..table.len()).collect();
    let (mut ways, mut candidates) = (Vec::new(), Vec::new());
    for scheme in schemes {
        let inputs = prepared_inputs(table, &all)?;
        let candidate = Candidate::of((scheme.make)(whole, &inputs)?, scheme.name, &scheme.how);
        ways.push(Way {
            name: candidate.name.clone(),
            how: candidate.how.clone(),
            bytes: candidate.bytes,
            sha256: candidate.sha256.clone(),
            said: said(scheme, (table, everybody.labels()), &folds)?,
        });
        candidates.push(candidate);
    }
    let judged_on = format!(
        "{} people, each by networks fitted on others ({} × {} folds), quantised by their training people",
        table.len(),
        plan.repeats,
        plan.outer
    );
    let groups: Groups = named_groups(table);
    let cost = CostTable::of_screener((name, &judged_on), &ways, &groups, (plan.draws, plan.seed))?;
    Ok((cost, candidates))
}

/// What a scheme says of everybody, out of fold.
fn said(
    scheme: &Scheme<'_>,
    (table, labels): (&FeatureTable, &[bool]),
    folds: &[FoldNetwork],
) -> Result<Scores, Error> {
    let of_fold = |fold: &FoldNetwork| -> Result<Vec<f64>, Error> {
        let graph =
            (scheme.make)(&exported(&fold.network, scheme.name)?, &prepared_inputs(table, &fold.training)?)?;
        let network = Network::of(&graph, 1)?;
        fold.held.iter().map(|&row| export::probability(&network, table, row)).collect()
    };
    let each: Vec<Vec<f64>> = folds.par_iter().map(of_fold).collect::<Result<_, Error>>()?;
    let repeats = folds.iter().map(|it| it.repeat + 1).max().unwrap_or(0);
    let mut probabilities = vec![vec![0.0; table.len()]; repeats];
    for (fold, said) in folds.iter().zip(each) {
        fold.held.iter().zip(said).for_each(|(&row, it)| probabilities[fold.repeat][row] = it);
    }
    Ok(Scores {
        name: scheme.name.to_owned(),
        split_hash: String::new(),
        people: (0..table.len()).map(|row| row.to_string()).collect(),
        labels: labels.to_vec(),
        estimators: vec![EstimatorScores { name: scheme.name.to_owned(), repeats: probabilities }],
    })
}
