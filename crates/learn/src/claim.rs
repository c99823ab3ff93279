//! Whether published figures can all be true of the same people.
//!
//! A paper prints an AUC, a sensitivity, a specificity, an accuracy, and the number of people. They are not independent: the
//! operating point bounds the area, every share is a whole count out of a whole number (Brown & Heathers 2017, "The GRIM
//! test"), accuracy lies between sensitivity and specificity, predictive values follow by Bayes. Each check says in plain words
//! what it found, and an impossible figure is a fact of arithmetic: something was misprinted, averaged over folds, or measured
//! on other people. Rounding is given its room: a check fails only if no numbers that round to the printed ones would pass.

mod chance;
mod classes;
mod printed;
mod tables;

use serde::Serialize;

use crate::{Error, Interval, audit::Unchecked, metric::predictive_values};
use chance::{hanley, wilson};
use tables::tables;

pub use printed::Printed;

/// Published figures; what was not published is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Claim {
    /// People the figures were made on.
    pub n: Option<usize>,
    /// Impaired people among them.
    pub positives: Option<usize>,
    /// Area under the ROC curve.
    pub auc: Option<Printed>,
    /// Share of impaired people who screen positive.
    pub sensitivity: Option<Printed>,
    /// Share of healthy people who screen negative.
    pub specificity: Option<Printed>,
    /// Share of people who are screened right.
    pub accuracy: Option<Printed>,
    /// Mean of sensitivity and specificity.
    pub balanced_accuracy: Option<Printed>,
    /// Share of impaired people among positive screens.
    pub ppv: Option<Printed>,
    /// Share of healthy people among negative screens.
    pub npv: Option<Printed>,
    /// F1 of the impaired class.
    pub f1: Option<Printed>,
    /// Mean F1 of all classes.
    pub macro_f1: Option<Printed>,
    /// Share of impaired people where the screen would be used, or for which PPV and NPV were printed.
    pub prevalence: Option<Printed>,
    /// People of each class, where the figures are of classes: healthy, MCI, dementia.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<usize>,
    /// Share of each class that is told right, in the order of the classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recalls: Vec<Printed>,
}

/// What a check of a claim says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// No people could give these figures.
    Impossible,
    /// Possible, but less than it sounds.
    Weak,
    /// The figures can be true together.
    Possible,
    /// What the figures mean.
    Meaning,
}

/// One check of a claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Which check: `auc_bound`.
    pub check: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in plain words.
    pub words: String,
    /// The number the words are about, and its limits where it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Interval>,
}

/// A claim with everything that can be said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimAudit {
    /// The claim.
    pub claim: Claim,
    /// Whether no check found it impossible.
    pub consistent: bool,
    /// The checks that could run, in the order of the list.
    pub checks: Vec<Checked>,
    /// The checks that could not, and what they lack.
    pub unchecked: Vec<Unchecked>,
}

/// What a check says, or what it lacks.
type Check = fn(&Claim) -> Result<Vec<Checked>, &'static str>;

static CHECKS: [(&str, Check); 11] = [
    ("auc_bound", auc_bound),
    ("whole_counts", whole_counts),
    ("balanced_accuracy", balanced_accuracy),
    ("accuracy_between", accuracy_between),
    ("predictive_values", predictive),
    ("f1_bound", f1_bound),
    ("macro_f1_bound", macro_f1_bound),
    ("one_table", one_table),
    ("interval", intervals),
    ("majority_class", majority),
    ("clinic", clinic),
];

/// Dementia at 65 and older in Korea (2023 survey), where the claim states no prevalence.
const PREVALENCE: f64 = 0.0925;

impl Claim {
    /// Runs every check the figures allow. More impaired people than people, or nobody of a class, is an error; so are figures of
    /// two classes beside [`classes`](Self::classes) or [`recalls`](Self::recalls), which have checks of their own.
    pub fn audit(&self) -> Result<ClaimAudit, Error> {
        if !(self.classes.is_empty() && self.recalls.is_empty()) {
            classes::refuse(self)?;
            return Ok(self.checked_by(&classes::CHECKS));
        }
        if let (Some(n), Some(positives)) = (self.n, self.positives)
            && !(1..n).contains(&positives)
        {
            let got = format!("{positives} of {n}");
            return Err(Error::BadSetting { what: "positives", expected: "people of both classes", got });
        }
        Ok(self.checked_by(&CHECKS))
    }

