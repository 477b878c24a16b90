//! What the suite's configuration file says.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Overrides;
use crate::error::{Error, Result};
use crate::request::Request;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How many times each peer is measured on each workload.
    pub rounds: usize,
    /// Length of one measurement, in seconds.
    pub seconds: f64,
    /// Load before each measurement, in seconds.
    pub warmup: f64,
    /// Connections kept open.
    pub connections: usize,
    /// The core every peer runs on.
    pub server_core: usize,
    /// The core the load generator runs on.
    pub load_core: usize,
    /// How many times each peer is started to take its start-up time.
    pub starts: usize,
    /// How long a peer may take to give its first answer, in seconds.
    pub patience: f64,
    /// The peer the ratios are taken to.
    pub baseline: String,
    /// The peer that has targets to reach.
    pub subject: String,
    /// What is measured.
    #[serde(rename = "workload")]
    pub workloads: Vec<Workload>,
    /// Who is measured.
    #[serde(rename = "peer")]
    pub peers: Vec<PeerConfig>,
}

/// One request, repeated.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Its name in tables.
    pub id: String,
    /// What a handler does for it.
    pub about: String,
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers beside `Host` and `Content-Length`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The request's body.
    #[serde(default)]
    pub body: String,
    /// The body the response must have; without it all peers must have the baseline's.
    pub expect: Option<String>,
    /// How bodies are compared.
    #[serde(default)]
    pub compare: Compare,
    /// Requests sent before their responses are waited for.
    #[serde(default = "one")]
    pub pipeline: usize,
    /// Peer to ratio: how many times that peer's rate the subject has to reach.
    #[serde(default)]
    pub targets: BTreeMap<String, f64>,
}

/// How the bodies of peers are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// Byte for byte.
    #[default]
    Exact,
    /// As JSON values: white space and the order of keys do not count.
    Json,
}

/// A server to measure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// Its name on the command line and in tables.
    pub id: String,
    /// What it is.
    pub about: String,
    /// The command that serves on `{port}`, in the foreground.
    pub command: Vec<String>,
    /// A command that prints the versions on one line, and fails if the peer is not installed.
    pub version: Vec<String>,
    /// Where both run.
    #[serde(default = "peers_dir")]
    pub cwd: String,
    /// Added to the environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Whether a Python handler runs for every request.
    pub python: bool,
    /// The workloads it can answer; all if left out.
    pub workloads: Option<Vec<String>>,
}

/// What a report says of how it was made.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "as in Config")]
pub struct Settings {
    pub rounds: usize,
    pub seconds: f64,
    pub warmup: f64,
    pub connections: usize,
    pub server_core: usize,
    pub load_core: usize,
    pub starts: usize,
    pub baseline: String,
    pub subject: String,
}

fn get() -> String {
    "GET".to_owned()
}

fn one() -> usize {
    1
}

