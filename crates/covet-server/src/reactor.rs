//! The reactor: one poll, its listeners and connections, and the order in which they are served.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsRawFd, RawFd},
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use covet_engine::{
    handler::{Handler, RequestKey},
    router::Params,
};
use mio::{Events, Poll, Token};

use crate::{
    clock,
    conn::{Closed, Conn, Phase, Progress, SlotState, Waiting},
    feed::{Feeder, TURN},
    inbox::{Command, Remote},
    listener::Listener,
    settings::Settings,
};

/// Events taken from the system at a time.
const EVENTS: usize = 1024;
/// Requests one connection may start before the others have their turn.
const REQUESTS_PER_CONNECTION: usize = 128;
/// Reads one connection may do before the others have their turn.
const READS_PER_CONNECTION: usize = 16;
/// Bytes read from a socket at a time, into a buffer all connections share.
const READ: usize = 64 * 1024;
/// Connections accepted at a time.
const ACCEPTS: usize = 256;

const WAKER: Token = Token(usize::MAX);
/// Listeners count down from here; connections count up from zero.
const FIRST_LISTENER: usize = usize::MAX - 1;

/// What a turn left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: the descriptor will be readable when there is more to do.
    Idle,
    /// Work that a budget stopped: another turn is due, though nothing will announce it.
    Again,
}

/// Serves the connections of one thread.
#[derive(Debug)]
pub struct Reactor {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    /// A listener has connections waiting that a limit kept out.
    accept_pending: bool,
    /// Boxed, so that taking one out for its turn moves a pointer.
    #[allow(clippy::vec_box, reason = "a connection is taken out of the table while it is driven")]
    conns: Vec<Option<Box<Conn>>>,
    free: Vec<u32>,
    open: usize,
    generation: u32,
    ready: VecDeque<u32>,
    remote: Remote,
    settings: Settings,
    params: Params,
    scratch: Vec<u8>,
    out: Vec<u8>,
    draining: bool,
}

