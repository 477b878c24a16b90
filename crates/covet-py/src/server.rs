//! The `Server` that Python drives: a reactor, and the dispatcher it calls.

use std::{os::fd::AsRawFd, path::Path, sync::Arc, time::Instant};

use covet_engine::handler::Local;
use covet_server::{Listener, Reactor, Turn};
use covet_wire::MethodSet;
use pyo3::{
    exceptions::{PyOSError, PyRuntimeError},
    prelude::*,
};

use crate::{
    app::App,
    dispatch::{Dispatch, Dispatcher},
    mailbox::Mailbox,
    settings::Settings,
    tasks::TaskPool,
    threads::Threads,
};

/// One worker: listeners and connections, driven by the running asyncio loop.
#[pyclass(module = "covet._covet")]
pub(crate) struct Server {
    reactor: Reactor,
    /// `None` once it is closed: what it refers to may refer to the server.
    dispatcher: Option<Dispatcher>,
    settings: covet_server::Settings,
}

#[pymethods]
impl Server {
    #[new]
    fn new<'py>(
        spec: &Bound<'py, PyAny>,
        r#loop: &Bound<'py, PyAny>,
        settings: &Settings,
    ) -> PyResult<Bound<'py, Self>> {
        let reactor = Reactor::new(settings.server.clone())?;
        let mailbox = Mailbox::new(r#loop, reactor.remote().clone())?;
        let (app, router) = App::compile(spec, r#loop, mailbox)?;
        let app = Arc::new(app);
        let dispatcher = Dispatcher {
            app: Arc::clone(&app),
            router,
            tasks: TaskPool::new(r#loop)?,
            threads: Threads::new(settings.thread_limit, settings.thread_queue),
        };
        let settings = settings.server.clone();
        let server = Self { reactor, dispatcher: Some(dispatcher), settings };
        let server = Bound::new(spec.py(), server)?;
        app.mailbox.deliver_with(Some(server.getattr("on_ready")?.unbind()));
        Ok(server)
    }

    /// Listen on an address; returns the address that was bound.
    #[pyo3(signature = (host, port, backlog = 2048))]
    fn bind_tcp(&mut self, host: &str, port: u16, backlog: i32) -> PyResult<(String, u16)> {
        let listener = Listener::tcp(host, port, backlog).map_err(|error| os_error(&error))?;
        let local = listener.local()?;
        self.reactor.listen(listener)?;
        match local {
            Local::Tcp(address) => Ok((address.ip().to_string(), address.port())),
            Local::Unix(path) => Ok((path, 0)),
        }
    }

    /// Listen on a Unix socket.
    #[pyo3(signature = (path, backlog = 2048))]
    fn bind_unix(&mut self, path: &str, backlog: i32) -> PyResult<()> {
        let listener =
            Listener::unix(Path::new(path), backlog).map_err(|error| os_error(&error))?;
        Ok(self.reactor.listen(listener)?)
    }

    /// Listen on a socket that is bound already; it belongs to the server from now on.
    #[pyo3(signature = (fd, backlog = 2048))]
    fn bind_fd(&mut self, fd: i32, backlog: i32) -> PyResult<()> {
        let listener = Listener::inherited(fd, backlog).map_err(|error| os_error(&error))?;
        Ok(self.reactor.listen(listener)?)
    }

    /// The descriptor that is readable whenever there is something to do.
    fn fileno(&self) -> i32 {
        self.reactor.as_raw_fd()
    }

    /// Handle everything that is ready: the callback of `loop.add_reader`.
    fn on_ready(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let mut this = slf.try_borrow_mut().map_err(|_| {
            PyRuntimeError::new_err("the server was asked for a turn from within a request")
        })?;
        let Self { reactor, dispatcher: Some(dispatcher), .. } = &mut *this else {
            return Ok(());
        };
        let mailbox = &dispatcher.app.mailbox;
        reactor.obey(mailbox.take());
        let turn = reactor.turn(&mut Dispatch { py, to: dispatcher });
        let left = dispatcher.tasks.leave(py);
        if turn? == Turn::Again {
            dispatcher.app.mailbox.schedule(py)?;
        }
        left
    }

    /// Close what has timed out; to be called about once a second.
    fn tick(&mut self, py: Python<'_>) -> PyResult<()> {
        let Self { reactor, dispatcher: Some(dispatcher), .. } = self else { return Ok(()) };
        reactor.tick(&mut Dispatch { py, to: dispatcher });
        dispatcher.app.mailbox.schedule(py)
    }

    /// Refuse new connections; those open end after the request they are in.
    fn stop_listening(&mut self, py: Python<'_>) -> PyResult<()> {
        self.reactor.stop_listening();
        self.dispatcher.as_ref().map_or(Ok(()), |dispatcher| dispatcher.app.mailbox.schedule(py))
    }

    /// Open connections.
    #[getter]
    fn connections(&self) -> usize {
        self.reactor.connections()
    }

    /// Requests whose response is not yet fully written.
    #[getter]
    fn in_flight(&self) -> usize {
        self.reactor.in_flight()
    }

    /// Answer the same requests `rounds` times without sockets, and throw the answers away;
    /// returns the nanoseconds that took. For measuring; to be called from a callback of the loop.
    fn replay(&mut self, py: Python<'_>, requests: &[u8], rounds: usize) -> PyResult<u64> {
        let Self { dispatcher: Some(dispatcher), settings, .. } = self else { return Ok(0) };
        let start = Instant::now();
        let mut dispatch = Dispatch { py, to: dispatcher };
        let replayed = covet_server::replay(&mut dispatch, settings, requests, rounds);
        dispatcher.tasks.leave(py)?;
        replayed?;
        Ok(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// Close every connection, stop the threads and let go of the application.
    fn close(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let Some(mut dispatcher) = slf.borrow_mut().dispatcher.take() else { return };
        slf.borrow_mut().reactor.close_all(&mut Dispatch { py, to: &mut dispatcher });
        dispatcher.threads.close();
        dispatcher.tasks.close(py);
        dispatcher.app.mailbox.deliver_with(None);
    }

    /// The route table: methods, path (with host), name.
    fn routes(&self, py: Python<'_>) -> Vec<(String, String, String)> {
        let Some(Dispatcher { router, app, .. }) = &self.dispatcher else { return Vec::new() };
        let routes = (0u32..).zip(&app.routes);
        routes
            .map(|(id, route)| {
                let id = covet_engine::router::RouteId(id);
                let methods: MethodSet = router.methods(id);
                let host = router.host(id).unwrap_or_default();
                let path = format!("{host}{}", router.pattern(id));
                (methods.to_string(), path, route.name.bind(py).to_string())
            })
            .collect()
    }
}

fn os_error(error: &covet_server::BindError) -> PyErr {
    let code = error.source.raw_os_error();
    PyOSError::new_err((code, error.to_string()))
}
