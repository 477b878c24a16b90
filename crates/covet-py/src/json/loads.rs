//! Python objects from JSON.

use jiter::{JsonError, JsonErrorType, PythonParse, StringCacheMode};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString, PyType};

/// A byte order mark in UTF-8, which a parser may ignore (RFC 8259 section 8.1).
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads one JSON document.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn json_loads<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = data.py();
    if let Ok(bytes) = data.cast::<PyBytes>() {
        read(py, bytes.as_bytes())
    } else if let Ok(text) = data.cast::<PyString>() {
        match text.to_str() {
            Ok(text) => read(py, text.as_bytes()),
            Err(error) => {
                let place = error.value(py).getattr(intern!(py, "start"))?.extract()?;
                Err(decode_error(py, "Invalid surrogate", text.clone(), place)?)
            }
        }
    } else if data.is_instance_of::<PyByteArray>() || data.is_instance_of::<PyMemoryView>() {
        // A copy: Python code that runs meanwhile, if only a finalizer, could change these.
        read(py, data.py().get_type::<PyBytes>().call1((data,))?.cast::<PyBytes>()?.as_bytes())
    } else {
        let class = data.get_type();
        Err(PyTypeError::new_err(format!(
            "the JSON document must be str, bytes, bytearray or memoryview, not {}",
            class.name()?
        )))
    }
}

/// Reads one JSON document, in UTF-8.
///
/// # Errors
/// `json.JSONDecodeError`
pub(crate) fn read<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let data = data.strip_prefix(BOM).unwrap_or(data);
    let parser = PythonParse { cache_mode: StringCacheMode::Keys, ..PythonParse::default() };
    parser.python_parse(py, data).or_else(|error| Err(explain(py, data, &error)?))
}

/// The exception for a document that is not JSON.
fn explain(py: Python<'_>, data: &[u8], error: &JsonError) -> PyResult<PyErr> {
    let (message, place) = describe(data, error);
    let before = data.get(..place).unwrap_or(data);
    let characters = String::from_utf8_lossy(before).chars().count();
    let document = PyString::new(py, &String::from_utf8_lossy(data));
    decode_error(py, message, document, characters)
}

fn decode_error(
    py: Python<'_>,
    message: &str,
    document: Bound<'_, PyString>,
    place: usize,
) -> PyResult<PyErr> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "json", "JSONDecodeError")?;
    Ok(PyErr::from_value(class.call1((message, document, place))?))
}

/// What is wrong, and at which byte: as Python's own parser would say, where it would.
fn describe(data: &[u8], error: &JsonError) -> (&'static str, usize) {
    use JsonErrorType as Wrong;
    let end = error.index;
    let before = data.get(..end).unwrap_or(data);
    match error.error_type {
        Wrong::ExpectedSomeValue | Wrong::ExpectedSomeIdent | Wrong::EofWhileParsingValue => {
            ("Expecting value", start_of_word(before))
        }
        Wrong::EofWhileParsingList | Wrong::EofWhileParsingObject => {
            (missing_at_end(before.trim_ascii_end()), end)
        }
        Wrong::ExpectedListCommaOrEnd | Wrong::ExpectedObjectCommaOrEnd => (COMMA, end),
        Wrong::ExpectedColon => ("Expecting ':' delimiter", end),
        Wrong::KeyMustBeAString => (NAME, end),
        Wrong::TrailingComma => {
            let comma = before.trim_ascii_end().len().saturating_sub(1);
            (if data.get(end) == Some(&b']') { COMMA_IN_ARRAY } else { COMMA_IN_OBJECT }, comma)
        }
        Wrong::TrailingCharacters => ("Extra data", end),
        Wrong::EofWhileParsingString => ("Unterminated string starting at", last_quote(before)),
        Wrong::ControlCharacterWhileParsingString => ("Invalid control character at", end),
        Wrong::InvalidEscape => ("Invalid \\escape", end.saturating_sub(1)),
        Wrong::LoneLeadingSurrogateInHexEscape | Wrong::UnexpectedEndOfHexEscape => {
            ("Lone surrogate in \\uXXXX escape", end)
        }
        Wrong::InvalidUnicodeCodePoint => ("Invalid UTF-8", end),
        Wrong::RecursionLimitExceeded => ("Nested too deeply", end),
        // Of the rest, a parser with these settings reports the first only.
        Wrong::InvalidNumber
        | Wrong::NumberOutOfRange
        | Wrong::FloatExpectingInt
        | Wrong::DuplicateKey(_)
        | Wrong::InternalError(_) => ("Invalid number", end),
    }
}

const NAME: &str = "Expecting property name enclosed in double quotes";
const COMMA: &str = "Expecting ',' delimiter";
const COMMA_IN_ARRAY: &str = "Illegal trailing comma before end of array";
const COMMA_IN_OBJECT: &str = "Illegal trailing comma before end of object";

/// What an array or object that just ends lacks.
fn missing_at_end(before: &[u8]) -> &'static str {
    match before.last() {
        Some(b'[') => "Expecting value",
        Some(b'{') => NAME,
        // The name of a value, or a value.
        Some(b'"') => "Expecting ':' or ',' delimiter",
        _ => COMMA,
    }
}

/// Where the literal or number begins that `before` ends with.
fn start_of_word(before: &[u8]) -> usize {
    let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    before.iter().rposition(|byte| !in_word(byte)).map_or(0, |place| place + 1)
}

/// Where the string begins that `before` ends in: at its last quote that no backslash escapes.
fn last_quote(before: &[u8]) -> usize {
    let mut end = before.len();
    while let Some(place) =
        before.get(..end).and_then(|text| text.iter().rposition(|&byte| byte == b'"'))
    {
        let ahead = before.get(..place).unwrap_or_default();
        let escapes = ahead.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if escapes % 2 == 0 {
            return place;
        }
        end = place;
    }
    0
}
