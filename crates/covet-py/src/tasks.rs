//! The tasks that `async def` handlers run in.
//!
//! To a handler its task is what `loop.create_task` would have made. Most handlers never look:
//! they run from start to end without waiting. For those the pool keeps real tasks that are
//! parked on a future of ours, makes one of them current for a batch of requests, and steps one
//! handler after another inside it. A handler that suspends takes the task over: its driver
//! yields what the handler yielded, and from there asyncio does everything itself. A handler that
//! left a trace on its task (a reference, a callback, a name, a context variable, …) retires it:
//! the task ends with that handler's result, as it would have.
//!
//! The law of one request: [`TaskPool::enter`], then anything that runs the application's code
//! (validators, the handler, serializers, exception handlers), then [`TaskPool::settle`]. All of
//! it happens in one task and one context, and nothing of it is seen by the next request.

use std::sync::Arc;

use pyo3::{
    exceptions::{PyKeyboardInterrupt, PySystemExit},
    intern,
    prelude::*,
    types::PyDict,
};

use crate::{
    cpython::{self, Layout, Step, Traces},
    driver::{Driver, Outcome, State, Visit, Work, share},
    exchange::Exchange,
};

/// Tasks kept parked where one cannot be started at once (before Python 3.12).
const RESERVE: usize = 64;

struct Pooled {
    task: Py<PyAny>,
    driver: Py<Driver>,
    context: Py<PyAny>,
    visit: Arc<Visit>,
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
    call_in_task: Py<PyAny>,
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
    /// The coroutine of the handler that is stepped in it.
    coroutine: Option<Py<PyAny>>,
    /// The context of a request that no task was there for; its handler's task will have it.
    bare: Option<Py<PyAny>>,
    /// What the handler of this request ended with.
    outcome: Option<Outcome>,
    /// A `KeyboardInterrupt` or `SystemExit`, or a failure of asyncio's, that is for the loop.
    failure: Option<PyErr>,
}

