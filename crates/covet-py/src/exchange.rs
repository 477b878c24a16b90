//! One request whose response comes later, and the rest of that response.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use covet_engine::{
    handler::{Request, RequestKey},
    reply::ReplyMeta,
};
use covet_server::Command;
use covet_wire::http1::response as wire;
use pyo3::{exceptions::PyValueError, intern, prelude::*};

use crate::{
    app::App,
    body::Channel,
    plan::Route,
    respond::{self, Framing, Written},
};

pyo3::import_exception!(asyncio, CancelledError);

/// A request that a task or a thread is to answer.
pub(crate) struct Exchange {
    pub(crate) app: Arc<App>,
    pub(crate) route: Arc<Route>,
    pub(crate) key: RequestKey,
    pub(crate) meta: ReplyMeta,
    /// The body, once the head is sent and the body is being streamed.
    streaming: Option<Arc<Streamed>>,
}

impl Exchange {
    /// Begins to wait for the answer to a request, whose body is in `channel`.
    pub(crate) fn open(
        app: &Arc<App>,
        route: &Arc<Route>,
        request: &Request<'_>,
        channel: Option<&Arc<Channel>>,
    ) -> Self {
        app.outstanding().entry(request.key).or_default().body = channel.map(Arc::clone);
        let (app, route) = (Arc::clone(app), Arc::clone(route));
        Self { app, route, key: request.key, meta: *request.reply, streaming: None }
    }

    /// Answers with what the handler returned or raised, or ends the stream that followed.
    ///
    /// Returns the coroutine that sends the rest of the response, if there is one.
    pub(crate) fn finish<'py>(
        &mut self,
        py: Python<'py>,
        result: PyResult<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        if !self.is_awaited() {
            // The client left. That it was cancelled for this is no error of the handler's.
            if let Err(error) = result
                && !error.is_instance_of::<CancelledError>(py)
            {
                respond::report(py, &self.app, error);
            }
            return None;
        }
        let next = match self.streaming.take() {
            Some(body) => {
                self.end_stream(py, result.and_then(|_| body.end()));
                None
            }
            None => self.answer(py, result),
        };
        if next.is_none() {
            forget(py, &self.app, self.key);
        }
        next
    }

    /// Whether the client is still there.
    pub(crate) fn is_awaited(&self) -> bool {
        self.app.outstanding().contains_key(&self.key)
    }

    fn answer<'py>(
        &mut self,
        py: Python<'py>,
        result: PyResult<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        self.meta.date = covet_server::date();
        let mut bytes = Vec::new();
        match respond::write(py, &self.app, &self.route, &self.meta, result, &mut bytes) {
            Written::Whole => {
                self.send(py, Command::End { key: self.key, bytes });
                None
            }
            Written::Head { response, framing } => self.begin_stream(py, &response, framing, bytes),
        }
    }

    /// Sends a head; returns the coroutine that sends the body.
    pub(crate) fn begin_stream<'py>(
        &mut self,
        py: Python<'py>,
        response: &Bound<'py, PyAny>,
        framing: Framing,
        head: Vec<u8>,
    ) -> Option<Bound<'py, PyAny>> {
        self.send(py, Command::Part { key: self.key, bytes: head });
        let body = Arc::new(Streamed::new(framing));
        self.streaming = Some(Arc::clone(&body));
        let sender = Send { app: Arc::clone(&self.app), key: self.key, body };
        match response.call_method1(intern!(py, "stream_to"), (sender,)) {
            Ok(coroutine) => Some(coroutine),
            Err(error) => {
                self.end_stream(py, Err(error));
                None
            }
        }
    }

    /// Ends a body with its last bytes. One that broke off cuts the connection, or the client
    /// would take it for whole; so does one that has nothing else to show where it ends.
    fn end_stream(&self, py: Python<'_>, ending: PyResult<Option<Vec<u8>>>) {
        let command = match ending {
            Ok(Some(bytes)) => Command::End { key: self.key, bytes },
            Ok(None) => Command::Abort { key: self.key },
            Err(error) => {
                respond::report(py, &self.app, error);
                Command::Abort { key: self.key }
            }
        };
        self.send(py, command);
    }

    fn send(&self, py: Python<'_>, command: Command) {
        if let Err(error) = self.app.mailbox.send(py, command) {
            // The loop is closed: there is nobody left to answer.
            error.write_unraisable(py, None);
        }
    }
}

/// Forgets a request whose response is complete; whoever still waits for its body hears so.
pub(crate) fn forget(py: Python<'_>, app: &App, key: RequestKey) {
    // Not to be dropped while the map is locked: that may run Python code.
    let outstanding = app.outstanding().remove(&key);
    if let Some(channel) = outstanding.and_then(|outstanding| outstanding.body) {
        if app.mailbox.is_here() {
            channel.end(py);
        } else {
            channel.disconnect();
        }
    }
}

/// A body on its way, as those who send it and who end it see it.
struct Streamed {
    framing: Framing,
    /// Bytes that the declared length still leaves.
    left: AtomicU64,
}

impl Streamed {
    fn new(framing: Framing) -> Self {
        let left = if let Framing::Length(length) = framing { length } else { 0 };
        Self { framing, left: AtomicU64::new(left) }
    }

    /// A piece as it goes on the wire. What exceeds a declared length is refused: the client would
    /// take it for the beginning of the next response.
    fn piece(&self, chunk: &[u8]) -> PyResult<Vec<u8>> {
        let mut bytes = Vec::with_capacity(chunk.len() + 16);
        match self.framing {
            Framing::Chunked => wire::write_chunk(&mut bytes, chunk),
            Framing::Close => bytes.extend_from_slice(chunk),
            Framing::Length(length) => {
                let left = self.left.load(Ordering::Relaxed).checked_sub(chunk.len() as u64);
                let Some(left) = left else {
                    let message = format!("the body is longer than its content-length of {length}");
                    return Err(PyValueError::new_err(message));
                };
                self.left.store(left, Ordering::Relaxed);
                bytes.extend_from_slice(chunk);
            }
        }
        Ok(bytes)
    }

    /// The last bytes; `None` if only the end of the connection can tell that they are.
    fn end(&self) -> PyResult<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        match self.framing {
            Framing::Chunked => wire::end_chunks(&mut bytes),
            Framing::Close => return Ok(None),
            Framing::Length(length) => {
                let left = self.left.load(Ordering::Relaxed);
                if left > 0 {
                    let message = format!("the body lacks {left} bytes of its {length}");
                    return Err(PyValueError::new_err(message));
                }
            }
        }
        Ok(Some(bytes))
    }
}

/// Sends one piece of a streamed body: `await send(chunk)` returns when it has left.
#[pyclass(module = "covet._covet", frozen)]
pub(crate) struct Send {
    app: Arc<App>,
    key: RequestKey,
    body: Arc<Streamed>,
}

#[pymethods]
impl Send {
    fn __call__(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<Py<PyAny>> {
        let bytes = self.body.piece(chunk)?;
        let future = self.app.event_loop.call_method0(py, intern!(py, "create_future"))?;
        let waiting = self
            .app
            .outstanding()
            .get_mut(&self.key)
            .map(|outstanding| outstanding.drained.replace(future.clone_ref(py)));
        if waiting.is_none() {
            // The client has left; a sender that ignored its cancellation is cancelled again.
            return Err(CancelledError::new_err(()));
        }
        self.app.mailbox.send(py, Command::Part { key: self.key, bytes })?;
        Ok(future)
    }
}
