//! One connection: what was read and not yet understood, what is outstanding, what is unsent.
//!
//! Responses leave in the order of their requests. A response that is complete when its turn
//! comes goes straight to the output; one that must wait, or is waited for, has a [`Slot`].

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use covet_engine::handler::{Peer, RequestKey};
use covet_wire::http1::BodyDecoder;

use crate::{settings::Settings, stream::Stream};

/// How much a closing connection is still read, so that the client sees the last response
/// instead of a reset (RFC 9112, 9.6).
const LINGER_BYTES: usize = 1 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts about one socket")]
pub(crate) struct Conn {
    pub(crate) stream: Stream,
    pub(crate) peer: Peer,
    pub(crate) index: u32,
    pub(crate) generation: u32,
    /// Read but not yet understood. At most one head, or what came while the client was stalled.
    pub(crate) input: Vec<u8>,
    pub(crate) output: Output,
    pub(crate) slots: VecDeque<Slot>,
    /// The sequence number of the next request.
    pub(crate) next: u32,
    pub(crate) phase: Phase,
    /// The socket may have bytes to read: edge-triggered polling will not say so again.
    pub(crate) readable: bool,
    /// The system said that the client closed its side; reading will come to the end.
    pub(crate) closing: bool,
    /// The connection is on the reactor's ready list.
    pub(crate) queued: bool,
    /// No further request is read after the one being read.
    pub(crate) last: bool,
    /// The client has closed its side, or a response broke off: nobody waits for what is not
    /// complete.
    pub(crate) ended: bool,
    pub(crate) timer: Option<Timer>,
}

/// Unsent bytes.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

/// The place of one response in the order of responses.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) state: SlotState,
    /// Some of the response was handed over.
    pub(crate) started: bool,
    /// The handler waits to hear that `bytes` have left.
    pub(crate) draining: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// The response is not complete.
    Open,
    /// `bytes` are the rest of the response.
    Complete,
    /// The response broke off: nothing can follow on this connection.
    Aborted,
}

/// What the next bytes of a connection are.
#[derive(Debug)]
pub(crate) enum Phase {
    /// A request's head.
    Head,
    /// A request's body.
    Body(Box<Incoming>),
    /// Nothing more is understood: the connection closes once the output is sent.
    Last {
        /// The client may still be sending: read on for a while, so that it sees the answer.
        unread: bool,
    },
    /// Closed for writing; what still comes is thrown away.
    Lingering {
        /// Bytes still taken.
        left: usize,
    },
}

#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) decoder: BodyDecoder,
    pub(crate) target: Target,
}

/// Where a body goes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Nowhere.
    Discard,
    /// Into memory; then the request, whose head is kept, is called.
    Buffer { head: Vec<u8>, body: Vec<u8> },
    /// To the handler, piece by piece.
    Handler { key: RequestKey, paused: bool },
}

/// Why a connection will be closed, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    pub(crate) waiting: Waiting,
    pub(crate) at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// For the first byte of a request.
    Idle,
    /// For the rest of a head.
    Head,
    /// For the rest of a body.
    Body,
    /// For the client to take what was written.
    Write,
    /// For the client to close.
    Linger,
}

/// What happened to a connection since its timer was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Bytes were read.
    pub(crate) read: bool,
    /// The client took bytes.
    pub(crate) written: bool,
    /// A request was started.
    pub(crate) started: bool,
}

/// The connection is of no further use.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl Slot {
    pub(crate) fn open() -> Self {
        Self { bytes: Vec::new(), state: SlotState::Open, started: false, draining: false }
    }

    pub(crate) fn complete(bytes: Vec<u8>) -> Self {
        Self { bytes, state: SlotState::Complete, started: true, draining: false }
    }

    /// Ends the response with an error, or breaks it off where its head is already written.
    pub(crate) fn fail(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.started {
            self.state = SlotState::Aborted;
        } else {
            write(&mut self.bytes);
            self.state = SlotState::Complete;
        }
    }
}

impl Conn {
    pub(crate) fn new(stream: Stream, peer: Peer, index: u32, generation: u32) -> Self {
        Self {
            stream,
            peer,
            index,
            generation,
            input: Vec::new(),
            output: Output::default(),
            slots: VecDeque::new(),
            next: 0,
            phase: Phase::Head,
            readable: true,
            closing: false,
            queued: false,
            last: false,
            ended: false,
            timer: None,
        }
    }

