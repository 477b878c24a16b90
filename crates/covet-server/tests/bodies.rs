//! Request bodies: collected, streamed, skipped, asked for, refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use covet_server::{Command, Settings};
use covet_wire::http1::Limits;
use support::{Server, get, post};

const EXPECT: &str = "expect: 100-continue\r\n";

/// The head of a POST with a chunked body.
fn chunked(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
}

/// The head of a POST whose client waits to be asked for four bytes.
fn expecting(path: &str) -> String {
    post(path, 4).replacen("host", &format!("{EXPECT}host"), 1)
}

#[test]
fn bodies_come_whole_however_they_are_cut() {
    let chunks = "3;name=value\r\nabc\r\n2\r\nde\r\n0\r\ntrailer: x\r\n\r\n";
    let request = chunked("/echo") + chunks + &get("/done");
    for at in 1..request.len() {
        let mut server = Server::new(Settings::default());
        let mut client = server.send(&request[..at]);
        server.settle();
        client.send(&request[at..]);
        server.receive(&mut client, "/done");
        assert_eq!(client.bodies(), ["abcde", "/done"], "split at {at}");
    }
}

#[test]
fn every_route_finds_the_next_request() {
    for (path, answered) in [("/done", true), ("/nothing", true), ("/early", true)] {
        let mut server = Server::new(Settings::default());
        let body = "GET /smuggled HTTP/1.1\r\n\r\n";
        let mut client = server.send(post(path, body.len()) + body + &get("/done/next"));
        server.receive(&mut client, "/done/next");
        assert_eq!(client.bodies().len(), 2, "{path}");
        assert_eq!(answered, !client.text().contains("smuggled"));
    }
}

#[test]
fn a_body_that_is_asked_for() {
    for path in ["/echo", "/stream"] {
        let mut server = Server::new(Settings::default());
        let mut client = server.send(get("/done"));
        server.receive(&mut client, "/done");
        // Nothing but this request may be what makes the server write.
        server.settle();
        client.send(expecting(path));
        server.receive(&mut client, "HTTP/1.1 100 Continue\r\n\r\n");
        client.send("body");
        if path == "/stream" {
            server.until("the body", |server| server.handler.ended.len() == 1);
            server.finish(path);
        }
        server.until("the answer", |_| {
            client.read();
            client.statuses() == [200, 100, 200]
        });
    }
}

#[test]
fn a_body_is_asked_for_after_the_responses_before_it() {
    for path in ["/echo", "/stream"] {
        let mut server = Server::new(Settings::default());
        let mut client = server.send(get("/pending") + &expecting(path));
        let key = server.pending("/pending");
        server.settle();
        server.command(Command::Part { key, bytes: b"HTTP/1.1 200 OK\r\n".to_vec() });
        server.settle();
        server.command(Command::Part { key, bytes: b"content-length: 3\r\n\r\n".to_vec() });
        server.settle();
        server.command(Command::End { key, bytes: b"one".to_vec() });
        server.receive(&mut client, "100 Continue\r\n\r\n");
        let expected =
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\noneHTTP/1.1 100 Continue\r\n\r\n";
        assert_eq!(client.text(), expected, "{path}");
        client.send("body");
        if path == "/stream" {
            server.finish(path);
        }
        server.until("the answer", |_| {
            client.read();
            client.statuses() == [200, 100, 200]
        });
    }
}

#[test]
fn a_body_that_is_not_wanted_is_not_asked_for() {
    for (path, status) in [("/done", 200), ("/nothing", 404), ("/early", 200)] {
        for before in ["", "/pending"] {
            let mut server = Server::new(Settings::default());
            let first = if before.is_empty() { String::new() } else { get(before) };
            // It cannot be known whether the body follows, so nothing after it can be read.
            let mut client = server.send(first + &expecting(path));
            if !before.is_empty() {
                server.settle();
                server.finish(before);
            }
            server.receive_all(&mut client);
            let statuses = client.statuses();
            assert_eq!(statuses.last(), Some(&status), "{path}");
            assert_eq!(statuses.len(), 1 + usize::from(!before.is_empty()));
            if path == "/done" {
                assert_eq!(server.handler.keep_alive, Some(false));
            } else {
                assert!(client.text().contains("connection: close\r\n"), "{path} says so");
            }
        }
    }
}

