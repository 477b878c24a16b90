//! The tasks that `async def` handlers run in.
//!
//! To a handler its task is what `loop.create_task` would have made. Most handlers never look:
//! they run from start to end without waiting. For those the pool keeps real tasks that are
//! parked on a future of ours, makes one of them current for a batch of requests, and steps one
//! handler after another inside it. A handler that suspends takes the task over: its driver
//! yields what the handler yielded, and from there asyncio does everything itself. A handler that
//! left a trace on its task (a reference, a callback, a name, a context variable, …) retires it:
//! the task ends with that handler's result, as it would have.

use pyo3::{
    exceptions::{PyKeyboardInterrupt, PyStopIteration, PySystemExit},
    intern,
    prelude::*,
    types::PyDict,
};

use crate::{
    cpython::{self, Layout, Step, Traces},
    exchange::Exchange,
};

/// Parked tasks kept where a task cannot be started at once (before Python 3.12).
const RESERVE: usize = 64;

/// The coroutine-like object that a task drives.
#[pyclass(module = "covet._covet")]
pub(crate) struct Driver {
    state: State,
    /// The handler's coroutine, for as long as it is alive.
    coroutine: Option<Py<PyAny>>,
    park: Py<Park>,
    /// Something was changed on the task that would outlive the handler.
    touched: bool,
}

enum State {
    /// In the pool. The next step parks, or parks again.
    Parked,
    /// The task is current, and handlers are stepped in it from outside.
    Serving,
    /// The next step yields what the handler did, and the task belongs to the handler.
    Adopting { yielded: Py<PyAny>, exchange: Box<Exchange> },
    /// The task belongs to a handler. `interrupt` is thrown into it at the next step.
    Running { exchange: Box<Exchange>, interrupt: Option<PyErr> },
    /// The next step ends the task.
    Ending(PyResult<Py<PyAny>>),
    Ended,
}

/// What a task sends into its coroutine.
enum Input {
    Send,
    Throw(PyErr),
}

#[pymethods]
impl Driver {
    #[getter]
    fn parked(&self) -> bool {
        matches!(self.state, State::Parked)
    }

    #[getter]
    fn coroutine(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.coroutine.as_ref().map(|coroutine| coroutine.clone_ref(py))
    }

