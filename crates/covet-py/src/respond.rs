//! What a handler returned or raised, as the bytes of a response.

use covet_engine::reply::{self, ReplyMeta};
use covet_wire::{http1::response as wire, status};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyString, PyTuple},
};

use crate::{
    app::App,
    json,
    plan::{ResponseKind, ResponsePlan, Route},
};

/// What was written.
pub(crate) enum Written<'py> {
    /// A whole response.
    Whole,
    /// A head; the response object has the body.
    Head {
        /// Has `stream_to`.
        response: Bound<'py, PyAny>,
        /// How the body is delimited.
        framing: Framing,
    },
}

/// How the end of a streamed body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By chunks (RFC 9112, 7.1).
    Chunked,
    /// By the length that the response itself declares.
    Length(u64),
    /// By the end of the connection: HTTP/1.0 knows no chunks.
    Close,
}

/// Appends the response to a handler's result. What was half written when something failed is
/// taken back, and the failure answered instead.
#[inline]
pub(crate) fn write<'py>(
    py: Python<'py>,
    app: &App,
    route: &Route,
    meta: &ReplyMeta,
    result: PyResult<Bound<'py, PyAny>>,
    out: &mut Vec<u8>,
) -> Written<'py> {
    let start = out.len();
    match result.and_then(|value| write_value(app, &route.response, meta, value, out)) {
        Ok(written) => written,
        Err(error) => {
            out.truncate(start);
            write_failure(py, app, meta, error, out)
        }
    }
}

/// Appends the response to an exception.
pub(crate) fn write_failure<'py>(
    py: Python<'py>,
    app: &App,
    meta: &ReplyMeta,
    error: PyErr,
    out: &mut Vec<u8>,
) -> Written<'py> {
    let start = out.len();
    let on_error = app.callbacks.on_error.bind(py);
    let answer = |error: PyErr, out: &mut Vec<u8>| {
        out.truncate(start);
        let response = on_error.call1((error.into_value(py),))?;
        write_response(&response, meta, out)
    };
    let answered = answer(error, out)
        // The response to it cannot be sent, which is a failure of its own.
        .or_else(|error| answer(error, out));
    answered.unwrap_or_else(|error| {
        // The exception handler itself failed: there is nobody else to ask.
        error.write_unraisable(py, None);
        out.truncate(start);
        reply::write_error(out, 500, "Internal Server Error", meta);
        Written::Whole
    })
}

/// Logs an exception whose request can no longer be answered.
pub(crate) fn report(py: Python<'_>, app: &App, error: PyErr) {
    if let Err(error) = app.callbacks.on_error.call1(py, (error.into_value(py),)) {
        error.write_unraisable(py, None);
    }
}

#[inline]
fn write_value<'py>(
    app: &App,
    plan: &ResponsePlan,
    meta: &ReplyMeta,
    value: Bound<'py, PyAny>,
    out: &mut Vec<u8>,
) -> PyResult<Written<'py>> {
    if is_response(app, &value)? {
        return write_response(&value, meta, out);
    }
    match plan.kind {
        ResponseKind::Json => write_json(plan, meta, &value, out).map(|()| Written::Whole),
        ResponseKind::Text => write_text(plan, meta, &value, out).map(|()| Written::Whole),
        ResponseKind::Class => {
            let response = make_response(plan, value)?;
            write_response(&response, meta, out)
        }
    }
}

/// The types most handlers return are told apart without asking Python.
#[inline]
fn is_response(app: &App, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    if value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_none()
    {
        return Ok(false);
    }
    value.is_instance(app.callbacks.response_type.bind(value.py()))
}

#[inline]
fn write_json(
    plan: &ResponsePlan,
    meta: &ReplyMeta,
    value: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    reply::begin(out, plan.status, meta);
    if status::forbids_body(plan.status) {
        reply::finish_empty(out, plan.status);
        return Ok(());
    }
    out.extend_from_slice(&plan.content_type);
    let mut digits = plan.digits();
    let guess = digits;
    reply::finish_with(out, &mut digits, meta, |out| match &plan.serialize {
        None => json::write(value, out),
        Some(serialize) => {
            let bytes = serialize.bind(value.py()).call1((value,))?;
            out.extend_from_slice(bytes.cast::<PyBytes>()?.as_bytes());
            Ok(())
        }
    })?;
    if digits != guess {
        plan.set_digits(digits);
    }
    Ok(())
}

