//! A streamed request body on its way to the handler: the `receive` of an ASGI scope.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use covet_engine::handler::RequestKey;
use covet_server::Command;
use pyo3::{
    exceptions::PyStopIteration,
    intern,
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::app::App;

/// Bytes of one body kept for its handler. Above, the connection is read no further.
const LIMIT: usize = 256 * 1024;

/// The pieces of one body that its handler has not taken yet.
#[derive(Default)]
pub(crate) struct Channel {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    pieces: VecDeque<Vec<u8>>,
    size: usize,
    end: End,
    /// The server was asked to stop reading.
    paused: bool,
    /// Futures of `receive` calls that wait.
    waiters: Vec<Py<PyAny>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// More may come.
    #[default]
    Open,
    /// The body is complete; the handler has not been told.
    Complete,
    /// The handler has the whole body.
    Told,
    /// The client left.
    Disconnected,
}

/// What `receive` has to say now.
enum Message {
    Body { bytes: Vec<u8>, more: bool },
    Disconnect,
    Wait,
}

impl Channel {
    /// A channel whose body is already here.
    pub(crate) fn whole(body: &[u8]) -> Self {
        let channel = Self::default();
        channel.push(body);
        channel.lock().end = End::Complete;
        channel
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a piece. `false` when the handler has to catch up first.
    pub(crate) fn push(&self, piece: &[u8]) -> bool {
        let mut inner = self.lock();
        if !piece.is_empty() {
            inner.pieces.push_back(piece.to_vec());
            inner.size += piece.len();
        }
        inner.paused = inner.size > LIMIT;
        !inner.paused
    }

    pub(crate) fn complete(&self) {
        let mut inner = self.lock();
        if inner.end == End::Open {
            inner.end = End::Complete;
        }
    }

    pub(crate) fn disconnect(&self) {
        self.lock().end = End::Disconnected;
    }

    /// Resolves the `receive` calls that wait and have something to hear now.
    pub(crate) fn wake(&self, py: Python<'_>) -> PyResult<()> {
        loop {
            let waiter = {
                let mut inner = self.lock();
                if inner.pieces.is_empty() && matches!(inner.end, End::Open | End::Told) {
                    return Ok(());
                }
                inner.waiters.pop()
            };
            let Some(waiter) = waiter else { return Ok(()) };
            if waiter.call_method0(py, intern!(py, "done"))?.is_truthy(py)? {
                continue;
            }
            let (message, _) = self.take();
            if let Some(message) = message.into_python(py)? {
                waiter.call_method1(py, intern!(py, "set_result"), (message,))?;
            }
        }
    }

    /// The next message, and whether the server may read on.
    fn take(&self) -> (Message, bool) {
        let mut inner = self.lock();
        let bytes = inner.pieces.pop_front();
        inner.size -= bytes.as_ref().map_or(0, Vec::len);
        let resume = inner.paused && inner.size <= LIMIT / 2;
        inner.paused &= !resume;
        let more = !inner.pieces.is_empty() || inner.end == End::Open;
        let message = match (bytes, inner.end) {
            (Some(bytes), _) => Message::Body { bytes, more },
            (None, End::Complete) => Message::Body { bytes: Vec::new(), more: false },
            (None, End::Disconnected) => Message::Disconnect,
            (None, End::Open | End::Told) => Message::Wait,
        };
        if matches!(message, Message::Body { more: false, .. }) && inner.end == End::Complete {
            inner.end = End::Told;
        }
        (message, resume)
    }
}

impl Message {
    fn into_python(self, py: Python<'_>) -> PyResult<Option<Bound<'_, PyDict>>> {
        let message = PyDict::new(py);
        match self {
            Self::Body { bytes, more } => {
                message.set_item(intern!(py, "type"), intern!(py, "http.request"))?;
                message.set_item(intern!(py, "body"), PyBytes::new(py, &bytes))?;
                message.set_item(intern!(py, "more_body"), more)?;
            }
            Self::Disconnect => {
                message.set_item(intern!(py, "type"), intern!(py, "http.disconnect"))?;
            }
            Self::Wait => return Ok(None),
        }
        Ok(Some(message))
    }
}

/// The `receive` callable of one request.
#[pyclass(module = "covet._covet", frozen)]
pub(crate) struct Receive {
    pub(crate) app: Arc<App>,
    pub(crate) key: RequestKey,
    pub(crate) channel: Arc<Channel>,
}

#[pymethods]
impl Receive {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (message, resume) = self.channel.take();
        if resume {
            self.app.mailbox.send(py, Command::ResumeBody { key: self.key })?;
        }
        if let Some(message) = message.into_python(py)? {
            return Ok(Bound::new(py, Ready { value: Some(message.into_any().unbind()) })?.into_any());
        }
        let future = self.app.event_loop.call_method0(py, intern!(py, "create_future"))?;
        self.channel.lock().waiters.push(future.clone_ref(py));
        Ok(future.into_bound(py))
    }
}

/// An awaitable whose value is already there.
#[pyclass(module = "covet._covet")]
pub(crate) struct Ready {
    value: Option<Py<PyAny>>,
}

#[pymethods]
impl Ready {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&mut self) -> PyResult<Option<Py<PyAny>>> {
        match self.value.take() {
            Some(value) => Err(PyStopIteration::new_err((value,))),
            None => Ok(None),
        }
    }
}