    fn checked_by(&self, list: &[(&str, Check)]) -> ClaimAudit {
        let (mut checks, mut unchecked) = (vec![], vec![]);
        for (name, check) in list {
            match check(self) {
                Ok(found) => checks.extend(found),
                Err(lacks) => {
                    unchecked.push(Unchecked { check: (*name).to_owned(), reason: format!("needs {lacks}") });
                }
            }
        }
        let consistent = checks.iter().all(|it| it.verdict != Verdict::Impossible);
        ClaimAudit { claim: self.clone(), consistent, checks, unchecked }
    }

    /// Sensitivity and specificity.
    fn point(&self) -> Result<(Printed, Printed), &'static str> {
        self.sensitivity.zip(self.specificity).ok_or("sensitivity and specificity")
    }

    /// The study's own share of impaired people.
    fn share(&self) -> Option<f64> {
        Some(self.positives? as f64 / self.n? as f64)
    }

    /// Printed shares that are counts of somebody, with the number of people where it is known.
    fn counted(&self) -> [(&'static str, Option<Printed>, Option<usize>); 3] {
        let healthy = self.n.zip(self.positives).map(|(n, positives)| n - positives);
        [
            ("sensitivity", self.sensitivity, self.positives),
            ("specificity", self.specificity, healthy),
            ("accuracy", self.accuracy, self.n),
        ]
    }
}

fn checked(check: &str, verdict: Verdict, words: String) -> Checked {
    Checked { check: check.to_owned(), verdict, words, number: None }
}