impl Reactor {
    /// A reactor with nothing to listen on yet.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(settings: Settings) -> io::Result<Self> {
        let poll = Poll::new()?;
        let remote = Remote::new(mio::Waker::new(poll.registry(), WAKER)?);
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            listeners: Vec::new(),
            accept_pending: false,
            conns: Vec::new(),
            free: Vec::new(),
            open: 0,
            generation: 0,
            ready: VecDeque::new(),
            remote,
            settings,
            params: Params::default(),
            scratch: vec![0; READ],
            out: Vec::new(),
            draining: false,
        })
    }

    /// Starts to accept connections.
    ///
    /// # Errors
    /// When the system refuses to watch the socket.
    pub fn listen(&mut self, mut listener: Listener) -> io::Result<()> {
        let token = Token(FIRST_LISTENER - self.listeners.len());
        listener.register(self.poll.registry(), token)?;
        self.listeners.push(listener);
        Ok(())
    }

    /// Hands commands over from any thread.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.open
    }

    /// Requests that were read and whose responses are not yet wholly handed to the system.
    pub fn in_flight(&self) -> usize {
        let conns = self.conns.iter().flatten();
        conns.map(|conn| conn.in_flight()).sum()
    }

    /// Handles what is ready, within the budget of one turn.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub fn turn<H: Handler>(&mut self, handler: &mut H) -> io::Result<Turn> {
        let start = Instant::now();
        loop {
            self.poll_events()?;
            let commands = self.remote.take();
            self.obey(commands);
            if self.ready.is_empty() {
                break;
            }
            let (suspended, over) = self.drive_ready(handler, start);
            // Handlers that wait do so for the owner's loop: it must run.
            if over || suspended > 0 {
                break;
            }
        }
        let again = !self.ready.is_empty() || (self.accept_pending && self.has_room());
        Ok(if again { Turn::Again } else { Turn::Idle })
    }

    fn poll_events(&mut self) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                WAKER => {}
                Token(token) if token > FIRST_LISTENER - self.listeners.len() => {
                    self.accept_pending = true;
                }
                Token(index) => {
                    if let Some(Some(conn)) = self.conns.get_mut(index) {
                        conn.closing |= event.is_read_closed();
                        conn.readable |= event.is_readable() || event.is_read_closed();
                        self.enqueue(index);
                    }
                }
            }
        }
        self.events = events;
        if self.accept_pending {
            self.accept();
        }
        Ok(())
    }

    fn enqueue(&mut self, index: usize) {
        if let Some(Some(conn)) = self.conns.get_mut(index)
            && !conn.queued
        {
            conn.queued = true;
            self.ready.push_back(conn.index);
        }
    }

    fn has_room(&self) -> bool {
        self.open < self.settings.max_connections
    }

    fn accept(&mut self) {
        self.accept_pending = false;
        for at in 0..self.listeners.len() {
            let mut accepted = 0;
            loop {
                if !self.has_room() || accepted == ACCEPTS {
                    self.accept_pending = true;
                    break;
                }
                match self.listeners[at].accept() {
                    Ok((stream, peer)) => self.open(stream, peer),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if is_of_one_connection(&error) => {}
                    // Out of descriptors or memory: the next tick tries again.
                    Err(_) => break,
                }
                accepted += 1;
            }
        }
    }

    fn open(&mut self, mut stream: crate::stream::Stream, peer: covet_engine::handler::Peer) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            u32::try_from(self.conns.len() - 1).unwrap_or(u32::MAX)
        });
        if stream.register(self.poll.registry(), Token(index as usize)).is_err() {
            self.free.push(index);
            return;
        }
        self.generation = self.generation.wrapping_add(1);
        let mut conn = Conn::new(stream, peer, index, self.generation);
        conn.set_timer(&self.settings, Instant::now(), Progress::default());
        self.conns[index as usize] = Some(Box::new(conn));
        self.open += 1;
        self.enqueue(index as usize);
    }

    /// Drives what was on the ready list when it began; what comes back on it waits.
    fn drive_ready<H: Handler>(&mut self, handler: &mut H, start: Instant) -> (usize, bool) {
        let date = clock::date();
        let mut suspended = 0;
        for _ in 0..self.ready.len() {
            let Some(index) = self.ready.pop_front() else { break };
            let Some(mut conn) = self.conns.get_mut(index as usize).and_then(Option::take) else {
                continue;
            };
            conn.queued = false;
            let mut out = std::mem::take(&mut self.out);
            let mut scratch = std::mem::take(&mut self.scratch);
            let mut feeder = Feeder {
                handler: &mut *handler,
                settings: &self.settings,
                params: &mut self.params,
                out: &mut out,
                date,
                draining: self.draining,
                now: start,
                budget: REQUESTS_PER_CONNECTION,
                reads: READS_PER_CONNECTION,
                suspended: 0,
            };
            let driven = catch_unwind(AssertUnwindSafe(|| {
                let driven = drive(&mut conn, &mut feeder, &mut scratch);
                (driven, feeder.suspended)
            }));
            out.clear();
            out.shrink_to(self.settings.output_limit);
            self.out = out;
            self.scratch = scratch;
            // A panic here is a defect of the server: that connection ends, the others live.
            let (driven, waiting) = driven.unwrap_or((Err(Closed), 0));
            suspended += waiting;
            self.conns[index as usize] = Some(conn);
            match driven {
                Err(Closed) => self.close(index, handler),
                Ok(Driven::Again) => self.enqueue(index as usize),
                Ok(Driven::Done) => {}
            }
            if start.elapsed() > TURN {
                return (suspended, true);
            }
        }
        (suspended, false)
    }

    fn close<H: Handler>(&mut self, index: u32, handler: &mut H) {
        let Some(mut conn) = self.conns.get_mut(index as usize).and_then(Option::take) else {
            return;
        };
        self.free.push(index);
        self.open -= 1;
        // Dropping the socket is not enough where a child process holds a copy of it: its events
        // would go to the connection that has the index next.
        conn.stream.deregister(self.poll.registry());
        for key in conn.open_keys() {
            // A panic here is a defect of the handler; the other requests are told all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| handler.disconnected(key)));
        }
    }

    /// Carries out what handlers said since the last time.
    pub fn obey(&mut self, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            let key = command.key();
            let Some(Some(conn)) = self.conns.get_mut(key.connection as usize) else { continue };
            if conn.generation != key.generation {
                continue;
            }
            carry_out(conn, command);
            self.enqueue(key.connection as usize);
        }
    }

    /// Closes what has waited too long, and tries again to accept. To be called once a second.
    pub fn tick<H: Handler>(&mut self, handler: &mut H) {
        self.accept_pending |= !self.listeners.is_empty();
        let now = Instant::now();
        for index in 0..self.conns.len() {
            let Some(Some(conn)) = self.conns.get_mut(index) else { continue };
            let Some(timer) = conn.timer.filter(|timer| timer.at <= now) else { continue };
            let started = conn.has_begun() || matches!(conn.phase, Phase::Body(_));
            let index = conn.index;
            if matches!(timer.waiting, Waiting::Head | Waiting::Body) && started {
                self.time_out(index, handler);
            } else {
                self.close(index, handler);
            }
        }
    }

    /// Answers a request that was begun and not finished in time.
    fn time_out<H: Handler>(&mut self, index: u32, handler: &mut H) {
        let Some(mut conn) = self.conns.get_mut(index as usize).and_then(Option::take) else {
            return;
        };
        let mut out = Vec::new();
        let mut feeder = Feeder {
            handler: &mut *handler,
            settings: &self.settings,
            params: &mut self.params,
            out: &mut out,
            date: clock::date(),
            draining: true,
            now: Instant::now(),
            budget: 0,
            reads: 0,
            suspended: 0,
        };
        feeder.give_up(&mut conn);
        let sent = conn.send(&mut out);
        conn.set_timer(&self.settings, Instant::now(), Progress::default());
        self.conns[index as usize] = Some(conn);
        match sent {
            Ok(()) => self.enqueue(index as usize),
            Err(Closed) => self.close(index, handler),
        }
    }

    /// Accepts no more connections and ends those that are idle; the others end after the
    /// requests they are in.
    ///
    /// A turn is due after this.
    pub fn stop_listening(&mut self) {
        self.listeners.clear();
        self.accept_pending = false;
        self.draining = true;
        for index in 0..self.conns.len() {
            let Some(Some(conn)) = self.conns.get_mut(index) else { continue };
            let index = conn.index as usize;
            self.enqueue(index);
        }
    }

    /// Closes every connection at once.
    pub fn close_all<H: Handler>(&mut self, handler: &mut H) {
        for index in 0..self.conns.len() {
            self.close(u32::try_from(index).unwrap_or(u32::MAX), handler);
        }
    }
}

