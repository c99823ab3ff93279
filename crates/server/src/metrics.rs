//! What is counted, for Prometheus. Labels are operations and outcomes, never ids.

use std::sync::Mutex;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// Of a request: which operation, and how it ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Operation {
    pub method: String,
    /// As the API describes it: `/v1/participants/{id}`.
    pub path: String,
    pub status: u16,
}

impl EncodeLabelSet for Operation {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        use prometheus_client::encoding::EncodeLabel;
        ("method", self.method.as_str()).encode(encoder.encode_label())?;
        ("path", self.path.as_str()).encode(encoder.encode_label())?;
        ("status", u64::from(self.status)).encode(encoder.encode_label())
    }
}

/// Counters and gauges of one server.
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    pub requests: Family<Operation, Counter>,
    pub seconds: Histogram,
    pub queued_requests: Gauge,
    pub queued_bytes: Gauge,
    pub waiting_assessments: Gauge,
    pub assessed: Counter,
    pub failed: Counter,
    pub network_runs: Counter,
}

/// Bounds of the histogram of seconds a request takes.
const SECONDS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("inkling")),
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            queued_requests: Gauge::default(),
            queued_bytes: Gauge::default(),
            waiting_assessments: Gauge::default(),
            assessed: Counter::default(),
            failed: Counter::default(),
            network_runs: Counter::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register("request_seconds", "Seconds to an answer", self.seconds.clone());
        registry.register(
            "network_queue_requests",
            "Requests to networks that wait",
            self.queued_requests.clone(),
        );
        registry.register("network_queue_bytes", "Bytes of their inputs", self.queued_bytes.clone());
        registry.register(
            "assessments_waiting",
            "Assessments that wait or run",
            self.waiting_assessments.clone(),
        );
        registry.register("assessments_done", "Assessments computed", self.assessed.clone());
        registry.register("assessments_failed", "Assessments given up", self.failed.clone());
        registry.register("network_runs", "Requests to networks answered", self.network_runs.clone());
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Writing to a String does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
