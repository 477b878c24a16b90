//! The only door outward: what a server asks of the code that answers requests.

use covet_wire::http1::Head;

use crate::{
    reply::ReplyMeta,
    router::{Found, Params, RouteId},
};
use covet_wire::Method;

/// Names one request of one connection for as long as its response is outstanding.
///
/// A key outlives its connection harmlessly: the generation tells a reused slot apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// Index of the connection in the server's table.
    pub connection: u32,
    /// Distinguishes connections that used the same index one after the other.
    pub generation: u32,
    /// Position of the request on its connection, counted from zero, wrapping.
    pub sequence: u32,
}

/// How a route wants the body of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyMode {
    /// Read and thrown away, so that the next request can be found.
    Discard,
    /// Collected whole (up to the size limit) before the handler is called.
    Buffer,
    /// Handed over in pieces after the handler was called.
    Stream,
}

/// The body as it is known when the handler is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Everything that was or will be sent.
    Whole(&'a [u8]),
    /// Pieces follow through [`Handler::body_chunk`] and [`Handler::body_end`].
    Streamed,
}

/// Who is at the other end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The client's address, or `None` on a Unix socket.
    pub client: Option<std::net::SocketAddr>,
    /// The local address, or the socket's path on a Unix socket.
    pub server: Local,
}

/// The local end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Local {
    /// A TCP address.
    Tcp(std::net::SocketAddr),
    /// The path of a Unix socket.
    Unix(String),
}

/// One request, borrowed from the buffer it was read into.
#[derive(Debug)]
pub struct Request<'a> {
    /// Names the request in later calls.
    pub key: RequestKey,
    /// The route that was found.
    pub route: RouteId,
    /// Spans of the parameters in `host` and `path`.
    pub params: &'a Params,
    /// The one path string: decoded once, used for routing, logging and authorization.
    pub path: &'a str,
    /// The head as it was sent.
    pub head: &'a Head<'a, 'a>,
    /// The body.
    pub body: Body<'a>,
    /// Who sent it.
    pub peer: &'a Peer,
    /// What the response's head has to say about the connection.
    pub reply: &'a ReplyMeta,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole response is in the output buffer.
    Done,
    /// The response will come later, under the request's key.
    Pending,
}

/// Answers requests. All calls come from the server's own thread.
pub trait Handler {
    /// Finds the route of a request; spans of its parameters go to `params`.
    fn find(&self, host: &[u8], method: Method, path: &str, params: &mut Params) -> Found;

    /// How the route wants its bodies.
    fn body_mode(&self, route: RouteId) -> BodyMode;

    /// Answers a request, either by appending the whole response to `out` or later.
    fn call(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome;

    /// A piece of a streamed body. `false` asks the server to stop reading for now.
    fn body_chunk(&mut self, key: RequestKey, chunk: &[u8]) -> bool;

    /// A streamed body is complete.
    fn body_end(&mut self, key: RequestKey);

    /// The client left, or the connection broke, before the response was complete.
    fn disconnected(&mut self, key: RequestKey);

    /// The parts sent so far under `key` have left for the socket; more may be sent.
    fn drained(&mut self, key: RequestKey);
}
