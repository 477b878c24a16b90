//! Requests of one connection: concurrent, bounded, answered in their order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use covet_server::{Command, Settings, Turn};
use support::{Server, get, post};

#[test]
fn responses_leave_in_the_order_of_the_requests() {
    let mut server = Server::new(Settings::default());
    let paths = ["/done/1", "/pending/2", "/nothing", "/pending/3", "/done/4", "/panic", "/done/5"];
    let mut client = server.send(paths.map(get).concat());
    server.receive(&mut client, "/done/1");
    server.until("all calls", |server| server.handler.called.len() == 6);
    assert_eq!(client.bodies(), ["/done/1"], "the second is not answered");
    server.finish("/pending/3");
    server.settle();
    client.read();
    assert_eq!(client.bodies(), ["/done/1"], "the third waits for the second");
    server.finish("/pending/2");
    server.receive(&mut client, "/done/5");
    let detail = |text| format!(r#"{{"detail":"{text}"}}"#);
    let (missing, broken) = (detail("Not Found"), detail("Internal Server Error"));
    let expected = ["/done/1", "/pending/2", &missing, "/pending/3", "/done/4", &broken, "/done/5"];
    assert_eq!(client.bodies(), expected);
    assert_eq!(server.reactor.in_flight(), 0);
}

#[test]
fn splits_do_not_matter() {
    let requests = format!("{}{}abc{}", get("/done/1"), post("/echo", 3), get("/done/2"));
    for at in 1..requests.len() {
        let mut server = Server::new(Settings::default());
        let mut client = server.send(&requests[..at]);
        server.settle();
        client.send(&requests[at..]);
        server.receive(&mut client, "/done/2");
        assert_eq!(client.bodies(), ["/done/1", "abc", "/done/2"], "split at {at}");
    }
}

#[test]
fn no_more_requests_are_outstanding_than_allowed() {
    let mut server = Server::new(Settings { max_pipelined: 3, ..Settings::default() });
    let paths: Vec<_> = (0..10).map(|number| format!("/pending/{number}")).collect();
    let mut client = server.send(paths.iter().map(|path| get(path)).collect::<String>());
    server.until("three calls", |server| server.handler.called.len() == 3);
    server.settle();
    assert_eq!(server.handler.called, paths[..3], "the others are not read");
    assert_eq!(server.reactor.in_flight(), 3);
    server.finish("/pending/1");
    server.settle();
    assert_eq!(server.handler.called.len(), 3, "a response that cannot leave makes no room");
    for path in &paths {
        if path != "/pending/1" {
            server.finish(path);
        }
    }
    server.receive(&mut client, "/pending/9");
    assert_eq!(client.bodies(), paths);
}

#[test]
fn a_body_is_read_though_its_own_request_is_the_last_that_is_allowed() {
    let mut server = Server::new(Settings { max_pipelined: 1, ..Settings::default() });
    let mut client = server.send(post("/stream", 4) + "body" + &get("/done"));
    server.until("the body", |server| server.handler.ended.len() == 1);
    assert_eq!(server.handler.streamed, b"body");
    assert_eq!(server.handler.called, ["/stream"]);
    server.finish("/stream");
    server.receive(&mut client, "/done");
}

#[test]
fn what_is_no_request_ends_the_connection_in_its_turn() {
    let mut server = Server::new(Settings::default());
    let mut client =
        server.send(get("/pending") + &get("/done") + "NOT HTTP\r\n\r\n" + &get("/done"));
    server.pending("/pending");
    server.settle();
    assert!(!client.read());
    server.finish("/pending");
    server.receive_all(&mut client);
    assert_eq!(client.statuses(), [200, 200, 400]);
    assert!(client.text().contains("connection: close"));
}

#[test]
fn nothing_is_read_after_the_last_request() {
    let mut server = Server::new(Settings::default());
    let last = "GET /pending HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let mut client = server.send(last.to_owned() + &get("/done"));
    server.finish("/pending");
    server.receive_all(&mut client);
    assert_eq!(server.handler.called, ["/pending"]);
    assert_eq!(client.bodies(), ["/pending"]);
}

#[test]
fn keys_of_other_connections_and_of_answered_requests_do_nothing() {
    let mut server = Server::new(Settings::default());
    let mut first = server.send(get("/pending/first"));
    let key = server.pending("/pending/first");
    server.finish("/pending/first");
    server.receive(&mut first, "/pending/first");
    drop(first);
    server.until_closed();

    let mut second = server.send(get("/pending/second"));
    let reused = server.pending("/pending/second");
    assert_eq!(key.connection, reused.connection, "the index is used again");
    let stray = || b"stray".to_vec();
    server.command(Command::Part { key, bytes: stray() });
    server.command(Command::End { key, bytes: stray() });
    server.command(Command::Abort { key });
    server.finish("/pending/second");
    server.receive(&mut second, "/pending/second");
    server.command(Command::End { key: reused, bytes: stray() });
    server.settle();
    second.read();
    assert_eq!(second.bodies(), ["/pending/second"]);
    assert!(!second.text().contains("stray"));
}

#[test]
fn a_flood_on_one_connection_leaves_the_others_their_turn() {
    let mut server = Server::new(Settings::default());
    let mut flood = server.send(get("/mute").repeat(20_000));
    server.turn();
    let mut other = server.send(get("/done"));
    let mut turns = 0;
    while !other.text().contains("/done") {
        server.turn();
        other.read();
        turns += 1;
        assert!(turns < 100, "the flood goes first");
    }
    let before = server.handler.called.iter().filter(|path| *path == "/mute").count();
    assert!(before < 20_000, "the flood was over before the other connection came");
    server.until("the rest of the flood", |_| {
        flood.send("");
        flood.read();
        flood.received.len() == 20_000 * 43
    });
}

#[test]
fn slow_handlers_end_a_turn() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/slow").repeat(100));
    server.until("the first calls", |server| !server.handler.called.is_empty());
    // At a millisecond each, a turn without an eye on the clock would serve all of them.
    assert!(server.handler.called.len() <= 24, "{}", server.handler.called.len());
    assert_eq!(server.turn(), Turn::Again);
    server.until("all", |_| {
        client.read();
        client.bodies().len() == 100
    });
}
