//! How answers that come later reach the reactor: from the loop's thread and from others.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::ThreadId,
};

use covet_server::{Command, Remote};
use pyo3::prelude::*;

/// Commands for the reactor, and the callback that delivers them.
///
/// Bounded by what the reactor allows: one command for each outstanding request, and the next
/// part of a streamed response only after the last one has left.
pub(crate) struct Mailbox {
    commands: Mutex<Vec<Command>>,
    /// The loop will call `deliver`.
    scheduled: AtomicBool,
    call_soon: Py<PyAny>,
    deliver: OnceLock<Py<PyAny>>,
    remote: Remote,
    owner: ThreadId,
}

impl Mailbox {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>, remote: Remote) -> PyResult<Self> {
        Ok(Self {
            commands: Mutex::default(),
            scheduled: AtomicBool::new(false),
            call_soon: event_loop.getattr("call_soon")?.unbind(),
            deliver: OnceLock::new(),
            remote,
            owner: std::thread::current().id(),
        })
    }

    /// Names the callback that gives the reactor a turn, the first time.
    #[inline]
    pub(crate) fn deliver_with(&self, deliver: impl FnOnce() -> PyResult<Py<PyAny>>) -> PyResult<()> {
        if self.deliver.get().is_none() {
            let deliver = deliver()?;
            self.deliver.get_or_init(|| deliver);
        }
        Ok(())
    }

    /// Hands a command over, from any thread.
    pub(crate) fn send(&self, py: Python<'_>, command: Command) -> PyResult<()> {
        if std::thread::current().id() != self.owner {
            return Ok(self.remote.send(command)?);
        }
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command);
        self.schedule(py)
    }

    /// Asks the loop for a turn, unless it is asked already.
    pub(crate) fn schedule(&self, py: Python<'_>) -> PyResult<()> {
        if !self.scheduled.swap(true, Ordering::Relaxed)
            && let Some(deliver) = self.deliver.get()
        {
            self.call_soon.call1(py, (deliver,))?;
        }
        Ok(())
    }

    /// The commands so far. Those that come from now on are announced again.
    pub(crate) fn take(&self) -> Vec<Command> {
        self.scheduled.store(false, Ordering::Relaxed);
        std::mem::take(&mut self.commands.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