    /// The key of the request with the given sequence number.
    pub(crate) fn key(&self, sequence: u32) -> RequestKey {
        RequestKey { connection: self.index, generation: self.generation, sequence }
    }

    /// The keys of requests that are not complete.
    pub(crate) fn open_keys(&self) -> impl Iterator<Item = RequestKey> + '_ {
        let first = self.first_sequence();
        (0u32..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.state == SlotState::Open)
            .map(move |(at, _)| self.key(first.wrapping_add(at)))
    }

    fn first_sequence(&self) -> u32 {
        // Slots are consecutive and the newest request has the newest slot.
        self.next.wrapping_sub(u32::try_from(self.slots.len()).unwrap_or(u32::MAX))
    }

    pub(crate) fn slot(&mut self, key: RequestKey) -> Option<&mut Slot> {
        let at = key.sequence.wrapping_sub(self.first_sequence());
        let slot = self.slots.get_mut(usize::try_from(at).ok()?)?;
        (slot.state == SlotState::Open).then_some(slot)
    }

    /// Whether reading on would let something grow beyond its bound.
    pub(crate) fn is_stalled(&self, settings: &Settings) -> bool {
        self.waits_for_handlers(settings) || self.unsent() > settings.output_limit
    }

    /// Whether handlers have to do something before more is read: take some of a body, or answer
    /// one of the requests that are outstanding. A body whose request is one of these is read on.
    pub(crate) fn waits_for_handlers(&self, settings: &Settings) -> bool {
        match &self.phase {
            Phase::Head => self.slots.len() >= settings.max_pipelined,
            Phase::Body(incoming) => {
                matches!(incoming.target, Target::Handler { paused: true, .. })
            }
            Phase::Last { .. } | Phase::Lingering { .. } => false,
        }
    }

    /// Nobody takes the body of this request any more: what is left of it is skipped.
    pub(crate) fn skip_body_of(&mut self, key: RequestKey) {
        if let Phase::Body(incoming) = &mut self.phase
            && matches!(incoming.target, Target::Handler { key: reading, .. } if reading == key)
        {
            incoming.target = Target::Discard;
        }
    }

    /// The handler of this request takes more of its body.
    pub(crate) fn resume_body_of(&mut self, key: RequestKey) {
        if let Phase::Body(incoming) = &mut self.phase
            && let Target::Handler { key: reading, paused } = &mut incoming.target
            && *reading == key
        {
            *paused = false;
        }
    }

    /// Puts bytes in the order of responses, behind what is outstanding.
    pub(crate) fn push_complete(&mut self, bytes: Vec<u8>) {
        self.next = self.next.wrapping_add(1);
        self.slots.push_back(Slot::complete(bytes));
    }

    /// Whether some of a head was read. The line ends that some clients send after a body are not
    /// the start of one.
    pub(crate) fn has_begun(&self) -> bool {
        self.input.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// Requests that were begun and whose responses are not yet wholly handed to the system.
    pub(crate) fn in_flight(&self) -> usize {
        let arriving = match &self.phase {
            Phase::Body(incoming) => matches!(incoming.target, Target::Buffer { .. }),
            _ => false,
        };
        let leaving = self.slots.is_empty() && !self.output.is_empty();
        self.slots.len() + usize::from(arriving) + usize::from(leaving)
    }

    fn unsent(&self) -> usize {
        self.output.len() + self.slots.iter().map(|slot| slot.bytes.len()).sum::<usize>()
    }

    /// Whether a response that was waited for ended while bytes were being understood.
    pub(crate) fn can_drain(&self) -> bool {
        let over = self.slots.front().is_some_and(|slot| slot.state != SlotState::Open);
        over && self.output.is_empty()
    }

    /// Moves what may now leave from the slots to `out`; returns the request whose handler waits
    /// to hear of that. A response that broke off ends the connection where it stands.
    pub(crate) fn drain_slots(&mut self, out: &mut Vec<u8>) -> Option<RequestKey> {
        while let Some(front) = self.slots.front_mut() {
            if out.is_empty() {
                *out = std::mem::take(&mut front.bytes);
            } else {
                out.append(&mut front.bytes);
            }
            match front.state {
                SlotState::Complete => {
                    self.slots.pop_front();
                }
                SlotState::Aborted => {
                    self.ended = true;
                    self.phase = Phase::Last { unread: false };
                    return None;
                }
                SlotState::Open => {
                    let draining = std::mem::take(&mut front.draining);
                    return draining.then(|| self.key(self.first_sequence()));
                }
            }
        }
        None
    }

    /// Writes `out`, or appends it to what is unsent already.
    pub(crate) fn send(&mut self, out: &mut Vec<u8>) -> Result<(), Closed> {
        if self.output.is_empty() {
            let sent = write_some(&mut self.stream, out)?;
            if sent < out.len() {
                self.output.bytes.extend_from_slice(&out[sent..]);
            }
        } else {
            self.output.append(out);
        }
        out.clear();
        Ok(())
    }

    /// Writes what is unsent. `true` if the client took some of it.
    pub(crate) fn flush(&mut self) -> Result<bool, Closed> {
        let sent = write_some(&mut self.stream, &self.output.bytes[self.output.sent..])?;
        self.output.sent += sent;
        if self.output.is_empty() {
            self.output = Output::default();
        }
        Ok(sent > 0)
    }

    /// What to do once everything is said: nothing, close, or wait for the client to close.
    pub(crate) fn settle(&mut self, draining: bool) -> Result<(), Closed> {
        if !self.output.is_empty() || !self.slots.is_empty() {
            return Ok(());
        }
        match self.phase {
            Phase::Last { unread } if (unread || self.readable) && !self.ended => {
                self.stream.shutdown_write();
                self.input = Vec::new();
                self.phase = Phase::Lingering { left: LINGER_BYTES };
                Ok(())
            }
            Phase::Last { .. } => Err(Closed),
            Phase::Head if self.last || (draining && !self.has_begun()) => Err(Closed),
            _ if self.ended => Err(Closed),
            _ => Ok(()),
        }
    }

    /// Sets the timer that fits what the connection waits for now.
    pub(crate) fn set_timer(&mut self, settings: &Settings, now: Instant, progress: Progress) {
        let Some((waiting, after)) = self.waits_for(settings) else { return self.timer = None };
        let same = self.timer.is_some_and(|timer| timer.waiting == waiting);
        let renewed = match waiting {
            // Each head has one deadline, however slowly it trickles in.
            Waiting::Head => progress.started,
            Waiting::Linger => false,
            Waiting::Idle | Waiting::Body => progress.read,
            // Requests that a client goes on sending are no sign that it takes the responses.
            Waiting::Write => progress.written,
        };
        if !same || renewed {
            self.timer = Some(Timer { waiting, at: now + after });
        }
    }
}