fn possible(yes: bool) -> Verdict {
    if yes { Verdict::Possible } else { Verdict::Impossible }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A monotone ROC curve through (FPR, TPR) covers at most 1 − FPR·FNR and at least TPR·(1 − FPR).
fn auc_bound(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let auc = claim.auc.ok_or("AUC, sensitivity and specificity")?;
    let (sensitivity, specificity) = claim.point().map_err(|_| "AUC, sensitivity and specificity")?;
    let most = |sensitivity: f64, specificity: f64| 1.0 - (1.0 - sensitivity) * (1.0 - specificity);
    let high = most(sensitivity.high(), specificity.high());
    let low = sensitivity.low() * specificity.low();
    let fits = auc.meets((low, high));
    let at_most = most(sensitivity.value, specificity.value);
    let words = if fits {
        format!(
            "A ROC curve through this operating point has an AUC from {:.3} to {at_most:.3}; {:.3} is one.",
            sensitivity.value * specificity.value,
            auc.value
        )
    } else {
        format!(
            "A ROC curve through sensitivity {} and specificity {} has an AUC from {:.3} to {at_most:.3} (at most 1 − FPR·FNR), so \
             {:.3} cannot describe the same predictions.",
            percent(sensitivity.value),
            percent(specificity.value),
            sensitivity.value * specificity.value,
            auc.value
        )
    };
    let number = Some(Interval { value: auc.value, low, high });
    Ok(vec![Checked { number, ..checked("auc_bound", possible(fits), words) }])
}

/// Whether each share is a whole count of the people it is a share of.
fn whole_counts(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let known = claim.counted().into_iter().filter_map(|(name, share, of)| Some((name, share?, of?)));
    let found: Vec<Checked> = known.map(|(name, share, of)| whole_count(name, share, of)).collect();
    if found.is_empty() {
        Err("accuracy with n, or sensitivity or specificity with n and positives")
    } else {
        Ok(found)
    }
}

fn whole_count(name: &str, share: Printed, of: usize) -> Checked {
    let counts: Vec<usize> = share.counts(of).collect();
    let printed = percent_as_printed(share);
    let near = (share.value * of as f64).round() as usize;
    let cut = (0..=of).find(|&count| share.cut(count as f64 / of as f64));
    let (verdict, words) = match (counts.as_slice(), cut) {
        ([one], _) => (Verdict::Possible, format!("{name} {printed} is {one} of {of} people.")),
        ([first, .., last], _) => {
            (Verdict::Possible, format!("{name} {printed} is {first} to {last} of {of} people."))
        }
        ([], Some(count)) => (
            Verdict::Possible,
            format!("{name} {printed} is {count} of {of} people, cut off instead of rounded."),
        ),
        ([], None) => (
            Verdict::Impossible,
            format!(
                "{name} {printed} is no whole number of {of} people: {near} would be {:.2} %. It is a misprint, a mean over \
                 folds, or of other people.",
                100.0 * near as f64 / of as f64
            ),
        ),
    };
    checked("whole_counts", verdict, words)
}

/// The share in per cent with the digits it was printed with.
fn percent_as_printed(share: Printed) -> String {
    let decimals = (-(2.0 * share.half * 100.0).log10()).round().max(0.0) as usize;
    format!("{:.decimals$} %", 100.0 * share.value)
}

fn balanced_accuracy(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let lacks = "balanced accuracy, sensitivity and specificity";
    let balanced = claim.balanced_accuracy.ok_or(lacks)?;
    let (sensitivity, specificity) = claim.point().map_err(|_| lacks)?;
    let mean = |a: f64, b: f64| 0.5 * (a + b);
    let fits = balanced
        .meets((mean(sensitivity.low(), specificity.low()), mean(sensitivity.high(), specificity.high())));
    let words = format!(
        "Balanced accuracy is the mean of sensitivity and specificity, {}; printed is {}.",
        percent(mean(sensitivity.value, specificity.value)),
        percent(balanced.value)
    );
    Ok(vec![checked("balanced_accuracy", possible(fits), words)])
}

/// Accuracy is sensitivity and specificity weighted by the classes: π·sensitivity + (1 − π)·specificity.
fn accuracy_between(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let accuracy = claim.accuracy.ok_or("accuracy, sensitivity and specificity")?;
    let (sensitivity, specificity) = claim.point().map_err(|_| "accuracy, sensitivity and specificity")?;
    let (low, high, words) = match claim.share() {
        Some(share) => {
            let mix = |a: f64, b: f64| share * a + (1.0 - share) * b;
            let value = mix(sensitivity.value, specificity.value);
            let words = format!(
                "With {} impaired, accuracy follows from sensitivity and specificity: {}; printed is {}.",
                percent(share),
                percent(value),
                percent(accuracy.value)
            );
            (mix(sensitivity.low(), specificity.low()), mix(sensitivity.high(), specificity.high()), words)
        }
        None => {
            let words = format!(
                "Accuracy lies between sensitivity and specificity, {} and {}; printed is {}{}.",
                percent(sensitivity.value),
                percent(specificity.value),
                percent(accuracy.value),
                implied_share(accuracy, sensitivity, specificity)
            );
            let low = sensitivity.low().min(specificity.low());
            (low, sensitivity.high().max(specificity.high()), words)
        }
    };
    Ok(vec![checked("accuracy_between", possible(accuracy.meets((low, high))), words)])
}

/// The share of impaired people that the three figures imply, where they are far enough apart to say.
fn implied_share(accuracy: Printed, sensitivity: Printed, specificity: Printed) -> String {
    let apart = sensitivity.value - specificity.value;
    let share = (accuracy.value - specificity.value) / apart;
    if apart.abs() < 0.05 || !(0.0..=1.0).contains(&share) {
        return String::new();
    }
    format!(", which implies that {} were impaired", percent(share))
}

/// PPV and NPV by Bayes, at the prevalence stated or the study's own.
fn predictive(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let lacks = "PPV or NPV, sensitivity, specificity, and prevalence or n with positives";
    let (sensitivity, specificity) = claim.point().map_err(|_| lacks)?;
    let places =
        [claim.prevalence.map(|it| (it.low(), it.value, it.high())), claim.share().map(|it| (it, it, it))];
    let places: Vec<(f64, f64, f64)> = places.into_iter().flatten().collect();
    if places.is_empty() || (claim.ppv.is_none() && claim.npv.is_none()) {
        return Err(lacks);
    }
    // PPV rises with sensitivity, specificity and prevalence; NPV falls with prevalence.
    let ppv = |&(low, _, high): &(f64, f64, f64)| {
        let at = |s: f64, t: f64, p: f64| predictive_values(s, t, p).0;
        (at(sensitivity.low(), specificity.low(), low), at(sensitivity.high(), specificity.high(), high))
    };
    let npv = |&(low, _, high): &(f64, f64, f64)| {
        let at = |s: f64, t: f64, p: f64| predictive_values(s, t, p).1;
        (at(sensitivity.low(), specificity.low(), high), at(sensitivity.high(), specificity.high(), low))
    };
    let mut found = vec![];
    for (name, printed, ranges) in [
        ("PPV", claim.ppv, places.iter().map(ppv).collect::<Vec<_>>()),
        ("NPV", claim.npv, places.iter().map(npv).collect()),
    ] {
        let Some(printed) = printed else { continue };
        let fits = ranges.iter().any(|&(low, high)| printed.meets((finite(low), finite(high))));
        let of = |(place, range): (&(f64, f64, f64), &(f64, f64))| {
            let middle = 0.5 * (finite(range.0) + finite(range.1));
            format!("{} at a prevalence of {}", percent(middle), percent(place.1))
        };
        let follow: Vec<String> = places.iter().zip(&ranges).map(of).collect();
        let words =
            format!("{name} follows by Bayes: {}; printed is {}.", follow.join(", "), percent(printed.value));
        found.push(checked("predictive_values", possible(fits), words));
    }
    Ok(found)
}

/// A share of nobody counts as nothing.
fn finite(share: f64) -> f64 {
    if share.is_finite() { share } else { 0.0 }
}

/// F1 = 2·PPV·sensitivity / (PPV + sensitivity), which no PPV brings above 2·sensitivity / (1 + sensitivity).
fn f1_bound(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let (f1, sensitivity) = claim.f1.zip(claim.sensitivity).ok_or("F1 and sensitivity")?;
    let harmonic = |a: f64, b: f64| if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 };
    let (range, words) = match claim.ppv {
        Some(ppv) => (
            (harmonic(sensitivity.low(), ppv.low()), harmonic(sensitivity.high(), ppv.high())),
            format!("F1 follows from sensitivity and PPV: {:.3}", harmonic(sensitivity.value, ppv.value)),
        ),
        None => (
            (0.0, harmonic(sensitivity.high(), 1.0)),
            format!("With this sensitivity F1 is at most {:.3}", harmonic(sensitivity.value, 1.0)),
        ),
    };
    let words = format!("{words}; printed is {:.3}.", f1.value);
    Ok(vec![checked("f1_bound", possible(f1.meets(range)), words)])
}

