//! Where a value stands among published ones.

use serde::Serialize;
use study::{Session, Sex, Task};

use super::{
    Norms,
    normal::share_below,
    row::{Grade, Kind, Row},
};
use crate::{assessment::Assessment, assessor::screener_task};

/// Cells of fewer people give way to the regression equation.
const FEWEST: u32 = 30;

/// What may be said of one value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// Grade A: the place among healthy people of the same stratum.
    Percentile {
        /// Share of them, in percent, who do worse.
        percentile: f64,
        /// Distance from their mean in standard deviations, above 0 where the value is better; of times on the logarithm.
        z: f64,
        /// Who they are, in words.
        stratum: String,
        /// How many; `None` for a regression equation.
        n: Option<u32>,
        /// Citation.
        source: String,
        /// What a reader must know.
        note: String,
    },
    /// Grade B: what the groups of one study showed. No percentile follows from it.
    Study {
        /// Name of the group, people, mean, standard deviation.
        groups: Vec<(String, Option<u32>, f64, Option<f64>)>,
        /// Language of the study.
        language: String,
        /// Citation.
        source: String,
        /// What a reader must know.
        note: String,
    },
    /// Grade C: what a cut-off reached elsewhere.
    Context {
        /// Between whom.
        group: String,
        /// Sensitivity there.
        sensitivity: f64,
        /// Specificity there.
        specificity: f64,
        /// Citation.
        source: String,
        /// What a reader must know.
        note: String,
    },
    /// There are percentiles for this measure, and why there is none for this person.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A value of a session with what may be said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stands {
    /// The task.
    pub task: Task,
    /// Name of the feature.
    pub feature: String,
    /// The value.
    pub value: f64,
    /// What may be said, one entry a source.
    pub standings: Vec<Standing>,
}

impl Norms {
    /// Where every value of an assessment stands; values without a published one are left out.
    pub fn standings(&self, assessment: &Assessment) -> Vec<Stands> {
        let mut found = Vec::new();
        for performed in &assessment.performed {
            let Ok(measurement) = &performed.measured.outcome else { continue };
            for feature in measurement.values.features() {
                let Some(value) = feature.value.measured() else { continue };
                let name = feature.definition.name;
                let standings = self.standing((name, &performed.task), value, &assessment.session);
                if !standings.is_empty() {
                    found.push(Stands {
                        task: performed.task.clone(),
                        feature: name.to_owned(),
                        value,
                        standings,
                    });
                }
            }
        }
        found
    }

    /// What may be said of one value of a person: the percentile first, then studies, then cut-offs.
    pub fn standing(&self, (feature, task): (&str, &Task), value: f64, person: &Session) -> Vec<Standing> {
        let rows: Vec<&Row> = self.rows_of(feature, task).collect();
        let mut standings: Vec<Standing> = percentile(&rows, value, person).into_iter().collect();
        standings.extend(studies(&rows));
        standings.extend(rows.iter().filter(|it| it.grade == Grade::C).filter_map(|it| context(it)));
        standings
    }

    /// Rows of a feature at a task by any of its names.
    pub(super) fn rows_of<'a>(&'a self, feature: &str, task: &Task) -> impl Iterator<Item = &'a Row> {
        let at = |row: &Row| {
            let named = |it: &str| Task::new(it).is_ok_and(|it| screener_task(&it) == screener_task(task));
            row.task.as_deref().is_none_or(named)
        };
        let (feature, rows) = (feature.to_owned(), &self.rows);
        let found: Vec<&Row> = rows.iter().filter(|it| it.feature == feature && at(it)).collect();
        found.into_iter()
    }
}

/// Mean and standard deviation of healthy people like this one, with the row they come from.
pub(super) struct Stratum<'a> {
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) row: &'a Row,
    equation: bool,
}

/// The stratum of a person: the first cell that holds them, or the equation where the cell is of fewer than thirty people.
/// `Err` says what is not known of the person; `None` where there is no table.
pub(super) fn stratum<'a>(rows: &[&'a Row], person: &Session) -> Option<Result<Stratum<'a>, String>> {
    let graded = || rows.iter().copied().filter(|it| it.grade == Grade::A);
    let tabled = |it: &&Row| matches!(it.kind, Kind::Cell { .. } | Kind::Equation { .. });
    let first = graded().find(tabled)?;
    let Some(language) = &person.language else {
        return Some(Err("the language is not recorded".to_owned()));
    };
    if graded().filter(tabled).all(|it| it.language != language.0) {
        let only = study::Language(first.language.clone());
        return Some(Err(format!("published for {} only", only.name())));
    }
    let missing: Vec<&str> = [
        ("age", person.age.is_none()),
        ("sex", person.sex.is_none()),
        ("education", person.education.is_none()),
    ]
    .into_iter()
    .filter_map(|(word, missing)| missing.then_some(word))
    .collect();
    let holds = |it: &&Row| {
        matches!(it.kind, Kind::Cell { .. })
            && it.language == language.0
            && it.age.holds(person.age)
            && it.education.holds(person.education)
            && (it.sex.is_none() || it.sex == person.sex)
    };
    let Some(cell) = graded().find(holds) else {
        let reason = match missing.as_slice() {
            [] => "nobody like this person is in the published table".to_owned(),
            missing => format!("{} not recorded", missing.join(", ")),
        };
        return Some(Err(reason));
    };
    if cell.n.is_none_or(|n| n < FEWEST) {
        let equation =
            graded().find(|it| it.source == cell.source && matches!(it.kind, Kind::Equation { .. }));
        let small = || "the published cell has fewer than 30 people, and there is no equation".to_owned();
        return Some(equation.and_then(|row| by_equation(row, person)).ok_or_else(small));
    }
    let Kind::Cell { mean, sd } = cell.kind else { return None };
    Some(Ok(Stratum { mean, sd, row: cell, equation: false }))
}

