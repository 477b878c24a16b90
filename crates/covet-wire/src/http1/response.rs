//! The response stream: small writers that append to an output buffer.
//!
//! They write what they are told, in the caller's order: status line, headers, [`end_head`],
//! then a body of the announced length or chunks. What may come from a handler is checked, so
//! that no value can smuggle a line into the head; on an error nothing is appended.

use thiserror::Error;

use super::{is_token_byte, is_value_byte};
use crate::status;

/// A part of a response head that must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// The status is not in `100..=999`.
    #[error("the status code {0} is not a number of three digits")]
    InvalidStatus(u16),
    /// The header's name is not a token.
    #[error("the header name is not a token")]
    InvalidName,
    /// The header's value holds a control character such as CR, LF or NUL.
    #[error("the header value holds a control character")]
    InvalidValue,
}

/// Appends `HTTP/1.1 200 OK` and CR LF. A code without a registered phrase gets an empty one.
///
/// # Errors
///
/// [`ResponseError::InvalidStatus`] if the code does not have three digits.
#[inline]
pub fn status_line(out: &mut Vec<u8>, code: u16) -> Result<(), ResponseError> {
    match (status::line(code), code) {
        (Some(line), _) => out.extend_from_slice(line),
        (None, 100..=999) => {
            out.extend_from_slice(b"HTTP/1.1 ");
            out.extend_from_slice(itoa::Buffer::new().format(code).as_bytes());
            out.extend_from_slice(b" \r\n");
        }
        _ => return Err(ResponseError::InvalidStatus(code)),
    }
    Ok(())
}

/// Appends `name: value` and CR LF.
///
/// # Errors
///
/// [`ResponseError::InvalidName`] or [`ResponseError::InvalidValue`].
#[inline]
pub fn header(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), ResponseError> {
    if name.is_empty() || !name.iter().all(|&byte| is_token_byte(byte)) {
        return Err(ResponseError::InvalidName);
    }
    if !value.iter().all(|&byte| is_value_byte(byte)) {
        return Err(ResponseError::InvalidValue);
    }
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// Appends `content-length` with a number of bytes.
#[inline]
pub fn content_length(out: &mut Vec<u8>, bytes: u64) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(bytes).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends `transfer-encoding: chunked`: chunks follow the head.
#[inline]
pub fn chunked(out: &mut Vec<u8>) {
    out.extend_from_slice(b"transfer-encoding: chunked\r\n");
}

/// Appends the empty line after the last header.
#[inline]
pub fn end_head(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// Appends a chunk's first line: exactly `bytes` of data and [`end_chunk`] must follow.
///
/// `bytes` must not be zero: an empty chunk ends the body.
#[inline]
pub fn begin_chunk(out: &mut Vec<u8>, bytes: usize) {
    debug_assert_ne!(bytes, 0, "an empty chunk ends the body");
    let digits = (usize::BITS - bytes.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[bytes >> (4 * place) & 0xf]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends what stands after a chunk's data.
#[inline]
pub fn end_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// Appends `data` as one chunk; nothing if it is empty, for an empty chunk would end the body.
#[inline]
pub fn write_chunk(out: &mut Vec<u8>, data: &[u8]) {
    if !data.is_empty() {
        begin_chunk(out, data.len());
        out.extend_from_slice(data);
        end_chunk(out);
    }
}

/// Appends the last chunk, with no trailers: the body is complete.
#[inline]
pub fn end_chunks(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_what_its_parts_say() {
        let mut out = Vec::new();
        status_line(&mut out, 200).unwrap();
        header(&mut out, b"content-type", b"text/plain; charset=utf-8").unwrap();
        header(&mut out, b"x-name", b"caf\xe9\t!").unwrap();
        content_length(&mut out, u64::MAX);
        chunked(&mut out);
        end_head(&mut out);
        let expected = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n\
            x-name: caf\xe9\t!\r\ncontent-length: 18446744073709551615\r\n\
            transfer-encoding: chunked\r\n\r\n";
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn a_status_has_three_digits() {
        for (code, expected) in [
            (404, Ok("HTTP/1.1 404 Not Found\r\n")),
            (299, Ok("HTTP/1.1 299 \r\n")),
            (999, Ok("HTTP/1.1 999 \r\n")),
            (0, Err(ResponseError::InvalidStatus(0))),
            (99, Err(ResponseError::InvalidStatus(99))),
            (1000, Err(ResponseError::InvalidStatus(1000))),
        ] {
            let mut out = Vec::new();
            let written = status_line(&mut out, code);
            let found = written.map(|()| std::str::from_utf8(&out).unwrap());
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn no_header_smuggles_a_line() {
        for (name, value, error) in [
            (&b""[..], &b"x"[..], ResponseError::InvalidName),
            (b"a b", b"x", ResponseError::InvalidName),
            (b"a:", b"x", ResponseError::InvalidName),
            (b"a\r\nb", b"x", ResponseError::InvalidName),
            (b"caf\xe9", b"x", ResponseError::InvalidName),
            (b"a", b"x\r\nb: y", ResponseError::InvalidValue),
            (b"a", b"x\ny", ResponseError::InvalidValue),
            (b"a", b"x\r", ResponseError::InvalidValue),
            (b"a", b"\0", ResponseError::InvalidValue),
            (b"a", b"\x7f", ResponseError::InvalidValue),
        ] {
            let mut out = Vec::new();
            assert_eq!(header(&mut out, name, value), Err(error), "{}", value.escape_ascii());
            assert!(out.is_empty());
        }
    }

    #[test]
    fn chunks_have_lower_case_sizes_and_an_end() {
        let mut out = Vec::new();
        for len in [1, 15, 16, 0, 255, 256] {
            write_chunk(&mut out, &vec![b'x'; len]);
        }
        begin_chunk(&mut out, 3);
        out.extend_from_slice(b"abc");
        end_chunk(&mut out);
        end_chunks(&mut out);
        let text = String::from_utf8(out).unwrap();
        let sizes: Vec<_> = text.split("\r\n").step_by(2).collect();
        assert_eq!(sizes, ["1", "f", "10", "ff", "100", "3", "0", ""]);
    }
}
