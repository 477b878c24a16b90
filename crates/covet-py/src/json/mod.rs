//! JSON from and to Python objects.
//!
//! [`write()`] is the one way that JSON leaves Covet: responses and `covet.json.dumps` alike. It
//! means what `FastAPI` means by `json.dumps(jsonable_encoder(value), ensure_ascii=False,
//! allow_nan=False, separators=(",", ":"))`, in one walk and with no copy of the value in between.

mod datetime;
mod kind;
mod loads;
mod number;
mod object;
mod text;
mod walker;

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub(crate) use loads::json_loads;
pub(crate) use walker::write;

/// The largest buffer, in bytes, that a thread keeps from one `json_dumps` for the next.
const KEPT: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes an object as compact UTF-8 JSON.
#[pyfunction]
#[pyo3(signature = (obj, /))]
pub(crate) fn json_dumps<'py>(obj: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    // Taken, so that Python code called on the way may come here again.
    let mut out = BUFFER.take();
    out.clear();
    let bytes = write(obj, &mut out).map(|()| PyBytes::new(obj.py(), &out));
    if out.capacity() <= KEPT {
        BUFFER.set(out);
    }
    bytes
}
