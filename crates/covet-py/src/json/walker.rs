//! The walk over a Python object.
//!
//! While it lasts, Python code may run: a generator, a property, a `__str__`. It may change or drop
//! what is being written. So: only values of the plain types are used through a borrowed reference,
//! and only until they are written; everything else is owned first; and the size of a list or dict
//! is looked at again before each of its items.
#![allow(
    unsafe_code,
    reason = "the items of lists and dicts are read where CPython keeps them: an owned reference \
              and a checked call for each would double the time of a response"
)]

use std::cell::Cell;
use std::ptr;

use covet_wire::json::{Text, WriteError, Writer};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use super::text::{ascii, text};

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 512;

/// What is being written in this thread: shared with the walks that Python code called by a walk
/// may start, so that all of them together stay within the depth, and the stack.
struct Nesting {
    depth: Cell<usize>,
    /// The objects around the current one, outermost first; only ever compared.
    open: [Cell<*mut ffi::PyObject>; MAX_DEPTH],
}

thread_local! {
    static NESTING: Nesting = const {
        Nesting { depth: Cell::new(0), open: [const { Cell::new(ptr::null_mut()) }; MAX_DEPTH] }
    };
}

/// Appends `value` to `out` as compact UTF-8 JSON.
///
/// # Errors
/// `TypeError` for an object or a key that has no JSON form; `ValueError` for NaN and infinities,
/// for a cycle, for nesting deeper than 512 levels; `UnicodeEncodeError` and `UnicodeDecodeError`
/// for strings and bytes that are not UTF-8; `RuntimeError` if a list or dict changes size
/// meanwhile; and whatever the Python code raises that runs on the way. `out` is then as it was.
pub(crate) fn write(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> PyResult<()> {
    let length = out.len();
    let written = NESTING.with(|nesting| {
        let _restored = Restored { nesting, depth: nesting.depth.get() };
        let mut walker = Walker { py: value.py(), json: Writer::new(out), nesting };
        walker.value(value.as_borrowed())
    });
    written.map_err(|failure| {
        out.truncate(length);
        *failure.0
    })
}

/// Sets the depth back when a walk ends, however it ends.
struct Restored<'a> {
    nesting: &'a Nesting,
    depth: usize,
}

impl Drop for Restored<'_> {
    fn drop(&mut self) {
        self.nesting.depth.set(self.depth);
    }
}

/// A `PyErr` in one word, so that success costs no more than that to return.
pub(super) struct Failure(Box<PyErr>);

impl From<PyErr> for Failure {
    #[cold]
    fn from(error: PyErr) -> Self {
        Self(Box::new(error))
    }
}

pub(super) type Written = Result<(), Failure>;

pub(super) struct Walker<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) json: Writer<'a>,
    nesting: &'a Nesting,
}