impl Conn {
    /// What the client has to do next, and how long it may take; `None` while it is our turn.
    fn waits_for(&self, settings: &Settings) -> Option<(Waiting, Duration)> {
        if !self.output.is_empty() {
            return Some((Waiting::Write, settings.write_timeout));
        }
        match &self.phase {
            Phase::Lingering { .. } => Some((Waiting::Linger, LINGER_TIME)),
            Phase::Body(incoming) => match incoming.target {
                Target::Handler { paused: true, .. } => None,
                _ => Some((Waiting::Body, settings.body_timeout)),
            },
            _ if !self.slots.is_empty() => None,
            Phase::Head if !self.has_begun() && self.next > 0 => {
                Some((Waiting::Idle, settings.keep_alive_timeout))
            }
            Phase::Head | Phase::Last { .. } => Some((Waiting::Head, settings.header_timeout)),
        }
    }
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Appends bytes. What was sent makes room once it is the larger part, so that a client that
    /// never quite catches up does not make this grow, and no byte is moved twice on average.
    fn append(&mut self, bytes: &[u8]) {
        if self.sent > self.len() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }
}

fn write_some(stream: &mut Stream, bytes: &[u8]) -> Result<usize, Closed> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(0) => return Err(Closed),
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(Closed),
        }
    }
    Ok(sent)
}
