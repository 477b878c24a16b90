//! The limits of a server. Each one is a bound on something that would otherwise grow.

use std::time::Duration;

use covet_wire::http1::Limits;

/// The limits of one [`Reactor`](crate::Reactor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Sizes of heads, targets, header counts and bodies.
    pub limits: Limits,
    /// Open connections; further ones wait in the listen queue.
    pub max_connections: usize,
    /// Requests of one connection that may be outstanding; further ones stay unread.
    pub max_pipelined: usize,
    /// Unsent bytes of one connection above which it is read no further.
    pub output_limit: usize,
    /// From the first byte of a head (or from the accept) to its last.
    pub header_timeout: Duration,
    /// Between two pieces of a body.
    pub body_timeout: Duration,
    /// Between two writes that the client takes bytes from.
    pub write_timeout: Duration,
    /// Between a response and the next request.
    pub keep_alive_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_connections: 10_000,
            max_pipelined: 64,
            output_limit: 1 << 20,
            header_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_mins(1),
            keep_alive_timeout: Duration::from_secs(75),
        }
    }
}
