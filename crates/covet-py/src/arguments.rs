//! A request's values as the arguments of its handler.

use std::{borrow::Cow, sync::Arc};

use covet_engine::handler::{Body, Request};
use covet_wire::{cookie, query};
use pyo3::{
    prelude::*,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString},
};
use smallvec::SmallVec;

use crate::{
    app::App,
    body::Channel,
    plan::{Param, Route, Scalar, Source},
    scope,
};

/// Arguments in the order of the call.
pub(crate) type Arguments<'py> = SmallVec<[Bound<'py, PyAny>; 8]>;

/// Why a handler cannot be called.
pub(crate) enum Refusal<'py> {
    /// The client sent wrong values: the error dicts and the body they are about.
    Invalid(Vec<Bound<'py, PyAny>>, Bound<'py, PyAny>),
    /// Something raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal<'_> {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// Collects errors by source, in `FastAPI`'s order.
type Errors<'py> = Vec<(Source, Bound<'py, PyAny>)>;

/// Reads, coerces and validates everything the handler asks for, into `arguments`.
#[inline]
pub(crate) fn build<'py>(
    py: Python<'py>,
    app: &Arc<App>,
    route: &Route,
    request: &Request<'_>,
    channel: Option<&Arc<Channel>>,
    arguments: &mut Arguments<'py>,
) -> Result<(), Refusal<'py>> {
    if route.params.is_empty() {
        return Ok(());
    }
    let mut errors = Errors::new();
    let body = if route.reads_body { Some(Payload::read(py, app, route, request)?) } else { None };
    for param in &route.params {
        let value = match param.source {
            Source::Request => Some(scope::request(py, app, route, request, channel)?),
            Source::Body => match &body {
                Some(body) => body.argument(py, app, route, param, &mut errors)?,
                None => None,
            },
            _ if !param.sequence && param.fields.is_empty() => {
                scalar(py, app, param, request, &mut errors)?
            }
            _ => collection(py, app, param, request, &mut errors)?,
        };
        arguments.extend(value);
    }
    if errors.is_empty() { Ok(()) } else { Err(refuse(py, errors, body)) }
}

#[cold]
fn refuse<'py>(
    py: Python<'py>,
    mut errors: Errors<'py>,
    body: Option<Payload<'py>>,
) -> Refusal<'py> {
    errors.sort_by_key(|(source, _)| match source {
        Source::Path(_) => Source::Path(0),
        other => *other,
    });
    let body = body.map_or_else(|| py.None().into_bound(py), |body| body.shown(py));
    Refusal::Invalid(errors.into_iter().map(|(_, error)| error).collect(), body)
}

/// One argument of one text; `None` if it has errors.
#[inline]
fn scalar<'py>(
    py: Python<'py>,
    app: &App,
    param: &Param,
    request: &Request<'_>,
    errors: &mut Errors<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(text) = find(param, request) else { return absent(py, app, param, errors) };
    match coerce(py, param.scalar, &text) {
        Some(value) => Ok(Some(value)),
        None => validated(app, param, PyString::new(py, &text).into_any(), errors),
    }
}

/// One argument of many texts: a list, or the dict of a parameter model.
fn collection<'py>(
    py: Python<'py>,
    app: &App,
    param: &Param,
    request: &Request<'_>,
    errors: &mut Errors<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if param.fields.is_empty() {
        let texts = find_all(py, param, request)?;
        if texts.is_empty() {
            return absent(py, app, param, errors);
        }
        return validated(app, param, texts.into_any(), errors);
    }
    let dict = PyDict::new(py);
    for field in &param.fields {
        if field.sequence {
            let texts = find_all(py, field, request)?;
            if !texts.is_empty() {
                dict.set_item(&field.alias_object, texts)?;
            }
        } else if let Some(text) = find(field, request) {
            dict.set_item(&field.alias_object, &*text)?;
        }
    }
    validated(app, param, dict.into_any(), errors)
}

/// The text sent for a parameter. The first of a repeated header counts, the last of the others.
#[inline]
fn find<'a>(param: &'a Param, request: &'a Request<'_>) -> Option<Cow<'a, str>> {
    match param.source {
        Source::Path(index) => request.params.get(index, request.path).map(Cow::Borrowed),
        Source::Query => in_query(param, request).last(),
        Source::Header => in_headers(param, request).next(),
        Source::Cookie => in_cookies(param, request).last(),
        Source::Body | Source::Request => None,
    }
}

