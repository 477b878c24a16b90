//! Measures peers in turn, round after round, so that what the machine does meets them all.

use std::time::{Duration, Instant};

use super::config::{Config, PeerConfig, Workload};
use super::peer::Running;
use super::row::{Round, Row};
use super::same::Bodies;
use super::say;
use crate::load::{self, Plan};
use crate::stats::ratio;
use crate::{machine, process};

/// Measures every peer once a round. The order moves on by one peer each round, so that none
/// always follows the same other.
pub(super) fn interleave(
    config: &Config,
    workload: &Workload,
    bodies: &Bodies,
    peers: &[(&PeerConfig, &Running)],
) -> Vec<Row> {
    let mut rows: Vec<Row> = peers.iter().map(|(peer, _)| Row::new(peer)).collect();
    for round in 0..config.rounds {
        for turn in 0..peers.len() {
            let index = (round + turn) % peers.len();
            let (peer, running) = peers[index];
            match measure(config, workload, bodies, running) {
                Ok(measured) => {
                    say(&format!("  round {} {:>14}: {measured}", round + 1, peer.id));
                    rows[index].rounds.push(measured);
                }
                Err(error) => {
                    say(&format!("  round {} {:>14}: {error}", round + 1, peer.id));
                    rows[index].failures.push(error.to_string());
                }
            }
        }
    }
    for row in &mut rows {
        row.sum_up();
    }
    rows
}

fn measure(
    config: &Config,
    workload: &Workload,
    bodies: &Bodies,
    running: &Running,
) -> crate::Result<Round> {
    let plan = Plan {
        target: running.target(&workload.path),
        request: workload.request(),
        expect: bodies.exact(),
        connections: config.connections,
        pipeline: workload.pipeline,
        warmup: Duration::from_secs_f64(config.warmup),
        window: Duration::from_secs_f64(config.seconds),
        server: Some(running.pid()),
    };
    let cores = Cores::watch(config, running);
    let outcome = load::run(&plan)?;
    Ok(Round { outcome, foreign_cpu: cores.foreign(config, running) })
}

/// What the suite's two cores have done, to tell who else was at work on them.
struct Cores {
    at: Instant,
    /// Time they were busy with anything.
    busy: Duration,
    /// Time of it that went to the peer and to this process.
    ours: Duration,
}

impl Cores {
    fn watch(config: &Config, running: &Running) -> Self {
        let cores = [config.server_core, config.load_core];
        Self {
            at: Instant::now(),
            busy: cores.into_iter().filter_map(machine::busy_time).sum(),
            ours: process::cpu_time(running.pid()).unwrap_or_default() + process::own_cpu_time(),
        }
    }

    /// CPU time others have used on them since, in percent of one core.
    fn foreign(&self, config: &Config, running: &Running) -> f64 {
        let now = Self::watch(config, running);
        let others =
            now.busy.saturating_sub(self.busy).saturating_sub(now.ours.saturating_sub(self.ours));
        let elapsed = now.at.saturating_duration_since(self.at);
        100.0 * ratio(others.as_secs_f64(), elapsed.as_secs_f64()).unwrap_or(0.0)
    }
}
