//! The few things pyo3's safe interface cannot say: stepping a coroutine, calling with a stack
//! of arguments, entering a context, and looking whether a task was touched.
#![allow(unsafe_code, reason = "the C API; every block states why it holds")]

use std::{
    ffi::CStr,
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

use pyo3::{exceptions::PyRuntimeError, ffi, prelude::*, types::PyTuple};

/// What a coroutine did when it was stepped.
pub(crate) enum Step<'py> {
    /// It waits, for what it yielded.
    Suspended(Bound<'py, PyAny>),
    /// It ended.
    Finished(PyResult<Bound<'py, PyAny>>),
}

/// Steps a coroutine, as a task does.
#[inline]
pub(crate) fn step<'py>(coroutine: &Bound<'py, PyAny>) -> Step<'py> {
    let py = coroutine.py();
    let mut result = ptr::null_mut();
    // SAFETY: both objects are alive and the GIL is held; `result` receives a new reference
    // unless the call fails.
    unsafe {
        match ffi::PyIter_Send(coroutine.as_ptr(), ffi::Py_None(), &raw mut result) {
            ffi::PySendResult::PYGEN_NEXT => Step::Suspended(Bound::from_owned_ptr(py, result)),
            ffi::PySendResult::PYGEN_RETURN => {
                Step::Finished(Ok(Bound::from_owned_ptr(py, result)))
            }
            ffi::PySendResult::PYGEN_ERROR => Step::Finished(Err(PyErr::fetch(py))),
        }
    }
}

/// Calls with positional arguments followed by those that `keywords` names.
#[inline]
pub(crate) fn call<'py>(
    callable: &Bound<'py, PyAny>,
    arguments: &[Bound<'py, PyAny>],
    keywords: Option<&Bound<'py, PyTuple>>,
) -> PyResult<Bound<'py, PyAny>> {
    let names = keywords.map_or(0, PyTupleMethods::len);
    let positional = arguments.len() - names;
    // SAFETY: `Bound` is a transparent pointer to an object that is alive while the slice is;
    // the call returns a new reference or sets an error.
    unsafe {
        let result = ffi::PyObject_Vectorcall(
            callable.as_ptr(),
            arguments.as_ptr().cast(),
            positional,
            keywords.map_or(ptr::null_mut(), Bound::as_ptr),
        );
        Bound::from_owned_ptr_or_err(callable.py(), result)
    }
}

/// An object that somebody else keeps alive, shown to whoever asks.
///
/// It is replaced for every request, by whoever has the GIL; so it needs no lock, which would cost
/// more than the rest of what it is for.
#[derive(Default)]
pub(crate) struct Shown(AtomicPtr<ffi::PyObject>);

impl Shown {
    /// Shows an object. [`hide`](Self::hide) must follow before the object is let go.
    #[inline]
    pub(crate) fn show(&self, object: &Bound<'_, PyAny>) {
        self.0.store(object.as_ptr(), Ordering::Relaxed);
    }

    /// Shows nothing.
    #[inline]
    pub(crate) fn hide(&self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// What is shown.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        // SAFETY: null or an object that is alive until `hide`, which takes the GIL to call.
        unsafe { Bound::from_borrowed_ptr_or_opt(py, self.0.load(Ordering::Relaxed)) }
    }
}

/// A copy of a context, as a new task gets one.
pub(crate) fn copy_context<'py>(context: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the C function checks the type of its argument.
    unsafe { Bound::from_owned_ptr_or_err(context.py(), ffi::PyContext_Copy(context.as_ptr())) }
}

/// A copy of the context that is current.
pub(crate) fn current_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the GIL is held; the call returns a new reference or sets an error.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent()) }
}

/// Makes a context current. It must be exited before the caller returns to Python.
pub(crate) fn enter_context(context: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: the C function checks the type of its argument.
    check(context.py(), unsafe { ffi::PyContext_Enter(context.as_ptr()) })
}

/// Undoes [`enter_context`].
pub(crate) fn exit_context(context: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: the C function checks the type of its argument.
    check(context.py(), unsafe { ffi::PyContext_Exit(context.as_ptr()) })
}

fn check(py: Python<'_>, status: std::ffi::c_int) -> PyResult<()> {
    if status < 0 { Err(PyErr::fetch(py)) } else { Ok(()) }
}

/// Where `CPython` keeps what a handler may leave behind on the task that ran it.
///
/// Only read, and only compared: a task whose traces differ from those it had when the handler
/// began is not used again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Of the list of weak references; before the object where the interpreter manages it.
    weakrefs: isize,
}

/// The traces on one task and its context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    references: isize,
    weakrefs: usize,
    variables: usize,
}

/// `PyContext.ctx_vars`, after the object's header and `ctx_prev`: the immutable map that `ContextVar.set` replaces. The struct is private,
/// and the same since 3.7; [`Layout::detect`] checks it before anything relies on it.
const CONTEXT_VARIABLES: isize = (size_of::<ffi::PyObject>() + size_of::<usize>()).cast_signed();

impl Layout {
    /// Checks the layouts of this interpreter on a real context and the task type.
    ///
    /// # Errors
    /// When they are not as expected; pooled tasks cannot be used then.
    pub(crate) fn detect(task_type: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = task_type.py();
        let unknown = || PyRuntimeError::new_err("this CPython lays out tasks or contexts anew");
        let contextvars = py.import("contextvars")?;
        let context = contextvars.getattr("Context")?.call0()?;
        let before = Self::variables(&context);
        let variable = contextvars.getattr("ContextVar")?.call1(("probe",))?;
        // SAFETY: the pointer read is the first word of an object if the layout is the expected
        // one; that its type is named `hamt` is what is being checked. A context is at least
        // this large in every supported version.
        let is_map = unsafe {
            let map = before as *const ffi::PyObject;
            !map.is_null() && CStr::from_ptr((*ffi::Py_TYPE(map.cast_mut())).tp_name) == c"hamt"
        };
        context.call_method1("run", (variable.getattr("set")?, 1))?;
        if !is_map || Self::variables(&context) == before {
            return Err(unknown());
        }
        let task_type = task_type.cast::<pyo3::types::PyType>()?.as_type_ptr();
        // SAFETY: a type object is alive while it is bound, and this is a public field of it.
        let weakrefs = unsafe { (*task_type).tp_weaklistoffset };
        if weakrefs == 0 { Err(unknown()) } else { Ok(Self { weakrefs }) }
    }

    /// Reads the traces on a task of the type that was checked.
    #[inline]
    pub(crate) fn traces(self, task: &Bound<'_, PyAny>, context: &Bound<'_, PyAny>) -> Traces {
        // SAFETY: the offset was taken from the task's own type; the field is a pointer.
        unsafe {
            Traces {
                references: ffi::Py_REFCNT(task.as_ptr()),
                weakrefs: read(task.as_ptr(), self.weakrefs),
                variables: Self::variables(context),
            }
        }
    }

    #[inline]
    fn variables(context: &Bound<'_, PyAny>) -> usize {
        // SAFETY: a context is a fixed struct of at least four words after its header.
        unsafe { read(context.as_ptr(), CONTEXT_VARIABLES) }
    }
}

/// Reads one pointer-sized field as a number.
#[inline]
unsafe fn read(object: *mut ffi::PyObject, offset: isize) -> usize {
    // SAFETY: the caller knows that the object has a pointer at that offset.
    unsafe { object.byte_offset(offset).cast::<usize>().read() }
}
