//! What bytes do to a connection: heads become calls, bodies go where they are wanted.

use std::{
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use covet_engine::{
    decide::{Decision, decide},
    handler::{Body, BodyMode, Handler, Outcome, Request, RequestKey},
    reply::{self, Date, ReplyMeta},
    router::Params,
};
use covet_wire::http1::{BodyDecoder, Framing, Head, MAX_HEADERS, Piece, Version, parse_head};

use crate::{
    conn::{Conn, Incoming, Phase, Slot, Target},
    settings::Settings,
};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// How long a turn may last before the owner's other work has its own.
pub(crate) const TURN: Duration = Duration::from_millis(2);
/// Requests of one connection between two looks at the clock.
const REQUESTS_BY_THE_CLOCK: usize = 16;

/// What feeding a connection needs besides the connection.
pub(crate) struct Feeder<'a, H> {
    pub(crate) handler: &'a mut H,
    pub(crate) settings: &'a Settings,
    pub(crate) params: &'a mut Params,
    /// Complete responses of this turn.
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) date: Date,
    pub(crate) now: Instant,
    /// The server is shutting down: every response is the last of its connection.
    pub(crate) draining: bool,
    /// Requests this connection may still start in this turn.
    pub(crate) budget: usize,
    /// Reads this connection may still do in this turn.
    pub(crate) reads: usize,
    /// Requests of this turn whose handlers did not finish at once.
    pub(crate) suspended: usize,
}

