//! The threads that `def` handlers run in.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use pyo3::{intern, prelude::*, types::PyDict};

use crate::{arguments::Arguments, cpython, exchange::Exchange};

/// A handler to call, and where its answer goes.
pub(crate) struct Job {
    pub(crate) exchange: Exchange,
    pub(crate) arguments: Vec<Py<PyAny>>,
    /// A copy of the context that requests inherit.
    pub(crate) context: Py<PyAny>,
}

/// A bounded pool: at most `limit` threads, at most `queue` jobs waiting for one.
///
/// Threads are started when they are first needed and stay.
#[derive(Clone)]
pub(crate) struct Threads {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    limit: usize,
    queue: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    started: usize,
    idle: usize,
    closed: bool,
}

impl Threads {
    pub(crate) fn new(limit: usize, queue: usize) -> Self {
        let state = Mutex::default();
        Self { shared: Arc::new(Shared { state, work: Condvar::new(), limit, queue }) }
    }

    /// Hands a job to a thread. Gives it back when the queue is full.
    pub(crate) fn submit(&self, py: Python<'_>, job: Job) -> PyResult<Result<(), Job>> {
        let start = {
            let mut state = self.shared.lock();
            if state.jobs.len() >= self.shared.queue {
                return Ok(Err(job));
            }
            state.jobs.push_back(job);
            let start = state.idle < state.jobs.len() && state.started < self.shared.limit;
            state.started += usize::from(start);
            start
        };
        if start {
            self.start(py)?;
        }
        self.shared.work.notify_one();
        Ok(Ok(()))
    }

    /// Starts a thread of Python's own, so that `threading` knows it.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let options = PyDict::new(py);
        let number = self.shared.lock().started;
        options.set_item("target", Worker { shared: Arc::clone(&self.shared) })?;
        options.set_item("name", format!("covet-worker-{number}"))?;
        // A handler that never returns must not keep the process from ending.
        options.set_item("daemon", true)?;
        let thread = py.import("threading")?.getattr("Thread")?.call((), Some(&options))?;
        thread.call_method0("start").map(drop)
    }

    /// Lets every thread end once it is idle; jobs that wait are dropped.
    pub(crate) fn close(&self) {
        let jobs = {
            let mut state = self.shared.lock();
            state.closed = true;
            std::mem::take(&mut state.jobs)
        };
        drop(jobs);
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a job; `None` when the pool is closed.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

/// What a thread runs.
#[pyclass(module = "covet._covet", frozen)]
struct Worker {
    shared: Arc<Shared>,
}

#[pymethods]
impl Worker {
    fn __call__(&self, py: Python<'_>) {
        while let Some(job) = py.detach(|| self.shared.next()) {
            job.run(py);
        }
    }
}

impl Job {
    fn run(mut self, py: Python<'_>) {
        let result = self.call(py);
        if let Some(rest) = self.exchange.finish(py, result) {
            // The body of a streamed response is sent from the loop.
            let rest = rest.unbind();
            if let Err(error) = follow(py, self.exchange, rest) {
                error.write_unraisable(py, None);
            }
        }
    }

    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let arguments: Arguments<'py> =
            self.arguments.iter().map(|argument| argument.bind(py).clone()).collect();
        let context = self.context.bind(py);
        let route = &self.exchange.route;
        let keywords = route.keywords.as_ref().map(|keywords| keywords.bind(py));
        cpython::enter_context(context)?;
        let result = cpython::call(route.endpoint.bind(py), &arguments, keywords);
        cpython::exit_context(context)?;
        result
    }
}

/// Runs the rest of an exchange as a task of the loop.
fn follow(py: Python<'_>, exchange: Exchange, coroutine: Py<PyAny>) -> PyResult<()> {
    let event_loop = exchange.app.event_loop.clone_ref(py);
    let follow = Follow { parts: Some((exchange, coroutine)) };
    event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (follow,)).map(drop)
}

/// Starts the task, on the loop's own thread.
#[pyclass(module = "covet._covet")]
struct Follow {
    parts: Option<(Exchange, Py<PyAny>)>,
}

#[pymethods]
impl Follow {
    fn __call__(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.parts.take() {
            Some((exchange, coroutine)) => crate::tasks::continue_in_task(py, exchange, coroutine),
            None => Ok(()),
        }
    }
}
