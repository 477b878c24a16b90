//! The engine's handler: calls Python for each request and writes what comes back.

use std::sync::Arc;

use covet_engine::{
    handler::{Body, BodyMode, Handler, Outcome, Request, RequestKey},
    reply,
    router::{Found, Params, RouteId, Router},
};
use covet_wire::Method;
use pyo3::{intern, prelude::*};

use crate::{
    app::{App, Outstanding},
    arguments::{self, Arguments, Refusal},
    body::Channel,
    cpython,
    exchange::{self, Exchange},
    plan::{Execution, Route},
    respond::{self, Written},
    tasks::{Ran, TaskPool},
    threads::{Job, Threads},
};

/// Everything that outlives a turn.
pub(crate) struct Dispatcher {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) tasks: TaskPool,
    pub(crate) threads: Threads,
}

/// A dispatcher for one turn, with the GIL held throughout.
pub(crate) struct Dispatch<'py, 'd> {
    pub(crate) py: Python<'py>,
    pub(crate) to: &'d mut Dispatcher,
}

impl Handler for Dispatch<'_, '_> {
    #[inline]
    fn find(&self, host: &[u8], method: Method, path: &str, params: &mut Params) -> Found {
        let router = &self.to.router;
        let host = if router.has_hosts() { host } else { b"" };
        router.find(std::str::from_utf8(host).unwrap_or_default(), method, path, params)
    }

    fn body_mode(&self, route: RouteId) -> BodyMode {
        self.to.app.routes.get(route.index()).map_or(BodyMode::Discard, |route| route.body.mode)
    }

    #[inline]
    fn call(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome {
        let Dispatcher { app, tasks, threads, .. } = &mut *self.to;
        let Some(route) = app.routes.get(request.route.index()) else {
            reply::write_error(out, 404, "Not Found", request.reply);
            return Outcome::Done;
        };
        Call { py: self.py, app, route, request, channel: None, tasks, threads }.run(out)
    }

    fn body_chunk(&mut self, key: RequestKey, chunk: &[u8]) -> bool {
        self.channel(key).is_none_or(|channel| {
            let room = channel.push(chunk);
            self.wake(&channel);
            room
        })
    }

    fn body_end(&mut self, key: RequestKey) {
        if let Some(channel) = self.channel(key) {
            channel.complete();
            self.wake(&channel);
        }
    }

    fn disconnected(&mut self, key: RequestKey) {
        let Some(outstanding) = self.to.app.outstanding().remove(&key) else { return };
        if let Some(channel) = &outstanding.body {
            channel.disconnect();
            self.wake(channel);
        }
        if let Some(task) = &outstanding.task {
            self.heard(task.call_method0(self.py, intern!(self.py, "cancel")));
        }
    }

    fn drained(&mut self, key: RequestKey) {
        let future = match self.to.app.outstanding().get_mut(&key) {
            Some(outstanding) => outstanding.drained.take(),
            None => None,
        };
        if let Some(future) = future {
            self.heard(resolve(self.py, &future));
        }
    }
}

/// Resolves a future that nobody cancelled.
fn resolve(py: Python<'_>, future: &Py<PyAny>) -> PyResult<Py<PyAny>> {
    if future.call_method0(py, intern!(py, "done"))?.is_truthy(py)? {
        return Ok(py.None());
    }
    future.call_method1(py, intern!(py, "set_result"), (py.None(),))
}

impl Dispatch<'_, '_> {
    fn channel(&self, key: RequestKey) -> Option<Arc<Channel>> {
        self.to.app.outstanding().get(&key).and_then(|outstanding| outstanding.body.clone())
    }

    fn wake(&self, channel: &Channel) {
        self.heard(channel.wake(self.py));
    }

    /// Nobody can be told of an exception here, but it is not lost either.
    fn heard<T>(&self, result: PyResult<T>) {
        if let Err(error) = result {
            error.write_unraisable(self.py, None);
        }
    }
}

/// One request on its way to its handler.
struct Call<'c, 'py> {
    py: Python<'py>,
    app: &'c Arc<App>,
    route: &'c Arc<Route>,
    request: &'c Request<'c>,
    /// The body on its way to a handler that takes its `Request`.
    channel: Option<Arc<Channel>>,
    tasks: &'c mut TaskPool,
    threads: &'c Threads,
}

impl<'py> Call<'_, 'py> {
    #[inline]
    fn run(&mut self, out: &mut Vec<u8>) -> Outcome {
        // Validators, serializers and exception handlers are the application's code just as the
        // handler is: all of it runs in the request's task.
        if let Err(error) = self.tasks.enter(self.py) {
            return self.finish(Err(error), out);
        }
        let outcome = self.answer(out);
        self.tasks.settle(self.py);
        outcome
    }

    #[inline]
    fn answer(&mut self, out: &mut Vec<u8>) -> Outcome {
        self.open_channel();
        let Self { py, app, route, request, .. } = *self;
        let mut arguments = Arguments::new();
        match arguments::build(py, app, route, request, self.channel.as_ref(), &mut arguments) {
            Ok(()) => self.execute(arguments, out),
            Err(Refusal::Invalid(errors, body)) => {
                let response = app.callbacks.on_invalid.bind(py).call1((errors, body));
                self.finish(response, out)
            }
            Err(Refusal::Raised(error)) => self.finish(Err(error), out),
        }
    }

