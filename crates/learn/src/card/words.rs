//! What a card does not show, in words.

use std::collections::BTreeSet;

use study::{Cohort, Diagnosis, Participant};

/// The limits that follow from who the people were, and those that hold for every card.
pub(crate) fn limits(cohort: &Cohort) -> Vec<String> {
    let people = people(cohort);
    let impaired = people.iter().filter(|it| it.label.is_some_and(Diagnosis::impaired)).count();
    let calibrated = format!(
        "Calibrated to this study, in which {:.0} % of the people are impaired; not calibrated to a clinic.",
        100.0 * impaired as f64 / people.len().max(1) as f64
    );
    of(cohort, calibrated)
}

/// The same of three classes or points.
pub(crate) fn graded_limits(cohort: &Cohort) -> Vec<String> {
    of(cohort, "Nothing is calibrated: neither probabilities of classes nor points are shifted to another place's people.".to_owned())
}

fn people(cohort: &Cohort) -> &[Participant] {
    cohort.table.as_ref().map_or(&cohort.participants[..], |table| table.participants())
}

fn of(cohort: &Cohort, calibrated: String) -> Vec<String> {
    let people = people(cohort);
    let mut limits = vec![
        format!(
            "{} people of one cohort ({}); no other cohort was used to check the numbers.",
            people.len(),
            cohort.provenance.name
        ),
        calibrated,
        "A screening aid for research and clinician support. It does not diagnose.".to_owned(),
    ];
    limits.extend(groups(people));
    limits.extend(unknown(people));
    if cohort.provenance.synthetic {
        limits.push("The people are made up: nothing here is clinical evidence.".to_owned());
    }
    limits
}

/// Diagnoses and languages that were not there.
fn groups(people: &[Participant]) -> impl Iterator<Item = String> {
    let has = |label| people.iter().any(|person| person.label == Some(label));
    let no_mci =
        (!has(Diagnosis::Mci)).then(|| "No one with MCI took part: nothing is known about MCI.".to_owned());
    let no_dementia = (!has(Diagnosis::Dementia))
        .then(|| "No one with dementia took part: nothing is known about dementia.".to_owned());
    let languages: BTreeSet<&str> =
        people.iter().filter_map(|it| it.language.as_ref()).map(|it| it.name()).collect();
    let words: Vec<&str> = languages.into_iter().collect();
    let language = match words.as_slice() {
        [] => Some("The language of the people is not recorded.".to_owned()),
        [one] => Some(format!("{one} only: nothing is known about speakers of other languages.")),
        _ => None,
    };
    no_mci.into_iter().chain(no_dementia).chain(language)
}

/// What is unknown of everybody cannot be checked in groups.
fn unknown(people: &[Participant]) -> Option<String> {
    type Known = (&'static str, fn(&Participant) -> bool);
    let asked: [Known; 4] = [
        ("age", |it| it.age.is_some()),
        ("sex", |it| it.sex.is_some()),
        ("education", |it| it.education.is_some()),
        ("device", |it| it.device.is_some()),
    ];
    let missing: Vec<&str> =
        asked.iter().filter(|(_, known)| !people.iter().any(known)).map(|(word, _)| *word).collect();
    (!missing.is_empty()).then(|| format!("Not recorded, so not checked in groups: {}.", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use study::{Language, Provenance};

    #[test]
    fn who_did_not_take_part_is_said() {
        let mut table = synthetic::table(10, 1, 1.0, 1);
        let said = |table: &study::FeatureTable| {
            let provenance = Provenance { name: "demo".to_owned(), synthetic: true, ..Provenance::default() };
            let (table, submissions) = (Some(table.clone()), vec![]);
            limits(&Cohort { provenance, participants: vec![], table, later: vec![], submissions }).join("\n")
        };
        let words = said(&table);
        for limit in [
            "No one with MCI",
            "not recorded",
            "age, sex, education, device",
            "50 %",
            "made up",
            "not diagnose",
        ] {
            assert!(words.contains(limit), "{limit} in {words}");
        }
        let italian =
            Participant { language: Some(Language("it".to_owned())), ..synthetic::person(99, true) };
        table.push(italian, [feature::Value::Measured(1.0)]).unwrap();
        assert!(said(&table).contains("Italian only"));
    }
}
