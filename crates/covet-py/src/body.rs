//! A streamed request body on its way to the handler: the `receive` of an ASGI scope.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use covet_engine::handler::RequestKey;
use covet_server::Command;
use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::{PyRuntimeError, PyStopIteration},
    intern,
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::app::App;

/// Bytes of one body kept for its handler. Above, the connection is read no further.
const LIMIT: usize = 256 * 1024;
/// Bytes up to which pieces that the handler has not taken are put together.
const PIECE: usize = 64 * 1024;

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
        match inner.pieces.back_mut() {
            // Tiny pieces would each cost many times their size.
            Some(last) if last.len() + piece.len() <= PIECE => last.extend_from_slice(piece),
            _ if piece.is_empty() => {}
            _ => inner.pieces.push_back(piece.to_vec()),
        }
        inner.size += piece.len();
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

    /// The response is complete: there is nothing more to receive.
    pub(crate) fn end(&self, py: Python<'_>) {
        self.disconnect();
        if let Err(error) = self.wake(py) {
            error.write_unraisable(py, None);
        }
    }

    /// Wakes the `receive` calls that wait, if there is something to hear now.
    pub(crate) fn wake(&self, py: Python<'_>) -> PyResult<()> {
        let waiters = {
            let mut inner = self.lock();
            if inner.pieces.is_empty() && matches!(inner.end, End::Open | End::Told) {
                return Ok(());
            }
            std::mem::take(&mut inner.waiters)
        };
        waiters.iter().try_for_each(|waiter| {
            if is_done(waiter.bind(py))? {
                return Ok(());
            }
            waiter.call_method1(py, intern!(py, "set_result"), (py.None(),)).map(drop)
        })
    }

    /// A future that is resolved when there is something to hear.
    fn wait<'py>(&self, event_loop: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = event_loop.py();
        // Those that were cancelled would gather here while somebody polls.
        let mut waiters = std::mem::take(&mut self.lock().waiters);
        waiters.retain(|waiter| !is_done(waiter.bind(py)).unwrap_or(false));
        let future = event_loop.call_method0(intern!(py, "create_future"))?;
        waiters.push(future.clone().unbind());
        self.lock().waiters.append(&mut waiters);
        Ok(future)
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

fn is_done(future: &Bound<'_, PyAny>) -> PyResult<bool> {
    future.call_method0(intern!(future.py(), "done"))?.is_truthy()
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
    fn __call__(slf: Py<Self>) -> Receiving {
        Receiving { receive: slf, waiting: None, done: false }
    }
}

impl Receive {
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let (message, resume) = self.channel.take();
        if resume {
            self.app.mailbox.send(py, Command::ResumeBody { key: self.key })?;
        }
        message.into_python(py)
    }
}

/// One call of `receive`, as the coroutine that it is in ASGI.
///
/// It takes its message when it is resumed, not before: a message is not lost with a call that
/// is cancelled at the last moment.
#[pyclass(module = "covet._covet")]
pub(crate) struct Receiving {
    receive: Py<Receive>,
    /// The iterator of the future it waits on.
    waiting: Option<Py<PyAny>>,
    done: bool,
}

#[pymethods]
impl Receiving {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.done {
            return Err(PyRuntimeError::new_err("cannot reuse already awaited receive()"));
        }
        match self.advance(py) {
            Ok(future) => Ok(future),
            Err(error) => {
                self.done = true;
                Err(error)
            }
        }
    }

    fn send<'py>(
        &mut self,
        py: Python<'py>,
        _value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.__next__(py)
    }

    fn throw(&mut self, exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close();
        Err(PyErr::from_value(exception.clone()))
    }

    fn close(&mut self) {
        self.done = true;
        self.waiting = None;
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.receive)?;
        self.waiting.as_ref().map_or(Ok(()), |waiting| visit.call(waiting))
    }

    fn __clear__(&mut self) {
        self.close();
    }
}

impl Receiving {
    /// Ends by `StopIteration` with the message, or gives the future to wait on.
    fn advance<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(waiting) = self.waiting.take()
            && let Err(error) = waiting.call_method0(py, intern!(py, "__next__"))
            && !error.is_instance_of::<PyStopIteration>(py)
        {
            return Err(error);
        }
        let receive = self.receive.get();
        if let Some(message) = receive.take(py)? {
            return Err(PyStopIteration::new_err((message.unbind(),)));
        }
        let future = receive.channel.wait(receive.app.event_loop.bind(py))?;
        let waiting = future.call_method0(intern!(py, "__await__"))?;
        let yielded = waiting.call_method0(intern!(py, "__next__"))?;
        self.waiting = Some(waiting.unbind());
        Ok(yielded)
    }
}