#[test]
fn a_body_that_is_there_is_not_asked_for() {
    for path in ["/echo", "/stream", "/done"] {
        let mut server = Server::new(Settings::default());
        let mut client = server.send(expecting(path) + "body" + &get("/done/next"));
        if path == "/stream" {
            server.finish(path);
        }
        server.receive(&mut client, "/done/next");
        assert_eq!(client.statuses(), [200, 200], "{path}");
    }
}

#[test]
fn bodies_over_the_limit() {
    let limits = Limits { max_body: 10, ..Limits::default() };
    let chunks = "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n";
    // Path, request, statuses: a request has one answer, whatever comes of its body.
    let table = [
        (post("/echo", 11), vec![413]),
        (post("/stream", 11), vec![413]),
        (post("/done", 11), vec![413]),
        (chunked("/echo") + chunks, vec![413]),
        (chunked("/stream") + chunks, vec![413]),
        (chunked("/done") + chunks, vec![200]),
        (chunked("/early") + chunks, vec![200]),
        (chunked("/echo") + "no size\r\n", vec![400]),
        (chunked("/stream") + "no size\r\n", vec![400]),
        (chunked("/done") + "no size\r\n", vec![200]),
    ];
    for (request, statuses) in table {
        let mut server = Server::new(Settings { limits, ..Settings::default() });
        let mut client = server.send(&request);
        server.receive_all(&mut client);
        assert_eq!(client.statuses(), statuses, "{request}");
        drop(client);
        server.until_closed();
        assert_eq!(server.handler.outstanding(), 0, "{request}");
    }
}

#[test]
fn a_response_that_has_begun_is_cut_when_its_body_breaks_the_rules() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(chunked("/stream"));
    let key = server.pending("/stream");
    server.command(Command::Part { key, bytes: b"HTTP/1.1 200 OK\r\n".to_vec() });
    server.receive(&mut client, "HTTP/1.1 200 OK\r\n");
    client.send("no size\r\n");
    assert_eq!(server.receive_all(&mut client), "HTTP/1.1 200 OK\r\n");
    assert_eq!(server.handler.disconnected, [key]);
}

/// The head of a POST with a body of that length, after which the connection ends.
fn last_post(path: &str, length: usize) -> String {
    post(path, length).replacen("host", "connection: close\r\nhost", 1)
}

#[test]
fn the_last_answer_reaches_a_client_that_is_still_sending() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(last_post("/early", 600_000) + "some");
    server.settle();
    for _ in 0..3 {
        // A connection that is closed would answer with a reset, and what the client has not read
        // by then may be lost.
        client.send(vec![b'x'; 100_000]);
        server.settle();
    }
    assert!(!client.is_reset());
    assert_eq!(server.receive_all(&mut client).matches("/early").count(), 1);
    drop(client);
    server.until_closed();
}

#[test]
fn a_client_that_goes_on_sending_is_cut_at_last() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(last_post("/early", 16_000_000));
    server.receive(&mut client, "/early");
    let mut sent = 0;
    server.until("the end", |server| {
        if client.unsent() == 0 {
            client.send(vec![b'x'; 100_000]);
            sent += 100_000;
        }
        client.send("");
        server.reactor.connections() == 0
    });
    assert!(sent < 15_000_000, "{sent} bytes were taken");
}

#[test]
fn a_client_that_leaves_amid_its_body() {
    for path in ["/echo", "/stream", "/done"] {
        let mut server = Server::new(Settings::default());
        let client = server.send(post(path, 100) + "half");
        server.until("the connection", |server| server.reactor.connections() == 1);
        server.settle();
        drop(client);
        server.until_closed();
        assert!(!server.handler.called.contains(&"/echo".to_owned()));
        assert_eq!(server.handler.disconnected.len(), usize::from(path == "/stream"));
        assert!(server.handler.ended.is_empty());
    }
}
