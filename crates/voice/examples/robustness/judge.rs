//! How far a measure moves, against how far recordings differ in it.

use feature::{Definition, FeatureVector, median, standard_deviation};

/// A median change of this share of the spread is unstable: as much as a normal error whose standard deviation is half the
/// spread (median |error| = 0.674 deviations), which leaves a reliability of 1 / (1 + 0.5²) = 0.8, the least that Nunnally 1978
/// (*Psychometric Theory*) asks for research on groups.
pub(crate) const MOVED: f64 = 1.0 / 3.0;
/// A value that goes missing in more than this share of the recordings is unstable as well.
pub(crate) const LOST: f64 = 0.2;
/// Least share of changes in one direction that make it the direction.
const ONE_WAY: f64 = 0.8;
/// Fewest recordings of a group with a value.
const FEWEST: usize = 8;

/// What a column does to a measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Median |change| over the spread; `None` where every value went missing.
    pub(crate) moved: Option<f64>,
    /// Share of the values that went missing.
    pub(crate) lost: f64,
    /// Up or down, where the recordings agree.
    pub(crate) way: &'static str,
}

impl Cell {
    pub(crate) fn unstable(&self) -> bool {
        self.lost > LOST || self.moved.is_none_or(|moved| moved > MOVED)
    }
}

/// A measure over all columns.
pub(crate) struct Row {
    pub(crate) definition: &'static Definition,
    /// Place of the group it was judged on, recordings with a value, and their spread; `None` where there were too few.
    pub(crate) judged: Option<Judged>,
}

pub(crate) struct Judged {
    pub(crate) group: usize,
    pub(crate) recordings: usize,
    pub(crate) cells: Vec<Cell>,
}

/// What was measured of a group: each clip before, and after each column.
pub(crate) struct Measured {
    pub(crate) before: Vec<FeatureVector>,
    /// `[columns][clips]`; `None` where the recording was declined.
    pub(crate) after: Vec<Vec<Option<FeatureVector>>>,
}

/// Measures of time, which short clips hold too little of: judged on speech with pauses first.
const OF_TIME: [&str; 6] =
    ["voice.pause", "voice.rate.", "voice.run.", "voice.phonation.", "voice.rhythm.", "voice.speaker."];

impl Row {
    /// The measure on the first group that has enough values of it.
    pub(crate) fn of(definition: &'static Definition, groups: &[Measured]) -> Self {
        let of_time = OF_TIME.iter().any(|stem| definition.name.starts_with(stem));
        let order: &[usize] = if of_time { &[1, 0] } else { &[0, 2] };
        let judged = order.iter().find_map(|group| on(definition.name, groups, *group));
        Self { definition, judged }
    }
}

/// The measure on one group, where enough of its recordings have a value and they differ.
pub(crate) fn on(name: &str, groups: &[Measured], group: usize) -> Option<Judged> {
    let measured = &groups[group];
    let before: Vec<Option<f64>> = measured.before.iter().map(|it| it.number(name)).collect();
    let values: Vec<f64> = before.iter().copied().flatten().collect();
    let spread = spread(&values).filter(|_| values.len() >= FEWEST)?;
    let cells = measured.after.iter().map(|after| {
        let after: Vec<Option<f64>> = after.iter().map(|it| it.as_ref()?.number(name)).collect();
        cell(&before, &after, spread)
    });
    Some(Judged { group, recordings: values.len(), cells: cells.collect() })
}

/// 1.4826 times the median deviation from the median, which is the standard deviation where values are normal; the standard
/// deviation itself where more than half are equal. `None` where all are.
fn spread(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    let off: Vec<f64> = values.iter().map(|it| (it - middle).abs()).collect();
    let robust = 1.4826 * median(&off)?;
    let least = 1e-9 * middle.abs();
    [robust, standard_deviation(values)?].into_iter().find(|it| *it > least)
}

fn cell(before: &[Option<f64>], after: &[Option<f64>], spread: f64) -> Cell {
    let pairs = || before.iter().zip(after).filter_map(|(before, after)| Some((before.as_ref()?, after)));
    let changes: Vec<f64> = pairs().filter_map(|(before, after)| Some(after.as_ref()? - before)).collect();
    let absolute: Vec<f64> = changes.iter().map(|it| it.abs() / spread).collect();
    let share = |up: bool| {
        changes.iter().filter(|it| if up { **it > 0.0 } else { **it < 0.0 }).count() as f64
            / changes.len().max(1) as f64
    };
    let way = match (share(true) >= ONE_WAY, share(false) >= ONE_WAY) {
        (true, _) => "↑",
        (_, true) => "↓",
        _ => "",
    };
    let lost = 1.0 - changes.len() as f64 / pairs().count().max(1) as f64;
    Cell { moved: median(&absolute), lost, way }
}
