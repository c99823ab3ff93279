//! Numbers by participant and task: the only thing `learn` sees.

use std::collections::{BTreeMap, HashSet};

use feature::{Reason, Unit, Value};

use crate::{Error, Participant, Task};

/// One column: a feature at a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// The task.
    pub task: Task,
    /// The feature's name, for example `ink.darwin.air_time`.
    pub feature: String,
    /// Unit of every value of the column.
    pub unit: Unit,
}

impl Column {
    /// The column of `feature` at `task`.
    pub fn new(task: Task, feature: &str, unit: Unit) -> Self {
        Self { task, feature: feature.to_owned(), unit }
    }

    /// `task/feature`, as in the header of `features.csv`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.task, self.feature)
    }
}

/// One participant's values of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block<'a> {
    /// The row of the table.
    pub row: usize,
    /// The task.
    pub task: &'a Task,
}

/// Rows are people, columns a feature at a task, cells `f32` or missing with a reason.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    columns: Vec<Column>,
    participants: Vec<Participant>,
    /// Row-major, `[people, columns]`; NaN marks a missing cell and never leaves this type.
    cells: Vec<f32>,
    /// Why a cell is missing, where more is known than that it is empty.
    reasons: BTreeMap<(usize, usize), Reason>,
}

impl FeatureTable {
    /// An empty table; two columns of one name are refused.
    pub fn new(columns: Vec<Column>) -> Result<Self, Error> {
        let mut seen = HashSet::new();
        match columns.iter().find(|column| !seen.insert((&column.task, &column.feature))) {
            Some(column) => Err(Error::DuplicateColumn { name: column.name() }),
            None => Ok(Self { columns, participants: vec![], cells: vec![], reasons: BTreeMap::new() }),
        }
    }

    /// Adds a person with one value a column; another number of values is refused.
    pub fn push(
        &mut self,
        participant: Participant,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<(), Error> {
        let row = self.participants.len();
        let values: Vec<Value> = values.into_iter().collect();
        if values.len() != self.columns.len() {
            return Err(Error::RowLength { row, expected: self.columns.len(), got: values.len() });
        }
        for (column, value) in values.into_iter().enumerate() {
            match value {
                Value::Measured(number) => self.cells.push(number as f32),
                Value::Missing(reason) => {
                    self.cells.push(f32::NAN);
                    self.reasons.insert((row, column), reason);
                }
            }
        }
        self.participants.push(participant);
        Ok(())
    }

    /// Adds a person with one number a column, `None` where nothing is known and not even why.
    pub fn push_cells(
        &mut self,
        participant: Participant,
        cells: impl IntoIterator<Item = Option<f32>>,
    ) -> Result<(), Error> {
        let (row, before) = (self.participants.len(), self.cells.len());
        self.cells.extend(cells.into_iter().map(|cell| cell.unwrap_or(f32::NAN)));
        let got = self.cells.len() - before;
        if got != self.columns.len() {
            self.cells.truncate(before);
            return Err(Error::RowLength { row, expected: self.columns.len(), got });
        }
        self.participants.push(participant);
        Ok(())
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The people, in order of their rows.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }

    /// Number of people.
    pub fn len(&self) -> usize {
        self.participants.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.participants.is_empty()
    }

    /// One cell, or `None` where it is missing or outside the table.
    pub fn value(&self, row: usize, column: usize) -> Option<f32> {
        let inside = row < self.len() && column < self.columns.len();
        inside.then(|| self.cells[row * self.columns.len() + column]).filter(|cell| !cell.is_nan())
    }

    /// The cells of one person in column order, `None` where missing.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = Option<f32>> + '_ {
        let width = self.columns.len();
        self.cells[row * width..(row + 1) * width].iter().map(|cell| (!cell.is_nan()).then_some(*cell))
    }

    /// Why a cell is missing; `None` where it is not, or where nothing more is known.
    pub fn reason(&self, row: usize, column: usize) -> Option<&Reason> {
        self.reasons.get(&(row, column))
    }

    /// The tasks, in the order of their first column.
    pub fn tasks(&self) -> Vec<&Task> {
        let mut seen = HashSet::new();
        self.columns.iter().map(|column| &column.task).filter(|task| seen.insert(*task)).collect()
    }

    /// Places of the columns of one task.
    pub fn columns_of(&self, task: &Task) -> Vec<usize> {
        (0..self.columns.len()).filter(|&column| &self.columns[column].task == task).collect()
    }

