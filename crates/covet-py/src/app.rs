//! The compiled application: its routes, and what it calls for errors and requests.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use covet_engine::{
    handler::RequestKey,
    router::{Router, RouterBuilder},
};
use covet_wire::{Method, MethodSet};
use pyo3::prelude::*;

use crate::{
    body::Channel,
    mailbox::Mailbox,
    plan::{Route, RouteError},
};

/// Everything requests need that does not change while they are served.
pub(crate) struct App {
    pub(crate) routes: Vec<Arc<Route>>,
    pub(crate) mailbox: Mailbox,
    pub(crate) callbacks: Callbacks,
    pub(crate) event_loop: Py<PyAny>,
    /// Requests whose response is not complete. Bounded by connections times pipelined requests.
    outstanding: Mutex<HashMap<RequestKey, Outstanding>>,
}

/// Python callables of the application.
pub(crate) struct Callbacks {
    pub(crate) request_class: Py<PyAny>,
    pub(crate) on_error: Py<PyAny>,
    pub(crate) on_invalid: Py<PyAny>,
    pub(crate) located: Py<PyAny>,
    pub(crate) missing: Py<PyAny>,
    pub(crate) parse_json: Py<PyAny>,
    pub(crate) validation_error: Py<PyAny>,
    pub(crate) response_type: Py<PyAny>,
    pub(crate) app: Py<PyAny>,
    pub(crate) state: Option<Py<PyAny>>,
}

/// What is to be told when something happens to an outstanding request.
#[derive(Default)]
pub(crate) struct Outstanding {
    /// Cancelled when the client leaves.
    pub(crate) task: Option<Py<PyAny>>,
    /// Receives a streamed body.
    pub(crate) body: Option<Arc<Channel>>,
    /// A future, resolved when the parts sent so far have left.
    pub(crate) drained: Option<Py<PyAny>>,
}

impl App {
    pub(crate) fn compile(
        spec: &Bound<'_, PyAny>,
        event_loop: &Bound<'_, PyAny>,
        mailbox: Mailbox,
    ) -> PyResult<(Self, Router)> {
        let py = spec.py();
        let redirect = spec.getattr("redirect_slashes")?.extract()?;
        let mut builder = RouterBuilder::new().redirect_slashes(redirect);
        let mut specs = Vec::new();
        for route in spec.getattr("routes")?.try_iter()? {
            let route = route?;
            add_route(&mut builder, &route)?;
            specs.push(route);
        }
        let router = builder.build();
        let compiled = (0u32..).zip(&specs).map(|(id, route)| {
            Route::compile(route, router.param_names(covet_engine::router::RouteId(id)))
                .map(Arc::new)
        });
        let get = |name: &str| spec.getattr(name).map(Bound::unbind);
        let state: Option<Py<PyAny>> = spec.getattr("state")?.extract()?;
        let app = Self {
            routes: compiled.collect::<PyResult<_>>()?,
            mailbox,
            callbacks: Callbacks {
                request_class: get("request_class")?,
                on_error: get("on_error")?,
                on_invalid: get("on_invalid")?,
                located: get("located")?,
                missing: get("missing")?,
                parse_json: get("parse_json")?,
                validation_error: py.import("pydantic")?.getattr("ValidationError")?.unbind(),
                response_type: py.import("covet.responses")?.getattr("Response")?.unbind(),
                app: get("app")?,
                state,
            },
            event_loop: event_loop.clone().unbind(),
            outstanding: Mutex::default(),
        };
        Ok((app, router))
    }

    /// The requests that wait for something.
    pub(crate) fn outstanding(&self) -> MutexGuard<'_, HashMap<RequestKey, Outstanding>> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add_route(builder: &mut RouterBuilder, route: &Bound<'_, PyAny>) -> PyResult<()> {
    let host: Option<String> = route.getattr("host")?.extract()?;
    let path: String = route.getattr("path")?.extract()?;
    let mut methods = MethodSet::EMPTY;
    for name in route.getattr("methods")?.try_iter()? {
        let name: String = name?.extract()?;
        let method = Method::from_bytes(name.as_bytes());
        if method == Method::Other {
            let message = format!("{path}: {name} is not a method that can be routed");
            return Err(RouteError::new_err(message));
        }
        methods.insert(method);
    }
    builder
        .add(host.as_deref(), methods, &path)
        .map(drop)
        .map_err(|error| RouteError::new_err(error.to_string()))
}
