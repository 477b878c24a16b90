//! What a connection costs; alone in its process, whose memory it looks at.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod support;

use covet_server::Settings;
use support::{Server, get};

/// The memory of this process that is in use, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn a_client_that_never_catches_up_costs_no_more_than_the_limit() {
    let settings = Settings { output_limit: 8_000_000, ..Settings::default() };
    let mut server = Server::new(settings);
    let mut client = server.connect();
    let mut sent = 0usize;
    let mut read = 0;
    let start = resident();
    // More is unsent than the system takes at a time, so the output is never empty.
    server.until("300 MB", |_| {
        if client.unsent() == 0 && sent < read + 40_000_000 {
            client.send(get("/big").repeat(20));
            sent += 2_000_000;
        }
        client.send("");
        client.read_at_most(300_000);
        read += client.received.len();
        client.received.clear();
        read > 300_000_000
    });
    let grown = resident().saturating_sub(start);
    assert!(grown < 40_000_000, "{grown} bytes more than before");
}
