//! Percent-decoding (RFC 3986, section 2.1), as lenient as Python's `urllib.parse.unquote`.

use std::borrow::Cow;

/// Decodes a raw request path once.
///
/// A `%` without two hexadecimal digits after it stays as it is, and bytes that are not UTF-8
/// become U+FFFD. Nothing is copied when there is nothing to decode. Decoding is not repeated:
/// `%2541` is `%41`.
#[inline]
pub fn decode_path(raw: &str) -> Cow<'_, str> {
    match memchr::memchr(b'%', raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(first) => decode(raw.as_bytes(), first, false),
    }
}

/// Decodes one name or value of a form: as [`decode_path`], and `+` is a space.
#[inline]
pub fn decode_form(raw: &str) -> Cow<'_, str> {
    // Names and values are short: a plain loop beats a call of memchr.
    match raw.bytes().position(|byte| byte == b'%' || byte == b'+') {
        None => Cow::Borrowed(raw),
        Some(first) => decode(raw.as_bytes(), first, true),
    }
}

/// Decodes `raw`, whose first `%` or `+` is at `first`.
fn decode(raw: &[u8], first: usize, plus_is_space: bool) -> Cow<'_, str> {
    let (plain, mut rest) = raw.split_at(first);
    let mut decoded = Vec::with_capacity(raw.len());
    decoded.extend_from_slice(plain);
    while let Some((&byte, after)) = rest.split_first() {
        let (value, width) = match byte {
            b'%' => escaped(after).map_or((byte, 1), |value| (value, 3)),
            b'+' if plus_is_space => (b' ', 1),
            _ => (byte, 1),
        };
        decoded.push(value);
        rest = &rest[width..];
    }
    Cow::Owned(utf8(decoded))
}

/// The byte that the two hexadecimal digits at the start of `digits` stand for.
fn escaped(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = *digits else { return None };
    Some(hex(high)? << 4 | hex(low)?)
}

/// The value of one hexadecimal digit.
#[inline]
pub(crate) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `urllib.parse.unquote`.
    const TABLE: &[(&str, &str)] = &[
        ("/", "/"),
        ("/a%20b", "/a b"),
        ("/a+b", "/a+b"),
        ("/%2541", "/%41"),
        ("/%", "/%"),
        ("/a%2", "/a%2"),
        ("/a%zz", "/a%zz"),
        ("/%4%41", "/%4A"),
        ("/%2F..%2f", "//../"),
        ("/%00", "/\u{0}"),
        ("/caf%C3%A9", "/caf\u{e9}"),
        ("/caf\u{e9}%21", "/caf\u{e9}!"),
        ("/%FF", "/\u{fffd}"),
        ("/%E2%82/x", "/\u{fffd}/x"),
        ("/%C3\u{e9}", "/\u{fffd}\u{e9}"),
        ("/%f0%9f%98%80%f0%9f", "/\u{1f600}\u{fffd}"),
    ];

    #[test]
    fn paths_decode_as_unquote_does() {
        for &(raw, decoded) in TABLE {
            assert_eq!(decode_path(raw), decoded, "{raw}");
        }
    }

    #[test]
    fn plain_paths_are_borrowed() {
        assert!(matches!(decode_path("/a/caf\u{e9}+"), Cow::Borrowed(_)));
        assert!(matches!(decode_form("a-b"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_byte_survives_its_encoding() {
        for byte in 0..=255_u8 {
            for encoded in [format!("%{byte:02x}"), format!("%{byte:02X}")] {
                let expected = String::from_utf8_lossy(&[byte]).into_owned();
                assert_eq!(decode_form(&encoded), expected, "{encoded}");
            }
        }
    }
}
