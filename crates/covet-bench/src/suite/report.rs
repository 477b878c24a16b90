//! What a run of the suite brought, as it is written to JSON.

use std::fmt;

use serde::Serialize;

use super::config::{Config, PeerConfig, Settings, Workload};
use super::mib;
pub use super::same::Bodies;
use crate::load::{Errors, Outcome};
use crate::machine::Machine;
use crate::stats::{Summary, ratio};

/// The load generator counts as saturated from this use of its core on, in percent.
const SATURATED: f64 = 97.0;

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When it ended, as HTTP writes dates.
    pub made: String,
    /// The commit it was made from, if that is known.
    pub commit: Option<String>,
    /// Where it was made.
    pub machine: Machine,
    /// How it was made.
    pub settings: Settings,
    /// Who was measured, or skipped.
    pub peers: Vec<PeerReport>,
    /// What was measured.
    pub workloads: Vec<WorkloadReport>,
}

/// What was found out about a peer before any load.
#[derive(Debug, Serialize)]
pub struct PeerReport {
    /// Its id.
    pub id: String,
    /// What it is.
    pub about: String,
    /// Whether a Python handler runs for every request.
    pub python: bool,
    /// The versions it states.
    pub versions: String,
    /// Why it was not measured.
    pub skipped: Option<String>,
    /// Milliseconds from spawn to first answer.
    pub start_ms: Option<Summary>,
    /// Resident memory after its first answer, in MiB.
    pub idle_mib: Option<f64>,
}

impl PeerReport {
    pub(super) fn new(peer: &PeerConfig) -> Self {
        Self {
            id: peer.id.clone(),
            about: peer.about.clone(),
            python: peer.python,
            versions: String::new(),
            skipped: None,
            start_ms: None,
            idle_mib: None,
        }
    }
}

/// One workload and how all peers did.
#[derive(Debug, Serialize)]
pub struct WorkloadReport {
    /// Its id.
    pub id: String,
    /// What a handler does for it.
    pub about: String,
    /// Requests sent before their responses are waited for.
    pub pipeline: usize,
    /// How the bodies compared.
    pub bodies: Bodies,
    /// The workloads that send the same request at another depth.
    pub siblings: Vec<String>,
    /// The peers, the quickest first.
    pub rows: Vec<Row>,
    /// What the subject has to reach: peer and ratio.
    pub targets: Vec<(String, f64)>,
}

impl WorkloadReport {
    pub(super) fn new(
        config: &Config,
        workload: &Workload,
        bodies: Bodies,
        mut rows: Vec<Row>,
    ) -> Self {
        rows.sort_by(|a, b| b.median_rate().total_cmp(&a.median_rate()));
        let sibling = |other: &&Workload| other.id != workload.id && other.same_request(workload);
        Self {
            id: workload.id.clone(),
            about: workload.about.clone(),
            pipeline: workload.pipeline,
            bodies,
            siblings: config
                .workloads
                .iter()
                .filter(sibling)
                .map(|other| other.id.clone())
                .collect(),
            rows,
            targets: workload.targets.iter().map(|(peer, ratio)| (peer.clone(), *ratio)).collect(),
        }
    }

    /// How `peer` did.
    pub fn row(&self, peer: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == peer && row.rate.is_some())
    }
}

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

/// A target, and how close the subject came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reached {
    /// The workload.
    pub workload: String,
    /// Whom the subject is compared with.
    pub peer: String,
    /// The ratio to reach.
    pub wanted: f64,
    /// The ratio of the median rates; `None` if one of them was not measured.
    pub found: Option<f64>,
    /// Whether the load generator was saturated by the subject.
    pub saturated: bool,
}

impl Report {
    /// The best median rate of `peer` over a workload and its siblings: a server that does not
    /// gain from pipelining is held against its rate without.
    pub fn best(&self, workload: &WorkloadReport, peer: &str) -> Option<f64> {
        self.workloads
            .iter()
            .filter(|other| other.id == workload.id || workload.siblings.contains(&other.id))
            .filter_map(|other| Some(other.row(peer)?.median_rate()))
            .max_by(f64::total_cmp)
    }

    /// All targets of the subject.
    pub fn targets(&self) -> Vec<Reached> {
        let of = |workload: &WorkloadReport, (peer, wanted): &(String, f64)| {
            let subject = workload.row(&self.settings.subject);
            // Only a pipelined row is held against the best of another depth.
            let base = if workload.pipeline > 1 {
                self.best(workload, peer)
            } else {
                workload.row(peer).map(Row::median_rate)
            };
            Reached {
                workload: workload.id.clone(),
                peer: peer.clone(),
                wanted: *wanted,
                found: subject.zip(base).and_then(|(row, base)| ratio(row.median_rate(), base)),
                saturated: subject.is_some_and(Row::saturated),
            }
        };
        self.workloads
            .iter()
            .flat_map(|workload| workload.targets.iter().map(move |target| of(workload, target)))
            .collect()
    }
}
