//! A stand-in for the server: feeds a stream to the machines piece by piece and notes what
//! comes out. The fuzz target shares this file.

use std::mem::MaybeUninit;

use covet_wire::http1::{
    BodyDecoder, Framing, Head, Header, Limits, MAX_HEADERS, Piece, Version, WireError, parse_head,
};

/// Bytes of the empty lines before a request that are skipped, and of half a line more.
const EMPTY_LINES: usize = 9;

/// What came out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Request(Box<Request>),
    /// A body is complete; its bytes, however many pieces they came in.
    Body(Vec<u8>),
    /// A body has begun and the stream stopped within it.
    Unfinished(Vec<u8>),
    Error(WireError),
    /// The client wanted no further request.
    Close,
}

/// A head, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) version: Version,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) host: Option<Vec<u8>>,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expect_continue: bool,
    pub(crate) upgrade: bool,
    pub(crate) len: usize,
}

impl From<Head<'_, '_>> for Request {
    fn from(head: Head<'_, '_>) -> Self {
        let own = |header: &Header<'_>| (header.name.to_owned(), header.value.to_owned());
        Self {
            method: head.method_name.to_owned(),
            target: head.target.as_bytes().to_owned(),
            path: head.path.as_bytes().to_owned(),
            query: head.query.as_bytes().to_owned(),
            version: head.version,
            headers: head.headers.iter().map(own).collect(),
            host: head.host.map(<[u8]>::to_owned),
            framing: head.framing,
            keep_alive: head.keep_alive,
            expect_continue: head.expect_continue,
            upgrade: head.upgrade,
            len: head.len,
        }
    }
}

/// The events of a stream that arrives in `pieces`.
pub(crate) fn events<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    limits: &Limits,
) -> Vec<Event> {
    let mut connection = Connection::new(*limits);
    for piece in pieces {
        connection.feed(piece);
    }
    connection.finish()
}

struct Connection {
    limits: Limits,
    buffer: Vec<u8>,
    body: Option<Body>,
    closed: bool,
    events: Vec<Event>,
}

struct Body {
    decoder: BodyDecoder,
    data: Vec<u8>,
    keep_alive: bool,
}

impl Connection {
    fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), body: None, closed: false, events: Vec::new() }
    }

    fn feed(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
        while !self.closed && self.advance() {}
    }

    /// One step of the law; `false` when more bytes are needed.
    fn advance(&mut self) -> bool {
        let step = match self.body.take() {
            None => self.read_head(),
            Some(body) => self.read_body(body),
        };
        step.unwrap_or_else(|error| {
            self.events.push(Event::Error(error));
            self.closed = true;
            false
        })
    }

    fn read_head(&mut self) -> Result<bool, WireError> {
        let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let Some(head) = parse_head(&self.buffer, &self.limits, &mut storage)? else {
            assert!(self.buffer.len() <= self.limits.max_head + EMPTY_LINES, "endless");
            return Ok(false);
        };
        assert!(head.len <= self.limits.max_head + EMPTY_LINES);
        assert!(head.target.len() <= self.limits.max_uri);
        assert!(head.headers.len() <= self.limits.max_headers);
        self.body = Some(Body {
            decoder: BodyDecoder::new(head.framing, &self.limits),
            data: Vec::new(),
            keep_alive: head.keep_alive,
        });
        let len = head.len;
        self.events.push(Event::Request(Box::new(head.into())));
        self.buffer.drain(..len);
        Ok(true)
    }

    fn read_body(&mut self, mut body: Body) -> Result<bool, WireError> {
        let decoded = body.decoder.decode(&self.buffer);
        if let Err(error) = decoded {
            assert_eq!(body.decoder.decode(b"0\r\n\r\n"), Err(error), "an error is final");
        }
        let (consumed, piece) = decoded?;
        match piece {
            Piece::Data(data) => {
                assert!(!data.is_empty());
                body.data.extend_from_slice(data);
                assert!(body.data.len() as u64 <= self.limits.max_body);
                self.body = Some(body);
            }
            Piece::NeedMore => {
                assert_eq!(consumed, self.buffer.len(), "input is left over");
                self.body = Some(body);
            }
            Piece::End => {
                assert!(body.decoder.is_complete());
                self.events.push(Event::Body(body.data));
                self.closed = !body.keep_alive;
                if self.closed {
                    self.events.push(Event::Close);
                }
            }
        }
        let goes_on = piece != Piece::NeedMore;
        self.buffer.drain(..consumed);
        Ok(goes_on)
    }

    fn finish(mut self) -> Vec<Event> {
        self.events.extend(self.body.map(|body| Event::Unfinished(body.data)));
        self.events
    }
}