/// All texts sent for a parameter, in order.
fn find_all<'py>(
    py: Python<'py>,
    param: &Param,
    request: &Request<'_>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let mut add = |text: Cow<'_, str>| list.append(&*text);
    match param.source {
        Source::Query => in_query(param, request).try_for_each(&mut add)?,
        Source::Header => in_headers(param, request).try_for_each(&mut add)?,
        Source::Cookie => in_cookies(param, request).try_for_each(&mut add)?,
        Source::Path(_) | Source::Body | Source::Request => {
            find(param, request).map_or(Ok(()), &mut add)?;
        }
    }
    Ok(list)
}

#[inline]
fn in_query<'a>(param: &'a Param, request: &'a Request<'_>) -> impl Iterator<Item = Cow<'a, str>> {
    let pairs = query::pairs(request.head.query);
    pairs.filter(|(name, _)| **name == *param.alias).map(|(_, text)| text)
}

#[inline]
fn in_headers<'a>(
    param: &'a Param,
    request: &'a Request<'_>,
) -> impl Iterator<Item = Cow<'a, str>> {
    let headers = request.head.headers.iter();
    let found = headers.filter(|header| header.name.eq_ignore_ascii_case(&param.alias));
    found.map(|header| latin1(header.value))
}

fn in_cookies<'a>(
    param: &'a Param,
    request: &'a Request<'_>,
) -> impl Iterator<Item = Cow<'a, str>> {
    let headers = request.head.headers.iter();
    let cookies = headers.filter(|header| header.name.eq_ignore_ascii_case("cookie"));
    let pairs = cookies.flat_map(|header| cookie::pairs(header.value));
    pairs.filter(|(name, _)| **name == *param.alias).map(|(_, text)| text)
}

/// Header values are bytes; like Starlette, each is taken for one character.
fn latin1(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(value.iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// Takes a text that is in canonical form for what it is. pydantic decides about all others.
fn coerce<'py>(py: Python<'py>, scalar: Scalar, text: &str) -> Option<Bound<'py, PyAny>> {
    match scalar {
        Scalar::Str => Some(PyString::new(py, text).into_any()),
        Scalar::Int => canonical_int(text).map(|value| PyInt::new(py, value).into_any()),
        Scalar::Float => canonical_float(text).map(|value| PyFloat::new(py, value).into_any()),
        Scalar::Bool => match text {
            "true" | "1" => Some(PyBool::new(py, true).to_owned().into_any()),
            "false" | "0" => Some(PyBool::new(py, false).to_owned().into_any()),
            _ => None,
        },
        Scalar::Any => None,
    }
}

/// `-?[1-9][0-9]*` or `0`, of at most 18 digits.
fn canonical_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.starts_with('0') && text != "0";
    let plain = !digits.is_empty() && digits.len() <= 18 && !leading_zero;
    if plain && digits.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Digits with at most one point between them, and a sign.
fn canonical_float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if plain(whole) && plain(fraction) { text.parse().ok() } else { None }
}

/// The value of a parameter that was not sent.
fn absent<'py>(
    py: Python<'py>,
    app: &App,
    param: &Param,
    errors: &mut Errors<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if param.required {
        let found = app.callbacks.missing.bind(py).call1((&param.loc,))?;
        collect(param.source, &found, errors)?;
        return Ok(None);
    }
    let value = match &param.default_factory {
        Some(factory) => factory.bind(py).call0()?,
        None => param.default.bind(py).clone(),
    };
    if param.validate_default { validated(app, param, value, errors) } else { Ok(Some(value)) }
}

