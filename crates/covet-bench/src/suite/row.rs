//! One peer on one workload: its rounds and their summaries.

use std::fmt;

use serde::Serialize;

use super::config::PeerConfig;
use super::mib;
use crate::load::{Errors, Outcome};
use crate::stats::{Summary, ratio};

/// The load generator counts as saturated from this use of its core on, in percent.
const SATURATED: f64 = 97.0;

/// One measurement of one peer.
#[derive(Debug, Serialize)]
pub struct Round {
    /// What the load generator found.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// CPU time of others on the two cores, in percent of one core: how disturbed it was.
    pub foreign_cpu: f64,
}

impl Round {
    fn per_cpu_second(&self) -> Option<f64> {
        ratio(self.outcome.rate, self.outcome.server?.cpu / 100.0)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { rate, latency, errors, load_cpu, server, .. } = &self.outcome;
        let server_cpu = server.map_or(0.0, |server| server.cpu);
        write!(
            f,
            "{rate:>9.0} req/s, p99 {:.0} us, {} errors, CPU {server_cpu:.0}%, load {load_cpu:.0}%",
            latency.p99,
            errors.total()
        )
    }
}

/// All rounds of one peer on one workload. Summaries are over the rounds.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The peer's id.
    pub peer: String,
    /// Whether a Python handler ran for every request.
    pub python: bool,
    /// Right responses per second.
    pub rate: Option<Summary>,
    /// Right responses for each second of the server's CPU time: what the rate would be if the
    /// server had its core to itself and never waited.
    pub per_cpu_second: Option<Summary>,
    /// Median of a batch's time, in microseconds.
    pub p50: Option<Summary>,
    /// 99th percentile of a batch's time, in microseconds.
    pub p99: Option<Summary>,
    /// The server's CPU time, in percent of one core.
    pub server_cpu: Option<Summary>,
    /// The load generator's CPU time, in percent of one core.
    pub load_cpu: Option<Summary>,
    /// CPU time of others on both cores, in percent of one core.
    pub foreign_cpu: Option<Summary>,
    /// Resident memory at the end of the last round, in MiB.
    pub resident_mib: Option<f64>,
    /// Errors in all rounds.
    pub errors: u64,
    /// Rounds that could not be measured, and why.
    pub failures: Vec<String>,
    /// The rounds.
    pub rounds: Vec<Round>,
}

impl Row {
    pub(super) fn new(peer: &PeerConfig) -> Self {
        Self {
            peer: peer.id.clone(),
            python: peer.python,
            rate: None,
            per_cpu_second: None,
            p50: None,
            p99: None,
            server_cpu: None,
            load_cpu: None,
            foreign_cpu: None,
            resident_mib: None,
            errors: 0,
            failures: Vec::new(),
            rounds: Vec::new(),
        }
    }

    /// Fills in the summaries.
    pub(super) fn sum_up(&mut self) {
        let over = |value: fn(&Round) -> Option<f64>| {
            Summary::of(&self.rounds.iter().filter_map(value).collect::<Vec<_>>())
        };
        self.rate = over(|round| Some(round.outcome.rate));
        self.per_cpu_second = over(Round::per_cpu_second);
        self.p50 = over(|round| Some(round.outcome.latency.p50));
        self.p99 = over(|round| Some(round.outcome.latency.p99));
        self.server_cpu = over(|round| Some(round.outcome.server?.cpu));
        self.load_cpu = over(|round| Some(round.outcome.load_cpu));
        self.foreign_cpu = over(|round| Some(round.foreign_cpu));
        let last = self.rounds.last().and_then(|round| round.outcome.server);
        self.resident_mib = last.map(|server| mib(server.resident));
        let errors = self.rounds.iter().map(|round| &round.outcome.errors);
        self.errors = errors.map(Errors::total).sum::<u64>() + self.failures.len() as u64;
    }

    /// The median rate; 0 if no round could be measured.
    pub fn median_rate(&self) -> f64 {
        self.rate.map_or(0.0, |rate| rate.median)
    }

    /// Whether the load generator, not the server, was what held the rate down.
    pub fn saturated(&self) -> bool {
        let median = |summary: Option<Summary>| summary.map_or(0.0, |summary| summary.median);
        let load = median(self.load_cpu);
        load >= SATURATED && median(self.server_cpu) < load - 5.0
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Round, Row};
    use crate::load::{Errors, Latency, Outcome, ServerUse};

    /// A round with these figures.
    pub(in crate::suite) fn round(rate: f64, server_cpu: f64, load_cpu: f64) -> Round {
        let outcome = Outcome {
            seconds: 1.0,
            responses: 1,
            rate,
            latency: Latency { p50: 10.0, p99: 20.0, max: 30.0 },
            errors: Errors { body: 1, ..Errors::default() },
            parsed: 0,
            reconnects: 0,
            body_bytes: 13,
            load_cpu,
            server: Some(ServerUse { cpu: server_cpu, resident: 3 << 20 }),
        };
        Round { outcome, foreign_cpu: 1.0 }
    }

    /// A row with one round for each rate.
    pub(in crate::suite) fn row(peer: &str, rates: &[f64], server: f64, load: f64) -> Row {
        let mut row = Row {
            peer: peer.to_owned(),
            python: true,
            rate: None,
            per_cpu_second: None,
            p50: None,
            p99: None,
            server_cpu: None,
            load_cpu: None,
            foreign_cpu: None,
            resident_mib: None,
            errors: 0,
            failures: Vec::new(),
            rounds: rates.iter().map(|&rate| round(rate, server, load)).collect(),
        };
        row.sum_up();
        row
    }

    #[test]
    fn sums_up() {
        let mut row = row("a", &[300.0, 100.0, 200.0], 50.0, 10.0);
        assert!((row.median_rate() - 200.0).abs() < 1e-9);
        assert!((row.per_cpu_second.unwrap().median - 400.0).abs() < 1e-9);
        assert_eq!((row.errors, row.resident_mib), (3, Some(3.0)));
        row.failures.push("gone".to_owned());
        row.sum_up();
        assert_eq!(row.errors, 4);
    }

    #[test]
    fn saturation() {
        for (server, load, saturated) in
            [(80.0, 99.0, true), (99.0, 99.0, false), (80.0, 90.0, false)]
        {
            assert_eq!(row("a", &[1.0], server, load).saturated(), saturated, "{server} {load}");
        }
    }
}
