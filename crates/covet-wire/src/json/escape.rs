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
        quote_dirty(out, comma, text.as_bytes(), colon);
    }
}

#[cold]
fn quote_dirty(out: &mut Vec<u8>, comma: Comma, text: &[u8], colon: bool) {
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