/// Asks pydantic.
fn validated<'py>(
    app: &App,
    param: &Param,
    value: Bound<'py, PyAny>,
    errors: &mut Errors<'py>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let Some(validate) = &param.validate else { return Ok(Some(value)) };
    match validate.bind(py).call1((value,)) {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.matches(py, &app.callbacks.validation_error)? => {
            let found = app.callbacks.located.bind(py).call1((error.value(py), &param.loc))?;
            collect(param.source, &found, errors)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn collect<'py>(
    source: Source,
    found: &Bound<'py, PyAny>,
    errors: &mut Errors<'py>,
) -> PyResult<()> {
    for error in found.try_iter()? {
        errors.push((source, error?));
    }
    Ok(())
}

/// A request's body as its parameters see it.
enum Payload<'py> {
    /// Nothing was sent.
    Absent,
    /// The only parameter, validated from the bytes.
    Valid(Bound<'py, PyAny>),
    /// Parsed JSON, or bytes that are not said to be JSON.
    Parsed(Bound<'py, PyAny>),
}

impl<'py> Payload<'py> {
    fn read(py: Python<'py>, app: &App, route: &Route, request: &Request<'_>) -> PyResult<Self> {
        let Body::Whole(bytes) = request.body else { return Ok(Self::Absent) };
        if bytes.is_empty() {
            return Ok(Self::Absent);
        }
        let object = PyBytes::new(py, bytes);
        if !is_json(request, route.body.strict_content_type) {
            return Ok(Self::Parsed(object.into_any()));
        }
        if let Some(validate) = &route.body.validate_json {
            match validate.bind(py).call1((&object,)) {
                Ok(value) => return Ok(Self::Valid(value)),
                // Worded below, as for parsed data.
                Err(error) if error.matches(py, &app.callbacks.validation_error)? => {}
                Err(error) => return Err(error),
            }
        }
        app.callbacks.parse_json.bind(py).call1((object,)).map(Self::Parsed)
    }

    fn argument(
        &self,
        py: Python<'py>,
        app: &App,
        route: &Route,
        param: &Param,
        errors: &mut Errors<'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = match self {
            Self::Valid(value) => return Ok(Some(value.clone())),
            Self::Absent => return absent(py, app, param, errors),
            Self::Parsed(value) => value,
        };
        if !route.body.embed {
            return validated(app, param, value.clone(), errors);
        }
        match value.cast::<PyDict>().map(|dict| dict.get_item(&param.alias_object)) {
            Ok(Ok(Some(value))) => validated(app, param, value, errors),
            Ok(Ok(None)) => absent(py, app, param, errors),
            Ok(Err(error)) => Err(error),
            // A body nobody parsed has no keys: the defaults apply.
            Err(_) if value.is_instance_of::<PyBytes>() => absent(py, app, param, errors),
            // JSON that is no object cannot be asked for keys.
            Err(_) => {
                let found = app.callbacks.missing.bind(py).call1((&param.loc,))?;
                collect(param.source, &found, errors)?;
                Ok(None)
            }
        }
    }

    /// The body as the 422 response's exception carries it.
    fn shown(self, py: Python<'py>) -> Bound<'py, PyAny> {
        match self {
            Self::Absent => py.None().into_bound(py),
            Self::Valid(value) | Self::Parsed(value) => value,
        }
    }
}

/// Whether the content-type says JSON: `application/json` or `application/*+json`.
fn is_json(request: &Request<'_>, strict: bool) -> bool {
    let headers = request.head.headers;
    let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
    let Some(header) = found else { return !strict };
    let media = header.value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    if media.eq_ignore_ascii_case(b"application/json") {
        return true;
    }
    let (Some(kind), Some(suffix)) = (media.get(..12), media.len().checked_sub(5)) else {
        return false;
    };
    kind.eq_ignore_ascii_case(b"application/") && media[suffix..].eq_ignore_ascii_case(b"+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_numbers_are_taken() {
        let ints = [
            ("0", Some(0)),
            ("42", Some(42)),
            ("-7", Some(-7)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("-0", None),
            ("007", None),
            ("+1", None),
            ("1_000", None),
            ("1.0", None),
            (" 1", None),
            ("", None),
            ("-", None),
            ("9999999999999999999", None),
            ("٣", None),
        ];
        for (text, expected) in ints {
            assert_eq!(canonical_int(text), expected, "{text:?}");
        }
        let floats = [
            ("1", Some(1.0)),
            ("-2.50", Some(-2.5)),
            ("1.", None),
            (".5", None),
            ("1e5", None),
            ("inf", None),
            ("nan", None),
            ("1.2.3", None),
            ("", None),
        ];
        for (text, expected) in floats {
            assert_eq!(canonical_float(text), expected, "{text:?}");
        }
    }
}
