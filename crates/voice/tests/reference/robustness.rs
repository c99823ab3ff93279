//! The table of `docs/voice.md` and the definitions say the same of what is unstable.

use feature::{Condition, Definition};
use voice::set;

const PAGE: &str = include_str!("../../../../docs/voice.md");

/// Columns whose marks make a measure fragile, by the beginning of their head.
const COUNTED: [(&str, Condition); 8] = [
    ("white 20", Condition::Noise),
    ("babble 20", Condition::Noise),
    ("MP3", Condition::Compression),
    ("telephone", Condition::Telephone),
    ("−12 dB", Condition::Gain),
    ("+12 dB", Condition::Gain),
    ("room 0.3", Condition::Reverberation),
    ("room 0.6", Condition::Reverberation),
];

/// One line of the table: name, cells under their heads, and the words of its last cell.
struct Line {
    name: &'static str,
    cells: Vec<(&'static str, &'static str)>,
    words: &'static str,
}

fn cells(line: &'static str) -> Vec<&'static str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

fn lines() -> Vec<Line> {
    let (_, table) = PAGE.split_once("### Every measure").expect("docs/voice.md has the table");
    let table = table.split_once("\n### ").map_or(table, |(table, _)| table);
    let mut rows = table.lines().filter(|line| line.starts_with('|'));
    let heads = cells(rows.next().expect("the table has a head"));
    let line = |row| {
        let cells = cells(row);
        assert_eq!(cells.len(), heads.len(), "{row}");
        let last = cells.len() - 1;
        Line {
            name: cells[0].split('`').nth(1).expect("a name between backticks"),
            cells: heads[2..last].iter().copied().zip(cells[2..last].iter().copied()).collect(),
            words: cells[last],
        }
    };
    rows.skip(1).map(line).collect()
}

fn definition(name: &str) -> &'static Definition {
    set().definitions().find(|it| it.name == name).unwrap_or_else(|| panic!("{name} is not in voice@1"))
}

#[test]
fn the_definitions_mark_what_the_page_marks() {
    let lines = lines();
    assert!(lines.len() > 150, "{} measures in the table", lines.len());
    for Line { name, cells, words } in &lines {
        let bold = |condition: &Condition| {
            let of =
                |head: &str| COUNTED.iter().any(|(start, it)| head.starts_with(start) && it == condition);
            cells.iter().any(|(head, cell)| of(head) && cell.starts_with("**"))
        };
        let marked: Vec<Condition> = Condition::ALL.into_iter().filter(bold).collect();
        assert_eq!(definition(name).fragile, Some(&marked[..]), "{name}");
        let shown: Vec<&str> = marked.iter().map(|it| it.word()).collect();
        assert_eq!(*words, shown.join(", "), "{name}");
    }
    for definition in set().definitions().filter(|it| lines.iter().all(|line| line.name != it.name)) {
        assert_eq!(definition.fragile, None, "{} is not in the table", definition.name);
    }
}

#[test]
fn a_cell_is_bold_where_the_rule_says_so() {
    for Line { name, cells, .. } in lines() {
        for (head, cell) in cells {
            let plain = cell.trim_matches('*');
            let (moved, lost) = plain.split_once('✕').unwrap_or((plain, "0"));
            let lost: f64 = lost.trim_end_matches('%').parse().unwrap_or(100.0);
            let moved: f64 = moved.trim().trim_end_matches(['↑', '↓']).parse().unwrap_or(f64::INFINITY);
            let said = cell.starts_with("**");
            // Rounded to two digits and to whole per cent: at the limits themselves either is right.
            let open = moved == 0.33 || lost == 20.0;
            assert!(open || said == (moved > 1.0 / 3.0 || lost > 20.0), "{name}, {head}: {cell}");
        }
    }
}