impl TaskPool {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = event_loop.py();
        let tasks = py.import("asyncio.tasks")?;
        let task_type = task_type(py)?;
        let mut pool = Self {
            event_loop: event_loop.clone().unbind(),
            context: cpython::current_context(py)?.unbind(),
            call_in_task: py.import("covet._task")?.getattr("call")?.unbind(),
            enter_task: tasks.getattr("_enter_task")?.unbind(),
            leave_task: tasks.getattr("_leave_task")?.unbind(),
            layout: Layout::detect(&task_type).ok(),
            task_type: task_type.unbind(),
            eager: py.version_info() >= (3, 12),
            parked: Vec::new(),
            fresh: Vec::new(),
            current: None,
            coroutine: None,
            bare: None,
            outcome: None,
            failure: None,
        };
        pool.refill(py)?;
        Ok(pool)
    }

    /// The context that requests inherit.
    pub(crate) fn context(&self) -> &Py<PyAny> {
        &self.context
    }

    /// Makes a task and its context current, for a request and all that follow it in this turn.
    ///
    /// # Errors
    /// When Python is out of memory. Nothing is current then.
    #[inline]
    pub(crate) fn enter(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.current.is_some() { Ok(()) } else { self.enter_another(py) }
    }

    fn enter_another(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Some(layout) = self.layout
            && let Some(pooled) = self.take_parked(py)?
        {
            let context = pooled.context.bind(py);
            cpython::enter_context(context)?;
            if self.enter_task.call1(py, (&self.event_loop, &pooled.task)).is_ok() {
                pooled.driver.borrow_mut(py).state = State::Serving;
                let traces = layout.traces(pooled.task.bind(py), context);
                self.current = Some((pooled, traces));
                return Ok(());
            }
            // Something else runs in this very loop: the handler has to wait for its turn.
            cpython::exit_context(context)?;
            self.parked.push(pooled);
        }
        let context = cpython::copy_context(self.context.bind(py))?;
        cpython::enter_context(&context)?;
        self.bare = Some(context.unbind());
        Ok(())
    }

    /// Calls a function in a task of its own: `call_in_task(function, …)` is a coroutine.
    pub(crate) fn call_in_task(&self) -> &Py<PyAny> {
        &self.call_in_task
    }

    /// Whether there is a task to call a function in.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.current.is_some()
    }

    /// Runs a handler's coroutine until it ends or waits.
    #[inline]
    pub(crate) fn run<'py>(
        &mut self,
        coroutine: &Bound<'py, PyAny>,
        exchange: impl FnOnce() -> Exchange,
    ) -> PyResult<Ran<'py>> {
        let py = coroutine.py();
        let Some((pooled, _)) = &self.current else {
            let work = Work::handler(exchange(), coroutine.clone().unbind());
            return self.start(py, work).map(Ran::Suspended);
        };
        pooled.visit.coroutine.show(coroutine);
        self.coroutine = Some(coroutine.clone().unbind());
        match cpython::step(coroutine) {
            Step::Finished(result) => {
                self.ended(py, &result);
                Ok(Ran::Finished(result))
            }
            Step::Suspended(yielded) => {
                let work = Work::handler(exchange(), coroutine.clone().unbind());
                let state = State::Adopting { yielded: yielded.unbind(), work };
                Ok(Ran::Suspended(self.hand_over(py, state)))
            }
        }
    }

    /// Notes what the handler of this request ended with.
    #[inline]
    pub(crate) fn ended(&mut self, py: Python<'_>, result: &PyResult<Bound<'_, PyAny>>) {
        self.outcome = Some(share(py, result));
    }

    /// Gives the rest of a response to the task that the handler ran in.
    pub(crate) fn follow(
        &mut self,
        coroutine: &Bound<'_, PyAny>,
        exchange: Exchange,
    ) -> PyResult<Py<PyAny>> {
        let py = coroutine.py();
        let outcome = self.outcome.take().unwrap_or_else(|| Ok(py.None()));
        let work = Work::rest(exchange, coroutine.clone().unbind(), outcome);
        let Some((pooled, _)) = &self.current else { return self.start(py, work) };
        if self.coroutine.is_none() {
            pooled.visit.coroutine.show(coroutine);
            self.coroutine = Some(coroutine.clone().unbind());
        }
        Ok(self.hand_over(py, State::Running { work, interrupt: None }))
    }

    /// Ends a request: a task that anything was left on is not used for the next.
    #[inline]
    pub(crate) fn settle(&mut self, py: Python<'_>) {
        let outcome = self.outcome.take();
        if let Some((pooled, before)) = &self.current
            && !self.is_touched(py, pooled, *before)
            && !matches!(&outcome, Some(Err(error)) if is_fatal(py, error))
        {
            pooled.visit.coroutine.hide();
            drop(self.coroutine.take());
        } else {
            self.settle_touched(py, outcome);
        }
    }

    #[cold]
    fn settle_touched(&mut self, py: Python<'_>, outcome: Option<Outcome>) {
        if let Some(context) = self.bare.take() {
            let exited = cpython::exit_context(context.bind(py));
            self.note(exited);
        }
        if self.current.is_some() {
            self.hand_over(py, State::Ending(outcome.unwrap_or_else(|| Ok(py.None()))));
        } else if let Some(Err(error)) = outcome
            && is_fatal(py, &error)
        {
            self.failure.get_or_insert(error);
        }
    }

    #[inline]
    fn is_touched(&self, py: Python<'_>, pooled: &Pooled, before: Traces) -> bool {
        let now =
            self.layout.map(|layout| layout.traces(pooled.task.bind(py), pooled.context.bind(py)));
        now != Some(before) || pooled.visit.is_touched()
    }

    /// Puts the current task back. To be called before control returns to the loop.
    ///
    /// # Errors
    /// What the loop has to hear of: a `KeyboardInterrupt` or `SystemExit` of a handler.
    pub(crate) fn leave(&mut self, py: Python<'_>) -> PyResult<()> {
        // A request that ended in a panic was not settled.
        self.settle(py);
        if let Some((pooled, _)) = self.current.take() {
            let left = self.leave_task.call1(py, (&self.event_loop, &pooled.task)).map(drop);
            let exited = cpython::exit_context(pooled.context.bind(py));
            pooled.driver.borrow_mut(py).state = State::Parked;
            if self.note(left) && self.note(exited) {
                self.parked.push(pooled);
            }
        }
        let refilled = self.refill(py);
        self.note(refilled);
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Lets asyncio step the current task into another state; it is out of the pool for good.
    fn hand_over(&mut self, py: Python<'_>, state: State) -> Py<PyAny> {
        let Some((pooled, _)) = self.current.take() else { return py.None() };
        let left = self.leave_task.call1(py, (&self.event_loop, &pooled.task));
        let park = {
            let mut driver = pooled.driver.borrow_mut(py);
            driver.state = state;
            driver.coroutine = self.coroutine.take();
            pooled.visit.coroutine.hide();
            driver.park.clone_ref(py)
        };
        let wake = park.borrow_mut(py).take_wake();
        let woken = wake.map_or(Ok(py.None()), |wake| match &left {
            Ok(_) => wake.call1(py, (park,)),
            // Another task is current, by whatever means: the step has to wait for its turn.
            Err(_) => self.event_loop.call_method1(py, intern!(py, "call_soon"), (wake, park)),
        });
        let exited = cpython::exit_context(pooled.context.bind(py));
        self.note(left);
        self.note(woken);
        self.note(exited);
        pooled.task
    }

    /// Keeps the first error for the loop.
    fn note<T>(&mut self, result: PyResult<T>) -> bool {
        match result {
            Ok(_) => true,
            Err(error) => {
                self.failure.get_or_insert(error);
                false
            }
        }
    }

    fn take_parked(&mut self, py: Python<'_>) -> PyResult<Option<Pooled>> {
        if let Some(pooled) = self.parked.pop() {
            return Ok(Some(pooled));
        }
        if self.eager {
            let pooled = self.create(py)?;
            return Ok(pooled.is_parked(py).then_some(pooled));
        }
        (self.parked, self.fresh) =
            std::mem::take(&mut self.fresh).into_iter().partition(|pooled| pooled.is_parked(py));
        Ok(self.parked.pop())
    }

    /// Makes up for the tasks that handlers have kept, where that cannot be done in time.
    fn refill(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.eager || self.layout.is_none() {
            return Ok(());
        }
        while self.parked.len() + self.fresh.len() < RESERVE {
            let pooled = self.create(py)?;
            self.fresh.push(pooled);
        }
        Ok(())
    }

    /// A task that parks.
    fn create(&self, py: Python<'_>) -> PyResult<Pooled> {
        let driver = Driver::new(py, &self.event_loop, State::Parked)?;
        let visit = Arc::clone(&driver.borrow(py).visit);
        let context = cpython::copy_context(self.context.bind(py))?.unbind();
        let options = options(py, &self.event_loop, &context)?;
        if self.eager {
            options.set_item(intern!(py, "eager_start"), true)?;
        }
        let task = self.task_type.call(py, (&driver,), Some(&options))?;
        Ok(Pooled { task, driver, context, visit })
    }

    /// A task of its own, started by the loop, for what no pooled task is there for.
    fn start(&mut self, py: Python<'_>, work: Box<Work>) -> PyResult<Py<PyAny>> {
        let context = match self.bare.take() {
            Some(context) => {
                cpython::exit_context(context.bind(py))?;
                context
            }
            None => cpython::copy_context(self.context.bind(py))?.unbind(),
        };
        spawn(py, self.task_type.bind(py), &self.event_loop, &context, work)
    }

    /// Gives the tasks up that wait in the pool.
    pub(crate) fn close(&mut self, py: Python<'_>) {
        for pooled in self.parked.drain(..).chain(self.fresh.drain(..)) {
            let (state, park) = {
                let mut driver = pooled.driver.borrow_mut(py);
                (driver.end(), driver.park.clone_ref(py))
            };
            // What wakes a task refers to it: the two would keep each other alive.
            let wake = park.borrow_mut(py).take_wake();
            drop((state, wake));
        }
    }
}

