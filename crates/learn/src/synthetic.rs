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

/// A third each healthy, MCI and dementia, their numbers rising from class to class by `distance` standard deviations, with
/// points of both tests that fall by six a class and scatter by two.
pub(crate) fn graded(people: usize, shape: (usize, usize), distance: f64, seed: u64) -> FeatureTable {
    let plain = blocks(people, shape, 0.0, seed);
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xabc);
    let mut table = FeatureTable::new(plain.columns().to_vec()).unwrap();
    for id in 0..people {
        let class = id % 3;
        let label = [Diagnosis::Healthy, Diagnosis::Mci, Diagnosis::Dementia][class];
        let points = (28.0 - 6.0 * class as f64 + 2.0 * normal(&mut random)).round().clamp(0.0, 30.0);
        let known = Some(points);
        let participant =
            Participant { label: Some(label), mmse: known, moca: known, ..plain.participants()[id].clone() };
        let factor = (distance * class as f64 / 2.0).exp();
        let values = plain.row(id).map(|cell| Value::Measured(f64::from(cell.unwrap()) * factor));
        table.push(participant, values.collect::<Vec<_>>()).unwrap();
    }
    table
}
