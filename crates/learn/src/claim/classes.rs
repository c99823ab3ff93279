//! Published figures of more than two classes: healthy, MCI and dementia.
//!
//! A table of k classes has more freedom than one of two, and still little: right answers are whole counts of each class, accuracy
//! is their sum over everybody, balanced accuracy (macro recall) the mean recall, and macro-F1 depends on how many people each
//! class was *said* of. With d right and r wrong of each class and q said of it wrongly, F1 = 2·d / (n + d + q); a table with these
//! margins and an empty diagonal exists exactly where r + q of each class is at most the sum of errors (max-flow, Ford & Fulkerson
//! 1956; Gale 1957). So every table can be walked through without writing any down.

use super::{
    Check, Checked, Claim, Printed, Verdict, chance::wilson, checked, interval_of, percent,
    percent_as_printed, possible, whole_count,
};
use crate::{Error, Interval};

/// The checks of a claim of classes.
pub(super) static CHECKS: [(&str, Check); 6] = [
    ("whole_counts", whole_counts),
    ("accuracy_between", accuracy),
    ("balanced_accuracy", balanced),
    ("one_table", one_table),
    ("interval", intervals),
    ("majority_class", majority),
];

/// More tables than this are not walked through.
const MOST: usize = 20_000_000;

/// Refuses figures that do not belong together.
pub(super) fn refuse(claim: &Claim) -> Result<(), Error> {
    let bad = |what, expected, got: String| Err(Error::BadSetting { what, expected, got });
    let (classes, recalls) = (&claim.classes, &claim.recalls);
    let printed =
        [claim.auc, claim.sensitivity, claim.specificity, claim.ppv, claim.npv, claim.f1, claim.prevalence];
    if claim.positives.is_some() || printed.iter().any(Option::is_some) {
        let expected = "recalls, accuracy, balanced accuracy and macro-F1 beside classes";
        return bad("classes", expected, "a figure of two classes".to_owned());
    }
    let fewest = [classes.len(), recalls.len()].into_iter().filter(|it| *it > 0).min().unwrap_or(0);
    if fewest < 2 || classes.contains(&0) {
        return bad("classes", "at least two, each of somebody", format!("{classes:?}"));
    }
    if !classes.is_empty() && !recalls.is_empty() && classes.len() != recalls.len() {
        return bad(
            "recalls",
            "one a class, in the order of the classes",
            format!("{} of {} classes", recalls.len(), classes.len()),
        );
    }
    match (claim.n, classes.iter().sum::<usize>()) {
        (Some(n), sum) if !classes.is_empty() && n != sum => {
            bad("n", "the sum of the classes", format!("{n} where they sum to {sum}"))
        }
        _ => Ok(()),
    }
}

/// Everybody.
fn people(claim: &Claim) -> Option<usize> {
    if claim.classes.is_empty() { claim.n } else { Some(claim.classes.iter().sum()) }
}

/// Shares that are counts of somebody.
fn counted(claim: &Claim) -> Vec<(String, Printed, usize)> {
    let recall = |(place, (share, of)): (usize, (&Printed, &usize))| {
        (format!("recall of class {}", place + 1), *share, *of)
    };
    let recalls = claim.recalls.iter().zip(&claim.classes).enumerate().map(recall);
    let accuracy = claim.accuracy.zip(people(claim)).map(|(share, of)| ("accuracy".to_owned(), share, of));
    recalls.chain(accuracy).collect()
}

fn whole_counts(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let found: Vec<Checked> =
        counted(claim).iter().map(|(name, share, of)| whole_count(name, *share, *of)).collect();
    if found.is_empty() { Err("recalls with classes, or accuracy with n or classes") } else { Ok(found) }
}

/// Σ weight · recall, at its lowest, as printed, and at its highest.
fn mixed(recalls: &[Printed], weight: impl Fn(usize) -> f64) -> (f64, f64, f64) {
    let sum = |of: fn(&Printed) -> f64| {
        recalls.iter().enumerate().map(|(place, it)| weight(place) * of(it)).sum::<f64>()
    };
    (sum(Printed::low), sum(|it| it.value), sum(Printed::high))
}