#[inline]
fn write_text(
    plan: &ResponsePlan,
    meta: &ReplyMeta,
    value: &Bound<'_, PyAny>,
    out: &mut Vec<u8>,
) -> PyResult<()> {
    let body = if let Ok(text) = value.cast::<PyString>() {
        text.to_str()?.as_bytes()
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        bytes.as_bytes()
    } else if value.is_none() {
        b""
    } else {
        let kind = value.get_type().qualname()?;
        let message = format!("a text response takes str or bytes, not {kind}");
        return Err(PyTypeError::new_err(message));
    };
    reply::begin(out, plan.status, meta);
    if status::forbids_body(plan.status) {
        reply::finish_empty(out, plan.status);
        return Ok(());
    }
    out.extend_from_slice(&plan.content_type);
    reply::finish(out, plan.status, body, meta);
    Ok(())
}

fn make_response<'py>(
    plan: &ResponsePlan,
    content: Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = content.py();
    let Some(factory) = &plan.factory else {
        return Err(PyTypeError::new_err("the route has no response class"));
    };
    let factory = factory.bind(py);
    if !plan.explicit_status {
        return factory.call1((content,));
    }
    let options = PyDict::new(py);
    options.set_item(intern!(py, "status_code"), plan.status)?;
    factory.call((content,), Some(&options))
}

/// Headers that are the server's to write.
const OWN: [&[u8]; 4] = [b"connection", b"transfer-encoding", b"date", b"keep-alive"];

/// Appends what a `Response` object says.
fn write_response<'py>(
    response: &Bound<'py, PyAny>,
    meta: &ReplyMeta,
    out: &mut Vec<u8>,
) -> PyResult<Written<'py>> {
    let py = response.py();
    let status: u16 = response.getattr(intern!(py, "status_code"))?.extract()?;
    if !(200..=999).contains(&status) {
        let message = format!("{status} is not a status a response can end with");
        return Err(PyValueError::new_err(message));
    }
    let streamed = response.hasattr(intern!(py, "body_iterator"))?;
    let headers = response.getattr(intern!(py, "raw_headers"))?;
    let mut lines = Vec::new();
    let declared = write_headers(&headers, &mut lines)?;
    if streamed {
        return Ok(write_streamed_head(response, status, &lines, declared, meta, out));
    }
    reply::begin(out, status, meta);
    out.extend_from_slice(&lines);
    let body = response.getattr(intern!(py, "body"))?;
    reply::finish(out, status, body.extract()?, meta);
    Ok(Written::Whole)
}

fn write_streamed_head<'py>(
    response: &Bound<'py, PyAny>,
    status: u16,
    lines: &[u8],
    declared: Option<u64>,
    meta: &ReplyMeta,
    out: &mut Vec<u8>,
) -> Written<'py> {
    let framing = match declared {
        Some(length) => Framing::Length(length),
        None if meta.http10 => Framing::Close,
        None => Framing::Chunked,
    };
    let bodiless = meta.head_only || status::forbids_body(status);
    let keep_alive = meta.keep_alive && (bodiless || framing != Framing::Close);
    reply::begin(out, status, &ReplyMeta { keep_alive, ..*meta });
    out.extend_from_slice(lines);
    if status::forbids_body(status) {
        reply::finish_empty(out, status);
        return Written::Whole;
    }
    match framing {
        Framing::Length(length) => wire::content_length(out, length),
        Framing::Chunked => wire::chunked(out),
        Framing::Close => {}
    }
    wire::end_head(out);
    if bodiless { Written::Whole } else { Written::Head { response: response.clone(), framing } }
}

/// Appends the headers of a response, the server's own left out; returns the declared length.
fn write_headers(headers: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<Option<u64>> {
    let mut declared = None;
    for pair in headers.try_iter()? {
        let pair = pair?.cast_into::<PyTuple>()?;
        let (name, value) = (pair.get_item(0)?, pair.get_item(1)?);
        let (name, value): (&[u8], &[u8]) = (name.extract()?, value.extract()?);
        if name.eq_ignore_ascii_case(b"content-length") {
            declared = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        } else if !OWN.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            wire::header(out, name, value)
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
        }
    }
    Ok(declared)
}
