//! What two checklists ask, and where the card answers: TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378) for reporting, and
//! PROBAST+AI (Moons et al. 2025, BMJ 388:e082505) for risk of bias. PROBAST+AI is a reader's judgement: the card says what there is
//! to judge by and judges nothing itself.
//!
//! Items and questions are **paraphrased**. Checked against public text: the numbers and topics of TRIPOD+AI's 27 items (against
//! a checklist that another study filled in and published with its code); of PROBAST+AI its two parts, 16 and 18 questions, and four
//! domains (the abstract). The wording of PROBAST+AI's questions and their numbers within a domain could not be read there, which
//! the page says.

use learn::Card;
use maud::{Markup, html};

/// Whether and where the card answers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    /// Answered, here.
    Here(&'static str),
    /// Answered in part: what is there and what is not.
    Partly(&'static str),
    /// Not answered, and who could.
    No(&'static str),
    /// Answered where people's groups are recorded.
    Groups,
    /// Answered where the card is of a trained screener.
    Screener,
}
use Answer::{Groups, Here, No, Partly, Screener};

/// Number, what is asked, answer.
type Item = (&'static str, &'static str, Answer);

/// The 27 items of TRIPOD+AI; parts of an item stand together.
const TRIPOD: [Item; 27] = [
    (
        "1",
        "title: development or evaluation, population, outcome",
        Partly("name and cohort are in the title; the population is under “Where it comes from”"),
    ),
    (
        "2",
        "structured abstract",
        Here("the headline: people, folds, AUC with interval, arithmetic at a prevalence"),
    ),
    (
        "3",
        "background: purpose, users, known inequalities",
        Partly("purpose: a screening aid; users and inequalities are not described"),
    ),
    ("4", "objectives", Here("the first line: a screener fitted and judged, or estimators judged only")),
    (
        "5",
        "data: sources and dates",
        Partly("source and licence; dates of collection are not in a cohort folder"),
    ),
    (
        "6",
        "participants: setting, eligibility, treatments",
        No("only the cohort's own paper says (see source)"),
    ),
    (
        "7",
        "data preparation",
        Here("copies masked, blocks missing as such; imputation, logarithm and scale inside the fold"),
    ),
    (
        "8",
        "outcome: definition, assessors, blinding",
        No("the labels are the cohort's; how they were made is in its paper"),
    ),
    (
        "9",
        "predictors: choice, definition, assessors",
        Here("each column is in the feature dictionary with formula and source; no person rates them"),
    ),
    ("10", "sample size", Partly("numbers and intervals; no sample-size calculation")),
    (
        "11",
        "missing data",
        Here("missing stays missing until imputed inside the fold; reading “missingness only”"),
    ),
    (
        "12",
        "methods: partition, handling, fitting, tuning, metrics, clusters",
        Here("plan, families and grid in card.json; nested by people; every metric below"),
    ),
    ("13", "class imbalance", Here("nothing is over- or undersampled; both classes are counted")),
    ("14", "fairness", Groups),
    (
        "15",
        "output of the model",
        Here("a likelihood ratio with interval and band; a probability only at a stated prevalence"),
    ),
    (
        "16",
        "training against evaluation data",
        Here("same cohort, other people: outer folds; no other cohort"),
    ),
    ("17", "ethical approval", No("only the cohort's own paper says")),
    (
        "18",
        "open science: funding, interests, protocol, registration, data, code",
        Partly("licence, hashes, open code; no protocol or registration"),
    ),
    ("19", "patient and public involvement", No("none is recorded")),
    ("20", "participants: flow and characteristics", Partly("numbers by label and group; no flow diagram")),
    (
        "21",
        "numbers of people and outcomes in each analysis",
        Here("“The same cohort, read side by side” and every group"),
    ),
    ("22", "full specification", Screener),
    ("23", "performance with intervals, and heterogeneity", Here("plots, every metric, groups of people")),
    ("24", "updating", No("nothing was updated")),
    (
        "25",
        "interpretation, fairness and earlier studies",
        Partly("arithmetic and findings in words; no comparison with other studies"),
    ),
    ("26", "limitations", Here("“What is not known”")),
    (
        "27",
        "use in care: poor input, users, next steps",
        Partly("poor input is declined or inconclusive with a reason; next steps are not described"),
    ),
];

/// The 16 signalling questions of PROBAST+AI for development (D) and the 18 for evaluation (E); those asked in both stand
/// once.
const PROBAST: [Item; 23] = [
    ("D1.1 E1.1", "are the data sources appropriate?", Partly("source, licence and the audit's findings")),
    (
        "D1.2 E1.2",
        "is the study design appropriate?",
        Partly("shares of the classes show a case-control design; the paper says the rest"),
    ),
    (
        "D1.3 E1.3",
        "are the people representative?",
        Partly("numbers by label and group; selection is in the paper"),
    ),
    (
        "D2.1 E2.1",
        "are predictors defined and measured alike for everybody?",
        Here("one extractor; baselines by device, site and file"),
    ),
    (
        "D2.2 E2.2",
        "is preprocessing alike for everybody?",
        Here("one path from file to value, versioned sets"),
    ),
    (
        "D2.3 E2.3",
        "are predictors assessed without the outcome?",
        Here("no label can reach a measure; baselines show what recording gives away"),
    ),
    ("D2.4 E2.4", "are predictors there when the model is used?", Here("all are measured at the session")),
    ("D3.1 E3.1", "is the outcome defined and assessed appropriately?", No("the cohort's paper says")),
    ("D3.2 E3.2", "… alike for everybody?", No("the cohort's paper says")),
    ("D3.3 E3.3", "… without the predictors?", No("the cohort's paper says")),
    (
        "D3.4 E3.4",
        "is the interval between predictors and outcome appropriate?",
        No("dates are not in a cohort folder"),
    ),
    ("D4.1", "development: is the sample size reasonable?", Partly("intervals show what the size costs")),
    (
        "D4.2",
        "development: are continuous and categorical predictors handled well?",
        Here("continuous as measured, by their logarithm; nothing is cut into classes"),
    ),
    (
        "D4.3",
        "development: are missing data handled well?",
        Here("imputed inside the fold; nobody is left out for it"),
    ),
    (
        "D4.4",
        "development: recalibrated after correction for imbalance?",
        Here("not applicable: no correction"),
    ),
    (
        "D4.5",
        "development: is overfitting addressed?",
        Here("penalties and inner search; calibration on inner folds"),
    ),
    (
        "E4.1",
        "evaluation: more than apparent performance?",
        Here("no number here is apparent: every one is out of fold"),
    ),
    ("E4.2", "evaluation: is the sample size reasonable?", Here("95 % intervals from drawing people")),
    (
        "E4.3",
        "evaluation: are missing data handled well?",
        Here("held people are imputed by the training side's medians"),
    ),
    ("E4.4", "evaluation: judged without correction for imbalance?", Here("not applicable: no correction")),
    (
        "E4.5",
        "evaluation: is leakage avoided?",
        Here("splits by people, copies masked, audit findings above; estimators cannot see held people"),
    ),
    (
        "E4.6",
        "evaluation: does resampling repeat every step?",
        Here("the outer fold repeats all steps, settings and calibration among them"),
    ),
    ("E4.7", "evaluation: calibration, discrimination and net benefit?", Here("the four plots")),
];

/// Both appendices, folded on the screen.
pub(super) fn appendices(card: &Card) -> Markup {
    html! {
        section.appendix {
            h2 { "What checklists ask" }
            p.meta {
                "Paraphrased, not quoted. Numbers and topics of TRIPOD+AI's items are the paper's. Of PROBAST+AI the two parts (D development, E evaluation), the four domains and \
                the number of questions are the paper's; the wording of the questions and their order within a domain are ours. To report by a checklist, use its own text."
            }
            (list("TRIPOD+AI: 27 items of reporting (Collins et al. 2024, BMJ 385:e078378)", &TRIPOD, card))
            (list("PROBAST+AI: 34 signalling questions (Moons et al. 2025, BMJ 388:e082505)", &PROBAST, card))
        }
    }
}

fn list(title: &str, items: &[Item], card: &Card) -> Markup {
    let answers: Vec<(&str, &str)> = items.iter().map(|it| words(it.2, card)).collect();
    let count = |kind: &str| answers.iter().filter(|it| it.0 == kind).count();
    html! {
        details {
            summary { (title) ": " (count("answered")) " answered, " (count("in part")) " in part, " (count("not answered")) " not" }
            table {
                tr { th { "item" } th { "what is asked" } th { "answered" } th { "where, or why not" } }
                @for ((number, topic, _), (kind, place)) in items.iter().zip(answers) {
                    tr { td { (number) } td.name { (topic) } td class=(if kind == "not answered" { "warn" } else { "" }) { (kind) } td.why { (place) } }
                }
            }
        }
    }
}

/// Whether a card answers, and where.
fn words(answer: Answer, card: &Card) -> (&'static str, &'static str) {
    match answer {
        Here(place) => ("answered", place),
        Partly(place) => ("in part", place),
        No(reason) => ("not answered", reason),
        Groups if card.subgroups.is_empty() => ("not answered", "no group of these people is recorded"),
        Groups => ("in part", "AUC, sensitivity and specificity by group; no fairness criterion is imposed"),
        Screener if card.screener_digest.is_some() => ("answered", "screener.json, whose digest is above"),
        Screener => ("in part", "families, grid and seed in card.json; no screener was fitted on everybody"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_numbered_once() {
        let numbers: Vec<u32> = TRIPOD.iter().map(|it| it.0.parse().unwrap()).collect();
        assert_eq!(numbers, (1..=27).collect::<Vec<_>>());
        let questions: Vec<&str> = PROBAST.iter().flat_map(|it| it.0.split(' ')).collect();
        let of = |part| questions.iter().filter(|it| it.starts_with(part)).count();
        assert_eq!((of('D'), of('E')), (16, 18));
    }
}
