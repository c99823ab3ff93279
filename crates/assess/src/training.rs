//! What training a screener needs to know: which features mean the same on any device, which say how long a
//! task took, and on whom none may be fitted.

use feature::Reach;
use study::{Cohort, Column, Diagnosis, FeatureTable};

use crate::Error;

/// Refuses a cohort with people of another disease than of cognition: what is fitted on them would be called a screener for
/// dementia. Such a cohort can be audited and evaluated.
pub fn check_disease(cohort: &Cohort) -> Result<(), Error> {
    let other = cohort.participants.iter().filter(|it| it.label == Some(Diagnosis::Other)).count();
    match other {
        0 => Ok(()),
        other => Err(Error::OtherDisease { name: cohort.provenance.name.clone(), other }),
    }
}

/// Whether a column means the same on any device: times, pen-downs and ratios, by the dictionary's own word.
pub fn portable(column: &Column) -> bool {
    crate::dictionary()
        .iter()
        .any(|(_, definition)| definition.name == column.feature && definition.reach == Reach::AnyDevice)
}

/// Features that say how long a task took, in seconds; the first that a table has is used.
const TIMES: [&str; 3] = ["ink.time.total", "ink.darwin.total_time", "voice.duration"];

/// The feature of this table that says how long a task took; `None` where there is none.
pub fn time_feature(table: &FeatureTable) -> Option<&'static str> {
    TIMES.into_iter().find(|&name| table.columns().iter().any(|column| column.feature == name))
}

#[cfg(test)]
mod tests {
    use feature::Unit;
    use study::{Participant, ParticipantId, Provenance, Task};

    use super::*;

    #[test]
    fn people_with_another_disease_are_refused() {
        let person = Participant {
            label: Some(Diagnosis::Other),
            ..Participant::new(ParticipantId::new("p").unwrap())
        };
        let provenance = Provenance { name: "spirals".into(), ..Provenance::default() };
        let mut cohort = Cohort {
            provenance,
            participants: vec![person],
            table: None,
            later: vec![],
            submissions: vec![],
        };
        let message = check_disease(&cohort).unwrap_err().to_string();
        assert!(
            message.starts_with("spirals: expected labels healthy, mci and dementia, got 1 people"),
            "{message}"
        );
        cohort.participants[0].label = Some(Diagnosis::Mci);
        assert!(check_disease(&cohort).is_ok());
    }

    #[test]
    fn of_darwins_eighteen_only_times_and_pen_downs_are_portable() {
        let column = |feature: &str| Column::new(Task::new("darwin-24").unwrap(), feature, Unit::Darwin);
        let portable: Vec<&str> =
            ["air_time", "paper_time", "total_time", "num_of_pendown", "mean_speed_on_paper", "disp_index"]
                .into_iter()
                .filter(|name| portable(&column(&format!("ink.darwin.{name}"))))
                .collect();
        assert_eq!(portable, ["air_time", "paper_time", "total_time", "num_of_pendown"]);
    }
}
