//! Strings: quotes, escapes and UTF-8.
//!
//! Only `"`, `\` and the controls below U+0020 are escaped (RFC 8259 section 7); U+007F and
//! everything above is written as it is.

use super::copy::{BLOCK, Comma, append, is_dirty, must_escape, quote_clean};
use super::writer::WriteError;

/// The longest text of one character: `\u001f`.
const LONGEST: usize = 6;

/// Appends `"text"`, behind a comma and before a colon if asked for.
#[inline(always)]
pub(super) fn quote(out: &mut Vec<u8>, comma: Comma, text: &str, colon: bool) {
    if !quote_clean(out, comma, text.as_bytes(), colon) {
        quote_any(out, comma, text.as_bytes(), colon);
    }
}

#[cold]
#[inline(never)]
fn quote_any(out: &mut Vec<u8>, comma: Comma, text: &[u8], colon: bool) {
    out.reserve(text.len() + 4);
    append(out, comma, b"\"", 1);
    let mut rest = text;
    while let Some((clean, byte, after)) = split_at_dirty(rest) {
        out.extend_from_slice(clean);
        append_escape(out, byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    append(out, Comma::NONE, b"\":", 1 + usize::from(colon));
}

/// The bytes before the first one that must be escaped, that byte, and those behind it.
fn split_at_dirty(text: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    let clean = blocks.iter().take_while(|block| !is_dirty(**block)).count() * BLOCK;
    let at = clean + text.get(clean..)?.iter().position(|&byte| must_escape(byte))?;
    let (before, from) = text.split_at_checked(at)?;
    let (&byte, after) = from.split_first()?;
    Some((before, byte, after))
}

#[inline]
fn append_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |value: u8| HEX[usize::from(value & 0xf)];
            let text = [b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)];
            return append(out, Comma::NONE, &text, LONGEST);
        }
    };
    append(out, Comma::NONE, &[b'\\', letter], 2);
}

/// How many characters of a wide string are looked at together.
const RUN: usize = 16;

/// Appends `"text"`, as [`quote`] does, from characters of any width.
///
/// # Errors
/// [`WriteError::NotUnicode`]
#[inline(never)]
pub(super) fn quote_units<T: Copy + Into<u32>>(
    out: &mut Vec<u8>,
    comma: Comma,
    text: &[T],
    colon: bool,
) -> Result<(), WriteError> {
    append(out, comma, b"\"", 1);
    for run in text.chunks(RUN) {
        // A loop with no exit again: it compiles to vector code.
        let special = run.iter().fold(0, |all, &unit| all | u8::from(is_special(unit.into())));
        out.reserve(run.len() * LONGEST);
        for &unit in run {
            match unit.into() {
                code if special == 0 => append_code(out, code),
                code => append_special(out, code)?,
            }
        }
    }
    append(out, Comma::NONE, b"\":", 1 + usize::from(colon));
    Ok(())
}

/// Whether a code must be escaped, or has more or less than one to three bytes of UTF-8.
#[inline]
const fn is_special(code: u32) -> bool {
    code < 0x20
        || code == '"' as u32
        || code == '\\' as u32
        || code >= 0x1_0000
        || code & 0xf800 == 0xd800
}

fn append_special(out: &mut Vec<u8>, code: u32) -> Result<(), WriteError> {
    match u8::try_from(code) {
        Ok(byte) if must_escape(byte) => append_escape(out, byte),
        _ if !is_special(code) => append_code(out, code),
        _ => {
            let character = char::from_u32(code).ok_or(WriteError::NotUnicode)?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(())
}

/// Appends one to three bytes of UTF-8, with no branch to guess: text mixes their numbers.
#[inline]
fn append_code(out: &mut Vec<u8>, code: u32) {
    let last = code & 0x3f | 0x80;
    let two = (code >> 6 | 0xc0) | last << 8;
    let three = (code >> 12 | 0xe0) | (code >> 6 & 0x3f | 0x80) << 8 | last << 16;
    let bytes = if code < 0x80 {
        code
    } else if code < 0x800 {
        two
    } else {
        three
    };
    let length = 1 + usize::from(code >= 0x80) + usize::from(code >= 0x800);
    append(out, Comma::NONE, &bytes.to_le_bytes(), length);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Comma, quote, quote_units};
    use crate::json::WriteError;

    /// What RFC 8259 section 7 asks for, character by character.
    fn plainly(text: &str) -> String {
        let mut out = String::from("\"");
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\0'..' ' => out.extend(format!("\\u{:04x}", u32::from(character)).chars()),
                _ => out.push(character),
            }
        }
        out + "\""
    }

    fn quoted(text: &str) -> String {
        let mut out = Vec::new();
        quote(&mut out, Comma::NONE, text, false);
        String::from_utf8(out).unwrap()
    }

    fn quoted_units<T: Copy + Into<u32>>(units: &[T]) -> Result<String, WriteError> {
        let mut out = Vec::new();
        quote_units(&mut out, Comma::ONE, units, true)?;
        let out = String::from_utf8(out).unwrap();
        Ok(out.strip_prefix(',').unwrap().strip_suffix(':').unwrap().to_owned())
    }

    #[test]
    fn every_byte_after_every_length() {
        for length in 0..40 {
            for byte in 0..0x80_u8 {
                let text = "x".repeat(length) + std::str::from_utf8(&[byte]).unwrap() + "yz";
                assert_eq!(quoted(&text), plainly(&text));
                assert_eq!(quoted_units(text.as_bytes()).unwrap(), plainly(&text));
            }
        }
    }

    #[test]
    fn what_is_not_unicode_is_refused() {
        for unit in [0xd800_u16, 0xdbff, 0xdc00, 0xdfff] {
            assert_eq!(quoted_units(&[0x20, unit]), Err(WriteError::NotUnicode));
        }
        for code in [0xd800_u32, 0x11_0000, u32::MAX] {
            assert_eq!(quoted_units(&[0x20, code]), Err(WriteError::NotUnicode));
        }
    }

    proptest! {
        #[test]
        fn text_of_any_width(text: String, mixed in "[ -~é\u{7ff}\u{800}漢\u{ffff}😀\n\u{1}]*") {
            for text in [text, mixed] {
                prop_assert_eq!(quoted(&text), plainly(&text));
                let codes: Vec<u32> = text.chars().map(u32::from).collect();
                prop_assert_eq!(quoted_units(&codes), Ok(plainly(&text)));
                let units: Result<Vec<u16>, _> = codes.iter().map(|&code| code.try_into()).collect();
                if let Ok(units) = units {
                    prop_assert_eq!(quoted_units(&units), Ok(plainly(&text)));
                }
                let bytes: Result<Vec<u8>, _> = codes.iter().map(|&code| code.try_into()).collect();
                if let Ok(bytes) = bytes {
                    prop_assert_eq!(quoted_units(&bytes), Ok(plainly(&text)));
                }
            }
        }
    }
}
