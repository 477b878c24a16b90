//! The limits of a server, as Python sets them.

use std::time::Duration;

use covet_wire::http1::{Limits, MAX_HEADERS};
use pyo3::{exceptions::PyValueError, prelude::*};

/// Limits of the server; every one is a bound. Times are in seconds, sizes in bytes.
#[pyclass(module = "covet._covet", frozen)]
pub(crate) struct Settings {
    pub(crate) server: covet_server::Settings,
    pub(crate) thread_limit: usize,
    pub(crate) thread_queue: usize,
}

#[pymethods]
impl Settings {
    #[new]
    #[pyo3(signature = (
        *,
        max_connections = 10_000,
        max_head_size = 65_536,
        max_uri_size = 16_384,
        max_headers = 100,
        max_body_size = 16_777_216,
        max_pipelined = 64,
        output_limit = 1_048_576,
        header_timeout = 20.0,
        body_timeout = 60.0,
        write_timeout = 60.0,
        keep_alive_timeout = 75.0,
        thread_limit = 40,
        thread_queue = 1024,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        max_connections: usize,
        max_head_size: usize,
        max_uri_size: usize,
        max_headers: usize,
        max_body_size: u64,
        max_pipelined: usize,
        output_limit: usize,
        header_timeout: f64,
        body_timeout: f64,
        write_timeout: f64,
        keep_alive_timeout: f64,
        thread_limit: usize,
        thread_queue: usize,
    ) -> PyResult<Self> {
        let counts = [
            ("max_connections", max_connections),
            ("max_head_size", max_head_size),
            ("max_uri_size", max_uri_size),
            ("max_headers", max_headers),
            ("max_pipelined", max_pipelined),
            ("thread_limit", thread_limit),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(PyValueError::new_err(format!("{name} must be at least 1")));
        }
        if max_headers > MAX_HEADERS {
            let message = format!("max_headers must be at most {MAX_HEADERS}");
            return Err(PyValueError::new_err(message));
        }
        Ok(Self {
            server: covet_server::Settings {
                limits: Limits {
                    max_head: max_head_size,
                    max_uri: max_uri_size,
                    max_headers,
                    max_body: max_body_size,
                },
                max_connections,
                max_pipelined,
                output_limit,
                header_timeout: seconds("header_timeout", header_timeout)?,
                body_timeout: seconds("body_timeout", body_timeout)?,
                write_timeout: seconds("write_timeout", write_timeout)?,
                keep_alive_timeout: seconds("keep_alive_timeout", keep_alive_timeout)?,
            },
            thread_limit,
            thread_queue,
        })
    }
}

fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(PyValueError::new_err(format!("{name} must be a positive number of seconds"))),
    }
}
