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
    exchange::Exchange,
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
    fn find(&self, host: &str, method: Method, path: &str, params: &mut Params) -> Found {
        self.to.router.find(host, method, path, params)
    }

    fn body_mode(&self, route: RouteId) -> BodyMode {
        self.to.app.routes.get(route.index()).map_or(BodyMode::Discard, |route| route.body.mode)
    }

    #[inline]
    fn call(&mut self, request: &Request<'_>, out: &mut Vec<u8>) -> Outcome {
        let Some(route) = self.to.app.routes.get(request.route.index()) else {
            reply::write_error(out, 404, "Not Found", &request.reply);
            return Outcome::Done;
        };
        let route = Arc::clone(route);
        let channel = self.open_channel(request);
        let py = self.py;
        match arguments::build(py, &self.to.app, &route, request, channel.as_ref()) {
            Ok(arguments) => self.execute(route, request, arguments, out),
            Err(Refusal::Invalid(errors, body)) => {
                let on_invalid = self.to.app.callbacks.on_invalid.bind(py);
                let response = on_invalid.call1((errors, body));
                self.finish(&route, request, response, out)
            }
            Err(Refusal::Raised(error)) => self.finish(&route, request, Err(error), out),
        }
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

impl<'py> Dispatch<'py, '_> {
    /// A streamed body must have somewhere to go before the handler is called.
    fn open_channel(&self, request: &Request<'_>) -> Option<Arc<Channel>> {
        if request.body != Body::Streamed {
            return None;
        }
        let channel = Arc::new(Channel::default());
        let outstanding = Outstanding { body: Some(Arc::clone(&channel)), ..Outstanding::default() };
        self.to.app.outstanding().insert(request.key, outstanding);
        Some(channel)
    }

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

    #[inline]
    fn execute(
        &mut self,
        route: Arc<Route>,
        request: &Request<'_>,
        arguments: Arguments<'py>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        match route.execution {
            Execution::Async => self.run(route, request, &arguments, out),
            Execution::Inline => {
                let py = self.py;
                let called = self.to.tasks.call(py, || invoke(py, &route, &arguments));
                self.finish(&route, request, called.and_then(|result| result), out)
            }
            Execution::Thread => self.submit(route, request, arguments, out),
        }
    }

    #[inline]
    fn run(
        &mut self,
        route: Arc<Route>,
        request: &Request<'_>,
        arguments: &Arguments<'py>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let py = self.py;
        let ran = invoke(py, &route, arguments).and_then(|coroutine| {
            let app = &self.to.app;
            self.to.tasks.run(&coroutine, || Exchange::open(app, &route, request))
        });
        match ran {
            Ok(Ran::Finished(result)) => self.finish(&route, request, result, out),
            Ok(Ran::Suspended(task)) => self.await_task(request.key, task),
            Err(error) => self.finish(&route, request, Err(error), out),
        }
    }

    /// Remembers the task of a request, so that it can be cancelled when the client leaves.
    fn await_task(&self, key: RequestKey, task: Py<PyAny>) -> Outcome {
        // A task that was started for this handler alone may have ended already.
        if let Some(outstanding) = self.to.app.outstanding().get_mut(&key) {
            outstanding.task = Some(task);
        }
        Outcome::Pending
    }

    fn submit(
        &mut self,
        route: Arc<Route>,
        request: &Request<'_>,
        arguments: Arguments<'py>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let py = self.py;
        let exchange = Exchange::open(&self.to.app, &route, request);
        let arguments = arguments.into_iter().map(Bound::unbind).collect();
        let submitted = cpython::copy_context(self.to.tasks.context().bind(py)).and_then(|context| {
            self.to.threads.submit(py, Job { exchange, arguments, context: context.unbind() })
        });
        match submitted {
            Ok(Ok(())) => Outcome::Pending,
            Ok(Err(_)) => {
                self.to.app.outstanding().remove(&request.key);
                reply::begin(out, 503, &request.reply);
                out.extend_from_slice(b"retry-after: 1\r\ncontent-type: application/json\r\n");
                reply::finish(out, 503, br#"{"detail":"Service Unavailable"}"#, &request.reply);
                self.forget(request)
            }
            Err(error) => self.finish(&route, request, Err(error), out),
        }
    }

    /// Answers at once, unless the response is streamed.
    #[inline]
    fn finish(
        &mut self,
        route: &Arc<Route>,
        request: &Request<'_>,
        result: PyResult<Bound<'py, PyAny>>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let start = out.len();
        match respond::write(self.py, &self.to.app, route, &request.reply, result, out) {
            Written::Whole => self.forget(request),
            Written::Head { response, framing } => {
                let head = out.split_off(start);
                let mut exchange = Exchange::open(&self.to.app, route, request);
                let rest = exchange.begin_stream(self.py, response, framing, head);
                let Some(coroutine) = rest else { return Outcome::Pending };
                match self.to.tasks.start(&coroutine, exchange) {
                    Ok(task) => self.await_task(request.key, task),
                    Err(error) => {
                        self.heard::<()>(Err(error));
                        Outcome::Pending
                    }
                }
            }
        }
    }

    #[inline]
    fn forget(&self, request: &Request<'_>) -> Outcome {
        if request.body == Body::Streamed {
            self.to.app.outstanding().remove(&request.key);
        }
        Outcome::Done
    }
}

#[inline]
fn invoke<'py>(
    py: Python<'py>,
    route: &Route,
    arguments: &Arguments<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let keywords = route.keywords.as_ref().map(|keywords| keywords.bind(py));
    cpython::call(route.endpoint.bind(py), arguments, keywords)
}
