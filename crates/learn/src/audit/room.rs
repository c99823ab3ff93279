//! Columns that speak of the room, the file and the device, and not of the person.
//!
//! They are measured so that an audit can ask what they tell, and for nothing else: they never reach an estimator that is
//! judged or fitted for people, or whatever is wrong with the recording would be learned as if it were an illness.

use std::borrow::Cow;

use study::FeatureTable;

/// First words of the sets `silence@1`, `file@1` and `capture@1`.
const SETS: [&str; 3] = ["silence.", "file.", "capture."];

/// Whether a feature is of the room, the file or the device.
pub(crate) fn of_the_room(feature: &str) -> bool {
    SETS.iter().any(|set| feature.starts_with(set))
}

/// The table without such columns.
pub(crate) fn of_people(table: &FeatureTable) -> Cow<'_, FeatureTable> {
    let columns = table.columns();
    let kept: Vec<usize> = (0..columns.len()).filter(|&it| !of_the_room(&columns[it].feature)).collect();
    if kept.len() == columns.len() { Cow::Borrowed(table) } else { Cow::Owned(table.select(&kept)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use feature::{Unit, Value};
    use study::{Column, Task};

    #[test]
    fn rooms_files_and_devices_are_left_out_and_nothing_else() {
        let plain = synthetic::blocks(4, (1, 2), 0.0, 1);
        assert!(matches!(of_people(&plain), Cow::Borrowed(_)));
        let mut columns = plain.columns().to_vec();
        for name in ["silence.level.dbfs", "file.bytes", "capture.day", "voice.duration"] {
            columns.push(Column::new(Task::new("picture").unwrap(), name, Unit::One));
        }
        let mut table = FeatureTable::new(columns).unwrap();
        table
            .push(plain.participants()[0].clone(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].map(Value::Measured))
            .unwrap();
        let left: Vec<String> = of_people(&table).columns().iter().map(|it| it.feature.clone()).collect();
        assert_eq!((left.len(), left[2].as_str()), (3, "voice.duration"));
    }
}