    /// The task notes a change.
    fn touch(&mut self) {
        self.touched = true;
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

    fn close(slf: &Bound<'_, Self>) -> PyResult<()> {
        let coroutine = {
            let mut driver = slf.borrow_mut();
            driver.state = State::Ended;
            driver.coroutine.take()
        };
        match coroutine {
            Some(coroutine) => coroutine.call_method0(slf.py(), "close").map(drop),
            None => Ok(()),
        }
    }
}

/// One step of a task. Nothing is borrowed while Python code runs.
fn advance(slf: &Bound<'_, Driver>, input: Input) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    let state = std::mem::replace(&mut slf.borrow_mut().state, State::Ended);
    match (state, input) {
        (State::Parked | State::Serving, Input::Send) => {
            let mut driver = slf.borrow_mut();
            driver.state = State::Parked;
            Ok(driver.park.clone_ref(py).into_any())
        }
        (State::Adopting { yielded, exchange }, Input::Send) => {
            slf.borrow_mut().state = State::Running { exchange, interrupt: None };
            Ok(yielded)
        }
        (State::Adopting { yielded, exchange }, Input::Throw(error)) => {
            // The handler cancelled itself before it waited. `create_task` would now cancel what
            // it waits for, and if that cannot be, throw at the next step.
            let cancelled = yielded.call_method0(py, "cancel").and_then(|done| done.is_truthy(py));
            let interrupt = if cancelled.unwrap_or(false) { None } else { Some(error) };
            slf.borrow_mut().state = State::Running { exchange, interrupt };
            Ok(yielded)
        }
        (State::Running { exchange, interrupt }, input) => {
            let input = match (interrupt, input) {
                (Some(error), _) => Input::Throw(error),
                (None, input) => input,
            };
            run(slf, exchange, input)
        }
        (State::Ending(result), Input::Send) => end(result),
        (State::Ended, Input::Send) => end(Ok(py.None())),
        (_, Input::Throw(error)) => Err(error),
    }
}

/// Steps the coroutine that the task belongs to, and what follows it on the same request.
fn run(slf: &Bound<'_, Driver>, mut exchange: Box<Exchange>, input: Input) -> PyResult<Py<PyAny>> {
    let py = slf.py();
    let mut input = input;
    loop {
        let coroutine = slf.borrow().coroutine.as_ref().map(|coroutine| coroutine.clone_ref(py));
        let Some(coroutine) = coroutine else { return end(Ok(py.None())) };
        let coroutine = coroutine.into_bound(py);
        let step = match std::mem::replace(&mut input, Input::Send) {
            Input::Send => cpython::step(&coroutine),
            Input::Throw(error) => throw(&coroutine, error),
        };
        match step {
            Step::Suspended(yielded) => {
                slf.borrow_mut().state = State::Running { exchange, interrupt: None };
                return Ok(yielded.unbind());
            }
            Step::Finished(result) => {
                let outcome = share(py, &result);
                let next = exchange.finish(py, result);
                slf.borrow_mut().coroutine = next.map(Bound::unbind);
                if slf.borrow().coroutine.is_none() {
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

fn share(py: Python<'_>, result: &PyResult<Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
    match result {
        Ok(value) => Ok(value.clone().unbind()),
        Err(error) => Err(error.clone_ref(py)),
    }
}

/// Ends a coroutine: by `StopIteration` with the value, or by the exception.
fn end(result: PyResult<Py<PyAny>>) -> PyResult<Py<PyAny>> {
    Err(PyStopIteration::new_err((result?,)))
}

/// The future-like object that a pooled task waits on. asyncio hands it the way to wake the task.
#[pyclass(module = "covet._covet")]
pub(crate) struct Park {
    event_loop: Py<PyAny>,
    wake: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    _asyncio_future_blocking: bool,
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
}

struct Pooled {
    task: Py<PyAny>,
    driver: Py<Driver>,
    context: Py<PyAny>,
}

/// What became of a handler.
pub(crate) enum Ran<'py> {
    /// It ended without waiting.
    Finished(PyResult<Bound<'py, PyAny>>),
    /// It waits; its exchange will be finished by its task, which is returned.
    Suspended(Py<PyAny>),
}

/// The tasks of one loop.
pub(crate) struct TaskPool {
    event_loop: Py<PyAny>,
    task_type: Py<PyAny>,
    /// What every request's context is a copy of.
    context: Py<PyAny>,
    enter_task: Py<PyAny>,
    leave_task: Py<PyAny>,
    /// `None` where this interpreter's layouts are unknown: every handler has a task of its own.
    layout: Option<Layout>,
    /// Tasks can be started at once, so that the pool needs no reserve.
    eager: bool,
    parked: Vec<Pooled>,
    /// Created, and parked as soon as the loop has run.
    fresh: Vec<Pooled>,
    current: Option<(Pooled, Traces)>,
    /// A `KeyboardInterrupt` or `SystemExit` that must reach the loop.
    fatal: Option<PyErr>,
}

impl TaskPool {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let tasks = py.import("asyncio.tasks")?;
        let task_type = py.import("covet._task")?.getattr("Task")?;
        Ok(Self {
            event_loop: event_loop.clone().unbind(),
            context: cpython::current_context(py)?.unbind(),
            enter_task: tasks.getattr("_enter_task")?.unbind(),
            leave_task: tasks.getattr("_leave_task")?.unbind(),
            layout: Layout::detect(&task_type).ok(),
            task_type: task_type.unbind(),
            eager: py.version_info() >= (3, 12),
            parked: Vec::new(),
            fresh: Vec::new(),
            current: None,
            fatal: None,
        })
    }

    /// The context that requests inherit.
    pub(crate) fn context(&self) -> &Py<PyAny> {
        &self.context
    }

    /// Runs a handler's coroutine until it ends or waits.
    #[inline]
    pub(crate) fn run<'py>(
        &mut self,
        coroutine: &Bound<'py, PyAny>,
        exchange: impl FnOnce() -> Exchange,
    ) -> PyResult<Ran<'py>> {
        let py = coroutine.py();
        if !self.enter(py)? {
            return Ok(Ran::Suspended(self.start(coroutine, exchange())?));
        }
        let Some((pooled, before)) = &self.current else {
            return Ok(Ran::Suspended(self.start(coroutine, exchange())?));
        };
        let driver = pooled.driver.bind(py);
        driver.borrow_mut().coroutine = Some(coroutine.clone().unbind());
        let step = cpython::step(coroutine);
        match step {
            Step::Finished(result) => {
                driver.borrow_mut().coroutine = None;
                if self.is_touched(py, pooled, *before) || is_fatal(py, &result) {
                    self.retire(py, &result)?;
                }
                Ok(Ran::Finished(result))
            }
            Step::Suspended(yielded) => {
                let state = State::Adopting {
                    yielded: yielded.unbind(),
                    exchange: Box::new(exchange()),
                };
                Ok(Ran::Suspended(self.hand_over(py, state)?))
            }
        }
    }

    /// Runs a plain function where a handler's coroutine would run, with a context of its own.
    pub(crate) fn call<'py>(
        &mut self,
        py: Python<'py>,
        function: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<PyResult<Bound<'py, PyAny>>> {
        if !self.enter(py)? {
            let context = cpython::copy_context(self.context.bind(py))?;
            cpython::enter_context(&context)?;
            let result = function();
            cpython::exit_context(&context)?;
            return Ok(result);
        }
        let result = function();
        if let Some((pooled, before)) = &self.current
            && (self.is_touched(py, pooled, *before) || is_fatal(py, &result))
        {
            self.retire(py, &result)?;
        }
        Ok(result)
    }

    #[inline]
    fn is_touched(&self, py: Python<'_>, pooled: &Pooled, before: Traces) -> bool {
        let now =
            self.layout.map(|layout| layout.traces(pooled.task.bind(py), pooled.context.bind(py)));
        now != Some(before) || pooled.driver.borrow(py).touched
    }

    /// Makes a pooled task current. `false` if there is none.
    #[inline]
    fn enter(&mut self, py: Python<'_>) -> PyResult<bool> {
        if self.current.is_some() {
            return Ok(true);
        }
        let Some(layout) = self.layout else { return Ok(false) };
        let Some(pooled) = self.take_parked(py)? else { return Ok(false) };
        self.enter_task.call1(py, (&self.event_loop, &pooled.task))?;
        cpython::enter_context(pooled.context.bind(py))?;
        pooled.driver.borrow_mut(py).state = State::Serving;
        let traces = layout.traces(pooled.task.bind(py), pooled.context.bind(py));
        self.current = Some((pooled, traces));
        Ok(true)
    }

    /// Puts the current task back. To be called before control returns to the loop.
    pub(crate) fn leave(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Some((pooled, _)) = self.current.take() {
            self.leave_task.call1(py, (&self.event_loop, &pooled.task))?;
            cpython::exit_context(pooled.context.bind(py))?;
            pooled.driver.borrow_mut(py).state = State::Parked;
            self.parked.push(pooled);
        }
        match self.fatal.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Ends the current task with a handler's result.
    fn retire(&mut self, py: Python<'_>, result: &PyResult<Bound<'_, PyAny>>) -> PyResult<()> {
        self.hand_over(py, State::Ending(share(py, result))).map(drop)
    }

    /// Lets asyncio step the current task into another state; it is out of the pool for good.
    fn hand_over(&mut self, py: Python<'_>, state: State) -> PyResult<Py<PyAny>> {
        let Some((pooled, _)) = self.current.take() else { return Ok(py.None()) };
        self.leave_task.call1(py, (&self.event_loop, &pooled.task))?;
        let park = {
            let mut driver = pooled.driver.borrow_mut(py);
            driver.state = state;
            driver.park.clone_ref(py)
        };
        let wake = park.borrow_mut(py).wake.take();
        let woken = wake.map_or(Ok(py.None()), |wake| wake.call1(py, (park,)));
        cpython::exit_context(pooled.context.bind(py))?;
        if let Err(error) = woken {
            self.fatal = Some(error);
        }
        Ok(pooled.task)
    }

    fn take_parked(&mut self, py: Python<'_>) -> PyResult<Option<Pooled>> {
        if let Some(pooled) = self.parked.pop() {
            return Ok(Some(pooled));
        }
        if self.eager {
            return self.create(py, None).map(Some);
        }
        let (parked, fresh) = std::mem::take(&mut self.fresh).into_iter().partition(|pooled| {
            pooled.driver.borrow(py).park.borrow(py).wake.is_some()
        });
        (self.parked, self.fresh) = (parked, fresh);
        while self.parked.len() + self.fresh.len() < RESERVE {
            let pooled = self.create(py, None)?;
            self.fresh.push(pooled);
        }
        Ok(self.parked.pop())
    }

    /// A task of its own for a handler that no pooled task is there for.
    pub(crate) fn start(&mut self, coroutine: &Bound<'_, PyAny>, exchange: Exchange) -> PyResult<Py<PyAny>> {
        let owner = Some((coroutine.clone().unbind(), exchange));
        Ok(self.create(coroutine.py(), owner)?.task)
    }

    /// A task that parks, or that belongs to a handler from the start.
    fn create(
        &self,
        py: Python<'_>,
        owner: Option<(Py<PyAny>, Exchange)>,
    ) -> PyResult<Pooled> {
        let park = Park {
            event_loop: self.event_loop.clone_ref(py),
            wake: None,
            _asyncio_future_blocking: true,
        };
        let (coroutine, state) = match owner {
            None => (None, State::Parked),
            Some((coroutine, exchange)) => {
                let exchange = Box::new(exchange);
                (Some(coroutine), State::Running { exchange, interrupt: None })
            }
        };
        let driver = Py::new(py, Driver { state, coroutine, park: Py::new(py, park)?, touched: false })?;
        let context = cpython::copy_context(self.context.bind(py))?.unbind();
        let options = PyDict::new(py);
        options.set_item(intern!(py, "loop"), &self.event_loop)?;
        options.set_item(intern!(py, "context"), &context)?;
        if self.eager {
            options.set_item(intern!(py, "eager_start"), true)?;
        }
        let task = self.task_type.call(py, (&driver,), Some(&options))?;
        Ok(Pooled { task, driver, context })
    }
}

/// Whether an exception is for the loop rather than for the request alone.
fn is_fatal(py: Python<'_>, result: &PyResult<Bound<'_, PyAny>>) -> bool {
    result.as_ref().is_err_and(|error| {
        error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
    })
}

/// Gives the rest of an exchange that a thread began a task of its own.
pub(crate) fn continue_in_task(
    py: Python<'_>,
    exchange: Exchange,
    coroutine: Py<PyAny>,
) -> PyResult<()> {
    let app = std::sync::Arc::clone(&exchange.app);
    let key = exchange.key;
    let park = Park {
        event_loop: app.event_loop.clone_ref(py),
        wake: None,
        _asyncio_future_blocking: false,
    };
    let state = State::Running { exchange: Box::new(exchange), interrupt: None };
    let driver = Driver {
        state,
        coroutine: Some(coroutine),
        park: Py::new(py, park)?,
        touched: false,
    };
    let task = app.event_loop.call_method1(py, intern!(py, "create_task"), (driver,))?;
    if let Some(outstanding) = app.outstanding().get_mut(&key) {
        outstanding.task = Some(task);
    }
    Ok(())
}