fn by_equation<'a>(row: &'a Row, person: &Session) -> Option<Stratum<'a>> {
    let Kind::Equation { intercept, age, school, female, sd } = row.kind else { return None };
    let is_female = match person.sex? {
        Sex::Female => 1.0,
        Sex::Male => 0.0,
        Sex::Other => return None,
    };
    let mean = intercept + age * person.age? + school * person.education? + female * is_female;
    Some(Stratum { mean, sd, row, equation: true })
}

fn percentile(rows: &[&Row], value: f64, person: &Session) -> Option<Standing> {
    let stratum = match stratum(rows, person)? {
        Ok(stratum) => stratum,
        Err(reason) => return Some(Standing::Unknown { reason }),
    };
    let Some(distance) = distance(value, &stratum) else {
        return Some(Standing::Unknown { reason: "a time must be above 0".to_owned() });
    };
    let z = if stratum.row.higher_better? { distance } else { -distance };
    Some(Standing::Percentile {
        percentile: 100.0 * share_below(z),
        z,
        stratum: in_words(&stratum, person),
        n: stratum.row.n,
        source: stratum.row.source.clone(),
        note: stratum.row.note.clone(),
    })
}

/// Standard deviations between a value and the mean. Times are taken on their logarithm, whose mean and variance follow from
/// those of the seconds as of a log-normal: σ² = ln(1 + (sd/mean)²), μ = ln(mean) − σ²/2.
fn distance(value: f64, stratum: &Stratum<'_>) -> Option<f64> {
    let (mean, sd) = (stratum.mean, stratum.sd);
    if stratum.row.unit != "s" {
        return Some((value - mean) / sd);
    }
    if value <= 0.0 || mean <= 0.0 {
        return None;
    }
    let variance = (1.0 + (sd / mean).powi(2)).ln();
    Some((value.ln() - (mean.ln() - variance / 2.0)) / variance.sqrt())
}

fn in_words(stratum: &Stratum<'_>, person: &Session) -> String {
    let row = stratum.row;
    if stratum.equation {
        return "healthy people by a regression on age, school and sex".to_owned();
    }
    let span = |unit: &str, it: super::row::Span| match (it.from.is_finite(), it.below.is_finite()) {
        (true, true) => format!("{}–{} y{unit}", it.from, it.below - 1.0),
        (true, false) => format!("{} y and more{unit}", it.from),
        (false, true) => format!("below {} y{unit}", it.below),
        (false, false) => String::new(),
    };
    let sex = row.sex.or(None).map(|it| it.to_string()).unwrap_or_default();
    let language = person.language.as_ref().map(|it| it.name().to_owned()).unwrap_or_default();
    let parts = [span("", row.age), span(" of school", row.education), sex, language];
    let known: Vec<String> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    format!("healthy people, {}", known.join(", "))
}

/// Groups of one study together, in the order of the table.
fn studies(rows: &[&Row]) -> Vec<Standing> {
    let mut found: Vec<Standing> = Vec::new();
    for row in rows.iter().filter(|it| it.grade == Grade::B) {
        let Kind::Group { mean, sd } = row.kind else { continue };
        let group = (row.group.clone(), row.n, mean, sd);
        let same = found.iter_mut().find_map(|it| match it {
            Standing::Study { groups, source, .. } if *source == row.source => Some(groups),
            _ => None,
        });
        match same {
            Some(groups) => groups.push(group),
            None => found.push(Standing::Study {
                groups: vec![group],
                language: study::Language(row.language.clone()).name().to_owned(),
                source: row.source.clone(),
                note: row.note.clone(),
            }),
        }
    }
    found
}