/// With accuracy A, TP + TN = A·n and the errors are shared by both F1, whose mean is largest at TP = TN, where it is A.
fn macro_f1_bound(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let (macro_f1, accuracy) = claim.macro_f1.zip(claim.accuracy).ok_or("macro-F1 and accuracy")?;
    let fits = macro_f1.meets((0.0, accuracy.high()));
    let words = format!(
        "With two classes macro-F1 is never above accuracy, {:.3}; printed is {:.3}.",
        accuracy.value, macro_f1.value
    );
    Ok(vec![checked("macro_f1_bound", possible(fits), words)])
}

/// Whether one table of two by two gives every printed figure at once.
fn one_table(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let n = claim.n.ok_or("n")?;
    let figures = [
        claim.sensitivity,
        claim.specificity,
        claim.accuracy,
        claim.balanced_accuracy,
        claim.ppv.filter(|_| claim.prevalence.is_none()),
        claim.npv.filter(|_| claim.prevalence.is_none()),
        claim.f1,
        claim.macro_f1,
    ];
    let figures = figures.iter().flatten().count();
    if figures < 2 {
        return Err("n and two figures of counts");
    }
    // Predictive values for another prevalence are not of this table.
    let of_study =
        if claim.prevalence.is_some() { &Claim { ppv: None, npv: None, ..claim.clone() } } else { claim };
    let (found, first) = tables(of_study, n).ok_or("positives: without, there are too many tables")?;
    let (verdict, words) = match first {
        None => (
            Verdict::Impossible,
            format!(
                "No table of {n} people gives these {figures} figures at once, unless they are means over folds."
            ),
        ),
        Some(it) => (
            Verdict::Possible,
            format!(
                "{found} of all tables of {n} people give these {figures} figures; one has {} of {} impaired and {} of {} healthy \
                 people right.",
                it.true_positive, it.impaired, it.true_negative, it.healthy
            ),
        ),
    };
    Ok(vec![checked("one_table", verdict, words)])
}

