//! One request whose response comes later, and the rest of that response.

use std::sync::Arc;

use covet_engine::{
    handler::{Request, RequestKey},
    reply::ReplyMeta,
};
use covet_server::Command;
use covet_wire::http1::response as wire;
use pyo3::{exceptions::PyRuntimeError, intern, prelude::*};

use crate::{
    app::App,
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
    /// How the body is delimited, once the head is sent and the body is being streamed.
    streaming: Option<Framing>,
}

impl Exchange {
    /// Begins to wait for the answer to a request.
    pub(crate) fn open(app: &Arc<App>, route: &Arc<Route>, request: &Request<'_>) -> Self {
        app.outstanding().entry(request.key).or_default();
        let (app, route) = (Arc::clone(app), Arc::clone(route));
        Self { app, route, key: request.key, meta: request.reply, streaming: None }
    }

    /// Answers with what the handler returned or raised, or ends the stream that followed.
    ///
    /// Returns the coroutine that sends the rest of the response, if there is one.
    pub(crate) fn finish<'py>(
        &mut self,
        py: Python<'py>,
        result: PyResult<Bound<'py, PyAny>>,
    ) -> Option<Bound<'py, PyAny>> {
        if !self.app.outstanding().contains_key(&self.key) {
            // The client left. That it was cancelled for this is no error of the handler's.
            if let Err(error) = result
                && !error.is_instance_of::<CancelledError>(py)
            {
                respond::report(py, &self.app, error);
            }
            return None;
        }
        let next = match self.streaming {
            Some(framing) => {
                self.end_stream(py, framing, result.err());
                None
            }
            None => self.answer(py, result),
        };
        if next.is_none() {
            self.app.outstanding().remove(&self.key);
        }
        next
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
            Written::Head { response, framing } => self.begin_stream(py, response, framing, bytes),
        }
    }

    /// Sends a head; returns the coroutine that sends the body.
    pub(crate) fn begin_stream<'py>(
        &mut self,
        py: Python<'py>,
        response: Bound<'py, PyAny>,
        framing: Framing,
        head: Vec<u8>,
    ) -> Option<Bound<'py, PyAny>> {
        self.send(py, Command::Part { key: self.key, bytes: head });
        self.streaming = Some(framing);
        let sender = Send { app: Arc::clone(&self.app), key: self.key, chunked: framing.is_chunked() };
        match response.call_method1(intern!(py, "stream_to"), (sender,)) {
            Ok(coroutine) => Some(coroutine),
            Err(error) => {
                self.end_stream(py, framing, Some(error));
                None
            }
        }
    }

    /// Ends a body. One that broke off cuts the connection, or the client would take it for whole.
    fn end_stream(&self, py: Python<'_>, framing: Framing, error: Option<PyErr>) {
        let command = match error {
            None => {
                let mut bytes = Vec::new();
                if framing.is_chunked() {
                    wire::end_chunks(&mut bytes);
                }
                Command::End { key: self.key, bytes }
            }
            Some(error) => {
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

/// Sends one piece of a streamed body: `await send(chunk)` returns when it has left.
#[pyclass(module = "covet._covet", frozen)]
pub(crate) struct Send {
    app: Arc<App>,
    key: RequestKey,
    chunked: bool,
}

#[pymethods]
impl Send {
    fn __call__(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<Py<PyAny>> {
        let future = self.app.event_loop.call_method0(py, intern!(py, "create_future"))?;
        let mut bytes = Vec::with_capacity(chunk.len() + 16);
        if self.chunked {
            wire::write_chunk(&mut bytes, chunk);
        } else {
            bytes.extend_from_slice(chunk);
        }
        match self.app.outstanding().get_mut(&self.key) {
            Some(outstanding) => outstanding.drained = Some(future.clone_ref(py)),
            None => return Err(PyRuntimeError::new_err("the client has left")),
        }
        self.app.mailbox.send(py, Command::Part { key: self.key, bytes })?;
        Ok(future)
    }
}
