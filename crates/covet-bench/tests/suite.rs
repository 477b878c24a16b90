//! The suite from its configuration to its files, with the servers built beside it as peers.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use covet_bench::suite::{self, Overrides, report::Report};

const WORKLOADS: &str = r#"
rounds = 2
seconds = 0.1
warmup = 0.02
connections = 4
server_core = 0
load_core = 0
starts = 2
patience = 5.0
baseline = "hyper"
subject = "floor"

[[workload]]
id = "plain"
about = "one"
path = "/plaintext"
expect = "Hello, World!"
targets = { hyper = 0.0001 }

[[workload]]
id = "deep"
about = "eight"
path = "/plaintext"
pipeline = 8

[[workload]]
id = "json"
about = "of which floor knows nothing"
path = "/json"
expect = '{ "message": "Hello, World!" }'
compare = "json"

[[peer]]
id = "hyper"
about = "hyper"
python = false
command = ["{hyper}", "{port}"]
version = ["{hyper}", "--version"]

[[peer]]
id = "floor"
about = "the floor"
python = false
command = ["{floor}", "{port}"]
version = ["{floor}", "--version"]

[[peer]]
id = "absent"
about = "not installed"
python = true
command = ["/nowhere"]
version = ["/nowhere", "--version"]

[[peer]]
id = "failing"
about = "ends at once"
python = true
command = ["sh", "-c", "echo the reason why; exit 3"]
version = ["echo", "1"]
"#;

/// Writes the configuration into a directory of its own, as `root/bench/suite.toml`.
fn config(name: &str) -> PathBuf {
    let bench = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name).join("bench");
    fs::create_dir_all(bench.join("peers")).unwrap();
    let text = WORKLOADS
        .replace("{hyper}", env!("CARGO_BIN_EXE_covet-bench-hyper"))
        .replace("{floor}", env!("CARGO_BIN_EXE_covet-bench-floor"));
    let path = bench.join("suite.toml");
    fs::write(&path, text).unwrap();
    path
}

fn peers_of(report: &Report, workload: usize) -> Vec<&str> {
    let mut peers: Vec<_> =
        report.workloads[workload].rows.iter().map(|row| row.peer.as_str()).collect();
    peers.sort_unstable();
    peers
}

#[test]
fn from_configuration_to_files() {
    let config = config("whole");
    let report = suite::run(&config, &Overrides::default()).unwrap();

    let skipped: Vec<_> = report.peers.iter().filter_map(|peer| peer.skipped.as_deref()).collect();
    assert!(skipped[0].contains("/nowhere"), "{skipped:?}");
    assert!(skipped[1].contains("exit status: 3") && skipped[1].contains("the reason why"));
    let hyper = &report.peers[0];
    assert!(hyper.versions.starts_with("hyper 1."), "{}", hyper.versions);
    assert!(hyper.start_ms.unwrap().median > 0.0 && hyper.idle_mib.unwrap() > 0.5);

    assert_eq!(peers_of(&report, 0), ["floor", "hyper"]);
    assert_eq!(peers_of(&report, 1), ["floor", "hyper"]);
    assert_eq!(peers_of(&report, 2), ["hyper"]);
    assert_eq!(report.workloads[2].bodies.left_out[0].0, "floor");
    for workload in &report.workloads {
        for row in &workload.rows {
            assert_eq!((row.errors, row.rounds.len()), (0, 2), "{} {}", workload.id, row.peer);
            assert!(row.median_rate() > 0.0 && row.resident_mib.unwrap() > 0.5);
        }
    }
    assert_eq!(report.workloads[0].siblings, ["deep"]);
    assert!(report.targets()[0].found.unwrap() > 0.0001);

    let [markdown, json] = suite::write(&report, &config.with_file_name("results")).unwrap();
    assert!(fs::read_to_string(markdown).unwrap().contains("| floor † |"));
    let json: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    assert_eq!(json["workloads"][0]["rows"][0]["rounds"][0]["errors"]["body"], 0);
}

#[test]
fn nobody_to_measure() {
    let overrides = Overrides {
        peers: vec!["absent".to_owned(), "failing".to_owned()],
        ..Overrides::default()
    };
    let error = suite::run(&config("nobody"), &overrides).unwrap_err().to_string();
    assert!(error.contains("/nowhere") && error.contains("the reason why"), "{error}");
}
