//! Judges and fits on DARWIN straight from its CSV: for development until the importer is there.
//!
//! `cargo run --release -p inkling-learn --example darwin -- evaluate DARWIN.csv OUT`

use std::{path::Path, time::Instant};

use feature::{Unit, Value};
use learn::{Plan, Progress, Settings, evaluate, train};
use study::{Cohort, Column, Diagnosis, FeatureTable, Participant, ParticipantId, Provenance, Task};

fn cohort(path: &Path) -> Cohort {
    let mut reader = csv::Reader::from_path(path).expect("DARWIN.csv opens");
    let header = reader.headers().expect("DARWIN.csv has a header").clone();
    let column = |name: &str| {
        let feature = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let unit = match feature {
            "air_time" | "paper_time" | "total_time" => Unit::Second,
            "num_of_pendown" => Unit::Count,
            _ => Unit::Darwin,
        };
        let task = Task::new(&format!("darwin-{}", &name[feature.len()..])).expect("a task name");
        Column::new(task, &format!("ink.darwin.{feature}"), unit)
    };
    let names = header.iter().skip(1).take(450);
    let mut table = FeatureTable::new(names.map(column).collect()).expect("450 columns");
    for row in reader.records().map(|row| row.expect("a row")) {
        let label = if &row[451] == "P" { Diagnosis::Dementia } else { Diagnosis::Healthy };
        let id = ParticipantId::new(&row[0]).expect("an id");
        let person = Participant { label: Some(label), ..Participant::new(id) };
        let cells: Vec<Value> = (1..451)
            .map(|it| {
                let value: f64 = row[it].parse().expect("a number");
                let unit = table.columns()[it - 1].unit;
                Value::Measured(if unit == Unit::Second { value / 1000.0 } else { value })
            })
            .collect();
        table.push(person, cells).expect("450 cells");
    }
    let provenance = Provenance { name: "darwin".to_owned(), ..Provenance::default() };
    Cohort {
        provenance,
        participants: table.participants().to_vec(),
        table: Some(table),
        submissions: vec![],
    }
}

/// CPU time of this process so far, in seconds: user and system, from Linux's accounts in hundredths.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |place: usize| after_name.split_whitespace().nth(place).and_then(|it| it.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0
}

/// Prints the CPU time of each stage when its last step is done.
fn watch(progress: Progress) {
    if progress.done == progress.of {
        eprintln!("{}: done at {:.1} s CPU", progress.stage, cpu_s());
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let cohort = cohort(Path::new(&arguments[2]));
    let out = Path::new(&arguments[3]);
    std::fs::create_dir_all(out).expect("the folder can be made");
    let start = Instant::now();
    if arguments[1] == "evaluate" {
        let found = evaluate(&cohort, &Plan::default(), &watch).expect("DARWIN can be judged");
        std::fs::write(out.join("card.json"), found.card.to_json().expect("JSON")).expect("written");
        let splits = serde_json::to_vec(&found.splits).expect("JSON");
        std::fs::write(out.join("splits.json"), splits).expect("written");
    } else {
        let portable = |column: &Column| matches!(column.unit, Unit::Second | Unit::Count);
        let table = cohort.table.as_ref().expect("a table");
        let settings = Settings::for_table("handwriting-darwin@1", table, portable);
        let found = train(&cohort, &settings, &watch).expect("DARWIN can be fitted");
        std::fs::write(out.join("card.json"), found.card.to_json().expect("JSON")).expect("written");
        std::fs::write(out.join("screener.json"), found.screener.to_json().expect("JSON")).expect("written");
    }
    println!("{:.1} s", start.elapsed().as_secs_f64());
}
