//! How long a network takes and how near it comes to what this processor can do.
//!
//! Networks that are compared run in turns, one run of each at a time, so that whatever else the machine does meets all of them
//! alike. CPU time is that of the whole process, all threads; latency is by the clock.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde::Serialize;

pub use crate::kernel::peak::Peak;
use crate::{Dim, Dtype, Error, Graph, Isa, Network, Port, Precision, Tensor, Tensors, Values};

/// Runs of each network that do not count.
const WARM: usize = 3;

/// Runs of each network at least and at most.
const RUNS: (usize, usize) = (20, 10_000);

/// Figures of one network at one batch size.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// What ran it.
    pub executor: String,
    /// What a plan of our own computed in: `f32` or `int8`.
    pub precision: Option<&'static str>,
    /// Items a run.
    pub batch: usize,
    /// Runs that counted.
    pub runs: usize,
    /// CPU time of a run in ms: the least.
    pub cpu_ms_min: f64,
    /// CPU time of a run in ms: the median.
    pub cpu_ms_median: f64,
    /// Latency of a run in ms: the median.
    pub wall_ms_median: f64,
    /// Latency of a run in ms: 99 of 100 were faster.
    pub p99_ms: f64,
    /// Items a second by the median of CPU time.
    pub items_per_cpu_s: f64,
    /// Greatest memory of this process so far in MiB; none where the system does not say. It holds every network that is
    /// compared.
    pub peak_mib: Option<f64>,
    /// Multiplications and additions of matrices and convolutions a run, in 10⁹; none where they were not counted.
    pub gop: Option<f64>,
    /// What was reached of the measured peak of one core, on 8-bit integers where the plan computes in them, else on 32-bit floats:
    /// operations ÷ (CPU time · peak).
    pub peak_share: Option<f64>,
}

/// Times networks on the same inputs, in turns, for about this long each.
///
/// # Errors
/// What the networks fail with.
pub fn interleaved(
    networks: &[&Network],
    inputs: &Tensors,
    batch: usize,
    each: Duration,
) -> Result<Vec<Timing>, Error> {
    for network in networks {
        for _ in 0..WARM {
            network.run(inputs)?;
        }
    }
    let mut runs = vec![Vec::new(); networks.len()];
    let (started, long) = (Instant::now(), each * networks.len() as u32);
    while runs[0].len() < RUNS.0 || (started.elapsed() < long && runs[0].len() < RUNS.1) {
        for (network, runs) in networks.iter().zip(&mut runs) {
            let (cpu, wall) = (ProcessTime::now(), Instant::now());
            network.run(inputs)?;
            runs.push((cpu.elapsed(), wall.elapsed()));
        }
    }
    Ok(networks
        .iter()
        .zip(&runs)
        .map(|(network, runs)| Timing {
            precision: network.precision().map(Precision::name),
            ..timing(network.executor(), batch, runs)
        })
        .collect())
}

fn timing(executor: &str, batch: usize, runs: &[(Duration, Duration)]) -> Timing {
    let sorted = |part: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<f64> = runs.iter().map(|it| part(it).as_secs_f64() * 1e3).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (cpu, wall) = (sorted(|it| it.0), sorted(|it| it.1));
    let at = |all: &[f64], share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
    Timing {
        executor: executor.to_owned(),
        precision: None,
        batch,
        runs: runs.len(),
        cpu_ms_min: cpu[0],
        cpu_ms_median: at(&cpu, 0.5),
        wall_ms_median: at(&wall, 0.5),
        p99_ms: at(&wall, 0.99),
        items_per_cpu_s: batch as f64 / at(&cpu, 0.5).max(1e-9) * 1e3,
        peak_mib: peak_mib(),
        gop: None,
        peak_share: None,
    }
}

impl Timing {
    /// The same with the operations of a run, and the share of the peak that was reached.
    #[must_use]
    pub fn with_operations(mut self, operations: u64, peak: Peak) -> Self {
        self.gop = Some(operations as f64 / 1e9);
        let peak = if self.precision == Some("int8") { peak.int8 } else { peak.float };
        self.peak_share = Some(operations as f64 / (self.cpu_ms_median / 1e3 * peak));
        self
    }
}

/// The peak of one core of this processor.
pub fn peak() -> Peak {
    Peak::measure(Isa::best())
}

/// Inputs of a network for timing: floats of a fixed sequence between −1 and 1, integers and booleans of 1. The first dimension
/// is the batch where it has no length of its own, or one of 1; dimensions called `length`, and others without length, have
/// `length`.
pub fn made_up(ports: &[Port], batch: usize, length: usize) -> Result<Tensors, Error> {
    ports.iter().map(|port| Ok((port.name.clone(), filled(port, batch, length)?))).collect()
}

