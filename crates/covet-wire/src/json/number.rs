//! Numbers as text.

use super::copy::{self, Comma};

/// Decimal digits, behind a comma if asked for.
#[inline]
pub(super) fn append_i64(out: &mut Vec<u8>, comma: Comma, value: i64) {
    match u32::try_from(value) {
        Ok(number) if number < FOUR => append_few(out, comma, number),
        Ok(number) if number < EIGHT => append_first(out, comma, number),
        _ => append_large(out, comma, value),
    }
}

/// The first number with more than four digits.
const FOUR: u32 = 10_000;

/// The first number with more than eight digits.
const EIGHT: u32 = 100_000_000;

/// Any number.
#[cold]
fn append_large(out: &mut Vec<u8>, comma: Comma, value: i64) {
    copy::append(out, comma, b"-", usize::from(value < 0));
    let (base, number) = (u64::from(EIGHT), value.unsigned_abs());
    let part = |number: u64| u32::try_from(number % base).unwrap_or_default();
    let (high, middle, low) = (part(number / base / base), part(number / base), part(number));
    let parts = [high, middle, low];
    let first = parts.iter().position(|&part| part != 0).unwrap_or(2);
    let mut parts = parts.into_iter().skip(first);
    append_first(out, Comma::NONE, parts.next().unwrap_or_default());
    for part in parts {
        copy::append(out, Comma::NONE, &eight(part).to_le_bytes(), 8);
    }
}

/// Up to four digits, with no zeros in front.
#[inline]
fn append_few(out: &mut Vec<u8>, comma: Comma, number: u32) {
    let count = 1 + u32::from(number > 9) + u32::from(number > 99) + u32::from(number > 999);
    let digits = four(number) >> (32 - 8 * count);
    copy::append(out, comma, &digits.to_le_bytes(), count as usize);
}

/// Up to eight digits, with no zeros in front.
#[inline]
fn append_first(out: &mut Vec<u8>, comma: Comma, number: u32) {
    // Not from the digits: what comes next waits for this, and need not wait for those.
    let count = (number | 1).ilog10() + 1;
    let digits = eight(number) >> (64 - 8 * count);
    copy::append(out, comma, &digits.to_le_bytes(), count as usize);
}

/// Eight digits, the first in the lowest byte.
#[inline]
fn eight(number: u32) -> u64 {
    u64::from(four(number / FOUR)) | u64::from(four(number % FOUR)) << 32
}

/// Four digits, the first in the lowest byte.
#[inline]
fn four(number: u32) -> u32 {
    let pair = |number: u32| u32::from(PAIRS[number as usize]);
    pair(number / 100) | pair(number % 100) << 16
}

/// The two digits of each number below 100, the first in the low byte.
static PAIRS: [u16; 100] = {
    let mut pairs = [0; 100];
    let mut tens = b'0';
    let mut place = 0;
    while tens <= b'9' {
        let mut ones = b'0';
        while ones <= b'9' {
            pairs[place] = u16::from_le_bytes([tens, ones]);
            (ones, place) = (ones + 1, place + 1);
        }
        tens += 1;
    }
    pairs
};

/// A finite float as Python's `repr` writes it, behind a comma if asked for.
///
/// zmij finds the same shortest digits, and differs in two places: it keeps numbers from 1e-5 to
/// 1e-4 in positional notation, and it writes the exponents -6 to -9 with one digit.
#[inline]
pub(super) fn append_f64(out: &mut Vec<u8>, comma: Comma, value: f64) {
    if (1e-9..1e-4).contains(&value.abs()) {
        append_small(out, comma, value);
    } else {
        copy::append_shortest(out, comma, value);
    }
}

#[cold]
fn append_small(out: &mut Vec<u8>, comma: Comma, value: f64) {
    copy::append(out, comma, b"-", usize::from(value < 0.0));
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value.abs());
    if let Some(digits) = text.strip_prefix("0.0000") {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first.as_bytes());
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest.as_bytes());
        }
        out.extend_from_slice(b"e-05");
    } else {
        let (digits, exponent) = text.split_at(text.len() - 1);
        out.extend_from_slice(digits.as_bytes());
        out.push(b'0');
        out.extend_from_slice(exponent.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{Comma, append_f64, append_i64};

    #[test]
    fn floats_are_written_as_python_does() {
        let table = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (123_456.789, "123456.789"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            (1e100, "1e+100"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (0.000_099, "9.9e-05"),
            (-0.000_012_34, "-1.234e-05"),
            (1e-5, "1e-05"),
            (9.9e-6, "9.9e-06"),
            (-1e-9, "-1e-09"),
            (1e-10, "1e-10"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-f64::MAX, "-1.7976931348623157e+308"),
        ];
        for (value, text) in table {
            let mut out = Vec::new();
            append_f64(&mut out, Comma::NONE, value);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }

    #[test]
    fn integers_of_every_length() {
        let powers = (0..19).map(|exponent| 10_i64.pow(exponent));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, 7 * (power / 9)]);
        for value in around.chain([i64::MAX]).flat_map(|value| [value, -value, !value]) {
            let mut out = Vec::new();
            append_i64(&mut out, Comma::ONE, value);
            assert_eq!(String::from_utf8_lossy(&out), format!(",{value}"));
        }
    }
}
