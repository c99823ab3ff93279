//! Made-up cohorts.

use feature::{Unit, Value};
use learn::{Plan, evaluate::Family};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use study::{Cohort, Column, Diagnosis, FeatureTable, Participant, ParticipantId, Provenance, Task};

/// A standard normal number (Box & Muller 1958).
pub(crate) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

pub(crate) fn task(number: usize) -> Task {
    Task::new(&format!("task-{number}")).unwrap()
}

pub(crate) fn columns(tasks: usize, features: usize) -> Vec<Column> {
    let column = |number, it| Column::new(task(number), &format!("demo.time.f{it}"), Unit::Second);
    (0..tasks).flat_map(|number| (0..features).map(move |it| column(number, it))).collect()
}

pub(crate) fn person(number: usize, impaired: bool) -> Participant {
    let label = Some(if impaired { Diagnosis::Dementia } else { Diagnosis::Healthy });
    Participant { label, ..Participant::new(ParticipantId::new(&format!("p{number}")).unwrap()) }
}

pub(crate) fn cohort(table: FeatureTable) -> Cohort {
    let provenance = Provenance { name: "made-up".to_owned(), synthetic: true, ..Provenance::default() };
    Cohort {
        provenance,
        participants: table.participants().to_vec(),
        table: Some(table),
        later: vec![],
        submissions: vec![],
    }
}

/// Half impaired; log-normal times, the classes `distance` apart in each, with a shared part of half the variance.
pub(crate) fn table(
    people: usize,
    (tasks, features): (usize, usize),
    distance: f64,
    seed: u64,
) -> FeatureTable {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut table = FeatureTable::new(columns(tasks, features)).unwrap();
    for number in 0..people {
        let impaired = number % 2 == 1;
        let shared = normal(&mut random) * 0.5f64.sqrt() + if impaired { distance } else { 0.0 };
        let values: Vec<Value> = (0..tasks * features)
            .map(|_| Value::Measured((shared + normal(&mut random) * 0.5f64.sqrt()).exp()))
            .collect();
        table.push(person(number, impaired), values).unwrap();
    }
    table
}

/// A plan that is quick enough for a test.
pub(crate) fn quick(repeats: usize) -> Plan {
    Plan { repeats, draws: 200, families: vec![Family::logistic()], ..Plan::default() }
}
