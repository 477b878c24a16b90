//! A route's plan: what start-up inspection found, compiled to what each request needs.

use std::sync::atomic::{AtomicUsize, Ordering};

use covet_engine::handler::BodyMode;
use pyo3::{
    prelude::*,
    types::{PyString, PyTuple},
};

pyo3::import_exception!(covet.exceptions, RouteError);

/// One route, compiled from its `RouteSpec`.
pub(crate) struct Route {
    pub(crate) endpoint: Py<PyAny>,
    pub(crate) name: Py<PyString>,
    pub(crate) execution: Execution,
    /// In the order of the call: positional arguments, then those by keyword.
    pub(crate) params: Vec<Param>,
    pub(crate) keywords: Option<Py<PyTuple>>,
    /// Some parameter comes from the body.
    pub(crate) reads_body: bool,
    /// Some parameter is the `Request`.
    pub(crate) takes_request: bool,
    pub(crate) body: BodyPlan,
    pub(crate) response: ResponsePlan,
    /// Names of the pattern's parameters, the host's before the path's.
    pub(crate) path_names: Vec<Py<PyString>>,
}

/// Where a handler runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    /// `async def`, on the loop.
    Async,
    /// `def`, in a thread of the pool.
    Thread,
    /// `def`, on the loop: for code that never blocks.
    Inline,
}

/// One argument of a handler.
pub(crate) struct Param {
    pub(crate) source: Source,
    pub(crate) alias: Box<str>,
    pub(crate) alias_object: Py<PyString>,
    pub(crate) scalar: Scalar,
    pub(crate) sequence: bool,
    pub(crate) required: bool,
    pub(crate) default: Py<PyAny>,
    pub(crate) default_factory: Option<Py<PyAny>>,
    pub(crate) validate: Option<Py<PyAny>>,
    pub(crate) validate_default: bool,
    pub(crate) loc: Py<PyTuple>,
    /// The parts of a parameter model, collected into one dict.
    pub(crate) fields: Vec<Param>,
}

/// Where an argument comes from. Errors are reported in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The parameter of the pattern with this index.
    Path(usize),
    Query,
    Header,
    Cookie,
    Body,
    Request,
}

/// What the engine may make of a canonical text without asking pydantic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Str,
    Int,
    Float,
    Bool,
    Any,
}

pub(crate) struct BodyPlan {
    pub(crate) mode: BodyMode,
    pub(crate) embed: bool,
    pub(crate) strict_content_type: bool,
    pub(crate) validate_json: Option<Py<PyAny>>,
}

pub(crate) struct ResponsePlan {
    pub(crate) kind: ResponseKind,
    pub(crate) status: u16,
    pub(crate) explicit_status: bool,
    /// `content-type: …\r\n`, as it stands in the head.
    pub(crate) content_type: Box<[u8]>,
    pub(crate) factory: Option<Py<PyAny>>,
    pub(crate) serialize: Option<Py<PyAny>>,
    /// Digits of the last body's length, which the next is likely to have.
    digits: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// Any value, as JSON.
    Json,
    /// Text or bytes, as they are.
    Text,
    /// What the response class makes of the value.
    Class,
}

impl ResponsePlan {
    pub(crate) fn digits(&self) -> usize {
        self.digits.load(Ordering::Relaxed)
    }

    pub(crate) fn set_digits(&self, digits: usize) {
        self.digits.store(digits, Ordering::Relaxed);
    }
}

impl Route {
    pub(crate) fn compile(spec: &Bound<'_, PyAny>, path_names: &[String]) -> PyResult<Self> {
        let py = spec.py();
        let mut params = Vec::new();
        let mut by_keyword = Vec::new();
        let mut keywords = Vec::new();
        for param in spec.getattr("params")?.try_iter()? {
            let param = param?;
            let compiled = Param::compile(&param, path_names)?;
            if param.getattr("keyword_only")?.extract()? {
                keywords.push(param.getattr("name")?);
                by_keyword.push(compiled);
            } else {
                params.push(compiled);
            }
        }
        params.extend(by_keyword);
        let keywords = if keywords.is_empty() { None } else { Some(PyTuple::new(py, keywords)?) };
        Ok(Self {
            endpoint: spec.getattr("endpoint")?.unbind(),
            name: spec.getattr("name")?.cast_into::<PyString>()?.unbind(),
            execution: choose(
                &spec.getattr("execution")?,
                &[
                    ("async", Execution::Async),
                    ("thread", Execution::Thread),
                    ("inline", Execution::Inline),
                ],
            )?,
            reads_body: params.iter().any(|param| param.source == Source::Body),
            takes_request: params.iter().any(|param| param.source == Source::Request),
            params,
            keywords: keywords.map(Bound::unbind),
            body: BodyPlan::compile(&spec.getattr("body")?)?,
            response: ResponsePlan::compile(&spec.getattr("response")?)?,
            path_names: path_names.iter().map(|name| PyString::intern(py, name).unbind()).collect(),
        })
    }
}

