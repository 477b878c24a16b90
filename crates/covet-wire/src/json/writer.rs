//! The events a document is made of.

use std::mem;

use super::copy::{self, Comma};
use super::{escape, number};

/// Characters of a string, in any of the widths a language runtime may hold them.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// UTF-8, and so ASCII as well.
    Utf8(&'a str),
    /// One byte for each of U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// One unit per character of the basic plane; a surrogate here stands for itself.
    Ucs2(&'a [u16]),
    /// One unit per character.
    Ucs4(&'a [u32]),
}

impl Text<'_> {
    /// Whether the characters begin with those of `prefix`.
    #[inline]
    pub fn starts_with(&self, prefix: &str) -> bool {
        match *self {
            Text::Utf8(text) => text.starts_with(prefix),
            Text::Latin1(text) => begins(text, prefix),
            Text::Ucs2(text) => begins(text, prefix),
            Text::Ucs4(text) => begins(text, prefix),
        }
    }
}

fn begins<T: Copy + Into<u32>>(text: &[T], prefix: &str) -> bool {
    let mut units = text.iter();
    prefix.chars().all(|wanted| units.next().is_some_and(|&unit| unit.into() == u32::from(wanted)))
}

/// A value that JSON has no text for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// NaN or an infinity (RFC 8259 section 6).
    #[error("NaN and infinities are not JSON")]
    NotFinite,
    /// A surrogate or a number above U+10FFFF where a character should be: not UTF-8.
    #[error("a string holds a code point that UTF-8 cannot encode")]
    NotUnicode,
}

/// Appends one JSON document to a buffer.
///
/// The commas are the writer's; that keys and values alternate in objects and that every `begin`
/// has its `end` is for the caller to keep. After an error the end of the buffer is unfinished:
/// truncate it to the length it had.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// What goes before the next key or value.
    comma: Comma,
}