fn filled(port: &Port, batch: usize, length: usize) -> Result<Tensor, Error> {
    let dims = port.shape.as_deref().ok_or_else(|| Error::tensor(&port.name, "a shape", "none"))?;
    let of = |(place, dim): (usize, &Dim)| match dim {
        Dim::Fixed(it) => *it,
        Dim::Named(name) if name == "length" => length,
        _ if place == 0 => batch,
        _ => length,
    };
    let shape: Vec<usize> = dims.iter().enumerate().map(of).collect();
    let count = crate::tensor::elements(&port.name, &shape)?;
    let values = match port.dtype {
        Dtype::F32 => Values::F32((0..count).map(|it| (it as f32 * 0.618).sin()).collect()),
        Dtype::I64 => Values::I64(vec![1; count]),
        Dtype::I32 => Values::I32(vec![1; count]),
        Dtype::U8 => Values::U8(vec![1; count]),
        Dtype::Bool => Values::Bool(vec![true; count]),
        other => return Err(Error::tensor(&port.name, "f32, i64, i32, u8 or bool to make up", other.name())),
    };
    Tensor::new(shape, values)
}

/// Multiplications and additions of all matrix products and convolutions of a run: twice the products. Shapes come from a run by
/// rten with every such value as an output.
///
/// # Errors
/// What that run fails with.
pub fn operations(graph: &Graph, inputs: &Tensors) -> Result<u64, Error> {
    let counted = |op: &str| matches!(op, "MatMul" | "Gemm" | "Conv" | "MatMulInteger" | "ConvInteger");
    let mut wide = graph.clone();
    let nodes: Vec<_> = graph.nodes.iter().filter(|it| counted(&it.op)).collect();
    let mut wanted: Vec<&str> =
        nodes.iter().flat_map(|it| [it.input(0), it.outputs.first().map(String::as_str)]).flatten().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let given = |name: &str| inputs.get(name).or_else(|| graph.initialisers.get(name));
    wanted.retain(|it| given(it).is_none());
    wide.outputs =
        wanted.iter().map(|it| Port { name: (*it).to_owned(), dtype: Dtype::F32, shape: None }).collect();
    let got = Network::by_rten(&wide, 1)?.run(inputs)?;
    let shape = |name: &str| given(name).or_else(|| got.get(name)).map(Tensor::shape);
    let products = nodes.iter().map(|node| {
        let out = node.outputs.first().and_then(|it| shape(it)).map_or(0, |it| it.iter().product::<usize>());
        let depth = match node.op.as_str() {
            "Conv" | "ConvInteger" => {
                node.input(1).and_then(given).map(|it| it.shape()[1..].iter().product())
            }
            "Gemm" if node.int("transA", 0) != 0 => {
                node.input(0).and_then(shape).and_then(|it| it.first().copied())
            }
            _ => node.input(0).and_then(shape).and_then(|it| it.last().copied()),
        };
        (out * depth.unwrap_or(0)) as u64
    });
    Ok(2 * products.sum::<u64>())
}

/// Greatest resident memory of this process in MiB (`VmHWM` of Linux).
pub fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|it| it / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attribute, Node};

    #[test]
    fn operations_of_products_and_convolutions_are_counted() {
        let graph = Graph {
            name: "counted".into(),
            inputs: vec![Port::fixed("x", Dtype::F32, &[1, 3, 8, 8])],
            outputs: vec![Port::fixed("y", Dtype::F32, &[5, 7])],
            initialisers: [
                ("k".to_owned(), Tensor::f32([5, 3, 3, 3], vec![0.1; 135]).unwrap()),
                ("s".to_owned(), Tensor::i64([2], vec![5, 64]).unwrap()),
                ("w".to_owned(), Tensor::f32([64, 7], vec![0.1; 448]).unwrap()),
            ]
            .into(),
            nodes: vec![
                Node::new("Conv", ["x", "k"], ["c"]).with("pads", Attribute::Ints(vec![1; 4])),
                Node::new("Reshape", ["c", "s"], ["r"]),
                Node::new("MatMul", ["r", "w"], ["y"]),
            ],
            opsets: [(String::new(), 17)].into(),
            ..Graph::default()
        };
        let inputs = made_up(&graph.inputs, 1, 1).unwrap();
        let expected = 2 * (5 * 8 * 8 * 27 + 5 * 7 * 64);
        assert_eq!(operations(&graph, &inputs).unwrap(), expected);
    }

    #[test]
    fn median_and_99th_are_those_of_sorted_runs() {
        let runs: Vec<_> =
            (1..=101).rev().map(|it| (Duration::from_millis(it), Duration::from_millis(2 * it))).collect();
        let timing = timing("x", 4, &runs);
        assert!(
            (timing.cpu_ms_median - 51.0).abs() < 1e-9 && (timing.p99_ms - 200.0).abs() < 1e-9,
            "{timing:?}"
        );
        assert!((timing.items_per_cpu_s - 4.0 / 0.051).abs() < 1e-6);
    }
}
