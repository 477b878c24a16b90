//! What a task drives in place of a handler's coroutine: it parks, serves handlers that are
//! stepped from outside, and becomes the coroutine of the one that keeps the task.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pyo3::{
    PyTraverseError, PyVisit, exceptions::PyStopIteration, intern, prelude::*, types::PyDict,
};

use crate::{
    cpython::{self, Shown, Step},
    exchange::Exchange,
};

/// The coroutine-like object that a task drives.
#[pyclass(module = "covet._covet")]
pub(crate) struct Driver {
    pub(crate) state: State,
    /// The coroutine of the handler that the task belongs to, as the task shows it.
    pub(crate) coroutine: Option<Py<PyAny>>,
    pub(crate) park: Py<Park>,
    pub(crate) visit: Arc<Visit>,
}

/// What the pool and a driver have to tell each other of each handler that is stepped from
/// outside: apart from the driver, because borrowing that costs more than a small handler.
#[derive(Default)]
pub(crate) struct Visit {
    /// The handler's coroutine.
    pub(crate) coroutine: Shown,
    /// Something was changed on the task, or told by it, that would outlive the handler.
    touched: AtomicBool,
}

impl Visit {
    #[inline]
    pub(crate) fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }
}

pub(crate) enum State {
    /// In the pool. The next step parks, or parks again.
    Parked,
    /// The task is current, and handlers are stepped in it from outside.
    Serving,
    /// The next step yields what the handler did, and the task belongs to the handler.
    Adopting {
        yielded: Py<PyAny>,
        work: Box<Work>,
    },
    /// The task belongs to a handler. `interrupt` is thrown into it at the next step.
    Running {
        work: Box<Work>,
        interrupt: Option<PyErr>,
    },
    /// The next step ends the task.
    Ending(Outcome),
    Ended,
}

/// What a task ends with.
pub(crate) type Outcome = PyResult<Py<PyAny>>;

/// What a task does for one request.
pub(crate) struct Work {
    exchange: Exchange,
    /// The handler's coroutine, then the one that sends the rest of the response.
    coroutine: Py<PyAny>,
    /// What the handler ended with, once it has.
    outcome: Option<Outcome>,
}

/// What a task sends into its coroutine.
enum Input {
    Send,
    Throw(PyErr),
}

impl Work {
    /// Steps a handler's coroutine.
    pub(crate) fn handler(exchange: Exchange, coroutine: Py<PyAny>) -> Box<Self> {
        Box::new(Self { exchange, coroutine, outcome: None })
    }

    /// Sends the rest of a response after a handler that ended with `outcome`.
    pub(crate) fn rest(exchange: Exchange, coroutine: Py<PyAny>, outcome: Outcome) -> Box<Self> {
        Box::new(Self { exchange, coroutine, outcome: Some(outcome) })
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn coroutine(&self) -> &Py<PyAny> {
        &self.coroutine
    }

    /// Passes a coroutine's end on. Gives what the task ends with, unless there is more to do.
    fn advance(&mut self, py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) -> Option<Outcome> {
        let ended = share(py, &result);
        let outcome = match self.outcome.take() {
            Some(outcome) if ended.is_ok() => outcome,
            _ => ended,
        };
        let Some(next) = self.exchange.finish(py, result) else { return Some(outcome) };
        self.coroutine = next.unbind();
        self.outcome = Some(outcome);
        None
    }
}

#[pymethods]
impl Driver {
    #[getter]
    fn parked(&self) -> bool {
        matches!(self.state, State::Parked)
    }

    #[getter]
    fn serving(&self) -> bool {
        matches!(self.state, State::Serving)
    }

    #[getter]
    fn coroutine(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let shown = self.visit.coroutine.get(py).map(Bound::unbind);
        shown.or_else(|| self.coroutine.as_ref().map(|coroutine| coroutine.clone_ref(py)))
    }

    /// Whether the task belongs to a handler that has not ended.
    #[getter]
    fn running(&self) -> bool {
        matches!(self.state, State::Adopting { .. } | State::Running { .. })
    }

    /// The task notes a change.
    fn touch(&self) {
        self.visit.touched.store(true, Ordering::Relaxed);
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        advance(slf, Input::Send)
    }

    fn send(slf: &Bound<'_, Self>, _value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        advance(slf, Input::Send)
    }

    fn throw(slf: &Bound<'_, Self>, exception: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        advance(slf, Input::Throw(PyErr::from_value(exception.clone())))
    }

    /// Part of the interface of a coroutine; a task never calls it.
    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let state = slf.borrow_mut().end();
        match state {
            State::Running { work, .. } | State::Adopting { work, .. } => {
                work.coroutine.call_method0(slf.py(), intern!(slf.py(), "close")).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.park)?;
        if let Some(coroutine) = &self.coroutine {
            visit.call(coroutine)?;
        }
        match &self.state {
            State::Running { work, .. } | State::Adopting { work, .. } => {
                visit.call(&work.coroutine)?;
                match &work.outcome {
                    Some(Ok(value)) => visit.call(value),
                    _ => Ok(()),
                }
            }
            State::Ending(Ok(value)) => visit.call(value),
            State::Parked | State::Serving | State::Ending(Err(_)) | State::Ended => Ok(()),
        }
    }

    fn __clear__(&mut self) {
        self.coroutine = None;
        drop(self.end());
    }
}

impl Driver {
    pub(crate) fn new(py: Python<'_>, event_loop: &Py<PyAny>, state: State) -> PyResult<Py<Self>> {
        let coroutine = match &state {
            State::Running { work, .. } => Some(work.coroutine.clone_ref(py)),
            _ => None,
        };
        let park = Park {
            event_loop: event_loop.clone_ref(py),
            wake: None,
            _asyncio_future_blocking: true,
        };
        let park = Py::new(py, park)?;
        Py::new(py, Self { state, coroutine, park, visit: Arc::default() })
    }

