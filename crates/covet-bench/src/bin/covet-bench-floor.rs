//! The floor under every peer: answers `Hello, World!` to anything and calls nothing.
//!
//! It counts the blank lines that end request heads and writes as many prebuilt responses.
//! What it reaches is what sockets cost on this machine; no HTTP server can be quicker.
//! `covet-bench-floor PORT`

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use memchr::memmem::Finder;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

const LISTENER: Token = Token(usize::MAX);
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
Content-Length: 13\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nHello, World!";
const END: &[u8] = b"\r\n\r\n";

fn main() -> io::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "--version" {
        println!("covet-bench {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    let port: u16 = argument.parse().map_err(io::Error::other)?;
    serve(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn serve(address: SocketAddr) -> io::Result<()> {
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; 256 * 1024];
    let mut clients: Vec<Option<Client>> = Vec::new();
    let finder = Finder::new(END);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, poll.registry(), &mut clients)?;
            } else if let Some(slot) = clients.get_mut(event.token().0)
                && let Some(client) = slot
                && client.turn(&mut buffer, &finder, event.is_read_closed()).is_err()
            {
                *slot = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    registry: &Registry,
    clients: &mut Vec<Option<Client>>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let free = clients.iter().position(Option::is_none).unwrap_or_else(|| {
                    clients.push(None);
                    clients.len() - 1
                });
                let interest = Interest::READABLE | Interest::WRITABLE;
                registry.register(&mut stream, Token(free), interest)?;
                clients[free] = Some(Client { stream, tail: Vec::new(), unsent: Vec::new() });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

struct Client {
    stream: TcpStream,
    /// The last bytes read, which may begin a blank line.
    tail: Vec<u8>,
    unsent: Vec<u8>,
}

impl Client {
    /// Answers all there is; an error ends the connection.
    fn turn(&mut self, buffer: &mut [u8], finder: &Finder<'_>, ended: bool) -> io::Result<()> {
        self.flush()?;
        while self.unsent.is_empty() {
            let kept = self.tail.len();
            buffer[..kept].copy_from_slice(&self.tail);
            let filled = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => kept + n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            self.answer(&buffer[..filled], finder);
            self.flush()?;
            if filled < buffer.len() && !ended {
                break;
            }
        }
        Ok(())
    }

    fn answer(&mut self, bytes: &[u8], finder: &Finder<'_>) {
        let mut end = 0;
        for found in finder.find_iter(bytes) {
            self.unsent.extend_from_slice(RESPONSE);
            end = found + END.len();
        }
        let tail = bytes.len().saturating_sub(END.len() - 1).max(end);
        self.tail.clear();
        self.tail.extend_from_slice(&bytes[tail..]);
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
