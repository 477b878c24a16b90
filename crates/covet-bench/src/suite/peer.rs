//! Starts a peer on its core, waits for its first answer, and stops it.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::config::{Config, PeerConfig};
use super::places::Places;
use crate::error::{Error, Result};
use crate::load;
use crate::request::{Request, Target};

/// How long a peer may take to end when asked to.
const GOODBYE: Duration = Duration::from_secs(5);
/// Time between two looks at a peer that starts or ends.
const LOOK: Duration = Duration::from_micros(500);
/// How much of a log an error shows, in lines.
const TAIL: usize = 15;

/// A peer that serves; ends when dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    port: u16,
}

impl Running {
    /// Starts `peer`; returns it with the time from the spawn to the first answer.
    pub(super) fn start(
        config: &Config,
        peer: &PeerConfig,
        places: &Places,
    ) -> Result<(Self, Duration)> {
        let port = free_port()?;
        let log = places.log(&peer.id)?;
        let output = File::create(&log).map_err(|source| Error::file(&log, source))?;
        let errors = output.try_clone().map_err(|source| Error::file(&log, source))?;
        let core = config.server_core.to_string();
        let command = peer.command.iter().map(|part| places.fill(part, port));
        let spawned = Instant::now();
        let child = Command::new("taskset")
            .args(["--cpu-list", &core])
            .args(command)
            .current_dir(places.fill(&peer.cwd, port))
            .envs(&peer.env)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| Error::system("cannot start taskset", error))?;
        let mut running = Self { child, port };
        running.await_answer(config, peer, &log, spawned)?;
        Ok((running, spawned.elapsed()))
    }

    fn await_answer(
        &mut self,
        config: &Config,
        peer: &PeerConfig,
        log: &Path,
        spawned: Instant,
    ) -> Result<()> {
        let failed = |reason: String| Error::Peer { peer: peer.id.clone(), reason };
        let first = config
            .workloads
            .iter()
            .find(|workload| peer.takes_part(&workload.id))
            .ok_or_else(|| failed("it takes part in no workload".to_owned()))?;
        let (target, request) = (self.target(&first.path), first.request());
        while !answers(&target, &request) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(failed(format!("ended with {status}\n{}", tail(log))));
            }
            if spawned.elapsed().as_secs_f64() > config.patience {
                let seconds = config.patience;
                return Err(failed(format!("no answer within {seconds} s\n{}", tail(log))));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The process; `taskset` has become the peer itself.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `path` on this peer.
    pub(super) fn target(&self, path: &str) -> Target {
        Target::local(self.port, path)
    }

    fn stop(&mut self) -> std::io::Result<()> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && self.child.try_wait()?.is_none()
        {
            kill_process(pid, Signal::TERM)?;
        }
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > GOODBYE {
                self.child.kill()?;
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            super::say(&format!("process {} does not end: {error}", self.pid()));
        }
    }
}

fn answers(target: &Target, request: &Request) -> bool {
    load::fetch(target, request).is_ok_and(|fetched| (200..300).contains(&fetched.status))
}

/// The versions `peer` states, on one line.
pub(super) fn versions(peer: &PeerConfig, places: &Places) -> Result<String> {
    let failed = |reason: String| Error::Peer { peer: peer.id.clone(), reason };
    let command: Vec<String> = peer.version.iter().map(|part| places.fill(part, 0)).collect();
    let output = Command::new(&command[0])
        .args(&command[1..])
        .current_dir(places.fill(&peer.cwd, 0))
        .output()
        .map_err(|error| failed(format!("{}: {error}", command[0])))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(failed(errors.trim().lines().next_back().unwrap_or("not there").to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().replace('\n', ", "))
}

fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Error::system("no port is free", error))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