/// The interval each figure has for its number of people.
fn intervals(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let of = |(name, share, of): (&str, Option<Printed>, Option<usize>)| Some(interval_of(name, share?, of?));
    let mut found: Vec<Checked> = claim.counted().into_iter().filter_map(of).collect();
    if let (Some(auc), Some(n), Some(positives)) = (claim.auc, claim.n, claim.positives) {
        let healthy = n - positives;
        let it = hanley(auc.value, positives as f64, healthy as f64);
        found.push(width(&format!("AUC {positives} and {healthy}"), it));
    }
    if found.is_empty() { Err("a figure and its number of people") } else { Ok(found) }
}

/// The interval of a share of so many people.
fn interval_of(name: &str, share: Printed, of: usize) -> Checked {
    let count = share.counts(of).next().unwrap_or((share.value * of as f64).round() as usize);
    let what = format!("{name} {} ({count} of {of} people)", percent_as_printed(share));
    width(&what, wilson(count as f64 / of as f64, of))
}

fn width(what: &str, it: Interval) -> Checked {
    let wide = it.high - it.low >= WIDE;
    let verdict = if wide { Verdict::Weak } else { Verdict::Meaning };
    let words = format!(
        "{what} has a 95 % interval of {:.1}–{:.1} %{}.",
        100.0 * it.low,
        100.0 * it.high,
        if wide { ": too few people to tell good from fair" } else { "" }
    );
    Checked { number: Some(it), ..checked("interval", verdict, words) }
}

/// An interval as wide as this parts nothing: its ends would be called excellent and mediocre.
const WIDE: f64 = 0.15;

/// What saying the same of everybody reaches.
fn majority(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let lacks = "accuracy, n and positives";
    let (accuracy, n) = claim.accuracy.zip(claim.n).ok_or(lacks)?;
    let share = claim.share().ok_or(lacks)?;
    let majority = share.max(1.0 - share);
    let it = wilson(accuracy.value, n);
    let verdict = if it.low > majority { Verdict::Meaning } else { Verdict::Weak };
    let words = format!(
        "Saying the same of everybody is right for {}; the lower end of this accuracy's interval is {}{}.",
        percent(majority),
        percent(it.low),
        if it.low > majority { "" } else { ", which is no better" }
    );
    Ok(vec![Checked {
        number: Some(Interval { value: majority, ..it }),
        ..checked("majority_class", verdict, words)
    }])
}

