//! The `Cookie` request header.

use std::borrow::Cow;

/// The names and values of one `Cookie` header, in order, read as browsers write them and
/// Starlette reads them (RFC 6265 only in spirit).
///
/// `;` separates; the first `=` ends the name; a part without `=` is a value with an empty name;
/// whitespace around either is dropped, and so is a part with neither. A value in double quotes
/// loses them and its backslash escapes (`\"`, `\073`). Bytes above 0x7F are Latin-1, as
/// everywhere in a header. Names may repeat: whoever builds a map lets the last one win.
///
/// ```
/// let pairs: Vec<_> = covet_wire::cookie::pairs(br#"id=7; note="a\073b""#).collect();
/// assert_eq!(pairs, [("id".into(), "7".into()), ("note".into(), "a;b".into())]);
/// ```
#[inline]
pub fn pairs(header: &[u8]) -> Pairs<'_> {
    Pairs { rest: Some(header) }
}

/// The iterator that [`pairs`] returns.
#[derive(Clone, Debug)]
pub struct Pairs<'c> {
    rest: Option<&'c [u8]>,
}

impl<'c> Iterator for Pairs<'c> {
    type Item = (Cow<'c, str>, Cow<'c, str>);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest {
            let end = memchr::memchr(b';', rest);
            let part = &rest[..end.unwrap_or(rest.len())];
            self.rest = end.map(|end| &rest[end + 1..]);
            let (name, value) = match memchr::memchr(b'=', part) {
                Some(at) => (trim(&part[..at]), trim(&part[at + 1..])),
                None => (&part[..0], trim(part)),
            };
            if !(name.is_empty() && value.is_empty()) {
                return Some((latin1(name), unquote(value)));
            }
        }
        None
    }
}

/// Drops at both ends what Python's `str.strip` drops from Latin-1 text.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_space(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_space(*last)
    {
        bytes = rest;
    }
    bytes
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | 0x1c..=b' ' | 0x85 | 0xa0)
}

fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// Undoes the quoting of Python's `http.cookies`: `"…"` around the value, `\` before a
/// character, or `\` and three octal digits.
fn unquote(value: &[u8]) -> Cow<'_, str> {
    let [b'"', inner @ .., b'"'] = value else { return latin1(value) };
    if memchr::memchr(b'\\', inner).is_none() {
        return latin1(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, after)) = rest.split_first() {
        let (meant, width) = if byte == b'\\' { escape(after) } else { (byte, 1) };
        text.push(char::from(meant));
        rest = &rest[width..];
    }
    Cow::Owned(text)
}

/// What a backslash before `after` means, and how many bytes that took with the backslash.
fn escape(after: &[u8]) -> (u8, usize) {
    match *after {
        [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), 4)
        }
        // Python's pattern for "any character" does not match a line feed.
        [] | [b'\n', ..] => (b'\\', 1),
        [escaped, ..] => (escaped, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (&'static [u8], &'static [(&'static str, &'static str)]);

    /// Computed with Starlette 1.10's `cookie_parser`, one part of the header at a time.
    const TABLE: &[Row] = &[
        (b"", &[]),
        (b"a=1", &[("a", "1")]),
        (b"a=1; b=2", &[("a", "1"), ("b", "2")]),
        (b"a=1;b=2;", &[("a", "1"), ("b", "2")]),
        (b"a=1; a=2", &[("a", "1"), ("a", "2")]),
        (b"a", &[("", "a")]),
        (b"=a", &[("", "a")]),
        (b"a=", &[("a", "")]),
        (b"=", &[]),
        (b";;", &[]),
        (b" ; ", &[]),
        (b"  a  =  1  ", &[("a", "1")]),
        (b"a\t=\t1", &[("a", "1")]),
        (b"a=b=c", &[("a", "b=c")]),
        (b"a=1, b=2", &[("a", "1, b=2")]),
        (b"a=%20", &[("a", "%20")]),
        (br#"a="b""#, &[("a", "b")]),
        (br#"a="""#, &[("a", "")]),
        (br#"a=" b ""#, &[("a", " b ")]),
        (br#"a="b; c""#, &[("a", "\"b"), ("", "c\"")]),
        (br#"a="b\"c""#, &[("a", "b\"c")]),
        (br#"a="\073\054""#, &[("a", ";,")]),
        (br#"a="\377""#, &[("a", "\u{ff}")]),
        (br#"a="\400""#, &[("a", "400")]),
        (br#"a="\08""#, &[("a", "08")]),
        (br#"a="\12""#, &[("a", "12")]),
        (br#"a="\\""#, &[("a", "\\")]),
        (br#"a="\\073""#, &[("a", "\\073")]),
        (br#"a="x\""#, &[("a", "x\\")]),
        (br#"a=""#, &[("a", "\"")]),
        (br#"a="b"#, &[("a", "\"b")]),
        (br#"a=b""#, &[("a", "b\"")]),
        (br#""a"=b"#, &[("\"a\"", "b")]),
        (br#""a""#, &[("", "a")]),
        (b"a=\"\\\n\"", &[("a", "\\\n")]),
        (b"a=\xe9", &[("a", "\u{e9}")]),
        (b"\xe9=1", &[("\u{e9}", "1")]),
        (b"a=\"\xe9\\\xe9\"", &[("a", "\u{e9}\u{e9}")]),
        (b"a=\xc3\xa9", &[("a", "\u{c3}\u{a9}")]),
        (b"a=\xa0b\xa0", &[("a", "b")]),
        (b"a=\x85", &[("a", "")]),
        (b"\xa0=\xa0", &[]),
    ];

    #[test]
    fn pairs_are_those_of_starlette() {
        for &(header, expected) in TABLE {
            let found: Vec<_> = pairs(header).collect();
            let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(found, expected, "{}", header.escape_ascii());
        }
    }

    #[test]
    fn plain_cookies_are_borrowed() {
        for (name, value) in pairs(br#"a=1; b="2""#) {
            assert!(matches!((name, value), (Cow::Borrowed(_), Cow::Borrowed(_))));
        }
    }
}