impl AsRawFd for Reactor {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

/// Whether a failed `accept` concerns only the connection that would have been accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
    )
}

/// Carries out what a handler said about a request of this connection.
fn carry_out(conn: &mut Conn, command: Command) {
    let key = command.key();
    if let Command::ResumeBody { .. } = command {
        return conn.resume_body_of(key);
    }
    let Some(slot) = conn.slot(key) else { return };
    match command {
        Command::Part { mut bytes, .. } => {
            slot.bytes.append(&mut bytes);
            slot.draining = true;
            slot.started = true;
            return;
        }
        Command::End { mut bytes, .. } => {
            slot.bytes.append(&mut bytes);
            slot.state = SlotState::Complete;
        }
        _ => slot.state = SlotState::Aborted,
    }
    conn.skip_body_of(key);
}

/// What a connection's turn left behind.
enum Driven {
    Done,
    /// The budget was used up, or the client took bytes that made room for more.
    Again,
}

/// Gives one connection its turn: flush, understand what was read, read more, write.
fn drive<H: Handler>(
    conn: &mut Conn,
    feeder: &mut Feeder<'_, H>,
    scratch: &mut [u8],
) -> Result<Driven, Closed> {
    let settings = feeder.settings;
    let written = flush(conn, feeder)?;
    let budget = feeder.budget;
    let mut read_some = false;
    loop {
        feed_left_over(conn, feeder);
        if feeder.out.len() > settings.output_limit {
            conn.send(feeder.out)?;
            if !conn.is_stalled(settings) {
                continue;
            }
        }
        if conn.is_stalled(settings) || !conn.readable || feeder.budget == 0 || feeder.reads == 0 {
            break;
        }
        feeder.reads -= 1;
        read_some |= read(conn, feeder, scratch)?;
    }
    if !feeder.out.is_empty() {
        conn.send(feeder.out)?;
    }
    // Reading would come to the end of the stream, were it not for the handlers that hold it up.
    conn.ended |= conn.closing && conn.waits_for_handlers(settings);
    if conn.ended {
        hang_up(conn, feeder.handler);
    }
    conn.settle(feeder.draining)?;
    let started = feeder.budget < budget;
    conn.set_timer(settings, feeder.now, Progress { read: read_some, written, started });
    let more = (conn.readable || feeder.budget == 0) && !conn.is_stalled(settings);
    Ok(if more || conn.can_drain() { Driven::Again } else { Driven::Done })
}