    /// A streamed body must have somewhere to go before the handler is called.
    #[inline]
    fn open_channel(&mut self) {
        self.channel = match self.request.body {
            Body::Streamed => {
                let channel = Arc::new(Channel::default());
                let body = Some(Arc::clone(&channel));
                let outstanding = Outstanding { body, ..Outstanding::default() };
                self.app.outstanding().insert(self.request.key, outstanding);
                Some(channel)
            }
            Body::Whole(body) if self.route.takes_request => Some(Arc::new(Channel::whole(body))),
            Body::Whole(_) => None,
        };
    }

    fn open_exchange(&self) -> Exchange {
        Exchange::open(self.app, self.route, self.request, self.channel.as_ref())
    }

    #[inline]
    fn execute(&mut self, arguments: Arguments<'py>, out: &mut Vec<u8>) -> Outcome {
        match self.route.execution {
            Execution::Async => {
                let endpoint = self.route.endpoint.bind(self.py);
                self.run_coroutine(endpoint, &arguments, out)
            }
            Execution::Inline => self.run_inline(arguments, out),
            Execution::Thread => self.submit(arguments, out),
        }
    }

    #[inline]
    fn run_inline(&mut self, mut arguments: Arguments<'py>, out: &mut Vec<u8>) -> Outcome {
        let Self { py, route, .. } = *self;
        let endpoint = route.endpoint.bind(py);
        if self.tasks.is_ready() {
            let result = invoke(endpoint, route, &arguments);
            self.tasks.ended(py, &result);
            return self.finish(result, out);
        }
        arguments.insert(0, endpoint.clone());
        let call = self.tasks.call_in_task().clone_ref(py).into_bound(py);
        self.run_coroutine(&call, &arguments, out)
    }

    #[inline]
    fn run_coroutine(
        &mut self,
        endpoint: &Bound<'py, PyAny>,
        arguments: &Arguments<'py>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let Self { app, route, request, .. } = *self;
        let channel = self.channel.as_ref();
        let ran = invoke(endpoint, route, arguments).and_then(|coroutine| {
            self.tasks.run(&coroutine, || Exchange::open(app, route, request, channel))
        });
        match ran {
            Ok(Ran::Finished(result)) => self.finish(result, out),
            Ok(Ran::Suspended(task)) => self.await_task(task),
            Err(error) => self.finish(Err(error), out),
        }
    }

    /// Remembers the task of a request, so that it can be cancelled when the client leaves.
    fn await_task(&self, task: Py<PyAny>) -> Outcome {
        // A task that was started for this handler alone may have ended already.
        if let Some(outstanding) = self.app.outstanding().get_mut(&self.request.key) {
            outstanding.task = Some(task);
        }
        Outcome::Pending
    }

    fn submit(&mut self, arguments: Arguments<'py>, out: &mut Vec<u8>) -> Outcome {
        let Self { py, app, request, .. } = *self;
        let exchange = self.open_exchange();
        let arguments = arguments.into_iter().map(Bound::unbind).collect();
        let submitted = cpython::copy_context(self.tasks.context().bind(py)).and_then(|context| {
            self.threads.submit(py, Job { exchange, arguments, context: context.unbind() })
        });
        match submitted {
            Ok(Ok(())) => Outcome::Pending,
            Ok(Err(_)) => {
                exchange::forget(py, app, request.key);
                reply::begin(out, 503, request.reply);
                out.extend_from_slice(b"retry-after: 1\r\ncontent-type: application/json\r\n");
                reply::finish(out, 503, br#"{"detail":"Service Unavailable"}"#, request.reply);
                Outcome::Done
            }
            Err(error) => {
                exchange::forget(py, app, request.key);
                self.finish(Err(error), out)
            }
        }
    }

    /// Answers at once, unless the response is streamed.
    #[inline]
    fn finish(&mut self, result: PyResult<Bound<'py, PyAny>>, out: &mut Vec<u8>) -> Outcome {
        let Self { py, app, route, request, .. } = *self;
        let start = out.len();
        match respond::write(py, app, route, request.reply, result, out) {
            Written::Whole => {
                if let Some(channel) = &self.channel {
                    exchange::forget(py, app, request.key);
                    channel.end(py);
                }
                Outcome::Done
            }
            Written::Head { response, framing } => {
                let head = out.split_off(start);
                let mut exchange = self.open_exchange();
                let rest = exchange.begin_stream(py, &response, framing, head);
                let Some(coroutine) = rest else { return Outcome::Pending };
                match self.tasks.follow(&coroutine, exchange) {
                    Ok(task) => self.await_task(task),
                    Err(error) => {
                        error.write_unraisable(py, None);
                        app.mailbox.abort(py, request.key);
                        Outcome::Pending
                    }
                }
            }
        }
    }
}

#[inline]
fn invoke<'py>(
    endpoint: &Bound<'py, PyAny>,
    route: &Route,
    arguments: &Arguments<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = route.keywords.as_ref().map(|keywords| keywords.bind(endpoint.py()));
    cpython::call(endpoint, arguments, keywords)
}
