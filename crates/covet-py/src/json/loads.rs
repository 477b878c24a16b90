//! Python objects from JSON.

use jiter::{PythonParse, StringCacheMode};
use pyo3::prelude::*;

/// Reads one JSON document from `data`.
#[pyfunction]
#[pyo3(signature = (data, /))]
pub(crate) fn json_loads<'py>(data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let bytes: &[u8] = data.extract()?;
    let parse = PythonParse { cache_mode: StringCacheMode::Keys, ..PythonParse::default() };
    parse.python_parse(data.py(), bytes).map_err(|e| jiter::map_json_error(bytes, &e))
}
