//! Decimals and UUIDs.

use covet_wire::json::Text;
use pyo3::PyTypeInfo;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt};

use super::walker::{Walker, Written};

/// An integer if it has no digits behind the point, a float otherwise, as `FastAPI` does.
#[inline(never)]
pub(super) fn write_decimal<'py>(
    walker: &mut Walker<'_, 'py>,
    value: &Bound<'py, PyAny>,
) -> Written {
    let text = value.str()?;
    let text = text.to_str()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        walker.json.raw(if digits == "0" { b"0" } else { text.as_bytes() });
        return Ok(());
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && let Ok(number) = text.parse()
    {
        return walker.number(number);
    }
    write_number(walker, value)
}

/// A decimal of any class, in any notation.
#[inline(never)]
pub(super) fn write_number<'py>(
    walker: &mut Walker<'_, 'py>,
    value: &Bound<'py, PyAny>,
) -> Written {
    let py = walker.py;
    let exponent = value.call_method0(intern!(py, "as_tuple"))?.getattr(intern!(py, "exponent"))?;
    let whole = exponent.extract::<i64>().is_ok_and(|exponent| exponent >= 0);
    let class = if whole { PyInt::type_object(py) } else { PyFloat::type_object(py) };
    walker.made(&class.call1((value,))?)
}

/// The canonical text of RFC 9562: 8-4-4-4-12 hexadecimal digits.
#[inline(never)]
pub(super) fn write_uuid<'py>(walker: &mut Walker<'_, 'py>, value: &Bound<'py, PyAny>) -> Written {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    /// Where the digits of each byte begin.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let number: u128 = value.getattr(intern!(walker.py, "int"))?.extract()?;
    let mut text = [b'-'; 36];
    for (byte, place) in number.to_be_bytes().into_iter().zip(PLACES) {
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 0xf)];
    }
    walker.quoted(Text::Utf8(str::from_utf8(&text).unwrap_or_default()))
}
