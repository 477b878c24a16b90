//! How answers that come later reach the reactor: from the loop's thread and from others.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
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
    deliver: Mutex<Option<Py<PyAny>>>,
    remote: Remote,
    owner: ThreadId,
}

impl Mailbox {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>, remote: Remote) -> PyResult<Self> {
        Ok(Self {
            commands: Mutex::default(),
            scheduled: AtomicBool::new(false),
            call_soon: event_loop.getattr("call_soon")?.unbind(),
            deliver: Mutex::default(),
            remote,
            owner: std::thread::current().id(),
        })
    }

    /// Names the callback that gives the reactor a turn; `None` when there will be no more.
    pub(crate) fn deliver_with(&self, deliver: Option<Py<PyAny>>) {
        *lock(&self.deliver) = deliver;
    }

    /// Hands a command over, from any thread.
    pub(crate) fn send(&self, py: Python<'_>, command: Command) -> PyResult<()> {
        if std::thread::current().id() != self.owner {
            return Ok(self.remote.send(command)?);
        }
        lock(&self.commands).push(command);
        self.schedule(py)
    }

    /// Asks the loop for a turn, unless it is asked already.
    pub(crate) fn schedule(&self, py: Python<'_>) -> PyResult<()> {
        if self.scheduled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let deliver = lock(&self.deliver).as_ref().map(|deliver| deliver.clone_ref(py));
        deliver.map_or(Ok(()), |deliver| self.call_soon.call1(py, (deliver,)).map(drop))
    }

    /// The commands so far. Those that come from now on are announced again.
    pub(crate) fn take(&self) -> Vec<Command> {
        self.scheduled.store(false, Ordering::Relaxed);
        std::mem::take(&mut lock(&self.commands))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