impl Pooled {
    fn is_parked(&self, py: Python<'_>) -> bool {
        self.driver.borrow(py).park.borrow(py).is_taken()
    }
}

/// Whether an exception is for the loop rather than for the request alone.
pub(crate) fn is_fatal(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py) || error.is_instance_of::<PySystemExit>(py)
}

/// A task of its own for the rest of an exchange that a thread began, in the handler's context.
pub(crate) fn continue_in_task(
    py: Python<'_>,
    context: &Py<PyAny>,
    work: Box<Work>,
) -> PyResult<()> {
    let app = Arc::clone(&work.exchange().app);
    let key = work.exchange().key;
    if !app.outstanding().contains_key(&key) {
        // The client left meanwhile.
        return work.coroutine().call_method0(py, intern!(py, "close")).map(drop);
    }
    let task = spawn(py, &task_type(py)?, &app.event_loop, context, work)?;
    if let Some(outstanding) = app.outstanding().get_mut(&key) {
        outstanding.task = Some(task);
    }
    Ok(())
}

fn spawn(
    py: Python<'_>,
    task_type: &Bound<'_, PyAny>,
    event_loop: &Py<PyAny>,
    context: &Py<PyAny>,
    work: Box<Work>,
) -> PyResult<Py<PyAny>> {
    let driver = Driver::new(py, event_loop, State::Running { work, interrupt: None })?;
    task_type.call((driver,), Some(&options(py, event_loop, context)?)).map(Bound::unbind)
}

fn options<'py>(
    py: Python<'py>,
    event_loop: &Py<PyAny>,
    context: &Py<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = PyDict::new(py);
    options.set_item(intern!(py, "loop"), event_loop)?;
    options.set_item(intern!(py, "context"), context)?;
    Ok(options)
}

fn task_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("covet._task")?.getattr("Task")
}
