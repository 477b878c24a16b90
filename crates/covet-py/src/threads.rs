//! The threads that `def` handlers run in.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use pyo3::{intern, prelude::*, types::PyDict};

use crate::{
    arguments::Arguments,
    cpython,
    driver::{Work, share},
    exchange::Exchange,
    tasks::{continue_in_task, is_fatal},
};

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
    /// Threads that run a job.
    busy: usize,
    closed: bool,
}

impl Threads {
    pub(crate) fn new(limit: usize, queue: usize) -> Self {
        let state = Mutex::default();
        Self { shared: Arc::new(Shared { state, work: Condvar::new(), limit, queue }) }
    }

    /// Hands a job to a thread. Gives it back when no thread is free and the queue is full.
    ///
    /// # Errors
    /// When a thread is needed and cannot be started.
    pub(crate) fn submit(&self, py: Python<'_>, job: Job) -> PyResult<Result<(), Job>> {
        let number = {
            let mut state = self.shared.lock();
            let free = self.shared.limit - state.busy;
            if state.jobs.len() >= free + self.shared.queue {
                return Ok(Err(job));
            }
            let idle = state.started - state.busy;
            let short = idle <= state.jobs.len() && state.started < self.shared.limit;
            state.started += usize::from(short);
            short.then_some(state.started)
        };
        if let Some(number) = number
            && let Err(error) = self.start(py, number)
        {
            self.shared.lock().started -= 1;
            return Err(error);
        }
        self.shared.lock().jobs.push_back(job);
        self.shared.work.notify_one();
        Ok(Ok(()))
    }

    /// Starts a thread of Python's own, so that `threading` knows it.
    fn start(&self, py: Python<'_>, number: usize) -> PyResult<()> {
        let options = PyDict::new(py);
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
                state.busy += 1;
                return Some(job);
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self) {
        self.lock().busy -= 1;
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
            // A panic is a defect of ours: the thread and its place in the pool outlive it.
            let ran = catch_unwind(AssertUnwindSafe(|| job.run(py)));
            self.shared.done();
            if let Ok(Err(error)) = ran {
                error.write_unraisable(py, None);
            }
        }
    }
}

impl Job {
    fn run(mut self, py: Python<'_>) -> PyResult<()> {
        if !self.exchange.is_awaited() {
            // The client left while the job waited.
            return Ok(());
        }
        // Serializers and exception handlers see the context as the handler left it.
        cpython::enter_context(self.context.bind(py))?;
        let result = self.call(py);
        let outcome = share(py, &result);
        let rest = self.exchange.finish(py, result).map(Bound::unbind);
        cpython::exit_context(self.context.bind(py))?;
        if let Some(coroutine) = rest {
            // The body of a streamed response is sent from the loop.
            let Self { exchange, context, .. } = self;
            let event_loop = exchange.app.event_loop.clone_ref(py);
            let work = Work::rest(exchange, coroutine, outcome);
            return follow_up(py, &event_loop, FollowUp::Continue(context, work));
        }
        match outcome {
            Err(error) if is_fatal(py, &error) => {
                follow_up(py, &self.exchange.app.event_loop, FollowUp::Raise(error))
            }
            _ => Ok(()),
        }
    }

    fn call<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let arguments: Arguments<'py> =
            self.arguments.iter().map(|argument| argument.bind(py).clone()).collect();
        let route = &self.exchange.route;
        let keywords = route.keywords.as_ref().map(|keywords| keywords.bind(py));
        cpython::call(route.endpoint.bind(py), &arguments, keywords)
    }
}

/// What a job leaves to the loop's own thread.
enum FollowUp {
    /// The rest of the response is sent by a task.
    Continue(Py<PyAny>, Box<Work>),
    /// A `KeyboardInterrupt` or `SystemExit` ends the loop.
    Raise(PyErr),
}

fn follow_up(py: Python<'_>, event_loop: &Py<PyAny>, what: FollowUp) -> PyResult<()> {
    let callback = Callback { what: Some(what) };
    event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (callback,)).map(drop)
}

/// Does what a job left to do.
#[pyclass(module = "covet._covet")]
struct Callback {
    what: Option<FollowUp>,
}

#[pymethods]
impl Callback {
    fn __call__(slf: &Bound<'_, Self>) -> PyResult<()> {
        let what = slf.borrow_mut().what.take();
        match what {
            Some(FollowUp::Continue(context, work)) => continue_in_task(slf.py(), &context, work),
            Some(FollowUp::Raise(error)) => Err(error),
            None => Ok(()),
        }
    }
}