impl<'py> Walker<'_, 'py> {
    /// Writes any value. Of a borrowed reference it asks only that the object is alive now.
    #[inline(always)]
    pub(super) fn value(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        let class = value.get_type_ptr();
        if class == &raw mut ffi::PyUnicode_Type {
            self.string(value)
        } else if class == &raw mut ffi::PyLong_Type {
            self.int(value)
        } else {
            self.rarer(value)
        }
    }

    #[inline(never)]
    fn rarer(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        let class = value.get_type_ptr();
        if class == &raw mut ffi::PyBool_Type {
            // SAFETY: `Py_True` is a constant.
            self.json.bool(value.as_ptr() == unsafe { ffi::Py_True() });
            return Ok(());
        }
        if class == &raw mut ffi::PyFloat_Type {
            return self.float(value);
        }
        if value.is_none() {
            self.json.null();
            return Ok(());
        }
        let value = &value.to_owned();
        let depth = self.nesting.depth.get();
        let Some(place) = self.nesting.open.get(depth) else { return Err(self.too_deep()) };
        place.set(value.as_ptr());
        self.nesting.depth.set(depth + 1);
        let written = if class == &raw mut ffi::PyDict_Type {
            self.dict(value)
        } else if class == &raw mut ffi::PyList_Type {
            self.list(value)
        } else if class == &raw mut ffi::PyTuple_Type {
            self.tuple(value)
        } else {
            self.object(value)
        };
        self.nesting.depth.set(depth);
        written
    }

    #[cold]
    fn too_deep(&self) -> Failure {
        let mut open = self.nesting.open.each_ref().map(Cell::get);
        open.sort_unstable();
        let cycle = open.array_windows().any(|[object, next]| object == next);
        Failure::from(PyValueError::new_err(if cycle {
            "Circular reference detected".to_owned()
        } else {
            format!("JSON nested deeper than {MAX_DEPTH} levels")
        }))
    }

    /// Writes text of our own making.
    pub(super) fn quoted(&mut self, text: Text<'_>) -> Written {
        let unicode = |error: WriteError| PyValueError::new_err(error.to_string());
        Ok(self.json.string(text).map_err(unicode)?)
    }

    /// Writes a `str` as the name of the next value.
    #[inline]
    pub(super) fn key(&mut self, name: Borrowed<'_, 'py, PyAny>) -> Written {
        // SAFETY: a live `str`, and writing it runs no Python code.
        match unsafe { ascii(name) } {
            Some(text) => self.json.key(text).map_err(|_| not_unicode(name)),
            None => self.wide_key(name),
        }
    }

    #[inline(never)]
    fn wide_key(&mut self, name: Borrowed<'_, 'py, PyAny>) -> Written {
        // SAFETY: a live `str`, and writing it runs no Python code.
        let written = unsafe { self.json.key(text(name)) };
        written.map_err(|_| not_unicode(name))
    }

    /// Writes a `str`, subclasses included.
    #[inline(never)]
    pub(super) fn string(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        // SAFETY: a live `str`, and writing it runs no Python code.
        match unsafe { ascii(value) } {
            Some(text) => self.json.string(text).map_err(|_| not_unicode(value)),
            None => self.wide_string(value),
        }
    }

    #[inline(never)]
    fn wide_string(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        // SAFETY: a live `str`, and writing it runs no Python code.
        let written = unsafe { self.json.string(text(value)) };
        written.map_err(|_| not_unicode(value))
    }

    /// Writes an `int`, subclasses included.
    #[inline(never)]
    pub(super) fn int(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        let mut overflow = 0;
        // SAFETY: a live `int`: this neither fails nor runs Python code.
        let number =
            unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
        if overflow != 0 {
            return self.big_int(value);
        }
        self.json.i64(number);
        Ok(())
    }

    #[cold]
    fn big_int(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        // `int.__repr__`, whatever a subclass says.
        let value = value.to_owned();
        let digits = self.py.get_type::<PyInt>().call_method1("__repr__", (value,))?;
        self.json.raw(digits.extract::<&str>()?.as_bytes());
        Ok(())
    }

    /// Writes a `float`, subclasses included.
    #[inline(never)]
    pub(super) fn float(&mut self, value: Borrowed<'_, 'py, PyAny>) -> Written {
        // SAFETY: a live `float`.
        self.number(unsafe { ffi::PyFloat_AS_DOUBLE(value.as_ptr()) })
    }

    #[inline]
    pub(super) fn number(&mut self, number: f64) -> Written {
        self.json.f64(number).map_err(|_| not_finite(self.py, number))
    }

    #[inline(never)]
    fn list(&mut self, list: &Bound<'py, PyAny>) -> Written {
        self.json.begin_array();
        // SAFETY: `list` is a list, kept alive by `list`; each index is below its present size.
        unsafe {
            let size = ffi::PyList_GET_SIZE(list.as_ptr());
            for index in 0..size {
                if ffi::PyList_GET_SIZE(list.as_ptr()) != size {
                    return Err(changed("list changed size while it was written"));
                }
                let item = ffi::PyList_GET_ITEM(list.as_ptr(), index);
                self.value(borrowed(self.py, item))?;
            }
        }
        self.json.end_array();
        Ok(())
    }

    #[inline(never)]
    fn tuple(&mut self, tuple: &Bound<'py, PyAny>) -> Written {
        self.json.begin_array();
        // SAFETY: `tuple` is a tuple, kept alive by `tuple`; it never changes.
        unsafe {
            for index in 0..ffi::PyTuple_GET_SIZE(tuple.as_ptr()) {
                let item = ffi::PyTuple_GET_ITEM(tuple.as_ptr(), index);
                self.value(borrowed(self.py, item))?;
            }
        }
        self.json.end_array();
        Ok(())
    }

    #[inline(never)]
    pub(super) fn dict(&mut self, dict: &Bound<'py, PyAny>) -> Written {
        self.json.begin_object();
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        let mut position = 0;
        // SAFETY: `dict` is a dict, kept alive by `dict`. `PyDict_Next` checks the position against
        // the entries of the moment and returns references that are valid until something runs
        // that could change the dict: writing a `str` does not, and `exotic_pair` owns both first.
        unsafe {
            let size = dict_size(dict);
            while ffi::PyDict_Next(dict.as_ptr(), &raw mut position, &raw mut key, &raw mut value)
                != 0
            {
                let key = borrowed(self.py, key);
                let value = borrowed(self.py, value);
                if key.get_type_ptr() == &raw mut ffi::PyUnicode_Type {
                    if !is_hidden(key) {
                        self.key(key)?;
                        self.value(value)?;
                    }
                } else {
                    self.pair(&key.to_owned(), &value.to_owned())?;
                }
                if dict_size(dict) != size {
                    return Err(changed("dictionary changed size while it was written"));
                }
            }
        }
        self.json.end_object();
        Ok(())
    }
}

