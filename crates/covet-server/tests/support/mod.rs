//! A reactor with a handler written in Rust, and clients on real loopback sockets.
//!
//! Everything is on one thread: a client's call returns at once, and [`Server::until`] gives the
//! reactor its turns. Nothing depends on how fast the machine is.

#![allow(dead_code, reason = "each test file uses its own part")]

mod client;
mod handler;

use std::{
    net::{Ipv4Addr, SocketAddr},
    thread,
    time::{Duration, Instant},
};

use covet_engine::handler::{Local, RequestKey};
use covet_server::{Command, Listener, Reactor, Settings, Turn};

pub(crate) use client::Client;
pub(crate) use handler::Scripted;

/// How long something that should happen is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) reactor: Reactor,
    pub(crate) handler: Scripted,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut reactor = Reactor::new(settings).unwrap();
        let listener = Listener::tcp("127.0.0.1", 0, 128).unwrap();
        let Local::Tcp(address) = listener.local().unwrap() else { unreachable!() };
        assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
        reactor.listen(listener).unwrap();
        Self { reactor, handler: Scripted::default(), address }
    }

    /// A connection the server may not have accepted yet.
    pub(crate) fn connect(&self) -> Client {
        Client::new(self.address)
    }

    /// A connection that has sent `bytes`.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Client {
        let mut client = self.connect();
        client.send(bytes);
        client
    }

    pub(crate) fn turn(&mut self) -> Turn {
        self.reactor.turn(&mut self.handler).unwrap()
    }

    /// Gives the reactor turns until it is idle, and the sockets time to carry what was written.
    pub(crate) fn settle(&mut self) {
        for _ in 0..5 {
            while self.turn() == Turn::Again {}
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Gives the reactor turns until `is_done`.
    pub(crate) fn until(&mut self, what: &str, mut is_done: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_done(self) {
            assert!(start.elapsed() < PATIENCE, "still waiting for {what}");
            if self.turn() == Turn::Idle {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Like [`until`](Self::until), with the ticks that the owner of a reactor gives it.
    pub(crate) fn until_ticking(&mut self, what: &str, mut is_done: impl FnMut(&mut Self) -> bool) {
        self.until(what, |server| {
            server.reactor.tick(&mut server.handler);
            is_done(server)
        });
    }

    /// Everything the client gets until the text is among it.
    pub(crate) fn receive(&mut self, client: &mut Client, text: &str) {
        self.until(text, |_| {
            client.read();
            client.text().contains(text)
        });
    }

    /// Everything the client gets until the server closes.
    pub(crate) fn receive_all(&mut self, client: &mut Client) -> String {
        self.until("the end of the connection", |_| client.read());
        client.text()
    }

    /// The key of the request for this path, once it is outstanding.
    pub(crate) fn pending(&mut self, path: &str) -> RequestKey {
        self.until(path, |server| server.handler.pending(path).is_some());
        self.handler.pending(path).unwrap()
    }

    /// Answers an outstanding request with its path.
    pub(crate) fn finish(&mut self, path: &str) {
        let key = self.pending(path);
        self.command(Command::End { key, bytes: handler::response(path.as_bytes()) });
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.reactor.obey([command]);
    }

    pub(crate) fn until_closed(&mut self) {
        self.until("no connection", |server| server.reactor.connections() == 0);
    }
}

/// Settings with which no test waits long for a time-out.
pub(crate) fn hasty() -> Settings {
    let short = Duration::from_millis(50);
    Settings {
        header_timeout: short,
        body_timeout: short,
        write_timeout: short,
        keep_alive_timeout: short,
        ..Settings::default()
    }
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

/// The head of a POST with a body of that length.
pub(crate) fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n")
}
