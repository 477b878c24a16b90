//! What a run brought: rates, latencies, errors, and what both sides used to get there.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::judge::Judge;
use crate::process;
use crate::stats::{float, ratio};

/// The result of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Length of the measurement, in seconds.
    pub seconds: f64,
    /// Responses in that time, right and wrong.
    pub responses: u64,
    /// Right responses per second.
    pub rate: f64,
    /// Time from sending a batch to its last response. A batch is one request unless pipelined.
    pub latency: Latency,
    /// What went wrong.
    pub errors: Errors,
    /// Right responses that had to be parsed, because their headers were not those of the first.
    pub parsed: u64,
    /// Times the server closed a connection in good order and it was opened anew.
    pub reconnects: u64,
    /// Bytes of the body.
    pub body_bytes: usize,
    /// CPU time the load generator used, in percent of one core.
    pub load_cpu: f64,
    /// What the server used, if its process was named.
    pub server: Option<ServerUse>,
}

/// Quantiles in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs, reason = "the names say all")]
pub struct Latency {
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
}

impl Latency {
    fn of(nanoseconds: &Histogram<u64>) -> Self {
        let micros = |value: u64| float(value) / 1000.0;
        Self {
            p50: micros(nanoseconds.value_at_quantile(0.50)),
            p99: micros(nanoseconds.value_at_quantile(0.99)),
            max: micros(nanoseconds.max()),
        }
    }
}

/// Counts of what went wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Errors {
    /// Responses with another status than the first.
    pub status: u64,
    /// Responses with a body of another length.
    pub length: u64,
    /// Responses with another body of the same length.
    pub body: u64,
    /// Connections closed, or reset, while responses were awaited.
    pub early_close: u64,
    /// Connections given up because what they brought was no response that can be read.
    pub unreadable: u64,
    /// Connections that waited for a response during the whole measurement.
    pub stalled: u64,
}

impl Errors {
    /// Responses that were not right.
    pub fn wrong(&self) -> u64 {
        self.status + self.length + self.body
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.wrong() + self.early_close + self.unreadable + self.stalled
    }
}

/// What the server's process, with its children, used.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServerUse {
    /// CPU time in percent of one core.
    pub cpu: f64,
    /// Resident memory at the end, in bytes.
    pub resident: u64,
}

/// Takes the time and the CPU times at both ends of the measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    pub(super) started: Instant,
    own: Duration,
    server: Option<(u32, Duration)>,
}

impl Meter {
    pub(super) fn start(server: Option<u32>) -> Self {
        let server = server.and_then(|pid| Some((pid, process::cpu_time(pid)?)));
        Self { server, own: process::own_cpu_time(), started: Instant::now() }
    }

    pub(super) fn stop(&self, judge: &Judge) -> Outcome {
        let elapsed = self.started.elapsed();
        let own = process::own_cpu_time().saturating_sub(self.own);
        let seconds = elapsed.as_secs_f64();
        Outcome {
            seconds,
            responses: judge.responses,
            rate: ratio(float(judge.responses - judge.errors.wrong()), seconds).unwrap_or(0.0),
            latency: Latency::of(&judge.latency),
            errors: judge.errors,
            parsed: judge.parsed,
            reconnects: judge.reconnects,
            body_bytes: 0,
            load_cpu: percent(own, elapsed),
            server: self.server.and_then(|(pid, before)| {
                Some(ServerUse {
                    cpu: percent(process::cpu_time(pid)?.saturating_sub(before), elapsed),
                    resident: process::resident(pid)?,
                })
            }),
        }
    }
}

fn percent(part: Duration, whole: Duration) -> f64 {
    ratio(100.0 * part.as_secs_f64(), whole.as_secs_f64()).unwrap_or(0.0)
}