    /// Ends it, whatever it was about to do. The old state is to be dropped while nothing is
    /// borrowed: that may run Python code.
    #[must_use]
    pub(crate) fn end(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Ended)
    }
}

/// One step of a task. Nothing is borrowed while Python code runs.
fn advance(slf: &Bound<'_, Driver>, input: Input) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    let state = slf.borrow_mut().end();
    match (state, input) {
        (State::Parked | State::Serving, Input::Send) => {
            let mut driver = slf.borrow_mut();
            driver.state = State::Parked;
            Ok(driver.park.clone_ref(py).into_any())
        }
        (State::Adopting { yielded, work }, Input::Send) => {
            slf.borrow_mut().state = State::Running { work, interrupt: None };
            Ok(yielded)
        }
        (State::Adopting { yielded, work }, Input::Throw(error)) => {
            // The handler cancelled itself before it waited. A task would now cancel what the
            // handler waits for, and if that cannot be, throw at the next step.
            let cancelled = cancel_awaited(yielded.bind(py), &error).unwrap_or(false);
            let interrupt = if cancelled { None } else { Some(error) };
            slf.borrow_mut().state = State::Running { work, interrupt };
            Ok(yielded)
        }
        (State::Running { work, interrupt }, input) => {
            let input = match (interrupt, input) {
                (Some(error), _) => Input::Throw(error),
                (None, input) => input,
            };
            run(slf, work, input)
        }
        (State::Ending(Ok(value)), Input::Send) => end(Ok(value)),
        (State::Ended, Input::Send) => end(Ok(py.None())),
        // What a handler raised wins over its cancellation, as in a task.
        (State::Ending(Err(error)), _) | (_, Input::Throw(error)) => Err(error),
    }
}

/// Steps the coroutine that the task belongs to, and what follows it on the same request.
fn run(slf: &Bound<'_, Driver>, mut work: Box<Work>, input: Input) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    let mut input = input;
    loop {
        let coroutine = work.coroutine.bind(py);
        let step = match std::mem::replace(&mut input, Input::Send) {
            Input::Send => cpython::step(coroutine),
            Input::Throw(error) => throw(coroutine, error),
        };
        match step {
            Step::Suspended(yielded) => {
                slf.borrow_mut().state = State::Running { work, interrupt: None };
                return Ok(yielded.unbind());
            }
            Step::Finished(result) => {
                if let Some(outcome) = work.advance(py, result) {
                    return end(outcome);
                }
            }
        }
    }
}

fn throw<'py>(coroutine: &Bound<'py, PyAny>, error: PyErr) -> Step<'py> {
    let py = coroutine.py();
    match coroutine.call_method1(intern!(py, "throw"), (error,)) {
        Ok(yielded) => Step::Suspended(yielded),
        Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
            Step::Finished(error.value(py).getattr(intern!(py, "value")))
        }
        Err(error) => Step::Finished(Err(error)),
    }
}

/// Cancels what a coroutine waits for, with the message of the cancellation.
fn cancel_awaited(yielded: &Bound<'_, PyAny>, error: &PyErr) -> PyResult<bool> {
    let py = yielded.py();
    if !yielded.getattr(intern!(py, "_asyncio_future_blocking"))?.is_truthy()? {
        return Ok(false);
    }
    let message = error.value(py).getattr(intern!(py, "args"))?.get_item(0).ok();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "msg"), message)?;
    yielded.call_method(intern!(py, "cancel"), (), Some(&options))?.is_truthy()
}

/// A result that is kept as well as passed on.
#[inline]
pub(crate) fn share(py: Python<'_>, result: &PyResult<Bound<'_, PyAny>>) -> Outcome {
    match result {
        Ok(value) => Ok(value.clone().unbind()),
        Err(error) => Err(error.clone_ref(py)),
    }
}

/// Ends a coroutine: by `StopIteration` with the value, or by the exception.
fn end(outcome: Outcome) -> PyResult<Py<PyAny>> {
    Err(PyStopIteration::new_err((outcome?,)))
}

/// The future-like object that a pooled task waits on. asyncio hands it the way to wake the task.
#[pyclass(module = "covet._covet")]
pub(crate) struct Park {
    event_loop: Py<PyAny>,
    wake: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    _asyncio_future_blocking: bool,
}

impl Park {
    /// Whether a task waits on it.
    pub(crate) fn is_taken(&self) -> bool {
        self.wake.is_some()
    }

    /// What steps the task when it is called with this object. For one call.
    pub(crate) fn take_wake(&mut self) -> Option<Py<PyAny>> {
        self.wake.take()
    }
}

#[pymethods]
impl Park {
    fn get_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.event_loop.clone_ref(py)
    }

    #[pyo3(signature = (wake, *, context=None))]
    fn add_done_callback(&mut self, wake: Py<PyAny>, context: Option<Py<PyAny>>) {
        drop(context);
        self.wake = Some(wake);
    }

    /// asyncio asks for it when the task wakes.
    #[allow(clippy::unused_self, reason = "part of the interface of a future")]
    fn result(&self) {}

    #[pyo3(signature = (msg=None))]
    #[allow(clippy::unused_self, reason = "part of the interface of a future")]
    fn cancel(&self, msg: Option<Py<PyAny>>) -> bool {
        drop(msg);
        false
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        self.wake.as_ref().map_or(Ok(()), |wake| visit.call(wake))
    }

    fn __clear__(&mut self) {
        self.wake = None;
    }
}
