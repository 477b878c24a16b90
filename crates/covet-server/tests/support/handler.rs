//! A handler that does what the path of a request says.

use covet_engine::{
    handler::{Body, BodyMode, Handler, Outcome, Request, RequestKey},
    router::{Found, Params, RouteId},
};
use covet_wire::Method;

/// What the requests were, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    /// The paths of all calls, in order.
    pub(crate) called: Vec<String>,
    /// Outstanding requests, until they are disconnected.
    outstanding: Vec<(String, RequestKey)>,
    pub(crate) disconnected: Vec<RequestKey>,
    pub(crate) drained: Vec<RequestKey>,
    /// What `/stream` received.
    pub(crate) streamed: Vec<u8>,
    pub(crate) ended: Vec<RequestKey>,
    /// Whether `/stream` asks the server to stop reading after each piece.
    pub(crate) pauses: bool,
    /// Whether the connection stays open, as the last request's `ReplyMeta` had it.
    pub(crate) keep_alive: Option<bool>,
}

/// The first segment of a path names what is done, whatever follows.
const SCRIPTS: [&str; 10] =
    ["done", "pending", "echo", "stream", "early", "panic", "half", "big", "slow", "mute"];

/// A whole response.
pub(crate) fn response(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

impl Scripted {
    pub(crate) fn pending(&self, path: &str) -> Option<RequestKey> {
        self.outstanding.iter().find(|(of, _)| of == path).map(|(_, key)| *key)
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    fn suspend(&mut self, request: &Request<'_>) -> Outcome {
        self.outstanding.push((request.path.to_owned(), request.key));
        Outcome::Pending
    }
}

impl Handler for Scripted {
    fn find(&self, _: &[u8], _: Method, path: &str, _: &mut Params) -> Found {
        let script = path.split('/').nth(1).unwrap_or_default();
        assert_ne!(script, "panic-in-find", "as the test wants it");
        let found = (0u32..).zip(SCRIPTS).find(|(_, name)| *name == script);
        found.map_or(Found::NotFound, |(id, _)| Found::Route(RouteId(id)))
    }

    fn body_mode(&self, route: RouteId) -> BodyMode {
        match SCRIPTS[route.index()] {
            "echo" | "panic" => BodyMode::Buffer,
            "stream" | "early" => BodyMode::Stream,
            _ => BodyMode::Discard,
        }
    }

    fn call(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome {
        self.called.push(request.path.to_owned());
        self.keep_alive = Some(request.reply.keep_alive);
        match SCRIPTS[request.route.index()] {
            "pending" | "stream" => return self.suspend(request),
            "panic" => panic!("as the test wants it"),
            "half" => {
                out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-le");
                panic!("as the test wants it");
            }
            "echo" => {
                let Body::Whole(body) = request.body else { panic!("the body was not collected") };
                out.extend(response(body));
            }
            "big" => out.extend(response(&vec![b'b'; 100_000])),
            "slow" => {
                std::thread::sleep(std::time::Duration::from_millis(1));
                out.extend(response(request.path.as_bytes()));
            }
            _ => out.extend(response(request.path.as_bytes())),
        }
        Outcome::Done
    }

    fn body_chunk(&mut self, key: RequestKey, chunk: &[u8]) -> bool {
        assert!(self.outstanding.iter().any(|(_, known)| *known == key), "nobody wants this body");
        self.streamed.extend_from_slice(chunk);
        !self.pauses
    }

    fn body_end(&mut self, key: RequestKey) {
        self.ended.push(key);
    }

    fn disconnected(&mut self, key: RequestKey) {
        let known = self.outstanding.iter().position(|(_, known)| *known == key);
        let (path, _) = self.outstanding.remove(known.expect("told once, of an open request"));
        self.disconnected.push(key);
        assert!(!path.starts_with("/pending/panic"), "as the test wants it");
    }

    fn drained(&mut self, key: RequestKey) {
        self.drained.push(key);
    }
}