/// `SQLAlchemy`'s own attributes; `FastAPI` leaves them out too.
pub(super) const HIDDEN: &str = "_sa";

/// # Safety
/// `name` must be a live `str`.
#[inline]
unsafe fn is_hidden(name: Borrowed<'_, '_, PyAny>) -> bool {
    // SAFETY: the caller's promise.
    match unsafe { ascii(name) } {
        // Of nearly all names, one byte is looked at.
        Some(Text::Utf8(name)) => name.starts_with('_') && name.starts_with(HIDDEN),
        // SAFETY: the caller's promise.
        _ => unsafe { text(name) }.starts_with(HIDDEN),
    }
}

/// A reference that is borrowed from a container.
///
/// # Safety
/// The object must stay alive for as long as the reference is used.
#[inline]
unsafe fn borrowed<'a>(py: Python<'_>, object: *mut ffi::PyObject) -> Borrowed<'a, '_, PyAny> {
    // SAFETY: the caller's promise; no container holds null.
    unsafe {
        std::hint::assert_unchecked(!object.is_null());
        Borrowed::from_ptr(py, object)
    }
}

/// # Safety
/// `dict` must be a dict.
#[inline]
unsafe fn dict_size(dict: &Bound<'_, PyAny>) -> isize {
    // SAFETY: the caller's promise.
    unsafe { (*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_used }
}

#[cold]
fn changed(message: &'static str) -> Failure {
    Failure::from(PyRuntimeError::new_err(message))
}

#[cold]
fn not_finite(py: Python<'_>, number: f64) -> Failure {
    let text = PyFloat::new(py, number).to_string();
    let message = format!("Out of range float values are not JSON compliant: {text}");
    Failure::from(PyValueError::new_err(message))
}

/// The `UnicodeEncodeError` that encoding `string` raises.
#[cold]
pub(super) fn not_unicode(string: Borrowed<'_, '_, PyAny>) -> Failure {
    let encoded = string.to_owned().call_method0("encode");
    Failure::from(match encoded {
        Err(error) => error,
        Ok(_) => PyValueError::new_err(WriteError::NotUnicode.to_string()),
    })
}
