//! One path string for routing, logging and authorization.
//!
//! What a request is for is decided once, by [`normalize`], and everything after it reads that one
//! string: no layer can be shown another path than the router was. The decisions:
//!
//! - **Percent-decoding happens once.** `%41` is `A`; `%2541` is `%41` and stays so. Bytes that are
//!   not UTF-8 become U+FFFD, and a `%` without two hexadecimal digits stays as it is, as with
//!   uvicorn, so that every request has a path that can be logged.
//! - **`%2F` is a slash.** `/a%2Fb` and `/a/b` are the same path, as in ASGI's `scope["path"]`.
//!   A `{name}` never holds a slash; take a `{name:path}` where it may.
//! - **`.` and `..` segments are refused** with 400, however they were encoded. Clients resolve
//!   them before they send (RFC 3986, section 5.2.4), so one that arrives is a mistake or an
//!   attack, and resolving it here could lead around a rule that a proxy in front applied to the
//!   path as it was sent. A segment that merely has dots (`...`, `.well-known`, `a..b`) is fine.
//! - **`//` stays.** Empty segments are not merged: `/a//b` is another path than `/a/b`, and only
//!   a `path` parameter or a pattern with `//` in it matches it.
//! - **A trailing slash counts.** The router may redirect, but never treats both paths as one.
//! - **Case counts**, and so does everything else: no Unicode normalization, no `;parameters`
//!   (RFC 3986, section 3.3, leaves both to the application).
//! - **Only absolute paths** are looked up. Anything else (the `*` of `OPTIONS *`, the authority
//!   of `CONNECT`) is for the caller to answer first, and an error here.

use std::borrow::Cow;

use covet_wire::percent;
use memchr::memchr_iter;

/// Why a path was refused: the client's fault in every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `/`.
    #[error("the path is not absolute")]
    NotAbsolute,
    /// A segment is `.` or `..` once decoded.
    #[error("the path has a '.' or '..' segment")]
    DotSegment,
}

impl PathError {
    /// The status of the response: 400 (RFC 9110, section 15.5.1).
    pub const fn status(self) -> u16 {
        400
    }

    /// What to tell the client.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotAbsolute => "The path is not absolute",
            Self::DotSegment => "The path has a '.' or '..' segment",
        }
    }
}

/// Makes the one path string of a raw path (without query). See the [module](self).
///
/// Nothing is copied unless there is something to decode.
///
/// # Errors
/// [`PathError`]: the path is not absolute or has a dot segment.
#[inline]
pub fn normalize(raw: &str) -> Result<Cow<'_, str>, PathError> {
    if !raw.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    // Paths are short: a plain loop beats a call of memchr.
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'.') {
        return Ok(Cow::Borrowed(raw));
    }
    decode(raw)
}

/// Normalizes a path in which something may have to be decoded or refused.
fn decode(raw: &str) -> Result<Cow<'_, str>, PathError> {
    let path = percent::decode_path(raw);
    if has_dot_segment(&path) {
        return Err(PathError::DotSegment);
    }
    Ok(path)
}

/// Whether a segment of the decoded path is `.` or `..`.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    let path = path.as_bytes();
    memchr_iter(b'.', path).any(|dot| {
        let (before, after) = path.split_at(dot);
        before.ends_with(b"/")
            && matches!(after, b"." | b".." | [b'.', b'/', ..] | [b'.', b'.', b'/', ..])
    })
}

/// Percent-encodes a decoded path so that it can stand in a URL and [`normalize`]s to itself.
///
/// What RFC 3986, section 3.3, allows in a path stays as it is. A second slash at the very
/// beginning becomes `%2F`: a client would take what follows `//` for a host.
pub fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for (position, byte) in path.bytes().enumerate() {
        let is_authority = position == 1 && path.starts_with("//");
        if is_path_byte(byte) && !is_authority {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(hex_digit(byte >> 4));
            encoded.push(hex_digit(byte & 15));
        }
    }
    encoded
}

/// `pchar` without escapes, or a slash (RFC 3986, section 3.3).
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@')
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_one_path() {
        let cases: &[(&str, Result<&str, PathError>)] = &[
            ("/", Ok("/")),
            ("/items/3", Ok("/items/3")),
            ("/items/", Ok("/items/")),
            ("/a//b", Ok("/a//b")),
            ("//a", Ok("//a")),
            ("/a%20b", Ok("/a b")),
            ("/a+b", Ok("/a+b")),
            ("/%41", Ok("/A")),
            ("/%2541", Ok("/%41")),
            ("/%252e%252e", Ok("/%2e%2e")),
            ("/a%2Fb", Ok("/a/b")),
            ("/a%2", Ok("/a%2")),
            ("/%zz", Ok("/%zz")),
            ("/caf%C3%A9", Ok("/caf\u{e9}")),
            ("/caf\u{e9}", Ok("/caf\u{e9}")),
            ("/%ff", Ok("/\u{fffd}")),
            ("/a;v=1", Ok("/a;v=1")),
            ("/...", Ok("/...")),
            ("/.well-known/x", Ok("/.well-known/x")),
            ("/..a/b../c..d/e.", Ok("/..a/b../c..d/e.")),
            ("/.", Err(PathError::DotSegment)),
            ("/..", Err(PathError::DotSegment)),
            ("/./", Err(PathError::DotSegment)),
            ("/a/./b", Err(PathError::DotSegment)),
            ("/a/../b", Err(PathError::DotSegment)),
            ("/a.b/..", Err(PathError::DotSegment)),
            ("/a/%2e%2E/b", Err(PathError::DotSegment)),
            ("/a/.%2e", Err(PathError::DotSegment)),
            ("/a%2F..%2Fb", Err(PathError::DotSegment)),
            ("/%2e", Err(PathError::DotSegment)),
            ("", Err(PathError::NotAbsolute)),
            ("*", Err(PathError::NotAbsolute)),
            ("items", Err(PathError::NotAbsolute)),
            ("%2Fitems", Err(PathError::NotAbsolute)),
            ("example.org:443", Err(PathError::NotAbsolute)),
        ];
        for (raw, expected) in cases {
            let path = normalize(raw);
            let path = path.as_deref().map_err(|error| *error);
            assert_eq!(path, *expected, "{raw:?}");
        }
    }

    #[test]
    fn nothing_is_copied_without_need() {
        for (raw, is_borrowed) in [("/items/3.json", true), ("/a%20b", false), ("/\u{e9}", true)] {
            assert_eq!(matches!(normalize(raw), Ok(Cow::Borrowed(_))), is_borrowed);
        }
    }

    #[test]
    fn encoded_paths_come_back() {
        for (path, encoded) in [
            ("/", "/"),
            ("/a b", "/a%20b"),
            ("/100%", "/100%25"),
            ("/%41", "/%2541"),
            ("/caf\u{e9}?#[]", "/caf%C3%A9%3F%23%5B%5D"),
            ("/a\\b\n", "/a%5Cb%0A"),
            ("/~u/@a:b;c=d,e!$&'()*+", "/~u/@a:b;c=d,e!$&'()*+"),
            ("//example.org/x", "/%2Fexample.org/x"),
            ("/a//b", "/a//b"),
        ] {
            assert_eq!(encode(path), encoded);
            assert_eq!(normalize(encoded).as_deref(), Ok(path));
        }
    }
}