impl Param {
    fn compile(spec: &Bound<'_, PyAny>, path_names: &[String]) -> PyResult<Self> {
        let py = spec.py();
        let alias: String = spec.getattr("alias")?.extract()?;
        let source: String = spec.getattr("source")?.extract()?;
        let fields = spec.getattr("fields")?.try_iter()?;
        Ok(Self {
            source: Source::compile(&source, &alias, path_names)?,
            alias_object: PyString::intern(py, &alias).unbind(),
            alias: alias.into(),
            scalar: choose(
                &spec.getattr("scalar")?,
                &[
                    ("str", Scalar::Str),
                    ("int", Scalar::Int),
                    ("float", Scalar::Float),
                    ("bool", Scalar::Bool),
                    ("any", Scalar::Any),
                ],
            )?,
            sequence: spec.getattr("sequence")?.extract()?,
            required: spec.getattr("required")?.extract()?,
            default: spec.getattr("default")?.unbind(),
            default_factory: spec.getattr("default_factory")?.extract()?,
            validate: spec.getattr("validate")?.extract()?,
            validate_default: spec.getattr("validate_default")?.extract()?,
            loc: spec.getattr("loc")?.cast_into::<PyTuple>()?.unbind(),
            fields: fields
                .map(|field| Self::compile(&field?, path_names))
                .collect::<PyResult<_>>()?,
        })
    }
}

impl Source {
    fn compile(source: &str, alias: &str, path_names: &[String]) -> PyResult<Self> {
        match source {
            "path" => match path_names.iter().position(|name| name == alias) {
                Some(index) => Ok(Self::Path(index)),
                None => Err(RouteError::new_err(format!("the path has no parameter {alias:?}"))),
            },
            "query" => Ok(Self::Query),
            "header" => Ok(Self::Header),
            "cookie" => Ok(Self::Cookie),
            "body" => Ok(Self::Body),
            "request" => Ok(Self::Request),
            other => Err(RouteError::new_err(format!("{other:?} is not a source"))),
        }
    }
}

impl BodyPlan {
    fn compile(spec: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            mode: choose(
                &spec.getattr("kind")?,
                &[
                    ("none", BodyMode::Discard),
                    ("json", BodyMode::Buffer),
                    ("stream", BodyMode::Stream),
                ],
            )?,
            embed: spec.getattr("embed")?.extract()?,
            strict_content_type: spec.getattr("strict_content_type")?.extract()?,
            validate_json: spec.getattr("validate_json")?.extract()?,
        })
    }
}

impl ResponsePlan {
    fn compile(spec: &Bound<'_, PyAny>) -> PyResult<Self> {
        let media_type: String = spec.getattr("media_type")?.extract()?;
        let mut content_type = Vec::new();
        covet_wire::http1::response::header(
            &mut content_type,
            b"content-type",
            media_type.as_bytes(),
        )
        .map_err(|error| RouteError::new_err(format!("media type {media_type:?}: {error}")))?;
        let status: u16 = spec.getattr("status_code")?.extract()?;
        if !(200..=999).contains(&status) {
            let message = format!("{status} is not a status a response can end with");
            return Err(RouteError::new_err(message));
        }
        Ok(Self {
            kind: choose(
                &spec.getattr("kind")?,
                &[
                    ("json", ResponseKind::Json),
                    ("text", ResponseKind::Text),
                    ("class", ResponseKind::Class),
                ],
            )?,
            status,
            explicit_status: spec.getattr("explicit_status")?.extract()?,
            content_type: content_type.into(),
            factory: spec.getattr("factory")?.extract()?,
            serialize: spec.getattr("serialize")?.extract()?,
            digits: AtomicUsize::new(2),
        })
    }
}

/// Reads one of a fixed set of words.
fn choose<T: Copy>(value: &Bound<'_, PyAny>, words: &[(&str, T)]) -> PyResult<T> {
    let value = value.cast::<PyString>()?.to_str()?;
    words
        .iter()
        .find(|(word, _)| *word == value)
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| RouteError::new_err(format!("{value:?} is not one of the known words")))
}
