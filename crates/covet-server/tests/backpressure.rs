//! Clients that do not read, handlers that do not read, and what may pile up meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use covet_engine::handler::RequestKey;
use covet_server::{Command, Settings};
use support::{Client, Server, get, post};

#[test]
fn a_client_that_does_not_read_is_not_read_either() {
    let settings = Settings { output_limit: 200_000, ..Settings::default() };
    let mut server = Server::new(settings);
    let mut client = server.send(get("/big").repeat(2_000));
    server.settle();
    let called = server.handler.called.len();
    assert!(called < 500, "{called} responses of 100 kB went to a client that reads nothing");
    server.settle();
    assert_eq!(server.handler.called.len(), called, "nothing goes on by itself");

    let mut other = server.send(get("/done"));
    server.receive(&mut other, "/done");

    let mut received = 0;
    server.until("the rest", |_| {
        client.read();
        received += client.received.len();
        client.received.clear();
        received == 2_000 * (43 + 100_000)
    });
}

#[test]
fn parts_wait_for_the_client_and_say_when_they_have_left() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/pending"));
    let key = server.pending("/pending");
    let part = || Command::Part { key, bytes: vec![b'p'; 500_000] };
    let mut parts = 0;
    // As long as the system's buffers take it, a part leaves at once.
    while server.handler.drained.len() == parts {
        server.command(part());
        server.settle();
        parts += 1;
        assert!(parts < 100, "parts leave though nobody reads them");
    }
    assert_eq!(server.handler.drained.len(), parts - 1);
    server.until("the last part", |server| {
        client.read();
        server.handler.drained.len() == parts
    });
    server.command(Command::End { key, bytes: b"END".to_vec() });
    server.receive(&mut client, "END");
    assert_eq!(client.received.len(), parts * 500_000 + 3);
    assert!(server.handler.drained.iter().all(|drained| *drained == key));
}

#[test]
fn a_part_that_the_system_does_not_take_whole_has_not_left() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/pending"));
    let key = server.pending("/pending");
    server.command(Command::Part { key, bytes: vec![b'p'; 40_000_000] });
    server.settle();
    assert_eq!(server.handler.drained, []);
    server.until("the part", |server| {
        client.read();
        server.handler.drained == [key]
    });
}

#[test]
fn parts_of_a_later_response_wait_for_their_turn() {
    let mut server = Server::new(Settings::default());
    let mut client = server.send(get("/pending/1") + &get("/pending/2"));
    let second = server.pending("/pending/2");
    server.command(Command::Part { key: second, bytes: b"part".to_vec() });
    server.settle();
    client.read();
    assert_eq!(client.text(), "");
    assert_eq!(server.handler.drained, []);
    server.finish("/pending/1");
    server.receive(&mut client, "part");
    server.until("to be told", |server| server.handler.drained == [second]);
    server.command(Command::End { key: second, bytes: b"END".to_vec() });
    server.receive(&mut client, "partEND");
}

/// A server with a request whose handler has stopped reading, and a client with more to send.
fn paused(length: usize) -> (Server, Client, RequestKey) {
    let mut server = Server::new(Settings::default());
    server.handler.pauses = true;
    let mut client = server.send(post("/stream", length));
    client.send(vec![b'x'; length]);
    let key = server.pending("/stream");
    server.until("the first piece", |server| !server.handler.streamed.is_empty());
    (server, client, key)
}

const LENGTH: usize = 12_000_000;

#[test]
fn a_paused_body_is_not_read_until_it_is_resumed() {
    let (mut server, mut client, key) = paused(LENGTH);
    server.settle();
    client.send("");
    let before = server.handler.streamed.len();
    assert!(before <= 64 * 1024, "{before} bytes went to a handler that takes none");
    assert!(client.unsent() > 0, "the client was not held up");
    server.settle();
    assert_eq!(server.handler.streamed.len(), before);

    // Each piece pauses it again.
    server.until("the whole body", |server| {
        client.send("");
        server.command(Command::ResumeBody { key });
        server.handler.ended == [key]
    });
    assert_eq!(server.handler.streamed.len(), LENGTH);
    client.send(get("/done"));
    server.finish("/stream");
    server.receive(&mut client, "/done");
}

#[test]
fn a_response_ends_the_pause_and_the_rest_is_skipped() {
    let (mut server, mut client, _) = paused(LENGTH);
    server.finish("/stream");
    client.send(get("/done"));
    server.until("the next response", |_| {
        client.send("");
        client.read();
        client.text().contains("/done")
    });
    assert!(server.handler.streamed.len() <= 64 * 1024, "only the first piece was wanted");
    assert_eq!(client.bodies(), ["/stream", "/done"]);
}

#[test]
fn a_client_that_leaves_is_noticed_during_a_pause() {
    // So little that the system takes all of it: the end of the stream comes behind it.
    let (mut server, client, key) = paused(100_000);
    server.settle();
    assert_eq!(client.unsent(), 0);
    drop(client);
    server.until("to be told", |server| server.handler.disconnected == [key]);
    server.until_closed();
}

#[test]
fn a_client_that_leaves_is_noticed_when_all_its_requests_are_outstanding() {
    let mut server = Server::new(Settings { max_pipelined: 4, ..Settings::default() });
    let client = server.send(get("/pending").repeat(9));
    server.until("four calls", |server| server.handler.outstanding() == 4);
    drop(client);
    server.until("to be told", |server| server.handler.disconnected.len() == 4);
    server.until_closed();
    assert_eq!(server.handler.called.len(), 4);
}
