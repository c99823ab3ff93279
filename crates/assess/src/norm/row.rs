//! One row of the table, read and checked.

use std::path::Path;

use serde::Deserialize;
use study::Sex;

use crate::Error;

/// How good a source is, and so what may be shown of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Grade {
    A,
    B,
    C,
    D,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Mean and standard deviation of a stratum.
    Cell { mean: f64, sd: f64 },
    /// Mean by age, years of school and sex, with the error of the regression.
    Equation { intercept: f64, age: f64, school: f64, female: f64, sd: f64 },
    /// Mean of a study's group, with its standard deviation where it is known.
    Group { mean: f64, sd: Option<f64> },
    /// What a cut-off reached.
    Cutoff { sensitivity: f64, specificity: f64 },
    /// How well a value repeats: intraclass correlation or 95 % minimal detectable change, and the mean gain at a second sitting.
    Reliability { icc: Option<f64>, mdc95: Option<f64>, practice: f64 },
}

/// From here to below there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) below: f64,
}

impl Span {
    /// Everybody.
    pub(super) const ALL: Self = Self { from: f64::NEG_INFINITY, below: f64::INFINITY };

    /// Reads `60-70`, `-60`, `90-`; empty is everybody.
    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::ALL);
        }
        let (from, below) = text.split_once('-')?;
        let end = |text: &str, open: f64| if text.is_empty() { Some(open) } else { text.parse().ok() };
        let span = Self { from: end(from, f64::NEG_INFINITY)?, below: end(below, f64::INFINITY)? };
        (span.from < span.below).then_some(span)
    }

    pub(super) fn holds(self, value: Option<f64>) -> bool {
        self == Self::ALL || value.is_some_and(|it| it >= self.from && it < self.below)
    }
}

/// A reference value with its source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) grade: Grade,
    pub(super) feature: String,
    pub(super) task: Option<String>,
    pub(super) unit: String,
    /// Whether more is better; `None` where neither is.
    pub(super) higher_better: Option<bool>,
    pub(super) group: String,
    pub(super) n: Option<u32>,
    pub(super) age: Span,
    pub(super) education: Span,
    pub(super) sex: Option<Sex>,
    pub(super) language: String,
    pub(super) source: String,
    pub(super) note: String,
}

/// The cells of a line, as they are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: String,
    grade: Grade,
    feature: String,
    task: String,
    unit: String,
    better: String,
    group: String,
    n: Option<u32>,
    mean: Option<f64>,
    sd: Option<f64>,
    intercept: Option<f64>,
    per_year_of_age: Option<f64>,
    per_year_of_school: Option<f64>,
    female: Option<f64>,
    sensitivity: Option<f64>,
    specificity: Option<f64>,
    icc: Option<f64>,
    mdc95: Option<f64>,
    practice: Option<f64>,
    age: String,
    education: String,
    sex: Option<Sex>,
    language: String,
    source: String,
    doi: String,
    note: String,
}

/// Reads a whole table.
pub(super) fn rows(path: &Path, bytes: &[u8]) -> Result<Vec<Row>, Error> {
    let mut reader = csv::Reader::from_reader(bytes);
    let mut rows = Vec::new();
    let mut lines = reader.deserialize();
    while let Some(line) = lines.next() {
        let line: Line = line.map_err(|source| Error::Csv { path: path.to_owned(), source })?;
        let number = lines.reader().position().line().saturating_sub(1);
        rows.push(row(line).map_err(|(column, expected, got)| Error::Cell {
            path: path.to_owned(),
            line: number,
            column: column.to_owned(),
            expected,
            got,
        })?);
    }
    Ok(rows)
}

/// Column, what it should hold, what it holds.
type Bad = (&'static str, &'static str, String);

fn row(line: Line) -> Result<Row, Bad> {
    let kind = kind(&line)?;
    let span = |column, text: &str| {
        Span::parse(text).ok_or((column, "a span as 60-70, -60 or 90-", text.to_owned()))
    };
    let higher_better = match line.better.as_str() {
        "higher" => Some(true),
        "lower" => Some(false),
        "" => None,
        other => return Err(("better", "higher, lower or nothing", other.to_owned())),
    };
    if line.source.is_empty() {
        return Err(("source", "a citation", String::new()));
    }
    if matches!(kind, Kind::Cell { .. } | Kind::Equation { .. }) && higher_better.is_none() {
        return Err(("better", "higher or lower, for a percentile", String::new()));
    }
    let doi = if line.doi.is_empty() { String::new() } else { format!(", doi {}", line.doi) };
    Ok(Row {
        kind,
        grade: line.grade,
        feature: line.feature,
        task: Some(line.task).filter(|it| !it.is_empty()),
        unit: line.unit,
        higher_better,
        group: line.group,
        n: line.n,
        age: span("age", &line.age)?,
        education: span("education", &line.education)?,
        sex: line.sex,
        language: line.language,
        source: line.source + &doi,
        note: line.note,
    })
}