fn peers_dir() -> String {
    "{dir}/peers".to_owned()
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Config`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?;
        Self::parse(&text).map_err(|reason| Error::Config { path: path.to_owned(), reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let ids: Vec<&str> = self.workloads.iter().map(|workload| workload.id.as_str()).collect();
        if self.rounds == 0 || self.connections == 0 {
            return Err("rounds and connections must be at least 1".to_owned());
        }
        for seconds in [self.seconds, self.warmup, self.patience] {
            Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
        }
        if self.workloads.iter().any(|workload| workload.pipeline == 0) {
            return Err("pipeline must be at least 1".to_owned());
        }
        for peer in &self.peers {
            if peer.command.is_empty() || peer.version.is_empty() {
                return Err(format!("{}: command and version must not be empty", peer.id));
            }
            if let Some(id) = peer.workloads.iter().flatten().find(|id| !ids.contains(&id.as_str()))
            {
                return Err(format!("{}: there is no workload {id}", peer.id));
            }
        }
        Ok(())
    }

    /// With the command line's changes.
    pub(super) fn narrowed(mut self, overrides: &Overrides) -> Result<Self> {
        keep(&mut self.peers, &overrides.peers, |peer| &peer.id)?;
        keep(&mut self.workloads, &overrides.workloads, |workload| &workload.id)?;
        self.rounds = overrides.rounds.unwrap_or(self.rounds);
        self.seconds = overrides.seconds.unwrap_or(self.seconds);
        self.starts = overrides.starts.unwrap_or(self.starts);
        self.check().map_err(Error::Usage)?;
        Ok(self)
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            rounds: self.rounds,
            seconds: self.seconds,
            warmup: self.warmup,
            connections: self.connections,
            server_core: self.server_core,
            load_core: self.load_core,
            starts: self.starts,
            baseline: self.baseline.clone(),
            subject: self.subject.clone(),
        }
    }
}

/// Keeps the items whose id is wanted; all if none is named.
fn keep<T>(items: &mut Vec<T>, wanted: &[String], id: impl Fn(&T) -> &String) -> Result<()> {
    if let Some(unknown) = wanted.iter().find(|name| items.iter().all(|item| id(item) != *name)) {
        return Err(Error::Usage(format!("{unknown} is not in the configuration")));
    }
    if !wanted.is_empty() {
        items.retain(|item| wanted.contains(id(item)));
    }
    Ok(())
}

impl PeerConfig {
    /// Whether this peer can answer that workload.
    pub fn takes_part(&self, workload: &str) -> bool {
        self.workloads.as_ref().is_none_or(|ids| ids.iter().any(|id| id == workload))
    }
}

impl Workload {
    /// The request to send.
    pub fn request(&self) -> Request {
        Request {
            method: self.method.clone(),
            headers: self.headers.clone().into_iter().collect(),
            body: self.body.clone().into_bytes(),
        }
    }

    /// Whether both send the same request, if perhaps at another depth.
    pub fn same_request(&self, other: &Self) -> bool {
        self.path == other.path && self.request() == other.request()
    }
}

#[cfg(test)]
mod tests {
    use super::{Compare, Config, Overrides};

    const TEXT: &str = r#"
        rounds = 5
        seconds = 2.0
        warmup = 0.5
        connections = 64
        server_core = 0
        load_core = 1
        starts = 5
        patience = 20.0
        baseline = "a"
        subject = "b"
        [[workload]]
        id = "w"
        about = "one"
        path = "/w"
        [[workload]]
        id = "v"
        about = "two"
        path = "/v"
        compare = "json"
        targets = { a = 2.0 }
        [[peer]]
        id = "a"
        about = "A"
        python = true
        command = ["a"]
        version = ["a", "-V"]
        workloads = ["w"]
    "#;

    #[test]
    fn defaults() {
        let config = Config::parse(TEXT).unwrap();
        let [w, v] = &config.workloads[..] else { panic!("two workloads") };
        assert_eq!((w.method.as_str(), w.pipeline, w.compare), ("GET", 1, Compare::Exact));
        assert_eq!((v.compare, v.targets["a"]), (Compare::Json, 2.0));
        assert!(config.peers[0].takes_part("w") && !config.peers[0].takes_part("v"));
        assert_eq!(config.peers[0].cwd, "{dir}/peers");
        assert!(w.same_request(w) && !w.same_request(v));
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (TEXT.replace("[\"w\"]", "[\"x\"]"), "no workload x"),
            (TEXT.replace("rounds = 5", "rounds = 0"), "at least 1"),
            (TEXT.replace("seconds = 2.0", "seconds = -2.0"), "negative"),
            (TEXT.replace("command = [\"a\"]", "command = []"), "must not be empty"),
            (TEXT.replace("patience", "patients"), "patients"),
        ];
        for (text, reason) in cases {
            let found = Config::parse(&text).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
    }

    #[test]
    fn overrides() {
        let config = Config::parse(TEXT).unwrap();
        let only =
            |name: &str| Overrides { workloads: vec![name.to_owned()], ..Overrides::default() };
        assert!(config.clone().narrowed(&only("nothing")).is_err());
        let rounds = Overrides { rounds: Some(2), ..Overrides::default() };
        assert_eq!(config.narrowed(&rounds).unwrap().rounds, 2);
    }
}
