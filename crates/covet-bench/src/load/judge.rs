//! Counts responses: the right ones, the wrong ones, and how long they took.

use std::io;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::connection::Connection;
use super::outcome::Errors;
use crate::error::{Error, Result};
use crate::response::Unreadable;
use crate::template::{Template, Verdict};

/// The longest latency told apart, in nanoseconds; longer ones count as this long.
const LONGEST: u64 = 60_000_000_000;

/// How a connection came to be over.
#[derive(Debug)]
pub(super) enum End {
    /// The server closed or reset it, or it could not be opened.
    Lost,
    /// The server closed it as it had announced, with nothing left to answer.
    Announced,
    /// It brought something that is no response.
    Unreadable,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl From<Unreadable> for End {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

/// What all connections of a run report to.
#[derive(Debug)]
pub(super) struct Judge {
    template: Template,
    /// Responses, right and wrong.
    pub(super) responses: u64,
    /// Responses that were right but had to be parsed.
    pub(super) parsed: u64,
    /// Connections opened anew because the server had announced that it closes them.
    pub(super) reconnects: u64,
    pub(super) errors: Errors,
    /// Nanoseconds from the sending of a batch to its last response.
    pub(super) latency: Histogram<u64>,
}

impl Judge {
    pub(super) fn new(template: Template) -> Result<Self> {
        let latency = Histogram::new_with_bounds(1, LONGEST, 3)
            .map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self {
            template,
            responses: 0,
            parsed: 0,
            reconnects: 0,
            errors: Errors::default(),
            latency,
        })
    }

    /// Forgets everything but the template.
    pub(super) fn reset(&mut self) {
        (self.responses, self.parsed, self.reconnects) = (0, 0, 0);
        self.errors = Errors::default();
        self.latency.reset();
    }

    /// Bytes of the response that is expected.
    pub(super) fn response_size(&self) -> usize {
        self.template.size()
    }

    /// Takes the whole responses off the front of `bytes`; returns how much they took.
    #[inline]
    pub(super) fn consume(
        &mut self,
        connection: &mut Connection,
        bytes: &[u8],
    ) -> Result<usize, Unreadable> {
        let mut at = 0;
        while connection.awaiting > 0 {
            let Some(checked) = self.template.check(&bytes[at..])? else { return Ok(at) };
            at += checked.len;
            connection.awaiting -= 1;
            connection.progressed = true;
            self.responses += 1;
            if checked.verdict != Verdict::Same {
                self.note(checked.verdict);
            }
            if checked.close {
                connection.closing = true;
            }
        }
        if at < bytes.len() {
            return Err(Unreadable::Malformed("a response nobody asked for".to_owned()));
        }
        Ok(at)
    }

    /// Records that the batch begun at `sent_at` is answered.
    #[inline]
    pub(super) fn batch_done(&mut self, sent_at: Instant, now: Instant) {
        let elapsed = now.saturating_duration_since(sent_at).as_nanos();
        self.latency.saturating_record(u64::try_from(elapsed).unwrap_or(LONGEST));
    }

    /// Counts a connection that is over.
    pub(super) fn connection_over(&mut self, end: &End) {
        match end {
            End::Lost => self.errors.early_close += 1,
            End::Announced => self.reconnects += 1,
            End::Unreadable => self.errors.unreadable += 1,
        }
    }

    #[cold]
    fn note(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Same => {}
            Verdict::Parsed => self.parsed += 1,
            Verdict::WrongStatus => self.errors.status += 1,
            Verdict::WrongLength => self.errors.length += 1,
            Verdict::WrongBody => self.errors.body += 1,
        }
    }
}
