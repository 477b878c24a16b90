//! The characters of a Python string, where Python keeps them.
#![allow(
    unsafe_code,
    reason = "reading a string's own memory saves a call and a copy of its UTF-8 per string"
)]

use std::slice;

use covet_wire::json::Text;
use pyo3::ffi;
use pyo3::prelude::*;

/// The characters of `string`, if Python holds them as ASCII.
///
/// # Safety
/// `string` must be a `str` or of a subclass, and stay alive while the result is used.
#[inline]
pub(super) unsafe fn ascii<'a>(string: Borrowed<'a, '_, PyAny>) -> Option<Text<'a>> {
    let string = string.as_ptr();
    // SAFETY: a `str` begins with a `PyASCIIObject`; one that is compact and ASCII has its bytes,
    // which are UTF-8, behind that.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(string) == 0 {
            return None;
        }
        let header = string.cast::<ffi::PyASCIIObject>();
        Some(utf8(header.add(1).cast(), (*header).length.cast_unsigned()))
    }
}

/// The characters of `string`, in the width Python holds them.
///
/// # Safety
/// `string` must be a `str` or of a subclass, stay alive while the result is used, and not be
/// encoded meanwhile: no Python code may run.
pub(super) unsafe fn text<'a>(string: Borrowed<'a, '_, PyAny>) -> Text<'a> {
    let string = string.as_ptr();
    // SAFETY: `string` is a `str`, and made ready where Python still knows strings that are not;
    // kind and length then describe its data.
    unsafe {
        if ffi::PyUnicode_READY(string) != 0 {
            // No memory to make it ready: `PyUnicode_AsUTF8AndSize` will say so again.
            ffi::PyErr_Clear();
            return Text::Ucs4(&[u32::MAX]);
        }
        let length = ffi::PyUnicode_GET_LENGTH(string).cast_unsigned();
        let data = ffi::PyUnicode_DATA(string);
        if ffi::PyUnicode_IS_ASCII(string) != 0 {
            return utf8(data.cast(), length);
        }
        let encoded = string.cast::<ffi::PyCompactUnicodeObject>();
        if !(*encoded).utf8.is_null() {
            return utf8((*encoded).utf8.cast(), (*encoded).utf8_length.cast_unsigned());
        }
        match ffi::PyUnicode_KIND(string) {
            ffi::PyUnicode_1BYTE_KIND => Text::Latin1(slice::from_raw_parts(data.cast(), length)),
            ffi::PyUnicode_2BYTE_KIND => Text::Ucs2(slice::from_raw_parts(data.cast(), length)),
            _ => Text::Ucs4(slice::from_raw_parts(data.cast(), length)),
        }
    }
}

/// # Safety
/// `length` bytes of UTF-8 that live as long as the result.
#[inline]
unsafe fn utf8<'a>(bytes: *const u8, length: usize) -> Text<'a> {
    // SAFETY: the caller's promise.
    unsafe { Text::Utf8(str::from_utf8_unchecked(slice::from_raw_parts(bytes, length))) }
}
