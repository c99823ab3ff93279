//! Copied blocks: one task's whole row of numbers in several people.

use std::collections::HashMap;

use study::{Block, FeatureTable};

use super::{Figure, Finding, Seen, Severity};

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

/// Kind of the finding that blocks are copies of one another.
pub(crate) const COPIED_BLOCKS: &str = "copied_blocks";

/// What the audit says of copied blocks. They are always masked in the headline, which answers the finding.
pub(crate) fn copies(seen: &Seen<'_>) -> Result<Vec<Finding>, String> {
    let (table, groups) = (seen.table, seen.copies);
    if groups.is_empty() {
        return Ok(vec![]);
    }
    let label = |block: &Block<'_>| table.participants()[block.row].label;
    let mixed = |group: &&Vec<Block<'_>>| group.iter().any(|it| label(it) != label(&group[0]));
    let across = groups.iter().filter(mixed).count();
    let blocks: Vec<Block<'_>> = groups.concat();
    let evidence = format!(
        "{} of {} blocks are exact copies of another person's block of the same task, in {} groups; {} groups hold more than \
         one label. Copies that never cross labels carry the label.",
        blocks.len(),
        table.len() * table.tasks().len(),
        groups.len(),
        if across == 0 { "no".to_owned() } else { across.to_string() },
    );
    let finding = Finding::new(COPIED_BLOCKS, Severity::Serious, evidence, ADVICE)
        .number(Figure::count("blocks", blocks.len()))
        .number(Figure::count("groups", groups.len()))
        .number(Figure::count("groups_of_mixed_label", across))
        .blocks(table, blocks);
    Ok(vec![finding])
}

const ADVICE: &str = "Compare the readings `as published` and `masked`, and report `masked`: there every member of a group is \
                      missing before anything is fitted or judged. Ask who filled the blocks in.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::BlockName,
        audit::{
            findings_of,
            planted::{changed, cohort},
        },
        synthetic,
    };
    use feature::Value;
    use study::{Answer, Decision, Task};

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

    fn said(answers: Vec<Answer>, rows: [usize; 2]) -> Finding {
        let table = synthetic::blocks(10, (2, 4), 1.0, 1);
        let source: Vec<f64> = (4..8).map(|it| f64::from(table.value(rows[0], it).unwrap())).collect();
        let table = changed(&table, move |row, _, cells| {
            if row == rows[1] {
                cells[4..].iter_mut().zip(&source).for_each(|(cell, value)| *cell = Some(*value));
            }
        });
        let mut cohort = cohort(table);
        cohort.provenance.answers = answers;
        let groups = copied_blocks(cohort.table.as_ref().unwrap());
        findings_of(&cohort, &groups, 1).swap_remove(0)
    }

    #[test]
    fn a_finding_names_its_blocks_and_says_whether_labels_mix() {
        let pure = said(vec![], [1, 3]);
        assert_eq!(pure.blocks[1], BlockName { participant: "p3".to_owned(), task: "task-1".to_owned() });
        assert!(pure.evidence.starts_with("2 of 20 blocks") && pure.evidence.contains("no groups hold more"));
        assert!(said(vec![], [1, 2]).evidence.contains("1 groups hold more than one label"));
    }

    #[test]
    fn masking_answers_the_finding_unless_the_cohort_has_its_own_answer() {
        assert_eq!(said(vec![], [1, 3]).decision, Some(Decision::Masked));
        let note = "known".to_owned();
        let answer = Answer { finding: "copied_blocks".to_owned(), decision: Decision::Acknowledged, note };
        assert_eq!(said(vec![answer], [1, 3]).decision, Some(Decision::Acknowledged));
    }
}