fn kind(line: &Line) -> Result<Kind, Bad> {
    let need = |column, value: Option<f64>| {
        value.filter(|it| it.is_finite()).ok_or((column, "a number", String::new()))
    };
    let positive = |column, value: Option<f64>| {
        need(column, value)
            .and_then(|it| if it > 0.0 { Ok(it) } else { Err((column, "a number above 0", it.to_string())) })
    };
    let share = |column, value: Option<f64>| {
        need(column, value).and_then(|it| {
            if (0.0..=1.0).contains(&it) {
                Ok(it)
            } else {
                Err((column, "a share from 0 to 1", it.to_string()))
            }
        })
    };
    let seconds = line.unit == "s";
    match line.kind.as_str() {
        "cell" if seconds => {
            Ok(Kind::Cell { mean: positive("mean", line.mean)?, sd: positive("sd", line.sd)? })
        }
        "cell" => Ok(Kind::Cell { mean: need("mean", line.mean)?, sd: positive("sd", line.sd)? }),
        "equation" => Ok(Kind::Equation {
            intercept: need("intercept", line.intercept)?,
            age: need("per_year_of_age", line.per_year_of_age)?,
            school: need("per_year_of_school", line.per_year_of_school)?,
            female: need("female", line.female)?,
            sd: positive("sd", line.sd)?,
        }),
        "group" => Ok(Kind::Group {
            mean: need("mean", line.mean)?,
            sd: line.sd.map(|it| positive("sd", Some(it))).transpose()?,
        }),
        "cutoff" => Ok(Kind::Cutoff {
            sensitivity: share("sensitivity", line.sensitivity)?,
            specificity: share("specificity", line.specificity)?,
        }),
        "reliability" if line.icc.is_none() && line.mdc95.is_none() => {
            Err(("icc", "a number here or in mdc95", String::new()))
        }
        "reliability" => Ok(Kind::Reliability {
            icc: line.icc.map(|it| share("icc", Some(it))).transpose()?,
            mdc95: line.mdc95.map(|it| positive("mdc95", Some(it))).transpose()?,
            practice: line.practice.unwrap_or(0.0),
        }),
        other => Err(("kind", "cell, equation, group, cutoff or reliability", other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Norms;

    #[test]
    fn the_shipped_table_is_read_whole() {
        let norms = Norms::shipped().unwrap();
        let of = |grade| norms.rows.iter().filter(|it| it.grade == grade).count();
        assert_eq!((of(Grade::A), of(Grade::B), of(Grade::C), of(Grade::D)), (301, 97, 2, 0));
    }

    #[test]
    fn a_cell_that_does_not_fit_is_refused_with_its_line_and_column() {
        let header = include_str!("../../../../norms/published@1.csv").lines().next().unwrap();
        let refused = |line: &str| {
            let table = format!("{header}\n{line}\n");
            Norms::from_csv(Path::new("site.csv"), table.as_bytes()).unwrap_err().to_string()
        };
        let cases = [
            (
                "cell,A,f,t,s,lower,healthy,40,30,0,,,,,,,,,,60-70,,,en,source,,",
                "column \"sd\": expected a number above 0",
            ),
            ("cell,A,f,t,s,,healthy,40,30,9,,,,,,,,,,60-70,,,en,source,,", "column \"better\""),
            ("cell,A,f,t,s,lower,healthy,40,30,9,,,,,,,,,,sixty,,,en,source,,", "got \"sixty\""),
            ("cell,A,f,t,s,lower,healthy,40,30,9,,,,,,,,,,60-70,,,en,,,", "expected a citation"),
            ("norm,A,f,t,s,lower,healthy,40,30,9,,,,,,,,,,60-70,,,en,source,,", "got \"norm\""),
            ("reliability,A,f,t,s,lower,healthy,40,,,,,,,,,,,,,,,en,source,,", "mdc95"),
            ("cell,E,f,t,s,lower,healthy,40,30,9,,,,,,,,,,60-70,,,en,source,,", "unknown variant"),
        ];
        for (line, part) in cases {
            let message = refused(line);
            assert!(message.contains(part) && message.contains("site.csv"), "{part} in {message}");
        }
    }

    #[test]
    fn spans_are_closed_below_and_open_above() {
        let span = Span::parse("60-70").unwrap();
        assert!(span.holds(Some(60.0)) && !span.holds(Some(70.0)) && !span.holds(None));
        assert!(
            Span::parse("-60").unwrap().holds(Some(3.0)) && Span::parse("90-").unwrap().holds(Some(101.0))
        );
        assert!(Span::ALL.holds(None));
        assert!(Span::parse("70-60").is_none() && Span::parse("x-60").is_none());
    }
}
