//! One keep-alive connection: what it has still to send and what it waits for.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// A connection of the load generator.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// The start of a response whose rest has not arrived.
    carry: Vec<u8>,
    /// Bytes of the current batch already sent.
    sent: usize,
    /// Responses the current batch still waits for.
    pub(super) awaiting: usize,
    /// When the current batch was begun.
    pub(super) sent_at: Instant,
    /// Whether a response has come since this was last set to `false`.
    pub(super) progressed: bool,
    /// Whether the server announced that it closes this connection.
    pub(super) closing: bool,
}

impl Connection {
    /// Begins to connect; the first batch goes out when the socket turns writable.
    pub(super) fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        // Fails only where the socket has failed already, which the next event tells.
        let _ = stream.set_nodelay(true);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self {
            stream,
            carry: Vec::new(),
            sent: 0,
            awaiting: 0,
            sent_at: Instant::now(),
            progressed: true,
            closing: false,
        })
    }

    /// Begins a batch of `count` requests and sends what the socket takes.
    pub(super) fn begin(&mut self, batch: &[u8], count: usize, now: Instant) -> io::Result<()> {
        self.awaiting = count;
        self.sent = 0;
        self.sent_at = now;
        self.flush(batch)
    }

    /// Sends what is left of the batch, as far as the socket takes it.
    pub(super) fn flush(&mut self, batch: &[u8]) -> io::Result<()> {
        while self.awaiting > 0 && self.sent < batch.len() {
            match self.stream.write(&batch[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once into `scratch`, behind what was kept of a response; grows it if it is full.
    /// Returns how much of `scratch` is filled, `None` if nothing is there now.
    pub(super) fn fill(&mut self, scratch: &mut Vec<u8>) -> io::Result<Option<usize>> {
        let kept = self.carry.len();
        if kept == scratch.len() {
            scratch.resize(2 * kept, 0);
        }
        loop {
            return match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    scratch[..kept].copy_from_slice(&self.carry);
                    self.carry.clear();
                    Ok(Some(kept + n))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// Keeps the start of a response for the next [`fill`](Self::fill).
    pub(super) fn keep(&mut self, rest: &[u8]) {
        self.carry.extend_from_slice(rest);
    }
}
