//! Looking for ways in which a table gives its labels away.

use std::collections::HashMap;

use study::{Block, FeatureTable};

/// Groups of blocks that are exact copies of one another: a task's whole row of numbers, to the bit, in several people.
///
/// Two people do not write with the same pressure variance to the last digit: a copied block was filled in, and where
/// it was filled in from somebody of the same class it carries the label. Each group names all its members, also the one
/// who may be the original, because the file does not say which that is. Blocks in which everything is missing do not
/// count; a block of fewer than four measured numbers does not either, because a few small counts can agree by chance.
pub fn copied_blocks(table: &FeatureTable) -> Vec<Vec<Block<'_>>> {
    let mut groups = Vec::new();
    for task in table.tasks() {
        let columns = table.columns_of(task);
        let mut alike: HashMap<Vec<Option<u32>>, Vec<usize>> = HashMap::new();
        for row in 0..table.len() {
            let cells: Vec<_> = columns.iter().map(|&it| table.value(row, it).map(f32::to_bits)).collect();
            if cells.iter().flatten().count() >= ENOUGH {
                alike.entry(cells).or_default().push(row);
            }
        }
        let mut copied: Vec<Vec<usize>> = alike.into_values().filter(|rows| rows.len() > 1).collect();
        copied.sort_unstable();
        groups.extend(copied.iter().map(|rows| rows.iter().map(|&row| Block { row, task }).collect()));
    }
    groups
}

/// Fewest measured numbers whose agreement is no accident.
const ENOUGH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;
    use feature::Value;
    use study::Task;

    #[test]
    fn a_planted_copy_is_found_with_every_member() {
        let plain = synthetic::blocks(20, (3, 5), 0.0, 1);
        assert!(copied_blocks(&plain).is_empty());
        let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
        for row in 0..20 {
            let source = if row == 7 || row == 11 { 3 } else { row };
            let cells = (0..15).map(|it| plain.value(if it / 5 == 1 { source } else { row }, it).unwrap());
            table
                .push(plain.participants()[row].clone(), cells.map(|it| Value::Measured(f64::from(it))))
                .unwrap();
        }
        let task = Task::new("task-1").unwrap();
        let expected: Vec<_> = [3, 7, 11].map(|row| Block { row, task: &task }).into();
        assert_eq!(copied_blocks(&table), [expected]);
    }

    #[test]
    fn missing_blocks_and_a_few_counts_are_no_copies() {
        let table = synthetic::blocks(6, (1, 5), 0.0, 1);
        let task = Task::new("task-0").unwrap();
        let blocks: Vec<_> = (0..4).map(|row| Block { row, task: &task }).collect();
        assert!(copied_blocks(&table.masked(&blocks, &"not done".into())).is_empty());
        let mut counts = FeatureTable::new(table.columns()[..2].to_vec()).unwrap();
        for id in 0..4 {
            counts.push(synthetic::person(id, false), [Value::Measured(1.0), Value::Measured(2.0)]).unwrap();
        }
        assert!(copied_blocks(&counts).is_empty());
    }
}