/// Sends what is unsent and what has its turn now. `true` if the client took some of it.
fn flush<H: Handler>(conn: &mut Conn, feeder: &mut Feeder<'_, H>) -> Result<bool, Closed> {
    let progress = !conn.output.is_empty() && conn.flush()?;
    if !conn.output.is_empty() {
        return Ok(progress);
    }
    let drained = conn.drain_slots(feeder.out);
    if !feeder.out.is_empty() {
        conn.send(feeder.out)?;
    }
    if let Some(key) = drained {
        if conn.output.is_empty() {
            feeder.handler.drained(key);
        } else if let Some(slot) = conn.slot(key) {
            slot.draining = true;
        }
    }
    Ok(progress)
}

/// Feeds what an earlier turn left, and bodies that end without another byte.
fn feed_left_over<H: Handler>(conn: &mut Conn, feeder: &mut Feeder<'_, H>) {
    let mut input = std::mem::take(&mut conn.input);
    let taken = feeder.feed(conn, &input);
    if taken < input.len() {
        input.drain(..taken);
        conn.input = input;
    }
}

/// Reads once, into the shared buffer where nothing is left over, and feeds what came.
fn read<H: Handler>(
    conn: &mut Conn,
    feeder: &mut Feeder<'_, H>,
    scratch: &mut [u8],
) -> Result<bool, Closed> {
    let count = match conn.stream.read(scratch) {
        Ok(0) => {
            conn.ended = true;
            conn.readable = false;
            return Ok(false);
        }
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            conn.readable = false;
            return Ok(false);
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
        Err(_) => return Err(Closed),
    };
    // A short read has emptied the socket (epoll(7)): more bytes make a new event. Only the end
    // of the stream may already have been announced.
    conn.readable = count == scratch.len() || conn.closing;
    if conn.input.is_empty() {
        let taken = feeder.feed(conn, &scratch[..count]);
        conn.input.extend_from_slice(&scratch[taken..count]);
    } else {
        conn.input.extend_from_slice(&scratch[..count]);
    }
    Ok(true)
}

/// Nobody waits for the responses that are not complete; those before them still leave.
fn hang_up<H: Handler>(conn: &mut Conn, handler: &mut H) {
    let open: Vec<RequestKey> = conn.open_keys().collect();
    for key in open {
        handler.disconnected(key);
    }
    let complete = conn.slots.iter().take_while(|slot| slot.state == SlotState::Complete).count();
    conn.slots.truncate(complete);
    conn.phase = Phase::Last { unread: false };
}
