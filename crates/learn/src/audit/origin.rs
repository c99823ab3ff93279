//! Where people were recorded and who they are: device, site and language tied to the label, and age, sex and schooling.

use std::cmp::Ordering;

use study::Participant;

use super::{
    Figure, Finding, Seen, Severity,
    chance::{Counts, LIKELY, told},
    finding::{auc_words, p_words},
    order::counted,
};
use crate::seed::derive;

/// The group whose share of impaired people is the least likely by chance.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    group: String,
    counts: Counts,
    /// Fisher's exact test of the group against everybody else, times the number of groups (Bonferroni).
    p: f64,
}

impl Tie {
    pub(crate) fn telling(&self) -> bool {
        self.p <= LIKELY
    }

    /// `device "A" has 30 impaired of 31 people, everywhere else 5 of 40; p = …`.
    pub(crate) fn words(&self, what: &str) -> String {
        let Counts { n, class, group, both } = self.counts;
        format!(
            "{what} {:?} have {both} impaired of {group} people, the others {} of {}; Fisher's exact {}",
            self.group,
            class - both,
            n - group,
            p_words(self.p)
        )
    }

    pub(crate) fn figure(&self) -> Figure {
        Figure::tested("share_impaired", self.counts.both as f64 / self.counts.group as f64, self.p)
    }
}

/// The strongest tie between words and labels; `None` where fewer than two words are known. People without one are left out.
pub(crate) fn tie(words: &[Option<&str>], labels: &[bool]) -> Option<Tie> {
    let counts = counted(words, labels);
    // A word for nearly each person is a name, not a group.
    let groups = counts.len();
    let n: usize = counts.values().map(|it| it.0).sum();
    if groups < 2 || 2 * groups > n {
        return None;
    }
    let class: usize = counts.values().map(|it| it.1).sum();
    let of = |(word, &(group, both)): (&&str, &(usize, usize))| {
        let counts = Counts { n, class, group, both };
        Tie { group: (*word).to_owned(), counts, p: (counts.p() * groups as f64).min(1.0) }
    };
    counts.iter().map(of).min_by(likelier)
}

/// By p-value; of two groups that are each other's rest, the one whose people are more alike.
fn likelier(a: &Tie, b: &Tie) -> Ordering {
    let alike = |it: &Tie| (it.counts.both as f64 / it.counts.group as f64 - 0.5).abs();
    let equal = (a.p - b.p).abs() <= 1e-9 * a.p.max(b.p);
    if equal { alike(b).total_cmp(&alike(a)) } else { a.p.total_cmp(&b.p) }
}

type Word = fn(&Participant) -> Option<&str>;
type Years = fn(&Participant) -> Option<f64>;

pub(crate) fn device(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    tied(seen, "device", Severity::Serious, |it| it.device.as_deref())
}

pub(crate) fn site(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    tied(seen, "site", Severity::Serious, |it| it.site.as_deref())
}

pub(crate) fn language(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    tied(seen, "language", Severity::Serious, |it| it.language.as_ref().map(|it| it.0.as_str()))
}

pub(crate) fn sex(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    tied(seen, "sex", Severity::Note, |it| {
        it.sex.map(|sex| match sex {
            study::Sex::Female => "female",
            study::Sex::Male => "male",
            study::Sex::Other => "other",
        })
    })
}

pub(crate) fn age(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    older(seen, "age", |it| it.age)
}

pub(crate) fn education(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    older(seen, "education", |it| it.education)
}

fn tied(seen: &Seen<'_>, what: &str, severity: Severity, word: Word) -> Result<Vec<Finding>, String> {
    let words: Vec<Option<&str>> = seen.table.participants().iter().map(word).collect();
    if words.iter().all(Option::is_none) {
        return Err("not recorded of anybody".to_owned());
    }
    let Some(tie) = tie(&words, seen.labels).filter(Tie::telling) else { return Ok(vec![]) };
    let evidence = format!("The {what} is tied to the label: people of {}.", tie.words(what));
    let advice = if severity == Severity::Serious { PLACE } else { PERSON };
    let finding = Finding::new(&format!("{what}_tied_to_label"), severity, evidence, advice);
    Ok(vec![finding.number(tie.figure()).columns([what])])
}

