//! Where `learn` and `neural` meet: what was fitted becomes a network, is run in fewer bits, and it is said what that cost.
//!
//! A screener's network is judged on people it did not see: every outer fold's network is exported, quantised by what its own
//! training people are like, and run on the held ones. That is the honest price; quantising one network fitted on everybody
//! would be judged on people it knows.

mod export;
mod judged_set;
mod scheme;

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
use neural::{Graph, Network, Tensors};
use rayon::prelude::*;
use study::{Cohort, FeatureTable};

use crate::Error;

pub use export::{exported, prepared_inputs};
pub use judged_set::JudgedSet;
pub use scheme::Scheme;

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
    let way = |it: &Candidate| Ok(it.way(set.recognised(&Network::of(&it.graph, 1)?)?));
    let ways: Vec<Way<Recognition>> = networks.iter().map(way).collect::<Result<_, Error>>()?;
    Ok(CostTable::of_recognition(words, &ways, &set.groups(), draws)?)
}

/// What each layer of a recogniser costs alone in a way of running it, all others in floats; `inputs` are like those it will see.
///
/// # Errors
/// As [`cost_of_networks`], and what making the scheme fails with.
pub fn cost_by_layer(
    (network, inputs): (&Graph, &Tensors),
    scheme: &Scheme<'_>,
    (set, draws): (&JudgedSet, (usize, u64)),
) -> Result<CostTable, Error> {
    let schemes = std::iter::once(Scheme::float()).chain(scheme.by_layer(network, inputs)?);
    let candidates: Vec<Candidate> =
        schemes.map(|it| it.candidate(network, inputs)).collect::<Result<_, _>>()?;
    cost_of_networks(&candidates, set, (scheme.name(), "layer by layer"), draws)
}

/// A network to be held against others.
pub struct Candidate {
    /// `f32`, `int8`.
    pub name: String,
    /// How it was made, in words.
    pub how: String,
    /// Bytes of its file, or that it would have.
    pub bytes: u64,
    /// SHA-256 of its file; empty where there is none.
    pub sha256: String,
    /// Why it cannot be timed.
    pub untimed: Option<String>,
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
        let (sha256, bytes) = (neural::digest(&bytes), bytes.len() as u64);
        Ok(Candidate { name: name.to_owned(), how, bytes, sha256, untimed: None, graph })
    }

    fn way<T>(&self, said: T) -> Way<T> {
        Way {
            name: self.name.clone(),
            how: self.how.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            untimed: self.untimed.clone(),
            said,
        }
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

/// A screener's networks, to be run in several ways: that of everybody, and those of the outer folds, which judge people they did
/// not see.
pub struct ScreenerNetworks<'a> {
    table: &'a FeatureTable,
    labels: Vec<bool>,
    plan: &'a Plan,
    whole: &'a Graph,
    folds: Vec<FoldNetwork>,
}

impl<'a> ScreenerNetworks<'a> {
    /// Fits the networks of all outer folds on a table, as a plan says. `whole` is the exported network of everybody.
    ///
    /// # Errors
    /// What fitting fails with.
    pub fn fit(
        table: &'a FeatureTable,
        whole: &'a Graph,
        plan: &'a Plan,
        watch: Watch<'_>,
    ) -> Result<Self, Error> {
        let everybody = Training::new(table)?;
        let folds = fold_networks(&everybody, plan, watch)?;
        Ok(ScreenerNetworks { table, labels: everybody.labels().to_vec(), plan, whole, folds })
    }

    /// The network of everybody in each way.
    ///
    /// # Errors
    /// What making a scheme fails with.
    pub fn candidates(&self, schemes: &[Scheme<'_>]) -> Result<Vec<Candidate>, Error> {
        let all: Vec<usize> = (0..self.table.len()).collect();
        let inputs = prepared_inputs(self.table, &all)?;
        schemes.iter().map(|it| it.candidate(self.whole, &inputs)).collect()
    }

    /// The cost table, from every way's probabilities of held people.
    ///
    /// # Errors
    /// What exporting, making a scheme or running it fails with.
    pub fn cost(&self, name: &str, schemes: &[Scheme<'_>]) -> Result<CostTable, Error> {
        let candidates = self.candidates(schemes)?;
        let ways = schemes.iter().zip(&candidates).map(|(scheme, it)| Ok(it.way(self.said(scheme)?)));
        let ways: Vec<Way<Scores>> = ways.collect::<Result<_, Error>>()?;
        let (table, plan) = (self.table, self.plan);
        let judged_on = format!(
            "people held out: each network was fitted on others ({} × {} folds) and quantised by what they are like",
            plan.repeats, plan.outer
        );
        Ok(CostTable::of_screener((name, &judged_on), &ways, &groups(table), (plan.draws, plan.seed))?)
    }

    /// What each layer costs alone in a way of running the network, all others in floats.
    ///
    /// # Errors
    /// As [`ScreenerNetworks::cost`].
    pub fn cost_by_layer(&self, scheme: &Scheme<'_>) -> Result<CostTable, Error> {
        let all: Vec<usize> = (0..self.table.len()).collect();
        let layers = scheme.by_layer(self.whole, &prepared_inputs(self.table, &all)?)?;
        let schemes: Vec<Scheme<'_>> = std::iter::once(Scheme::float()).chain(layers).collect();
        self.cost(scheme.name(), &schemes)
    }

    /// What a scheme says of everybody, out of fold.
    fn said(&self, scheme: &Scheme<'_>) -> Result<Scores, Error> {
        let table = self.table;
        let of_fold = |fold: &FoldNetwork| -> Result<Vec<f64>, Error> {
            let inputs = prepared_inputs(table, &fold.training)?;
            let graph = (scheme.make)(&exported(&fold.network, scheme.name())?, &inputs)?;
            let network = Network::of(&graph, 1)?;
            fold.held.iter().map(|&row| export::probability(&network, table, row)).collect()
        };
        let each: Vec<Vec<f64>> = self.folds.par_iter().map(of_fold).collect::<Result<_, Error>>()?;
        let repeats = self.folds.iter().map(|it| it.repeat + 1).max().unwrap_or(0);
        let mut probabilities = vec![vec![0.0; table.len()]; repeats];
        for (fold, said) in self.folds.iter().zip(each) {
            fold.held.iter().zip(said).for_each(|(&row, it)| probabilities[fold.repeat][row] = it);
        }
        Ok(Scores {
            name: scheme.name().to_owned(),
            split_hash: String::new(),
            people: (0..table.len()).map(|row| row.to_string()).collect(),
            labels: self.labels.clone(),
            estimators: vec![EstimatorScores { name: scheme.name().to_owned(), repeats: probabilities }],
        })
    }
}

/// The groups of a table, and who has a value missing: a stand-in may be worse in fewer bits.
fn groups(table: &FeatureTable) -> Groups {
    let (whole, gaps): (Vec<usize>, Vec<usize>) =
        (0..table.len()).partition(|&row| table.row(row).all(|it| it.is_some()));
    let by_gaps = [("nothing missing", whole), ("something missing", gaps)];
    named_groups(table).into_iter().chain(by_gaps.map(|(name, rows)| (name.to_owned(), rows))).collect()
}
