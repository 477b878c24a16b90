//! The interleaved suite: starts peers, checks that they answer alike, measures them in turn.

pub mod config;
mod markdown;
mod peer;
mod places;
pub mod report;
mod rounds;
mod row;
mod same;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::machine::{self, Machine};
use crate::process;
use crate::stats::{Summary, float};
use config::{Config, PeerConfig, Workload};
use peer::Running;
use places::Places;
use report::{PeerReport, Report, WorkloadReport};

pub use markdown::render;

/// Time between a peer's first answer and the look at its idle memory.
const SETTLE: Duration = Duration::from_millis(300);

/// What the command line changes in the configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Only these peers.
    pub peers: Vec<String>,
    /// Only these workloads.
    pub workloads: Vec<String>,
    /// So many rounds.
    pub rounds: Option<usize>,
    /// So many seconds for each measurement.
    pub seconds: Option<f64>,
    /// So many starts for the spawn-to-first-answer time.
    pub starts: Option<usize>,
}

/// Reads the configuration at `path` and runs it, telling on standard error how far it is.
///
/// # Errors
/// If the configuration is not valid, the cores cannot be had, or no peer comes up. A peer
/// that does not come up, or answers differently, is left out and the report says why.
pub fn run(path: &Path, overrides: &Overrides) -> Result<Report> {
    let config = Config::read(path)?.narrowed(overrides)?;
    let places = Places::around(path)?;
    let machine = Machine::here();
    machine::pin(config.load_core)?;
    let mut peers: Vec<Measured> =
        config.peers.iter().map(|peer| prepare(&config, peer, &places)).collect();
    if peers.iter().all(|peer| peer.running.is_none()) {
        let reason =
            peers.iter().filter_map(|peer| peer.report.skipped.clone()).collect::<Vec<_>>();
        return Err(Error::Peer { peer: "no peer".to_owned(), reason: reason.join("\n") });
    }
    let workloads =
        config.workloads.iter().map(|workload| measure(&config, workload, &mut peers)).collect();
    Ok(Report {
        made: httpdate::fmt_http_date(std::time::SystemTime::now()),
        commit: places.commit(),
        machine,
        settings: config.settings(),
        peers: peers.into_iter().map(|peer| peer.report).collect(),
        workloads,
    })
}

/// Writes `latest.md` and `latest.json` into `directory`; returns the paths.
///
/// # Errors
/// [`Error::File`] if that cannot be done.
pub fn write(report: &Report, directory: &Path) -> Result<[PathBuf; 2]> {
    std::fs::create_dir_all(directory).map_err(|source| Error::file(directory, source))?;
    let json =
        serde_json::to_string_pretty(report).map_err(|error| Error::Usage(error.to_string()))?;
    let files = [
        (directory.join("latest.md"), render(report)),
        (directory.join("latest.json"), json + "\n"),
    ];
    for (path, text) in &files {
        std::fs::write(path, text).map_err(|source| Error::file(path, source))?;
    }
    Ok(files.map(|(path, _)| path))
}

/// A peer under measurement; one that is not running was skipped.
struct Measured<'c> {
    config: &'c PeerConfig,
    running: Option<Running>,
    report: PeerReport,
}

fn say(text: &str) {
    eprintln!("covet-bench: {text}");
}

/// Asks for the versions, measures the start-up time and the idle memory, and leaves the peer
/// running.
fn prepare<'c>(config: &Config, peer: &'c PeerConfig, places: &Places) -> Measured<'c> {
    let mut report = PeerReport::new(peer);
    let running = match bring_up(config, peer, places, &mut report) {
        Ok(running) => Some(running),
        Err(error) => {
            say(&format!("skipped: {error}"));
            report.skipped = Some(error.to_string());
            None
        }
    };
    Measured { config: peer, running, report }
}

fn bring_up(
    config: &Config,
    peer: &PeerConfig,
    places: &Places,
    report: &mut PeerReport,
) -> Result<Running> {
    report.versions = peer::versions(peer, places)?;
    say(&format!("{}: {}", peer.id, report.versions));
    let mut starts = Vec::new();
    for _ in 0..config.starts {
        let (running, elapsed) = Running::start(config, peer, places)?;
        starts.push(elapsed.as_secs_f64() * 1000.0);
        drop(running);
    }
    report.start_ms = Summary::of(&starts);
    let (running, _) = Running::start(config, peer, places)?;
    std::thread::sleep(SETTLE);
    report.idle_mib = process::resident(running.pid()).map(mib);
    Ok(running)
}

fn measure(config: &Config, workload: &Workload, peers: &mut [Measured<'_>]) -> WorkloadReport {
    let mut taking_part: Vec<(&PeerConfig, &Running)> = peers
        .iter()
        .filter(|peer| peer.config.takes_part(&workload.id))
        .filter_map(|peer| Some((peer.config, peer.running.as_ref()?)))
        .collect();
    let bodies = same::check(workload, &mut taking_part);
    say(&format!("{}: {}", workload.id, bodies.verdict));
    let rows = rounds::interleave(config, workload, &bodies, &taking_part);
    WorkloadReport::new(config, workload, bodies, rows)
}

/// Bytes in MiB.
fn mib(bytes: u64) -> f64 {
    float(bytes) / f64::from(1 << 20)
}