/// Accuracy is the recalls weighted by the classes.
fn accuracy(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let accuracy = claim.accuracy.filter(|_| !claim.recalls.is_empty()).ok_or("accuracy and recalls")?;
    let printed = percent(accuracy.value);
    let (range, words) = if claim.classes.is_empty() {
        let low = claim.recalls.iter().map(Printed::low).fold(1.0, f64::min);
        let high = claim.recalls.iter().map(Printed::high).fold(0.0, f64::max);
        let words = format!(
            "Accuracy lies between the lowest and the highest recall, {} and {}; printed is {printed}.",
            percent(low),
            percent(high)
        );
        ((low, high), words)
    } else {
        let all = claim.classes.iter().sum::<usize>() as f64;
        let (low, value, high) = mixed(&claim.recalls, |place| claim.classes[place] as f64 / all);
        let words = format!(
            "Accuracy is the sum of recalls weighted by the classes, {}; printed is {printed}.",
            percent(value)
        );
        ((low, high), words)
    };
    Ok(vec![checked("accuracy_between", possible(accuracy.meets(range)), words)])
}

fn balanced(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let lacks = "balanced accuracy and recalls";
    let balanced = claim.balanced_accuracy.filter(|_| !claim.recalls.is_empty()).ok_or(lacks)?;
    let share = 1.0 / claim.recalls.len() as f64;
    let (low, value, high) = mixed(&claim.recalls, |_| share);
    let words = format!(
        "Balanced accuracy is the mean recall, {}; printed is {}.",
        percent(value),
        percent(balanced.value)
    );
    Ok(vec![checked("balanced_accuracy", possible(balanced.meets((low, high))), words)])
}

/// Whether one table gives every printed figure at once.
fn one_table(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let figures = claim.recalls.len()
        + [claim.accuracy, claim.balanced_accuracy, claim.macro_f1].iter().flatten().count();
    if claim.classes.is_empty() || figures < 2 {
        return Err("classes and two figures of counts");
    }
    let mut walk = Walk::default();
    walk.rights(claim, &mut vec![]).ok_or("recalls: without, there are too many tables")?;
    let classes = listed(claim.classes.iter().map(usize::to_string));
    let (verdict, words) = match (&walk.first, claim.macro_f1) {
        (Some(first), _) => {
            let right = first.iter().zip(&claim.classes).map(|(right, of)| format!("{right} of {of}"));
            let words = format!(
                "Classes of {classes} people allow these {figures} figures at once: for example {} are right.",
                listed(right)
            );
            (Verdict::Possible, words)
        }
        (None, Some(printed)) if walk.lowest <= walk.highest => {
            let words = format!(
                "Classes of {classes} people with the other figures have a macro-F1 from {:.3} to {:.3}; printed is {:.3}. It is a \
                 misprint, a mean over folds, or another average.",
                walk.lowest, walk.highest, printed.value
            );
            (Verdict::Impossible, words)
        }
        (None, _) => {
            let words = format!(
                "No whole numbers of right answers in classes of {classes} people give these {figures} figures at once, unless they \
                 are means over folds."
            );
            (Verdict::Impossible, words)
        }
    };
    Ok(vec![checked("one_table", verdict, words)])
}

