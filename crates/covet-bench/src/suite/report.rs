//! What a run of the suite brought, as it is written to JSON.

use serde::Serialize;

use super::config::{Config, PeerConfig, Settings, Workload};
pub use super::row::{Round, Row};
pub use super::same::Bodies;
use crate::machine::Machine;
use crate::stats::{Summary, ratio};

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

#[cfg(test)]
pub(super) mod tests {
    use super::{Bodies, PeerReport, Reached, Report, Row, WorkloadReport};
    use crate::machine::Machine;
    use crate::suite::config::{Compare, Settings};
    use crate::suite::row::tests::row;

    fn workload(id: &str, sibling: &str, pipeline: usize, rows: Vec<Row>) -> WorkloadReport {
        WorkloadReport {
            id: id.to_owned(),
            about: "About it".to_owned(),
            pipeline,
            bodies: Bodies::new(Compare::Exact, "Alike"),
            siblings: vec![sibling.to_owned()],
            rows,
            targets: vec![("base".to_owned(), 10.0), ("absent".to_owned(), 1.0)],
        }
    }

    /// A peer without figures.
    pub(in crate::suite) fn peer(id: &str, skipped: Option<&str>) -> PeerReport {
        PeerReport {
            id: id.to_owned(),
            about: String::new(),
            python: skipped.is_none(),
            versions: "1.0".to_owned(),
            skipped: skipped.map(str::to_owned),
            start_ms: None,
            idle_mib: None,
        }
    }

    /// Two workloads of the same request: the subject reaches 10x the base on the plain one and
    /// 8x the base's best, which is not pipelined, on the other.
    pub(in crate::suite) fn report() -> Report {
        let plain =
            vec![row("me", &[1000.0], 99.0, 50.0), row("base", &[100.0, 90.0, 110.0], 99.0, 9.0)];
        let deep = vec![row("me", &[800.0], 60.0, 99.0), row("base", &[50.0], 99.0, 9.0)];
        Report {
            made: "today".to_owned(),
            commit: None,
            machine: Machine::here(),
            settings: Settings {
                rounds: 3,
                seconds: 1.0,
                warmup: 0.5,
                connections: 64,
                server_core: 0,
                load_core: 1,
                starts: 1,
                baseline: "base".to_owned(),
                subject: "me".to_owned(),
            },
            peers: vec![peer("me", None), peer("base", None)],
            workloads: vec![
                workload("plain", "deep", 1, plain),
                workload("deep", "plain", 16, deep),
            ],
        }
    }

    #[test]
    fn a_pipelined_row_is_held_against_the_best_of_any_depth() {
        let found: Vec<_> = report()
            .targets()
            .into_iter()
            .map(|Reached { workload, peer, found, saturated, .. }| {
                (workload, peer, found, saturated)
            })
            .collect();
        let of = |workload: &str, peer: &str, found, saturated| {
            (workload.to_owned(), peer.to_owned(), found, saturated)
        };
        assert_eq!(
            found,
            [
                of("plain", "base", Some(10.0), false),
                of("plain", "absent", None, false),
                of("deep", "base", Some(8.0), true),
                of("deep", "absent", None, true),
            ]
        );
    }
}
