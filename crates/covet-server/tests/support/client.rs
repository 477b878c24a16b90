//! A client that never blocks, so that it can share a thread with the server.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

pub(crate) struct Client {
    socket: TcpStream,
    unsent: Vec<u8>,
    pub(crate) received: Vec<u8>,
    ended: bool,
    is_reset: bool,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, unsent: Vec::new(), received: Vec::new(), ended: false, is_reset: false }
    }

    /// Sends what the socket takes; the rest goes with the next call.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.unsent.extend_from_slice(bytes.as_ref());
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.is_reset = true;
                    self.unsent.clear();
                }
            }
        }
    }

    /// Whether the server refused what was sent.
    pub(crate) fn is_reset(&self) -> bool {
        self.is_reset
    }

    /// Bytes that the server's side has no room for yet.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Takes what has arrived; `true` once the server has closed.
    pub(crate) fn read(&mut self) -> bool {
        self.read_at_most(usize::MAX)
    }

    pub(crate) fn read_at_most(&mut self, limit: usize) -> bool {
        let mut buffer = vec![0; limit.min(64 * 1024)];
        let mut left = limit;
        while left > 0 && !self.ended {
            let room = left.min(buffer.len());
            match self.socket.read(&mut buffer[..room]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.received.extend_from_slice(&buffer[..count]);
                    left -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.ended = true,
            }
        }
        self.ended
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }

    /// The statuses of the responses so far, interim ones among them.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let text = self.text();
        let heads = text.split("HTTP/1.1 ").skip(1);
        heads.map(|head| head[..3].parse().unwrap()).collect()
    }

    /// The bodies of the responses so far, all of which have a `content-length`.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let mut rest = &self.received[..];
        let mut bodies = Vec::new();
        while let Some(end) = rest.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let length = head.rsplit_once("content-length: ").map_or("0", |(_, after)| after);
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            let Some(body) = rest.get(end + 4..end + 4 + length) else { break };
            bodies.push(String::from_utf8_lossy(body).into_owned());
            rest = &rest[end + 4 + length..];
        }
        bodies
    }

    /// Says that nothing more will be sent, and goes on listening.
    pub(crate) fn half_close(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }
}
