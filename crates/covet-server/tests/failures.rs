//! Panics, aborts and clients that leave: one request or connection ends, the others live.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::panic;

use covet_server::{Command, Settings};
use support::{Server, get, post};

/// Panics of the handler are part of these tests, not news.
fn quietly() {
    panic::set_hook(Box::new(|_| {}));
}

#[test]
fn a_panic_is_the_end_of_its_request_only() {
    quietly();
    let broken = |path: &str| get(path);
    for request in [
        broken("/panic"),
        broken("/half"),
        broken("/panic-in-find"),
        post("/panic", 3) + "abc",
        post("/half", 3) + "abc",
        post("/panic-in-find", 3) + "abc",
    ] {
        for before in [String::new(), get("/pending")] {
            let mut server = Server::new(Settings::default());
            let waits = !before.is_empty();
            let mut client = server.send(before + &request + &get("/done"));
            if waits {
                server.finish("/pending");
            }
            server.receive(&mut client, "/done");
            let expected: &[u16] = if waits { &[200, 500, 200] } else { &[500, 200] };
            assert_eq!(client.statuses(), expected, "{request}");
            assert!(!client.text().contains("content-le\r\n"), "half a response was sent");
        }
    }
}

#[test]
fn a_panic_of_a_handler_that_is_told_something_ends_its_connection_only() {
    quietly();
    let mut server = Server::new(Settings::default());
    let client = server.send(get("/pending/panic") + &get("/pending/2"));
    let second = server.pending("/pending/2");
    let mut other = server.send(get("/pending/3"));
    server.pending("/pending/3");
    drop(client);
    server.until("one connection", |server| server.reactor.connections() == 1);
    assert!(server.handler.disconnected.contains(&second));
    server.finish("/pending/3");
    server.receive(&mut other, "/pending/3");
    assert_eq!(server.reactor.connections(), 1);
}

#[test]
fn a_response_that_breaks_off_cuts_the_connection() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/pending/1") + &get("/pending/2") + &get("/pending/3"));
    let (first, second) = (server.pending("/pending/1"), server.pending("/pending/2"));
    let third = server.pending("/pending/3");
    server.command(Command::Part { key: second, bytes: b"half".to_vec() });
    server.command(Command::Abort { key: second });
    server.settle();
    assert!(!client.read(), "the first response comes before");
    server.command(Command::End { key: first, bytes: b"whole".to_vec() });
    assert_eq!(server.receive_all(&mut client), "wholehalf");
    assert_eq!(server.handler.disconnected, [third], "nobody waits for the third any more");
    server.until_closed();
}

#[test]
fn nothing_is_read_after_a_response_broke_off() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/pending"));
    let key = server.pending("/pending");
    client.send(get("/done"));
    server.command(Command::Abort { key });
    assert_eq!(server.receive_all(&mut client), "");
    server.until_closed();
    assert!(server.handler.called.len() <= 2);
}

#[test]
fn clients_that_leave() {
    let mut server = Server::new(Settings::default());
    let client = server.send(get("/pending/1") + &get("/pending/2"));
    let keys = [server.pending("/pending/1"), server.pending("/pending/2")];
    drop(client);
    server.until("to be told", |server| server.handler.disconnected == keys);
    server.until_closed();
    for key in keys {
        server.command(Command::End { key, bytes: b"late".to_vec() });
    }
    server.settle();
    assert_eq!(server.reactor.in_flight(), 0);
}

#[test]
fn a_client_that_leaves_as_soon_as_it_has_asked() {
    let mut server = Server::new(Settings::default());
    let mut client = server.connect();
    server.settle();
    // Both are announced at once, and reading the request takes all that is there.
    client.send(get("/pending"));
    drop(client);
    server.until("to be told", |server| server.handler.disconnected.len() == 1);
    server.until_closed();
}

#[test]
fn a_client_that_closes_its_side_gets_what_is_complete() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/big").repeat(40) + &get("/done"));
    client.half_close();
    server.receive_all(&mut client);
    assert_eq!(client.bodies().len(), 41);

    let mut client = server.send(get("/done") + &get("/pending") + &get("/done"));
    client.half_close();
    server.receive_all(&mut client);
    assert_eq!(client.bodies(), ["/done"]);
    assert_eq!(server.handler.disconnected.len(), 1);
    server.until_closed();
}

#[test]
fn many_connections_that_come_and_go_leave_nothing() {
    let mut server = Server::new(Settings::default());
    for round in 0..50u8 {
        let mut clients: Vec<_> = (0..10).map(|_| server.send(get("/pending"))).collect();
        server.until("all calls", |server| server.handler.outstanding() == 10);
        for client in clients.drain(..usize::from(round % 10)) {
            drop(client);
        }
        drop(clients);
        server.until_closed();
        assert_eq!(server.handler.outstanding(), 0);
    }
    assert_eq!(server.handler.disconnected.len(), 500);
}
