//! The ASGI scope of a request, for handlers that ask for their `Request`.

use std::sync::Arc;

use covet_engine::handler::{Body, Local, Request};
use covet_wire::http1::Version;
use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyString},
};

use crate::{
    app::App,
    body::{Channel, Receive},
    plan::Route,
};

/// The `Request` object of a request.
pub(crate) fn request<'py>(
    py: Python<'py>,
    app: &Arc<App>,
    route: &Route,
    request: &Request<'_>,
    channel: Option<&Arc<Channel>>,
) -> PyResult<Bound<'py, PyAny>> {
    let channel = match (channel, request.body) {
        (Some(channel), _) => Arc::clone(channel),
        (None, Body::Whole(body)) => Arc::new(Channel::whole(body)),
        (None, Body::Streamed) => Arc::default(),
    };
    let receive = Receive { app: Arc::clone(app), key: request.key, channel };
    let scope = build(py, app, route, request)?;
    app.callbacks.request_class.bind(py).call1((scope, receive))
}

/// The scope, as the ASGI specification (HTTP & WebSocket, version 2.5) has it.
fn build<'py>(
    py: Python<'py>,
    app: &App,
    route: &Route,
    request: &Request<'_>,
) -> PyResult<Bound<'py, PyDict>> {
    let head = request.head;
    let scope = PyDict::new(py);
    scope.set_item(intern!(py, "type"), intern!(py, "http"))?;
    let version = match head.version {
        Version::Http10 => intern!(py, "1.0"),
        Version::Http11 => intern!(py, "1.1"),
    };
    scope.set_item(intern!(py, "http_version"), version)?;
    scope.set_item(intern!(py, "method"), head.method_name)?;
    scope.set_item(intern!(py, "scheme"), intern!(py, "http"))?;
    scope.set_item(intern!(py, "path"), request.path)?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, head.path.as_bytes()))?;
    scope.set_item(intern!(py, "query_string"), PyBytes::new(py, head.query.as_bytes()))?;
    scope.set_item(intern!(py, "root_path"), intern!(py, ""))?;
    let headers = PyList::empty(py);
    for header in head.headers {
        let name = header.name.to_ascii_lowercase();
        let pair = (PyBytes::new(py, name.as_bytes()), PyBytes::new(py, header.value));
        headers.append(pair)?;
    }
    scope.set_item(intern!(py, "headers"), headers)?;
    let client = request.peer.client.map(|client| (client.ip().to_string(), client.port()));
    scope.set_item(intern!(py, "client"), client)?;
    match &request.peer.server {
        Local::Tcp(local) => {
            let server = (local.ip().to_string(), local.port());
            scope.set_item(intern!(py, "server"), server)?;
        }
        Local::Unix(path) => {
            scope.set_item(intern!(py, "server"), (path, py.None()))?;
        }
    }
    let params = PyDict::new(py);
    for (name, value) in route.path_names.iter().zip(request.params.iter(request.path)) {
        params.set_item(name, PyString::new(py, value))?;
    }
    scope.set_item(intern!(py, "path_params"), params)?;
    scope.set_item(intern!(py, "app"), &app.callbacks.app)?;
    scope.set_item(intern!(py, "endpoint"), &route.endpoint)?;
    scope.set_item(intern!(py, "route_name"), &route.name)?;
    if let Some(state) = &app.callbacks.state {
        scope.set_item(intern!(py, "state"), state.call_method0(py, intern!(py, "copy"))?)?;
    }
    Ok(scope)
}
