//! What training a screener needs to know of features: which mean the same on any device, which say how long a task took.

use feature::Reach;
use study::{Column, FeatureTable};

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
    use study::Task;

    use super::*;

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