    /// The table with every cell of these blocks missing for `reason`.
    pub fn masked(&self, blocks: &[Block<'_>], reason: &Reason) -> Self {
        let mut masked = self.clone();
        let width = self.columns.len();
        for block in blocks {
            for column in self.columns_of(block.task) {
                masked.cells[block.row * width + column] = f32::NAN;
                masked.reasons.insert((block.row, column), reason.clone());
            }
        }
        masked
    }

    /// The table of some of its columns, in the order asked for.
    pub fn select(&self, columns: &[usize]) -> Self {
        let width = self.columns.len();
        let take = |row: usize| columns.iter().map(move |column| self.cells[row * width + column]);
        let mut reasons = BTreeMap::new();
        for (place, column) in columns.iter().enumerate() {
            let kept =
                (0..self.len()).filter_map(|row| Some(((row, place), self.reason(row, *column)?.clone())));
            reasons.extend(kept);
        }
        Self {
            columns: columns.iter().map(|&column| self.columns[column].clone()).collect(),
            participants: self.participants.clone(),
            cells: (0..self.len()).flat_map(take).collect(),
            reasons,
        }
    }

    /// The table of some of its people, in the order asked for.
    pub fn of_people(&self, rows: &[usize]) -> Self {
        let width = self.columns.len();
        let mut reasons = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            let of_row = self.reasons.range((*row, 0)..(*row, width));
            reasons.extend(of_row.map(|(&(_, column), reason)| ((place, column), reason.clone())));
        }
        Self {
            columns: self.columns.clone(),
            participants: rows.iter().map(|&row| self.participants[row].clone()).collect(),
            cells: rows.iter().flat_map(|row| &self.cells[row * width..(row + 1) * width]).copied().collect(),
            reasons,
        }
    }
}

/// Equal columns, people, cells and reasons; two missing cells are equal.
impl PartialEq for FeatureTable {
    fn eq(&self, other: &Self) -> bool {
        let cells = |table: &Self| {
            (0..table.len()).flat_map(|row| table.row(row).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        self.columns == other.columns
            && self.participants == other.participants
            && self.reasons == other.reasons
            && cells(self) == cells(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParticipantId;

    fn table() -> FeatureTable {
        let column = |task: &str, feature: &str| Column::new(Task::new(task).unwrap(), feature, Unit::Second);
        let mut table =
            FeatureTable::new(vec![column("a", "x"), column("a", "y"), column("b", "x")]).unwrap();
        for (id, values) in [("p", [1.0, 2.0, 3.0]), ("q", [4.0, 5.0, 6.0])] {
            let person = Participant::new(ParticipantId::new(id).unwrap());
            table.push(person, values.map(Value::Measured)).unwrap();
        }
        table
    }

    #[test]
    fn a_mask_takes_whole_blocks_and_says_why() {
        let (table, reason) = (table(), Reason::from("copied"));
        let masked = table.masked(&[Block { row: 1, task: &Task::new("a").unwrap() }], &reason);
        assert_eq!(masked.row(0).collect::<Vec<_>>(), [Some(1.0), Some(2.0), Some(3.0)]);
        assert_eq!(masked.row(1).collect::<Vec<_>>(), [None, None, Some(6.0)]);
        assert_eq!(masked.reason(1, 0), Some(&reason));
        assert_eq!(masked.reason(0, 0), None);
    }

    #[test]
    fn selecting_columns_and_people_keeps_cells_and_reasons_together() {
        let masked = table().masked(&[Block { row: 1, task: &Task::new("b").unwrap() }], &"copied".into());
        let part = masked.select(&[2, 0]).of_people(&[1]);
        assert_eq!(part.row(0).collect::<Vec<_>>(), [None, Some(4.0)]);
        assert_eq!(part.reason(0, 0).unwrap().as_str(), "copied");
        assert_eq!((part.columns()[0].name(), part.participants()[0].id.reveal()), ("b/x".into(), "q"));
    }

    #[test]
    fn a_row_of_another_length_and_a_column_twice_are_refused() {
        let person = || Participant::new(ParticipantId::new("r").unwrap());
        assert!(matches!(
            table().push(person(), [Value::Measured(1.0)]),
            Err(Error::RowLength { row: 2, .. })
        ));
        let mut table = table();
        assert!(matches!(table.push_cells(person(), [Some(1.0)]), Err(Error::RowLength { got: 1, .. })));
        table.push_cells(person(), [Some(1.0), None, Some(2.0)]).unwrap();
        assert_eq!((table.len(), table.value(2, 0), table.value(2, 1)), (3, Some(1.0), None));
        let column = Column::new(Task::new("a").unwrap(), "x", Unit::Second);
        assert!(matches!(
            FeatureTable::new(vec![column.clone(), column]),
            Err(Error::DuplicateColumn { .. })
        ));
    }

    #[test]
    fn a_cell_outside_the_table_is_none() {
        assert_eq!((table().value(0, 3), table().value(2, 0), table().value(1, 2)), (None, None, Some(6.0)));
    }
}
