//! A server that misbehaves as told, in threads of the test.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use covet_bench::load::Plan;
use covet_bench::request::{Request, Target};

/// What is written for the `n`th request of a connection (from 0), piece by piece. After no
/// pieces at all the connection is closed.
pub(crate) type Script = fn(connection: usize, n: usize) -> Vec<Vec<u8>>;

/// Starts a server for as long as the test runs; returns its address.
pub(crate) fn serve(script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            // A client that has gone away ends its connection, which is what it wanted.
            thread::spawn(move || converse(stream.unwrap(), connection, script).ok());
        }
    });
    address
}

fn converse(mut stream: TcpStream, connection: usize, script: Script) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut pending, mut chunk, mut answered) = (Vec::new(), [0; 4096], 0);
    loop {
        while let Some(end) = pending.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            pending.drain(..end + 4);
            let pieces = script(connection, answered);
            if pieces.is_empty() {
                return Ok(());
            }
            for piece in pieces {
                stream.write_all(&piece)?;
            }
            answered += 1;
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            n => pending.extend_from_slice(&chunk[..n]),
        }
    }
}

/// A whole response.
pub(crate) fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// A short run against `address`.
pub(crate) fn plan(address: SocketAddr, pipeline: usize) -> Plan {
    Plan {
        target: Target::local(address.port(), "/"),
        request: Request::default(),
        expect: None,
        connections: 4,
        pipeline,
        warmup: Duration::from_millis(20),
        window: Duration::from_millis(150),
        server: Some(std::process::id()),
    }
}
