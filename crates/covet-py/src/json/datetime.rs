//! Dates and times, as their `isoformat()` has them, and durations in seconds.

use covet_wire::json::Text;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTime, PyTimeAccess, PyTzInfo,
    PyTzInfoAccess,
};

use super::walker::{Walker, Written};

/// The longest text: `2026-11-05T09:08:07.000123+00:00`.
const LONGEST: usize = 32;

/// ASCII text of bounded length.
struct Stamp {
    text: [u8; LONGEST],
    length: usize,
}

impl Stamp {
    fn new() -> Self {
        Self { text: [0; LONGEST], length: 0 }
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        if let Some(place) = self.text.get_mut(self.length..end) {
            place.copy_from_slice(text);
            self.length = end;
        }
    }

    fn two(&mut self, number: u8) {
        self.push(&[b'0' + number / 10 % 10, b'0' + number % 10]);
    }

    fn date(&mut self, date: &impl PyDateAccess) {
        // From 1 to 9999.
        let year = date.get_year().unsigned_abs();
        let pair = |number: u32| u8::try_from(number % 100).unwrap_or_default();
        self.two(pair(year / 100));
        self.two(pair(year));
        self.push(b"-");
        self.two(date.get_month());
        self.push(b"-");
        self.two(date.get_day());
    }

    fn time(&mut self, time: &impl PyTimeAccess) {
        self.two(time.get_hour());
        self.push(b":");
        self.two(time.get_minute());
        self.push(b":");
        self.two(time.get_second());
        let micros = time.get_microsecond();
        if micros != 0 {
            self.push(b".");
            for place in [10_000, 100, 1] {
                self.two(u8::try_from(micros / place % 100).unwrap_or_default());
            }
        }
    }

    /// Adds the offset if it can be told without asking: UTC, or none at all.
    fn zone<'py>(&mut self, zoned: &impl PyTzInfoAccess<'py>, py: Python<'py>) -> PyResult<bool> {
        let Some(zone) = zoned.get_tzinfo() else { return Ok(true) };
        let utc = zone.is(PyTzInfo::utc(py)?);
        if utc {
            self.push(b"+00:00");
        }
        Ok(utc)
    }

    fn write(&self, walker: &mut Walker<'_, '_>) -> Written {
        let text = self.text.get(..self.length).unwrap_or_default();
        walker.quoted(Text::Utf8(str::from_utf8(text).unwrap_or_default()))
    }
}

/// `2026-11-05T09:08:07.000123+00:00`
#[inline(never)]
pub(super) fn write_datetime<'py>(
    walker: &mut Walker<'_, 'py>,
    value: &Bound<'py, PyAny>,
) -> Written {
    let value = value.cast::<PyDateTime>().map_err(PyErr::from)?;
    let mut stamp = Stamp::new();
    stamp.date(value);
    stamp.push(b"T");
    stamp.time(value);
    if stamp.zone(value, walker.py)? { stamp.write(walker) } else { write_iso(walker, value) }
}

/// `2026-11-05`
#[inline(never)]
pub(super) fn write_date<'py>(walker: &mut Walker<'_, 'py>, value: &Bound<'py, PyAny>) -> Written {
    let mut stamp = Stamp::new();
    stamp.date(value.cast::<PyDate>().map_err(PyErr::from)?);
    stamp.write(walker)
}

/// `09:08:07.000123+00:00`
#[inline(never)]
pub(super) fn write_time<'py>(walker: &mut Walker<'_, 'py>, value: &Bound<'py, PyAny>) -> Written {
    let value = value.cast::<PyTime>().map_err(PyErr::from)?;
    let mut stamp = Stamp::new();
    stamp.time(value);
    if stamp.zone(value, walker.py)? { stamp.write(walker) } else { write_iso(walker, value) }
}

/// What the object's own `isoformat()` says.
#[inline(never)]
pub(super) fn write_iso<'py>(walker: &mut Walker<'_, 'py>, value: &Bound<'py, PyAny>) -> Written {
    walker.made(&value.call_method0(intern!(walker.py, "isoformat"))?)
}

/// Seconds, as a float.
#[inline(never)]
pub(super) fn write_timedelta<'py>(
    walker: &mut Walker<'_, 'py>,
    value: &Bound<'py, PyAny>,
) -> Written {
    /// Below this every integer is a float, and one division rounds as Python's does.
    const EXACT: i64 = 1 << 53;
    let delta = value.cast::<PyDelta>().map_err(PyErr::from)?;
    let seconds = i64::from(delta.get_days()) * 86_400 + i64::from(delta.get_seconds());
    let micros = seconds.checked_mul(1_000_000);
    let micros = micros.map(|micros| micros + i64::from(delta.get_microseconds()));
    match micros {
        #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
        Some(micros) if micros.abs() < EXACT => walker.number(micros as f64 / 1e6),
        _ => write_total_seconds(walker, value),
    }
}

/// What the object's own `total_seconds()` says.
#[inline(never)]
pub(super) fn write_total_seconds<'py>(
    walker: &mut Walker<'_, 'py>,
    value: &Bound<'py, PyAny>,
) -> Written {
    walker.made(&value.call_method0(intern!(walker.py, "total_seconds"))?)
}
