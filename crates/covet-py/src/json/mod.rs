//! JSON from and to Python objects.
//!
//! [`write()`] is the one way that JSON leaves Covet: responses and `covet.json.dumps` alike. It
//! means what FastAPI means by `json.dumps(jsonable_encoder(value), ensure_ascii=False,
//! allow_nan=False, separators=(",", ":"))`, in one walk and with no copy of the value in between.

mod datetime;
mod kind;
mod loads;
mod number;
mod object;
mod text;
mod walker;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub(crate) use loads::json_loads;
pub(crate) use walker::write;

/// Writes an object as compact UTF-8 JSON.
#[pyfunction]
#[pyo3(signature = (obj, /))]
pub(crate) fn json_dumps<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let mut out = Vec::with_capacity(1024);
    write(obj, &mut out)?;
    Ok(PyBytes::new(obj.py(), &out))
}
