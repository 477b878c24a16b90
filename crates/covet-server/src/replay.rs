//! Requests without sockets, for measuring what a request costs apart from the kernel.

use std::{
    io,
    time::{Duration, Instant},
};

use covet_engine::{
    handler::{Handler, Local, Peer},
    router::Params,
};

use crate::{clock, conn::Conn, feed::Feeder, settings::Settings, stream::Stream};

const FOREVER: Duration = Duration::from_hours(24);

/// Feeds the same bytes to one connection `rounds` times, as if it had read them, and throws the
/// responses away; returns how many bytes those were.
///
/// # Errors
/// When the system has no descriptors left, or when the requests are not answered at once:
/// `WouldBlock` for handlers that wait, `InvalidData` for bytes that are not whole requests.
pub fn replay<H: Handler>(
    handler: &mut H,
    settings: &Settings,
    input: &[u8],
    rounds: usize,
) -> io::Result<usize> {
    // The socket stands for the client's and is neither read nor written.
    let (stream, _client) = mio::net::UnixStream::pair()?;
    let peer = Peer { client: None, server: Local::Unix(String::new()) };
    let mut conn = Conn::new(Stream::Unix(stream), peer, u32::MAX, 0);
    let (mut params, mut out, mut written) = (Params::default(), Vec::new(), 0);
    for _ in 0..rounds {
        let mut feeder = Feeder {
            handler: &mut *handler,
            settings,
            params: &mut params,
            out: &mut out,
            date: clock::date(),
            // A turn that has yet to begin is never over.
            now: Instant::now() + FOREVER,
            draining: false,
            budget: usize::MAX,
            reads: 0,
            suspended: 0,
        };
        let taken = feeder.feed(&mut conn, input);
        if feeder.suspended > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if taken < input.len() || conn.last {
            return Err(io::ErrorKind::InvalidData.into());
        }
        written += out.len();
        out.clear();
    }
    Ok(written)
}