impl<'a> Writer<'a> {
    /// Starts a document at the end of `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, comma: Comma::NONE }
    }

    /// Appends text that ends a value, behind a comma if one is due.
    #[inline]
    fn put<const N: usize>(&mut self, text: &[u8; N]) {
        copy::append(self.out, self.comma, text, N);
        self.comma = Comma::ONE;
    }

    #[inline]
    fn open(&mut self, bracket: u8) {
        self.put(&[bracket]);
        self.comma = Comma::NONE;
    }

    #[inline]
    fn close(&mut self, bracket: u8) {
        self.comma = Comma::NONE;
        self.put(&[bracket]);
    }

    /// `{`
    #[inline]
    pub fn begin_object(&mut self) {
        self.open(b'{');
    }

    /// `}`
    #[inline]
    pub fn end_object(&mut self) {
        self.close(b'}');
    }

    /// `[`
    #[inline]
    pub fn begin_array(&mut self) {
        self.open(b'[');
    }

    /// `]`
    #[inline]
    pub fn end_array(&mut self) {
        self.close(b']');
    }

    /// The name of the next value in an object.
    ///
    /// # Errors
    /// [`WriteError::NotUnicode`]
    #[inline(always)]
    pub fn key(&mut self, name: Text<'_>) -> Result<(), WriteError> {
        self.quote(name, true)
    }

    /// A string.
    ///
    /// # Errors
    /// [`WriteError::NotUnicode`]
    #[inline(always)]
    pub fn string(&mut self, text: Text<'_>) -> Result<(), WriteError> {
        self.quote(text, false)
    }

    #[inline(always)]
    fn quote(&mut self, text: Text<'_>, colon: bool) -> Result<(), WriteError> {
        let comma = mem::replace(&mut self.comma, if colon { Comma::NONE } else { Comma::ONE });
        match text {
            Text::Utf8(text) => {
                escape::quote(self.out, comma, text, colon);
                Ok(())
            }
            Text::Latin1(text) => escape::quote_units(self.out, comma, text, colon),
            Text::Ucs2(text) => escape::quote_units(self.out, comma, text, colon),
            Text::Ucs4(text) => escape::quote_units(self.out, comma, text, colon),
        }
    }

    /// Starts a key that is written with the methods for values; [`Self::end_key`] takes the mark.
    #[inline]
    pub fn begin_key(&mut self) -> usize {
        self.put(b"");
        self.comma = Comma::NONE;
        self.out.len()
    }

    /// Ends a key begun at `mark`: a string stays, a number, boolean or null is put in quotes.
    ///
    /// Returns false, and writes nothing, if an array or an object was written: those cannot name
    /// anything.
    pub fn end_key(&mut self, mark: usize) -> bool {
        match self.out.get(mark) {
            Some(b'"') => self.out.push(b':'),
            None | Some(b'{' | b'[') => return false,
            Some(_) => {
                self.out.insert(mark, b'"');
                self.out.extend_from_slice(b"\":");
            }
        }
        self.comma = Comma::NONE;
        true
    }

    /// Takes back the key begun at `mark`, as if it had never been there.
    pub fn drop_key(&mut self, mark: usize) {
        let before = self.out.get(..mark).and_then(|text| text.strip_suffix(b","));
        let length = before.map_or(mark, <[u8]>::len);
        self.comma = if length < mark { Comma::ONE } else { Comma::NONE };
        self.out.truncate(length);
    }

    /// A signed integer.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        number::append_i64(self.out, self.comma, value);
        self.comma = Comma::ONE;
    }

    /// A float, in the shortest form that reads back as the same value, as Python's `repr` has it:
    /// `1.0`, `1e-05`, `1e+16`.
    ///
    /// # Errors
    /// [`WriteError::NotFinite`]
    #[inline]
    pub fn f64(&mut self, value: f64) -> Result<(), WriteError> {
        if !value.is_finite() {
            return Err(WriteError::NotFinite);
        }
        number::append_f64(self.out, self.comma, value);
        self.comma = Comma::ONE;
        Ok(())
    }

    /// `true` or `false`.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        if value {
            self.put(b"true");
        } else {
            self.put(b"false");
        }
    }

    /// `null`
    #[inline]
    pub fn null(&mut self) {
        self.put(b"null");
    }

    /// One value that is JSON text already: a number of any size, or another encoder's document.
    #[inline]
    pub fn raw(&mut self, json: &[u8]) {
        self.put(b"");
        self.out.extend_from_slice(json);
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, WriteError, Writer};

    fn written(events: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = b"HTTP,".to_vec();
        events(&mut Writer::new(&mut out));
        String::from_utf8(out).unwrap().strip_prefix("HTTP,").unwrap().to_owned()
    }

    #[test]
    fn commas_go_between_and_nowhere_else() {
        let document = written(|json| {
            json.begin_array();
            json.null();
            json.begin_object();
            json.end_object();
            json.begin_array();
            json.end_array();
            json.begin_object();
            json.key(Text::Utf8("a")).unwrap();
            json.begin_array();
            json.bool(true);
            json.bool(false);
            json.end_array();
            json.key(Text::Latin1(b"\xe9")).unwrap();
            json.raw(b"1e400");
            json.key(Text::Ucs2(&[0x6f22])).unwrap();
            json.f64(0.5).unwrap();
            json.key(Text::Ucs4(&[0x1_f600])).unwrap();
            json.i64(-1);
            json.end_object();
            json.string(Text::Utf8("z")).unwrap();
            json.end_array();
        });
        assert_eq!(document, r#"[null,{},[],{"a":[true,false],"é":1e400,"漢":0.5,"😀":-1},"z"]"#);
    }

    #[test]
    fn keys_may_be_written_as_values() {
        let document = written(|json| {
            json.begin_object();
            for keep in [false, true, false, true] {
                let mark = json.begin_key();
                json.string(Text::Utf8("a")).unwrap();
                if keep {
                    assert!(json.end_key(mark));
                    json.null();
                } else {
                    json.drop_key(mark);
                }
            }
            let mark = json.begin_key();
            json.i64(5);
            assert!(json.end_key(mark));
            json.i64(6);
            json.end_object();
        });
        assert_eq!(document, r#"{"a":null,"a":null,"5":6}"#);
        written(|json| {
            json.begin_object();
            let mark = json.begin_key();
            json.begin_array();
            json.end_array();
            assert!(!json.end_key(mark));
        });
    }

    #[test]
    fn floats_without_a_value_are_refused() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            written(|json| assert_eq!(json.f64(value), Err(WriteError::NotFinite)));
        }
    }

    #[test]
    fn beginnings_are_compared_in_every_width() {
        for (text, begins) in [("_sa", true), ("_sab", true), ("_s", false), ("_Sa", false)] {
            let bytes = text.as_bytes();
            let ucs2: Vec<u16> = bytes.iter().map(|&byte| byte.into()).collect();
            let ucs4: Vec<u32> = bytes.iter().map(|&byte| byte.into()).collect();
            let widths =
                [Text::Utf8(text), Text::Latin1(bytes), Text::Ucs2(&ucs2), Text::Ucs4(&ucs4)];
            for width in widths {
                assert_eq!(width.starts_with("_sa"), begins, "{width:?}");
            }
        }
    }
}
