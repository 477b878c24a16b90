//! The loop that turns readiness into responses counted and batches sent.

use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};

use super::Plan;
use super::connection::Connection;
use super::judge::{End, Judge};
use crate::error::{Error, Result};
use crate::template::Template;

/// The least size of the buffer that all connections read into.
const SCRATCH: usize = 256 * 1024;
/// A run ends when so many attempts to connect have failed in a row.
const MAX_FAILURES: u32 = 1000;
/// How long responses still under way are waited for at the end of a run.
const DRAIN: Duration = Duration::from_millis(500);

/// All connections of a run and what they share.
#[derive(Debug)]
pub(super) struct Generator<'p> {
    plan: &'p Plan,
    poll: Poll,
    /// The requests of one batch.
    batch: Vec<u8>,
    connections: Vec<Connection>,
    scratch: Vec<u8>,
    /// Attempts to connect that failed since the last response.
    failures: u32,
    /// Whether no new batches are begun.
    draining: bool,
    pub(super) judge: Judge,
}

impl<'p> Generator<'p> {
    /// Opens the connections.
    pub(super) fn open(plan: &'p Plan, template: Template) -> Result<Self> {
        let poll = Poll::new().map_err(|error| Error::system("cannot make a poll", error))?;
        let judge = Judge::new(template)?;
        let connections = (0..plan.connections)
            .map(|index| Connection::open(plan.target.address, poll.registry(), Token(index)))
            .collect::<io::Result<_>>()
            .map_err(|source| unreachable(plan, source))?;
        Ok(Self {
            plan,
            poll,
            batch: plan.request.encode(&plan.target).repeat(plan.pipeline),
            connections,
            scratch: vec![0; SCRATCH.max(4 * judge.response_size())],
            failures: 0,
            draining: false,
            judge,
        })
    }

    /// Sends and receives until `deadline`.
    pub(super) fn turn_until(&mut self, deadline: Instant) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || (self.draining && self.idle()) {
                return Ok(());
            }
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled.map_err(|error| Error::system("cannot poll", error))?,
            }
            for event in &events {
                self.on_event(event)?;
            }
        }
    }

    /// Waits a little for the responses under way, so that the server is left in peace.
    pub(super) fn drain(&mut self) -> Result<()> {
        self.draining = true;
        self.turn_until(Instant::now() + DRAIN)
    }

    /// Begins the measurement: forgets what was counted.
    pub(super) fn reset(&mut self) {
        self.judge.reset();
        for connection in &mut self.connections {
            connection.progressed = false;
        }
    }

    /// How many connections have waited in vain since [`reset`](Self::reset).
    pub(super) fn stalled(&self) -> u64 {
        let stalled = |c: &&Connection| c.awaiting > 0 && !c.progressed;
        self.connections.iter().filter(stalled).count() as u64
    }

    fn idle(&self) -> bool {
        self.connections.iter().all(|connection| connection.awaiting == 0)
    }

    fn on_event(&mut self, event: &Event) -> Result<()> {
        let Token(index) = event.token();
        let ended = event.is_read_closed() || event.is_error();
        let mut outcome = Ok(());
        if event.is_writable() {
            outcome = self.on_writable(index).map_err(End::from);
        }
        if outcome.is_ok() && (event.is_readable() || ended) {
            outcome = self.on_readable(index, ended);
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(end) => self.reopen(index, &end),
        }
    }

    fn on_writable(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        if connection.awaiting == 0 && !self.draining {
            connection.begin(&self.batch, self.plan.pipeline, Instant::now())
        } else {
            connection.flush(&self.batch)
        }
    }

    /// Reads until a short read shows that the socket is empty; to its end if it has `ended`,
    /// since no further event will tell.
    fn on_readable(&mut self, index: usize, ended: bool) -> Result<(), End> {
        let connection = &mut self.connections[index];
        while let Some(filled) = connection.fill(&mut self.scratch)? {
            self.failures = 0;
            let bytes = &self.scratch[..filled];
            let used = self.judge.consume(connection, bytes)?;
            connection.keep(&bytes[used..]);
            if connection.awaiting == 0 {
                let now = Instant::now();
                self.judge.batch_done(connection.sent_at, now);
                if connection.closing {
                    return Err(End::Announced);
                }
                if !self.draining {
                    connection.begin(&self.batch, self.plan.pipeline, now)?;
                }
            }
            if filled < self.scratch.len() && !ended {
                break;
            }
        }
        Ok(())
    }

    #[cold]
    fn reopen(&mut self, index: usize, end: &End) -> Result<()> {
        if self.draining {
            self.connections[index].awaiting = 0;
            return Ok(());
        }
        self.judge.connection_over(end);
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            return Err(Error::Gone { attempts: self.failures });
        }
        let registry = self.poll.registry();
        self.connections[index] =
            Connection::open(self.plan.target.address, registry, Token(index))
                .map_err(|source| unreachable(self.plan, source))?;
        Ok(())
    }
}

fn unreachable(plan: &Plan, source: io::Error) -> Error {
    Error::Unreachable { address: plan.target.address.to_string(), source }
}
