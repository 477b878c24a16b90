//! How answers that come later reach the reactor: from the loop's thread and from others.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::ThreadId,
};

use covet_engine::handler::RequestKey;
use covet_server::{Command, Remote};
use pyo3::{intern, prelude::*, types::PyTuple};

use crate::cpython;

/// Commands for the reactor, and the callback that delivers them.
///
/// Bounded by what the reactor allows: one command for each outstanding request, and the next
/// part of a streamed response only after the last one has left.
pub(crate) struct Mailbox {
    commands: Mutex<Vec<Command>>,
    /// The loop will call `deliver`.
    scheduled: AtomicBool,
    call_soon: Py<PyAny>,
    /// The context `deliver` is called in: not that of the handler which happens to answer.
    context: Py<PyAny>,
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
            context: cpython::current_context(event_loop.py())?.unbind(),
            deliver: Mutex::default(),
            remote,
            owner: std::thread::current().id(),
        })
    }

    /// Names the callback that gives the reactor a turn; `None` when there will be no more.
    pub(crate) fn deliver_with(&self, deliver: Option<Py<PyAny>>) {
        // The old one is dropped when the lock is released: that may run Python code.
        let old = std::mem::replace(&mut *lock(&self.deliver), deliver);
        drop(old);
    }

    /// Whether the calling thread is the loop's.
    pub(crate) fn is_here(&self) -> bool {
        std::thread::current().id() == self.owner
    }

    /// Hands a command over, from any thread.
    pub(crate) fn send(&self, py: Python<'_>, command: Command) -> PyResult<()> {
        if !self.is_here() {
            return Ok(self.remote.send(command)?);
        }
        lock(&self.commands).push(command);
        self.schedule(py)
    }

    /// Cuts the connection of a request whose response cannot be completed.
    pub(crate) fn abort(&self, py: Python<'_>, key: RequestKey) {
        if let Err(error) = self.send(py, Command::Abort { key }) {
            error.write_unraisable(py, None);
        }
    }

    /// Asks the loop for a turn, unless it is asked already.
    pub(crate) fn schedule(&self, py: Python<'_>) -> PyResult<()> {
        if self.scheduled.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let deliver = lock(&self.deliver).as_ref().map(|deliver| deliver.clone_ref(py));
        let Some(deliver) = deliver else { return Ok(()) };
        let keywords = PyTuple::new(py, [intern!(py, "context")])?;
        let arguments = [deliver.into_bound(py), self.context.bind(py).clone()];
        cpython::call(self.call_soon.bind(py), &arguments, Some(&keywords)).map(drop)
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
