//! The networks of a nested evaluation themselves, for those who run them in another precision on the people they did not see.

use rayon::prelude::*;

use super::{Family, Plan, Watch, outer, search, splits::inner_seed};
use crate::{
    Error, Estimator, Training,
    calibrate::{Calibration, Calibrator},
    estimator::{Fitted, Perceptron, sigmoid},
    evaluate::{Progress, outer::Outer},
    seed::derive,
};

/// What one outer fold fitted, and whom it judges.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldNetwork {
    /// Which drawing of the folds.
    pub repeat: usize,
    /// The network that was fitted, its calibration folded in.
    pub network: Perceptron,
    /// Rows of the table it was fitted on.
    pub training: Vec<usize>,
    /// Rows that it judges.
    pub held: Vec<usize>,
    /// Probability that each of them is impaired, by the estimator itself.
    pub probabilities: Vec<f64>,
}

/// Does what [`evaluate`](crate::evaluate()) does on a table and keeps every outer fold's network: settings and Platt's line by
/// inner folds of the training people, a refit on all of them.
///
/// # Errors
/// [`Error::BadSetting`] where the plan's first family is not of networks or calibrates otherwise than by Platt's line; what
/// fitting fails with.
pub fn fold_networks(
    everybody: &Training<'_>,
    plan: &Plan,
    watch: Watch<'_>,
) -> Result<Vec<FoldNetwork>, Error> {
    let family = family(plan)?;
    let folds = outer(everybody, plan)?;
    let done = std::sync::atomic::AtomicUsize::new(0);
    let fold = |Outer { repeat, fold, training, held }: &Outer<'_>| {
        let (fitted, network) = network(family, training, plan, inner_seed(plan, *repeat, *fold))?;
        let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        watch(Progress { stage: "networks", done, of: folds.len() });
        Ok(FoldNetwork {
            repeat: *repeat,
            network,
            training: training.rows().to_vec(),
            held: held.rows().to_vec(),
            probabilities: fitted.0.scores(held).iter().map(|&it| sigmoid(fitted.1.log_odds(it))).collect(),
        })
    };
    folds.par_iter().map(fold).collect()
}

/// The network of everybody, fitted as each outer fold fits its own.
///
/// # Errors
/// As [`fold_networks`].
pub fn whole_network(everybody: &Training<'_>, plan: &Plan) -> Result<Perceptron, Error> {
    Ok(network(family(plan)?, everybody, plan, derive(plan.seed, &[WHOLE]))?.1)
}

const WHOLE: u64 = 0x3e7;

fn family(plan: &Plan) -> Result<&Family, Error> {
    let bad = |what, expected, got: &str| Err(Error::BadSetting { what, expected, got: got.to_owned() });
    plan.check()?;
    let family = &plan.families[0];
    if !family.grid.iter().all(|it| matches!(it, Estimator::Mlp { .. })) {
        return bad("families", "the first to be of networks: mlp", &family.name);
    }
    match plan.calibration {
        Calibrator::Platt => Ok(family),
        other => bad("calibration", "platt, a line that a network can hold", other.word()),
    }
}

type Calibrated = (Fitted, Calibration);

fn network(
    family: &Family,
    training: &Training<'_>,
    plan: &Plan,
    seed: u64,
) -> Result<(Calibrated, Perceptron), Error> {
    let found = search(family, training, plan, seed)?;
    let fitted = family.grid[found.chosen].clone().seeded(derive(seed, &[0])).fit(training)?;
    let network = fitted.perceptron().expect("the family was checked to be of networks");
    let network = match &found.calibration {
        Calibration::Platt(line) => network.calibrated(line.slope, line.intercept),
        _ => unreachable!("the calibration was checked to be a line"),
    };
    Ok(((fitted, found.calibration), network))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate, scores::Scores, synthetic};
    use study::Cohort;

    fn plan() -> Plan {
        let grid = vec![Estimator::Mlp { hidden: 4, penalty: 3.0, steps: 30, seed: 0 }];
        let families = vec![Family { name: "mlp".into(), grid }];
        Plan { families, repeats: 2, outer: 3, inner: 3, draws: 20, ..Plan::default() }
    }

    #[test]
    fn the_networks_are_those_that_the_evaluation_judges() {
        let table = synthetic::table(48, 3, 1.0, 1);
        let networks = fold_networks(&Training::new(&table).unwrap(), &plan(), &|_| ()).unwrap();
        let cohort = Cohort {
            provenance: study::Provenance::default(),
            participants: vec![],
            table: Some(table),
            later: vec![],
            submissions: vec![],
        };
        let scores: Scores = evaluate(&cohort, &plan(), &|_| ()).unwrap().scores;
        assert_eq!(networks.len(), 6);
        for it in &networks {
            for (row, probability) in it.held.iter().zip(&it.probabilities) {
                assert_eq!(scores.estimators[0].repeats[it.repeat][*row], *probability);
            }
            assert!(it.held.iter().all(|row| !it.training.contains(row)));
        }
    }

    #[test]
    fn other_families_and_calibrations_are_refused() {
        let table = synthetic::table(20, 1, 1.0, 1);
        let everybody = Training::new(&table).unwrap();
        let said = |plan: &Plan| whole_network(&everybody, plan).unwrap_err().to_string();
        assert!(said(&Plan::audit()).contains("of networks"));
        assert!(said(&Plan { calibration: Calibrator::Beta, ..plan() }).contains("platt"));
    }
}