/// What the operating point means where the screen would be used.
fn clinic(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let (sensitivity, specificity) = claim.point()?;
    let prevalence = claim.prevalence.map_or(PREVALENCE, |it| it.value);
    let at = |prevalence: f64| predictive_values(sensitivity.value, specificity.value, prevalence);
    let (ppv, npv) = at(prevalence);
    let study = claim.share().map_or(String::new(), |share| {
        format!(
            ", not the {:.0} % of a study in which {:.0} % are impaired",
            100.0 * at(share).0,
            100.0 * share
        )
    });
    let words = format!(
        "Where {:.2} % are impaired, {:.0} % of positive screens are{study}; {:.1} % of negative screens are healthy.",
        100.0 * prevalence,
        100.0 * ppv,
        100.0 * npv
    );
    let verdict = if ppv < 0.5 { Verdict::Weak } else { Verdict::Meaning };
    let number = Some(Interval { value: ppv, low: ppv, high: ppv });
    Ok(vec![Checked { number, ..checked("clinic", verdict, words) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Option<Printed> {
        Some(text.parse().unwrap())
    }

    fn said(claim: &Claim, check: &str) -> Vec<Checked> {
        claim.audit().unwrap().checks.into_iter().filter(|it| it.check == check).collect()
    }

    fn verdict(claim: &Claim, check: &str) -> Verdict {
        said(claim, check)[0].verdict
    }

    /// Choi et al. 2026: 594 people, 185 of them healthy.
    fn choi() -> Claim {
        Claim {
            n: Some(594),
            positives: Some(409),
            auc: p(".997"),
            sensitivity: p("72.5"),
            specificity: p("72.2"),
            accuracy: p("72.4"),
            ..Claim::default()
        }
    }

    #[test]
    fn an_auc_of_997_with_72_5_and_72_2_is_impossible() {
        let bound = said(&choi(), "auc_bound").swap_remove(0);
        assert_eq!(bound.verdict, Verdict::Impossible);
        assert!(bound.words.contains("0.523 to 0.924"), "{}", bound.words);
        // With everything rounded in its favour the bound is 1 − .2745 · .2775.
        assert!((bound.number.unwrap().high - (1.0 - 0.2745 * 0.2775)).abs() < 1e-9);
        assert!(!choi().audit().unwrap().consistent);
        let alone = Claim { n: None, positives: None, ..choi() };
        assert!(Claim { auc: p(".80"), ..alone }.audit().unwrap().consistent, "all but the AUC agrees");
        let counts: Vec<Verdict> = said(&choi(), "whole_counts").iter().map(|it| it.verdict).collect();
        // 296 and 297 of 409 are 72.4 and 72.6 %; 134 of 185 is 72.4 %, 133 is 71.9 %; 430 of 594 is 72.4 %.
        assert_eq!(counts, [Verdict::Impossible, Verdict::Impossible, Verdict::Possible]);
        assert_eq!(verdict(&Claim { auc: p(".924"), ..choi() }, "auc_bound"), Verdict::Possible);
        assert_eq!(verdict(&Claim { auc: p(".51"), ..choi() }, "auc_bound"), Verdict::Impossible);
    }

    #[test]
    fn accuracies_of_71_people_are_whole_counts_and_others_are_not() {
        let of = |accuracy: &str| Claim { n: Some(71), accuracy: p(accuracy), ..Claim::default() };
        for (accuracy, count) in [("78.87", 56), ("84.51", 60), ("74.65", 53), ("83.10", 59)] {
            let found = said(&of(accuracy), "whole_counts").swap_remove(0);
            assert_eq!(found.verdict, Verdict::Possible);
            assert!(found.words.contains(&format!("{accuracy} % is {count} of 71")), "{}", found.words);
        }
        assert_eq!(verdict(&of("80.00"), "whole_counts"), Verdict::Impossible);
        assert!(said(&of("78.8"), "whole_counts")[0].words.contains("cut off instead of rounded"));
    }

    #[test]
    fn a_best_of_48_has_an_interval_from_78_to_96() {
        let of = |n, accuracy: &str| {
            said(&Claim { n: Some(n), accuracy: p(accuracy), ..Claim::default() }, "interval").swap_remove(0)
        };
        // ADReSS 43/48, ADReSSo 60/71, ADReSS-M 38/46, and 45/48.
        for (n, accuracy, low, high) in [
            (48, "89.6", 77.8, 95.5),
            (71, "84.51", 74.3, 91.1),
            (46, "82.61", 69.3, 90.9),
            (48, "93.75", 83.2, 97.9),
        ] {
            let found = of(n, accuracy);
            let words = format!("{low:.1}–{high:.1} %");
            assert!(found.words.contains(&words), "{words} is not in {}", found.words);
        }
        assert_eq!((of(48, "89.6").verdict, of(5000, "89.6").verdict), (Verdict::Weak, Verdict::Meaning));
    }

    #[test]
    fn eighty_and_eighty_mean_29_and_97_5_in_a_clinic() {
        let claim = Claim { sensitivity: p(".80"), specificity: p(".80"), ..Claim::default() };
        let found = said(&claim, "clinic").swap_remove(0);
        assert!(
            found.words.contains("9.25 % are impaired, 29 %") && found.words.contains("97.5 %"),
            "{}",
            found.words
        );
        let claim = Claim { n: Some(48), positives: Some(24), ..claim };
        assert!(said(&claim, "clinic")[0].words.contains("not the 80 % of a study in which 50 %"));
        let choi = Claim { prevalence: p("37.7"), ..choi() };
        let found = said(&choi, "clinic").swap_remove(0);
        assert!(found.words.contains("61 %") && found.words.contains("81.3 %"), "{}", found.words);
    }

    #[test]
    fn predictive_values_must_follow_from_the_operating_point() {
        let at = |ppv: &str, npv: &str, prevalence: &str| Claim {
            sensitivity: p(".80"),
            specificity: p(".80"),
            prevalence: p(prevalence),
            ppv: p(ppv),
            npv: p(npv),
            ..Claim::default()
        };
        let verdicts =
            |claim: &Claim| said(claim, "predictive_values").iter().map(|it| it.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(&at(".29", ".975", "9.25%")), [Verdict::Possible; 2]);
        assert_eq!(verdicts(&at(".80", ".80", "9.25%")), [Verdict::Impossible; 2]);
        assert_eq!(verdicts(&at(".80", ".80", "50%")), [Verdict::Possible; 2]);
        let study = Claim { n: Some(200), positives: Some(100), prevalence: None, ..at(".80", ".90", "50%") };
        assert_eq!(verdicts(&study), [Verdict::Possible, Verdict::Impossible]);
    }

    #[test]
    fn accuracy_lies_between_sensitivity_and_specificity() {
        let of = |accuracy: &str| Claim {
            sensitivity: p(".90"),
            specificity: p(".70"),
            accuracy: p(accuracy),
            ..Claim::default()
        };
        assert_eq!(verdict(&of(".95"), "accuracy_between"), Verdict::Impossible);
        let found = said(&of(".75"), "accuracy_between").swap_remove(0);
        assert!(
            found.verdict == Verdict::Possible && found.words.contains("25.0 % were impaired"),
            "{}",
            found.words
        );
        let known = |accuracy| Claim { n: Some(200), positives: Some(100), ..of(accuracy) };
        assert_eq!(verdict(&known(".80"), "accuracy_between"), Verdict::Possible);
        assert_eq!(verdict(&known(".75"), "accuracy_between"), Verdict::Impossible);
    }

    #[test]
    fn f1_macro_f1_and_balanced_accuracy_have_their_bounds() {
        let claim = |f1: &str, macro_f1: &str, balanced: &str| Claim {
            sensitivity: p(".60"),
            specificity: p(".80"),
            accuracy: p(".70"),
            f1: p(f1),
            macro_f1: p(macro_f1),
            balanced_accuracy: p(balanced),
            ..Claim::default()
        };
        let verdicts = |claim: &Claim| {
            ["f1_bound", "macro_f1_bound", "balanced_accuracy"].map(|check| verdict(claim, check))
        };
        assert_eq!(verdicts(&claim(".74", ".69", ".70")), [Verdict::Possible; 3]);
        assert_eq!(verdicts(&claim(".80", ".74", ".74")), [Verdict::Impossible; 3]);
        let with_ppv = Claim { ppv: p(".75"), ..claim(".74", ".69", ".70") };
        assert_eq!(verdict(&with_ppv, "f1_bound"), Verdict::Impossible, "2 · .75 · .6 / 1.35 = .667");
    }

    #[test]
    fn figures_that_agree_in_pairs_must_share_one_table() {
        let claim = Claim {
            n: Some(71),
            positives: Some(35),
            sensitivity: p("85.7"),
            specificity: p("75.0"),
            accuracy: p("80.28"),
            ..Claim::default()
        };
        let found = said(&claim, "one_table").swap_remove(0);
        assert!(found.words.contains("30 of 35 impaired and 27 of 36 healthy"), "{}", found.words);
        let other = Claim { accuracy: p("81.69"), ..claim };
        assert_eq!(verdict(&other, "whole_counts"), Verdict::Possible);
        assert_eq!(verdict(&other, "one_table"), Verdict::Impossible);
    }

    #[test]
    fn an_accuracy_near_the_larger_class_is_weak() {
        let of = |positives| Claim {
            n: Some(100),
            positives: Some(positives),
            accuracy: p(".80"),
            ..Claim::default()
        };
        assert_eq!(verdict(&of(25), "majority_class"), Verdict::Weak);
        assert_eq!(verdict(&of(50), "majority_class"), Verdict::Meaning);
    }

    #[test]
    fn nothing_to_check_is_said_check_by_check_and_nonsense_is_an_error() {
        let nothing = Claim::default().audit().unwrap();
        assert_eq!(
            (nothing.checks.len(), nothing.unchecked.len(), nothing.consistent),
            (0, CHECKS.len(), true)
        );
        assert!(nothing.unchecked.iter().all(|it| it.reason.starts_with("needs ")));
        let error =
            Claim { n: Some(30), positives: Some(30), ..Claim::default() }.audit().unwrap_err().to_string();
        assert_eq!(error, "positives: expected people of both classes, got 30 of 30");
    }
}