fn older(seen: &Seen<'_>, what: &str, years: Years) -> Result<Vec<Finding>, String> {
    let people = seen.table.participants().iter().zip(seen.labels);
    let (known, labels): (Vec<f64>, Vec<bool>) =
        people.filter_map(|(person, label)| Some((years(person)?, *label))).unzip();
    if known.is_empty() {
        return Err("not recorded of anybody".to_owned());
    }
    let Some(told) = told(&known, &labels, derive(seen.seed, &[0x03])).filter(|it| it.p <= LIKELY) else {
        return Ok(vec![]);
    };
    let direction = if told.auc.value > 0.5 { "more" } else { "fewer" };
    let evidence = format!(
        "Impaired people have {direction} years of {what}: {}, {} over permuted labels, {} people.",
        auc_words(&told.auc),
        p_words(told.p),
        known.len()
    );
    let finding = Finding::new(&format!("{what}_tied_to_label"), Severity::Note, evidence, PERSON);
    Ok(vec![finding.number(Figure::told(&told)).columns([what])])
}

const PLACE: &str = "A screener can learn the equipment or the room instead of the person. Judge within each group, or hold whole \
                     groups out, before any number is believed.";
const PERSON: &str =
    "Compare with the demographics-only baseline, and report within groups of age, sex and schooling.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::planted::{asked, changed, cohort, found, plain};
    use study::{Language, Sex};

    #[test]
    fn a_device_used_for_one_class_is_serious_and_a_shared_one_is_nothing() {
        let table = |tied: bool| {
            changed(&plain(60), move |row, person, _| {
                let second = if tied { row % 2 == 1 && row % 10 != 1 } else { row % 3 == 0 };
                person.device = Some(if second { "B" } else { "A" }.to_owned());
            })
        };
        let finding = found(device, table(true)).swap_remove(0);
        assert_eq!((finding.kind.as_str(), finding.open()), ("device_tied_to_label", true));
        assert!(finding.evidence.contains("24 impaired of 24 people, the others 6 of 36"), "{finding:?}");
        assert!(finding.numbers[0].p.unwrap() < 1e-6);
        assert!(found(device, table(false)).is_empty());
    }

    #[test]
    fn a_language_whose_speakers_are_all_impaired_is_serious() {
        let table = changed(&plain(60), |row, person, _| {
            let mandarin = row % 2 == 1 && row < 24;
            person.language = Some(Language(if mandarin { "zh" } else { "en" }.to_owned()));
            person.site = Some(format!("site-{}", row % 3));
        });
        let finding = found(language, table.clone()).swap_remove(0);
        assert!(finding.evidence.contains("12 impaired of 12"), "{finding:?}");
        assert!(found(site, table).is_empty());
    }

    #[test]
    fn age_and_sex_that_differ_are_notes() {
        let table = changed(&plain(60), |row, person, _| {
            person.age = Some(60.0 + (row * 7 % 11) as f64 + if row % 2 == 1 { 8.0 } else { 0.0 });
            person.sex = Some(if row % 2 == 1 || row % 6 == 0 { Sex::Female } else { Sex::Male });
            person.education = Some((row * 5 % 13) as f64);
        });
        let (older, women) =
            (found(age, table.clone()).swap_remove(0), found(sex, table.clone()).swap_remove(0));
        assert!(!older.open() && older.evidence.starts_with("Impaired people have more years of age"));
        assert!(!women.open() && women.numbers[0].p.unwrap() < 0.001);
        assert!(found(education, table).is_empty());
    }

    #[test]
    fn what_is_not_recorded_is_said_to_be_unchecked() {
        let cohort = cohort(plain(20));
        for check in [device, site, language, age, sex, education] {
            assert_eq!(asked(check, &cohort).unwrap_err(), "not recorded of anybody");
        }
    }
}
