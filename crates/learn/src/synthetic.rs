//! Made-up people for tests: nothing here is shipped or shown as evidence.

use feature::{Unit, Value};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use study::{Column, Diagnosis, FeatureTable, Participant, ParticipantId, Task};

/// A standard normal number (Box & Muller 1958).
pub(crate) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// A labelled person.
pub(crate) fn person(id: usize, impaired: bool) -> Participant {
    let label = Some(if impaired { Diagnosis::Dementia } else { Diagnosis::Healthy });
    Participant { label, ..Participant::new(ParticipantId::new(&format!("p{id}")).unwrap()) }
}

/// `people` half impaired, `tasks` tasks of one time each: log-normal, the classes `distance` standard deviations apart.
pub(crate) fn table(people: usize, tasks: usize, distance: f64, seed: u64) -> FeatureTable {
    blocks(people, (tasks, 1), distance, seed)
}

/// The same with several features a task.
pub(crate) fn blocks(people: usize, shape: (usize, usize), distance: f64, seed: u64) -> FeatureTable {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let column = |task: usize, it: usize| {
        Column::new(Task::new(&format!("task-{task}")).unwrap(), &format!("demo.time.f{it}"), Unit::Second)
    };
    let columns = (0..shape.0).flat_map(|task| (0..shape.1).map(move |it| column(task, it))).collect();
    let mut table = FeatureTable::new(columns).unwrap();
    for id in 0..people {
        let impaired = id % 2 == 1;
        let shift = if impaired { distance } else { 0.0 };
        let values = (0..shape.0 * shape.1).map(|_| Value::Measured((normal(&mut random) + shift).exp()));
        table.push(person(id, impaired), values.collect::<Vec<_>>()).unwrap();
    }
    table
}