/// `30, 20 and 25`.
fn listed(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// What a walk through all tables found.
struct Walk {
    /// Right answers of each class in the first table that gives every figure.
    first: Option<Vec<usize>>,
    /// Lowest and highest macro-F1 of the tables that give every other figure.
    lowest: f64,
    highest: f64,
    walked: usize,
}

impl Default for Walk {
    fn default() -> Self {
        Self { first: None, lowest: f64::INFINITY, highest: f64::NEG_INFINITY, walked: 0 }
    }
}

/// Whether a share was printed so, rounded or cut off; what was not printed is.
fn prints(printed: Option<Printed>, share: f64) -> bool {
    printed.is_none_or(|it| it.is(share) || it.cut(share))
}

impl Walk {
    fn step(&mut self) -> Option<()> {
        self.walked += 1;
        (self.walked <= MOST).then_some(())
    }

    /// Every way of being right that gives recalls, accuracy and balanced accuracy; `None` where there are too many.
    fn rights(&mut self, claim: &Claim, right: &mut Vec<usize>) -> Option<()> {
        let Some(&of) = claim.classes.get(right.len()) else { return self.judge(claim, right) };
        let recall = claim.recalls.get(right.len()).copied();
        for count in 0..=of {
            self.step()?;
            if prints(recall, count as f64 / of as f64) {
                right.push(count);
                self.rights(claim, right)?;
                right.pop();
            }
        }
        Some(())
    }

    fn judge(&mut self, claim: &Claim, right: &[usize]) -> Option<()> {
        let all: usize = claim.classes.iter().sum();
        let accuracy = right.iter().sum::<usize>() as f64 / all as f64;
        let recalls = right.iter().zip(&claim.classes).map(|(right, of)| *right as f64 / *of as f64);
        let balanced = recalls.sum::<f64>() / right.len() as f64;
        if !prints(claim.accuracy, accuracy) || !prints(claim.balanced_accuracy, balanced) {
            return Some(());
        }
        match claim.macro_f1 {
            Some(_) => {
                let errors = all - right.iter().sum::<usize>();
                self.wrongs(claim, right, (0, errors), 0.0)
            }
            None => {
                self.first.get_or_insert_with(|| right.to_vec());
                Some(())
            }
        }
    }

    /// Every way of saying the wrong answers: how many of them name `class`, of those `left` of all.
    fn wrongs(
        &mut self,
        claim: &Claim,
        right: &[usize],
        (class, left): (usize, usize),
        sum: f64,
    ) -> Option<()> {
        let errors: usize = claim.classes.iter().sum::<usize>() - right.iter().sum::<usize>();
        let of = claim.classes[class];
        // Nobody of the class is named wrongly as the class.
        let most = left.min(errors - (of - right[class]));
        let f1 = |said: usize| 2.0 * right[class] as f64 / (of + right[class] + said) as f64;
        if class + 1 == right.len() {
            self.step()?;
            if most == left {
                self.gives(claim, right, (sum + f1(left)) / right.len() as f64);
            }
            return Some(());
        }
        for said in 0..=most {
            self.wrongs(claim, right, (class + 1, left - said), sum + f1(said))?;
        }
        Some(())
    }

    fn gives(&mut self, claim: &Claim, right: &[usize], macro_f1: f64) {
        self.lowest = self.lowest.min(macro_f1);
        self.highest = self.highest.max(macro_f1);
        if prints(claim.macro_f1, macro_f1) {
            self.first.get_or_insert_with(|| right.to_vec());
        }
    }
}

fn intervals(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let found: Vec<Checked> =
        counted(claim).iter().map(|(name, share, of)| interval_of(name, *share, *of)).collect();
    if found.is_empty() { Err("a figure and its number of people") } else { Ok(found) }
}

/// What saying the largest class of everybody reaches.
fn majority(claim: &Claim) -> Result<Vec<Checked>, &'static str> {
    let lacks = "accuracy and classes";
    let (accuracy, most) = claim.accuracy.zip(claim.classes.iter().max().copied()).ok_or(lacks)?;
    let (n, classes) = (claim.classes.iter().sum::<usize>(), claim.classes.len() as f64);
    let share = most as f64 / n as f64;
    let it = wilson(accuracy.value, n);
    let better = it.low > share;
    let words = format!(
        "Saying the largest class of everybody is right for {} (balanced accuracy {}, macro-F1 {:.3}); the lower end of the interval of \
         {} is {}{}.",
        percent(share),
        percent(1.0 / classes),
        2.0 * share / (1.0 + share) / classes,
        percent_as_printed(accuracy),
        percent(it.low),
        if better { "" } else { ", which is no better" }
    );
    let verdict = if better { Verdict::Meaning } else { Verdict::Weak };
    let number = Some(Interval { value: share, ..it });
    Ok(vec![Checked { number, ..checked("majority_class", verdict, words) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Option<Printed> {
        Some(text.parse().unwrap())
    }

    /// Right: 24 of 30, 11 of 20, 18 of 25. Said wrongly: 8 healthy, 9 MCI, 5 dementia.
    fn true_claim() -> Claim {
        let f1 = [48.0 / (30.0 + 24.0 + 8.0), 22.0 / (20.0 + 11.0 + 9.0), 36.0 / (25.0 + 18.0 + 5.0)];
        Claim {
            classes: vec![30, 20, 25],
            recalls: [".80", ".55", ".72"].iter().map(|it| it.parse().unwrap()).collect(),
            accuracy: p("70.7%"),
            balanced_accuracy: p(".69"),
            macro_f1: p(&format!("{:.3}", f1.iter().sum::<f64>() / 3.0)),
            ..Claim::default()
        }
    }

    fn verdict(claim: &Claim, check: &str) -> Verdict {
        let audit = claim.audit().unwrap();
        audit.checks.iter().find(|it| it.check == check).unwrap().verdict
    }

    fn words(claim: &Claim, check: &str) -> String {
        claim.audit().unwrap().checks.into_iter().find(|it| it.check == check).unwrap().words
    }

    #[test]
    fn a_true_table_of_three_classes_contradicts_itself_nowhere() {
        let audit = true_claim().audit().unwrap();
        assert!(audit.consistent && audit.unchecked.is_empty(), "{audit:?}");
        assert!(words(&true_claim(), "one_table").contains("24 of 30, 11 of 20 and 18 of 25 are right"));
    }

    #[test]
    fn each_figure_that_is_off_is_found() {
        let of = true_claim;
        let recalls = |third: &str| {
            [".80", ".55", third].iter().map(|it| it.parse().unwrap()).collect::<Vec<Printed>>()
        };
        assert_eq!(verdict(&Claim { accuracy: p("75%"), ..of() }, "accuracy_between"), Verdict::Impossible);
        assert_eq!(
            verdict(&Claim { balanced_accuracy: p(".75"), ..of() }, "balanced_accuracy"),
            Verdict::Impossible
        );
        let third = Claim {
            recalls: recalls(".70"),
            accuracy: None,
            balanced_accuracy: None,
            macro_f1: None,
            ..of()
        };
        let counts = third.audit().unwrap().checks;
        let said = counts.iter().find(|it| it.words.contains("class 3")).unwrap();
        assert!(
            said.verdict == Verdict::Impossible && said.words.contains("no whole number of 25"),
            "{}",
            said.words
        );
        let high = Claim { macro_f1: p(".80"), ..of() };
        assert_eq!(verdict(&high, "one_table"), Verdict::Impossible);
        assert!(
            words(&high, "one_table").contains("have a macro-F1 from 0.6"),
            "{}",
            words(&high, "one_table")
        );
        // Each agrees with the recalls as printed, and no whole numbers do with all.
        let wide = Claim {
            recalls: [".8", ".6", ".7"].map(|it| it.parse().unwrap()).into(),
            macro_f1: None,
            ..of()
        };
        let wide = Claim { accuracy: p("70.7%"), balanced_accuracy: p(".7000"), ..wide };
        assert_eq!(verdict(&wide, "balanced_accuracy"), Verdict::Possible);
        assert_eq!(verdict(&wide, "one_table"), Verdict::Impossible);
    }

    /// Every matrix of a small problem, written down.
    #[test]
    fn the_range_of_macro_f1_is_that_of_all_matrices() {
        let classes = [4usize, 3, 2];
        let right = [2usize, 1, 1];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for a in 0..=2 {
            for b in 0..=2 {
                for c in 0..=1 {
                    // Wrong answers of each class to the first of the two others; the rest to the second.
                    let said = [b + c, a + (1 - c), (2 - a) + (2 - b)];
                    let f1 = |it: usize| 2.0 * right[it] as f64 / (classes[it] + right[it] + said[it]) as f64;
                    let mean = (0..3).map(f1).sum::<f64>() / 3.0;
                    (low, high) = (low.min(mean), high.max(mean));
                }
            }
        }
        let recalls = ["50%", "33.3%", "50%"].map(|it| it.parse().unwrap()).into();
        let claim = Claim { classes: classes.into(), recalls, macro_f1: p(".99"), ..Claim::default() };
        let mut walk = Walk::default();
        walk.rights(&claim, &mut vec![]).unwrap();
        assert!((walk.lowest - low).abs() < 1e-12 && (walk.highest - high).abs() < 1e-12);
    }

    #[test]
    fn an_accuracy_near_the_largest_class_is_weak_and_its_macro_f1_is_said() {
        let claim = Claim { classes: vec![60, 20, 20], accuracy: p(".66"), ..Claim::default() };
        assert_eq!(verdict(&claim, "majority_class"), Verdict::Weak);
        assert!(
            words(&claim, "majority_class").contains("60.0 % (balanced accuracy 33.3 %, macro-F1 0.250)")
        );
    }

    #[test]
    fn recalls_without_classes_still_bound_accuracy() {
        let recalls = || [".8", ".55", ".7"].map(|it| it.parse().unwrap()).into();
        let of = |accuracy| Claim { recalls: recalls(), accuracy: p(accuracy), ..Claim::default() };
        assert_eq!(verdict(&of(".90"), "accuracy_between"), Verdict::Impossible);
        assert_eq!(verdict(&of(".70"), "accuracy_between"), Verdict::Possible);
    }

    #[test]
    fn figures_that_do_not_belong_together_are_refused() {
        let message = |claim: Claim| claim.audit().unwrap_err().to_string();
        let of = true_claim;
        assert!(message(Claim { sensitivity: p(".8"), ..of() }).contains("a figure of two classes"));
        assert!(message(Claim { n: Some(70), ..of() }).contains("70 where they sum to 75"));
        assert!(message(Claim { classes: vec![30, 45], ..of() }).contains("3 of 2 classes"));
        assert!(message(Claim { classes: vec![30, 0, 45], ..of() }).contains("each of somebody"));
    }

    #[test]
    fn too_many_tables_are_not_walked_through() {
        let claim =
            Claim { classes: vec![900, 900, 900], accuracy: p(".8"), macro_f1: p(".8"), ..Claim::default() };
        let audit = claim.audit().unwrap();
        assert!(audit.unchecked.iter().any(|it| it.check == "one_table" && it.reason.contains("recalls")));
    }
}