fn context(row: &Row) -> Option<Standing> {
    let Kind::Cutoff { sensitivity, specificity } = row.kind else { return None };
    let (group, source, note) = (row.group.clone(), row.source.clone(), row.note.clone());
    Some(Standing::Context { group, sensitivity, specificity, source, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use study::Language;

    pub(in crate::norm) fn person(age: f64, education: f64, sex: Sex, language: &str) -> Session {
        let task = Task::new("animals").unwrap();
        Session {
            age: Some(age),
            education: Some(education),
            sex: Some(sex),
            language: Some(Language(language.to_owned())),
            ..Session::bare(task, "a.wav".into())
        }
    }

    fn stands(feature: &str, task: &str, value: f64, person: &Session) -> Standing {
        let norms = Norms::shipped().unwrap();
        norms.standing((feature, &Task::new(task).unwrap()), value, person).into_iter().next().unwrap()
    }

    fn animals(value: f64, person: &Session) -> Standing {
        stands("language.fluency.correct", "animals", value, person)
    }

    fn percentile_of(standing: &Standing) -> (f64, f64, Option<u32>) {
        let Standing::Percentile { percentile, z, n, .. } = standing else { panic!("{standing:?}") };
        (*percentile, *z, *n)
    }

    #[test]
    fn the_mean_of_a_cell_is_its_fiftieth_percentile() {
        // NACC UDS3, women of 70–79 with 13–15 years of school: 19.3 (4.8), n 392.
        let person = person(74.0, 14.0, Sex::Female, "en");
        let (percentile, z, n) = percentile_of(&animals(19.3, &person));
        assert!((percentile - 50.0).abs() < 1e-4 && z.abs() < 1e-12 && n == Some(392));
        let (percentile, z, _) = percentile_of(&animals(14.5, &person));
        assert!((z + 1.0).abs() < 1e-12 && (percentile - 15.866).abs() < 1e-2);
    }

    #[test]
    fn a_small_cell_gives_way_to_the_equation() {
        // Men of 90 and older with 16 years of school are 20 people: 22.6 − 0.148 · 91 + 0.567 · 16 = 18.204, error 5.24.
        let (_, z, n) = percentile_of(&animals(18.204 - 5.24, &person(91.0, 16.0, Sex::Male, "en")));
        assert!((z + 1.0).abs() < 1e-9 && n.is_none());
        // Trail A's equation has the SD of the cells.
        let rows = Norms::shipped().unwrap();
        let equation = rows
            .rows
            .iter()
            .find(|it| it.task.as_deref() == Some("trail-a") && matches!(it.kind, Kind::Equation { .. }));
        assert!(matches!(equation.unwrap().kind, Kind::Equation { sd: 13.07, .. }));
    }

    #[test]
    fn times_are_taken_on_their_logarithm_and_less_is_better() {
        let person = person(74.0, 14.0, Sex::Female, "en");
        let z = |seconds| percentile_of(&stands("ink.trail.time", "trail-a", seconds, &person)).1;
        assert!(z(20.0) > z(40.0) && z(40.0) > z(80.0));
        // Doubling moves by the same distance anywhere, which raw seconds do not.
        assert!(((z(20.0) - z(40.0)) - (z(40.0) - z(80.0))).abs() < 1e-9);
    }

    #[test]
    fn without_a_table_for_the_person_there_is_no_percentile_and_a_reason() {
        let reason = |person: &Session| match animals(15.0, person) {
            Standing::Unknown { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&person(74.0, 9.0, Sex::Female, "ko")), "published for English only");
        let unknown = Session { age: None, ..person(74.0, 9.0, Sex::Female, "en") };
        assert_eq!(reason(&unknown), "age not recorded");
        assert!(reason(&Session { language: None, ..unknown }).contains("language"));
    }

    #[test]
    fn a_study_of_grade_b_gives_groups_and_no_percentile() {
        let person = person(74.0, 9.0, Sex::Female, "en");
        let Standing::Study { groups, source, .. } = stands("ink.time.total", "clock", 60.0, &person) else {
            panic!("a study")
        };
        assert!(source.contains("DARWIN"));
        assert_eq!(groups[0], ("healthy".to_owned(), Some(82), 47.463, Some(26.207)));
        assert_eq!(groups.len(), 2);
        // The same task by the name that DARWIN gives it; another task has no reference.
        assert!(matches!(stands("ink.time.total", "darwin-24", 60.0, &person), Standing::Study { .. }));
        let spiral = Task::new("spiral").unwrap();
        assert!(Norms::shipped().unwrap().standing(("ink.time.total", &spiral), 60.0, &person).is_empty());
    }

    #[test]
    fn grade_d_is_never_shown() {
        let header = include_str!("../../../../norms/published@1.csv").lines().next().unwrap();
        let line = "group,D,voice.hnr.mean,,dB,higher,healthy,40,20,3,,,,,,,,,,,,,mn,somebody,,";
        let norms =
            Norms::from_csv(std::path::Path::new("x.csv"), format!("{header}\n{line}\n").as_bytes()).unwrap();
        let person = person(74.0, 9.0, Sex::Female, "mn");
        assert!(norms.standing(("voice.hnr.mean", &Task::new("vowel").unwrap()), 12.0, &person).is_empty());
    }
}
