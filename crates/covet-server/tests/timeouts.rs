//! Time-outs, limits on connections, and the end of the server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::time::Duration;

use covet_server::{Command, Settings, Turn};
use support::{Server, get, hasty, post};

#[test]
fn what_was_begun_is_answered_and_what_was_not_is_closed() {
    let chunked = "POST /echo HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab";
    // What arrives, and the statuses that come before the end.
    let table: &[(&str, &[u16])] = &[
        ("", &[]),
        ("GET", &[408]),
        ("GET / HTTP/1.1\r\nhost: h\r\n", &[408]),
        (&get("/done"), &[200]),
        (&(get("/done") + "GET /done HT"), &[200, 408]),
        (&(get("/done") + "\r\n"), &[200]),
        (&post("/echo", 10), &[408]),
        (&(post("/echo", 10) + "half"), &[408]),
        (chunked, &[408]),
        (&(post("/stream", 10) + "half"), &[408]),
        (&(post("/done", 10) + "half"), &[200]),
        (&(post("/early", 10) + "half"), &[200]),
    ];
    for (bytes, statuses) in table {
        let mut server = Server::new(hasty());
        let mut client = server.send(bytes);
        server.until_ticking("the end", |_| client.read());
        assert_eq!(client.statuses(), *statuses, "{bytes:?}");
        drop(client);
        server.until_closed();
        assert_eq!(server.handler.outstanding(), 0);
    }
}

#[test]
fn a_head_has_one_deadline_however_it_trickles() {
    let mut server = Server::new(hasty());
    let mut client = server.send("GET /done HTTP/1.1\r\nhost: h\r\n");
    let mut sent = 0;
    server.until_ticking("the end", |_| {
        client.send("a: b\r\n");
        sent += 1;
        client.read()
    });
    assert_eq!(client.statuses(), [408]);
    assert!(sent > 2);
}

#[test]
fn a_body_that_keeps_coming_has_none() {
    let settings = Settings { body_timeout: Duration::from_millis(400), ..Settings::default() };
    let mut server = Server::new(settings);
    let mut client = server.send(post("/echo", 50));
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(20));
        client.send("x");
        server.turn();
        server.reactor.tick(&mut server.handler);
    }
    server.receive(&mut client, &"x".repeat(50));
}

#[test]
fn handlers_may_take_their_time() {
    let mut server = Server::new(hasty());
    server.handler.pauses = true;
    let mut client = server.send(get("/pending"));
    let mut paused = server.send(post("/stream", 100_000) + &"x".repeat(100_000));
    let key = server.pending("/stream");
    server.pending("/pending");
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(20));
        server.reactor.tick(&mut server.handler);
        server.turn();
    }
    assert_eq!(server.reactor.connections(), 2);
    server.finish("/pending");
    server.receive(&mut client, "/pending");
    server.handler.pauses = false;
    server.command(Command::ResumeBody { key });
    server.until("the body", |server| server.handler.ended == [key]);
    server.finish("/stream");
    server.receive(&mut paused, "/stream");
}

#[test]
fn a_client_that_sends_but_does_not_read_runs_out_of_time() {
    let settings = Settings {
        write_timeout: Duration::from_millis(300),
        output_limit: 10_000_000,
        ..Settings::default()
    };
    let mut server = Server::new(settings);
    let mut client = server.send(get("/big").repeat(80));
    server.until("a full socket", |server| server.handler.called.len() == 80);
    // Below the limit it is still read, and that must not count as taking the responses.
    server.until_ticking("the end", |server| {
        client.send(get("/done"));
        std::thread::sleep(Duration::from_millis(10));
        server.reactor.connections() == 0
    });
}

#[test]
fn a_stream_to_a_client_that_does_not_read_is_cut() {
    let mut server = Server::new(hasty());
    let client = server.send(get("/pending"));
    let key = server.pending("/pending");
    server.command(Command::Part { key, bytes: vec![b'x'; 20_000_000] });
    server.until_ticking("to be told", |server| server.handler.disconnected == [key]);
    assert_eq!(server.reactor.connections(), 0);
    drop(client);
}

#[test]
fn connections_beyond_the_limit_wait() {
    let mut server = Server::new(Settings { max_connections: 2, ..Settings::default() });
    let mut clients: Vec<_> = (0..5).map(|_| server.send(get("/done"))).collect();
    server.settle();
    assert_eq!(server.reactor.connections(), 2);
    for left in (0..5).rev() {
        let mut first = clients.remove(0);
        server.receive(&mut first, "/done");
        drop(first);
        server.until("room", |server| server.reactor.connections() == left.min(2));
    }
    assert_eq!(server.handler.called.len(), 5);
}

#[test]
fn stopping_ends_what_is_idle_and_lets_the_rest_finish() {
    let mut server = Server::new(Settings::default());
    let mut idle = server.send(get("/done"));
    server.receive(&mut idle, "/done");
    let mut busy = server.send(get("/pending"));
    server.pending("/pending");
    let mut begun = server.send("GET /done/begun HTTP/1.1\r\n");
    server.settle();

    server.reactor.stop_listening();
    server.until("the idle one", |_| idle.read());
    assert_eq!(server.reactor.in_flight(), 1);
    assert!(!busy.read());
    begun.send("host: h\r\n\r\n");
    server.receive_all(&mut begun);
    assert_eq!(begun.bodies(), ["/done/begun"]);
    assert_eq!(server.handler.keep_alive, Some(false));
    server.finish("/pending");
    server.receive_all(&mut busy);
    assert_eq!(busy.bodies(), ["/pending"]);
    server.until_closed();
    assert!(std::net::TcpStream::connect(server.address).is_err(), "it still listens");
    assert_eq!(server.turn(), Turn::Idle);
}

#[test]
fn closing_tells_every_handler() {
    let mut server = Server::new(Settings::default());
    let mut clients: Vec<_> =
        (0..3).map(|_| server.send(get("/pending") + &get("/pending"))).collect();
    server.until("all calls", |server| server.handler.outstanding() == 6);
    server.reactor.close_all(&mut server.handler);
    assert_eq!(server.handler.disconnected.len(), 6);
    assert_eq!(server.reactor.connections(), 0);
    for client in &mut clients {
        assert_eq!(server.receive_all(client), "");
    }
}