impl<H: Handler> Feeder<'_, H> {
    /// Takes what it can of `input`; returns how many bytes that were.
    pub(crate) fn feed(&mut self, conn: &mut Conn, input: &[u8]) -> usize {
        let mut taken = 0;
        while !conn.is_stalled(self.settings) && self.out.len() <= self.settings.output_limit {
            let rest = &input[taken..];
            let used = match &mut conn.phase {
                Phase::Head if conn.last => {
                    conn.phase = Phase::Last { unread: false };
                    0
                }
                Phase::Head => {
                    if rest.is_empty() || self.is_spent() {
                        break;
                    }
                    let Some(used) = self.head(conn, rest) else { break };
                    used
                }
                Phase::Body(_) => match self.body(conn, rest) {
                    Progress::Used(used) => used,
                    Progress::Starved(used) => return taken + used,
                },
                Phase::Lingering { left } => {
                    *left = left.saturating_sub(rest.len());
                    if *left == 0 {
                        conn.ended = true;
                        conn.phase = Phase::Last { unread: false };
                    }
                    return input.len();
                }
                Phase::Last { unread } => {
                    *unread |= !rest.is_empty();
                    return input.len();
                }
            };
            taken += used;
        }
        taken
    }

    /// Whether the others have their turn now. The clock is looked at after the first few
    /// requests, and then now and again, because that costs as much as a small request.
    fn is_spent(&mut self) -> bool {
        if self.budget % REQUESTS_BY_THE_CLOCK == REQUESTS_BY_THE_CLOCK / 2
            && self.now.elapsed() > TURN
        {
            self.budget = 0;
        }
        self.budget == 0
    }

    /// A head, if it is complete; then its request is called or its body awaited.
    fn head(&mut self, conn: &mut Conn, input: &[u8]) -> Option<usize> {
        let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        match parse_head(input, &self.settings.limits, &mut storage) {
            Ok(None) => None,
            Ok(Some(head)) => {
                self.budget -= 1;
                Some(head.len + self.request(conn, &head, &input[..head.len], &input[head.len..]))
            }
            Err(error) => {
                self.refuse(conn, error.status(), error.reason());
                Some(0)
            }
        }
    }

    /// Starts a request; returns how much of its body was used.
    fn request(
        &mut self,
        conn: &mut Conn,
        head: &Head<'_, '_>,
        bytes: &[u8],
        rest: &[u8],
    ) -> usize {
        if head.framing == Framing::None {
            self.call(conn, head, Some(Body::Whole(b"")));
            return 0;
        }
        // Bytes that are there already need not be asked for.
        let asks = head.expect_continue && rest.is_empty();
        match self.mode(conn, head) {
            BodyMode::Buffer => {
                if let Framing::Length(length) = head.framing
                    && let Ok(length) = usize::try_from(length)
                    && let Some(body) = rest.get(..length)
                {
                    self.call(conn, head, Some(Body::Whole(body)));
                    return length;
                }
                if asks {
                    self.interim(conn);
                }
                let target = Target::Buffer { head: bytes.to_vec(), body: Vec::new() };
                self.expect_body(conn, head, target);
            }
            BodyMode::Discard => {
                conn.last |= asks;
                self.call(conn, head, Some(Body::Whole(b"")));
                self.discard(conn, head);
            }
            BodyMode::Stream => self.stream(conn, head, asks),
        }
        0
    }

    /// Starts a request whose handler takes the body in pieces.
    fn stream(&mut self, conn: &mut Conn, head: &Head<'_, '_>, asks: bool) {
        let key = conn.key(conn.next);
        let start = self.out.len();
        match self.call(conn, head, None) {
            Outcome::Done => {
                if asks && !conn.last {
                    conn.last = true;
                    match conn.slots.back_mut() {
                        None => reply::add_close(self.out, start),
                        Some(slot) => reply::add_close(&mut slot.bytes, 0),
                    }
                }
                self.discard(conn, head);
            }
            Outcome::Pending => {
                if asks {
                    self.interim_of_last(conn);
                }
                self.expect_body(conn, head, Target::Handler { key, paused: false });
            }
        }
    }

    fn expect_body(&self, conn: &mut Conn, head: &Head<'_, '_>, target: Target) {
        let decoder = BodyDecoder::new(head.framing, &self.settings.limits);
        conn.phase = Phase::Body(Box::new(Incoming { decoder, target }));
    }

    /// Skips a body nobody reads. The last request's need not be understood for that, and must
    /// not be where the client waits to be asked for it: whether it sends a body that nobody asked
    /// for cannot be known, so that connection ends.
    fn discard(&self, conn: &mut Conn, head: &Head<'_, '_>) {
        if conn.last {
            conn.phase = Phase::Last { unread: true };
        } else {
            self.expect_body(conn, head, Target::Discard);
        }
    }

    /// How the body of a request is wanted. Requests no handler answers have theirs discarded.
    fn mode(&mut self, conn: &Conn, head: &Head<'_, '_>) -> BodyMode {
        let meta = self.meta(conn, head);
        let before = self.out.len();
        let mode = catch_unwind(AssertUnwindSafe(|| {
            match decide(self.handler, head, self.params, &meta, self.out) {
                Decision::Call { route, .. } => self.handler.body_mode(route),
                Decision::Replied => BodyMode::Discard,
            }
        }));
        self.out.truncate(before);
        // What panicked will do so again when the request is called, and is answered there.
        mode.unwrap_or(BodyMode::Discard)
    }

    fn meta(&self, conn: &Conn, head: &Head<'_, '_>) -> ReplyMeta {
        ReplyMeta {
            keep_alive: head.keep_alive && !self.draining && !conn.last,
            head_only: head.method == covet_wire::Method::Head,
            http10: head.version == Version::Http10,
            date: self.date,
        }
    }

    /// Calls the handler of a request, or answers where there is none.
    fn call(&mut self, conn: &mut Conn, head: &Head<'_, '_>, body: Option<Body<'_>>) -> Outcome {
        let meta = self.meta(conn, head);
        let key = conn.key(conn.next);
        conn.next = conn.next.wrapping_add(1);
        let outcome = if conn.slots.is_empty() {
            let outcome = self.answer(conn, head, body, &meta, key);
            if outcome == Outcome::Pending {
                conn.slots.push_back(Slot::open());
            }
            outcome
        } else {
            let direct = std::mem::take(self.out);
            let outcome = self.answer(conn, head, body, &meta, key);
            let bytes = std::mem::replace(self.out, direct);
            conn.slots.push_back(match outcome {
                Outcome::Done => Slot::complete(bytes),
                Outcome::Pending => Slot::open(),
            });
            outcome
        };
        if outcome == Outcome::Pending {
            self.suspended += 1;
        }
        conn.last |= !meta.keep_alive;
        outcome
    }

    fn answer(
        &mut self,
        conn: &Conn,
        head: &Head<'_, '_>,
        body: Option<Body<'_>>,
        meta: &ReplyMeta,
        key: RequestKey,
    ) -> Outcome {
        let start = self.out.len();
        // A panic is a defect of ours or of a handler written in Rust: the request fails, the
        // worker lives. What it wrote is thrown away, so no half-written state is seen.
        let result = catch_unwind(AssertUnwindSafe(|| {
            match decide(self.handler, head, self.params, meta, self.out) {
                Decision::Replied => Outcome::Done,
                Decision::Call { route, path } => {
                    let request = Request {
                        key,
                        route,
                        params: self.params,
                        path: &path,
                        head,
                        body: body.unwrap_or(Body::Streamed),
                        peer: &conn.peer,
                        reply: meta,
                    };
                    self.handler.call(&request, self.out)
                }
            }
        }));
        result.unwrap_or_else(|_| {
            self.out.truncate(start);
            reply::write_error(self.out, 500, "Internal Server Error", meta);
            Outcome::Done
        })
    }

    /// Some of a body.
    fn body(&mut self, conn: &mut Conn, input: &[u8]) -> Progress {
        let Phase::Body(incoming) = &mut conn.phase else { return Progress::Used(0) };
        let (used, piece) = match incoming.decoder.decode(input) {
            Ok(decoded) => decoded,
            Err(error) => {
                self.abandon_body(conn, error.status(), error.reason());
                return Progress::Used(input.len());
            }
        };
        match piece {
            Piece::NeedMore => return Progress::Starved(used),
            Piece::Data(data) => match &mut incoming.target {
                Target::Discard => {}
                Target::Buffer { body, .. } => body.extend_from_slice(data),
                Target::Handler { key, paused } => *paused = !self.handler.body_chunk(*key, data),
            },
            Piece::End => {
                if let Phase::Body(incoming) = std::mem::replace(&mut conn.phase, Phase::Head) {
                    self.complete_body(conn, incoming.target);
                }
            }
        }
        Progress::Used(used)
    }

    fn complete_body(&mut self, conn: &mut Conn, target: Target) {
        match target {
            Target::Discard => {}
            Target::Handler { key, .. } => self.handler.body_end(key),
            Target::Buffer { head: bytes, body } => {
                let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
                // The same bytes gave a head before, so they do now.
                if let Ok(Some(head)) = parse_head(&bytes, &self.settings.limits, &mut storage) {
                    self.call(conn, &head, Some(Body::Whole(&body)));
                }
            }
        }
    }

    /// A body broke the rules or did not come: its request ends with an error, unless it is
    /// answered already. A handler that has it is told that the client left.
    fn abandon_body(&mut self, conn: &mut Conn, status: u16, reason: &'static str) {
        let target = match &conn.phase {
            Phase::Body(incoming) => &incoming.target,
            _ => return self.refuse(conn, status, reason),
        };
        match *target {
            Target::Buffer { .. } => return self.refuse(conn, status, reason),
            Target::Handler { key, .. } => {
                let meta = self.last_meta();
                if let Some(slot) = conn.slot(key) {
                    slot.fail(|bytes| reply::write_error(bytes, status, reason, &meta));
                    self.handler.disconnected(key);
                }
            }
            Target::Discard => {}
        }
        conn.last = true;
        conn.phase = Phase::Last { unread: true };
    }

    /// Ends a request that did not come whole in time.
    pub(crate) fn give_up(&mut self, conn: &mut Conn) {
        self.abandon_body(conn, 408, "Request Timeout");
    }

    fn last_meta(&self) -> ReplyMeta {
        ReplyMeta { keep_alive: false, head_only: false, http10: false, date: self.date }
    }

    /// Answers what is not a request, in its turn, and reads no further.
    fn refuse(&mut self, conn: &mut Conn, status: u16, reason: &'static str) {
        let meta = self.last_meta();
        if conn.slots.is_empty() {
            reply::write_error(self.out, status, reason, &meta);
        } else {
            let mut bytes = Vec::new();
            reply::write_error(&mut bytes, status, reason, &meta);
            conn.push_complete(bytes);
        }
        conn.last = true;
        conn.phase = Phase::Last { unread: true };
    }

    /// Tells a client that waits for it to send its body (RFC 9110, 10.1.1), after all responses
    /// that are outstanding: before them, it would be taken for a part of the first.
    fn interim(&mut self, conn: &mut Conn) {
        if conn.slots.is_empty() {
            self.out.extend_from_slice(CONTINUE);
        } else {
            conn.push_complete(CONTINUE.to_vec());
        }
    }

    /// The same for a request that is outstanding itself, as the last one.
    fn interim_of_last(&mut self, conn: &mut Conn) {
        let alone = conn.slots.len() == 1;
        match conn.slots.back_mut() {
            Some(slot) if !alone => slot.bytes.extend_from_slice(CONTINUE),
            _ => self.out.extend_from_slice(CONTINUE),
        }
    }
}

/// How far a body came.
enum Progress {
    /// Bytes were used; there may be more to do with the rest.
    Used(usize),
    /// Bytes were used, and the rest must wait for more.
    Starved(usize),
}
