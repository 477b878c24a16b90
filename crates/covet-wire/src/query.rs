//! Query strings and form bodies: `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use crate::percent::decode_form;

/// The names and values of a query, in order, as Python's
/// `parse_qsl(query, keep_blank_values=True, errors="replace")` gives them.
///
/// Only `&` separates; the first `=` ends the name; a part without `=` has an empty value; an
/// empty part is skipped. `+` is a space, an invalid `%XX` stays literal and invalid UTF-8
/// becomes U+FFFD. A part with nothing to decode is borrowed.
///
/// ```
/// let pairs: Vec<_> = covet_wire::query::pairs("q=caf%C3%A9+au+lait&debug").collect();
/// assert_eq!(pairs, [("q".into(), "café au lait".into()), ("debug".into(), "".into())]);
/// ```
#[inline]
pub fn pairs(query: &str) -> Pairs<'_> {
    Pairs { rest: query }
}

/// The iterator that [`pairs`] returns.
#[derive(Clone, Debug)]
pub struct Pairs<'q> {
    rest: &'q str,
}

impl<'q> Iterator for Pairs<'q> {
    type Item = (Cow<'q, str>, Cow<'q, str>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (part, rest) = split_once(self.rest, b'&');
            self.rest = rest;
            if !part.is_empty() {
                let (name, value) = split_once(part, b'=');
                return Some((decode_form(name), decode_form(value)));
            }
        }
        None
    }
}

/// What stands before and after the first `separator`; all and nothing without one.
#[inline]
fn split_once(text: &str, separator: u8) -> (&str, &str) {
    match text.bytes().position(|byte| byte == separator) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's `parse_qsl(query, keep_blank_values=True, errors="replace")`.
    const TABLE: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("a=1", &[("a", "1")]),
        ("a=1&b=2", &[("a", "1"), ("b", "2")]),
        ("a=1&a=2", &[("a", "1"), ("a", "2")]),
        ("a", &[("a", "")]),
        ("a=", &[("a", "")]),
        ("=a", &[("", "a")]),
        ("=", &[("", "")]),
        ("&", &[]),
        ("&&a=1&&", &[("a", "1")]),
        ("a==b", &[("a", "=b")]),
        ("a=b=c", &[("a", "b=c")]),
        ("a;b=1;c=2", &[("a;b", "1;c=2")]),
        ("a+b=c+d", &[("a b", "c d")]),
        ("a%2Bb=%20", &[("a+b", " ")]),
        ("+", &[(" ", "")]),
        ("a=%", &[("a", "%")]),
        ("a=%2", &[("a", "%2")]),
        ("a=%zz", &[("a", "%zz")]),
        ("a=%41%", &[("a", "A%")]),
        ("%41=%42", &[("A", "B")]),
        ("%=%", &[("%", "%")]),
        ("a=%u0041", &[("a", "%u0041")]),
        ("a=%2541", &[("a", "%41")]),
        ("a%3Db=c%26d", &[("a=b", "c&d")]),
        ("a=%00", &[("a", "\u{0}")]),
        ("a=b%0D%0Ac", &[("a", "b\r\nc")]),
        ("a=%C3%A9", &[("a", "\u{e9}")]),
        ("a=%E2%82%AC", &[("a", "\u{20ac}")]),
        ("a=%F0%9F%98%80", &[("a", "\u{1f600}")]),
        ("a=%C3", &[("a", "\u{fffd}")]),
        ("a=%E2%82", &[("a", "\u{fffd}")]),
        ("a=%E2%82x", &[("a", "\u{fffd}x")]),
        ("a=%E2%82%", &[("a", "\u{fffd}%")]),
        ("a=%FF%FE", &[("a", "\u{fffd}\u{fffd}")]),
        ("a=%C0%80", &[("a", "\u{fffd}\u{fffd}")]),
        ("a=%ED%A0%80", &[("a", "\u{fffd}\u{fffd}\u{fffd}")]),
        ("a=%F4%90%80%80", &[("a", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}")]),
        ("a=%e2%28%a1", &[("a", "\u{fffd}(\u{fffd}")]),
        ("caf\u{e9}=\u{e9}%C3", &[("caf\u{e9}", "\u{e9}\u{fffd}")]),
        ("a=%C3\u{e9}", &[("a", "\u{fffd}\u{e9}")]),
        ("x=1&=&y=2", &[("x", "1"), ("", ""), ("y", "2")]),
    ];

    #[test]
    fn pairs_are_those_of_parse_qsl() {
        for &(query, expected) in TABLE {
            let found: Vec<_> = pairs(query).collect();
            let found: Vec<_> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn plain_text_is_borrowed() {
        for (name, value) in pairs("a=1&caf\u{e9}=\u{e9}") {
            assert!(matches!((name, value), (Cow::Borrowed(_), Cow::Borrowed(_))));
        }
    }
}
