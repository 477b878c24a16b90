//! Convertors: what the text of a parameter may look like.

use std::fmt;

use memchr::memchr;

/// The lengths of a UUID's groups of hexadecimal digits.
const UUID_GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// What a parameter matches; the words after the colon in `{name:int}`.
///
/// The languages are those of Starlette's convertors, over ASCII digits only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Convertor {
    /// `str`, the default: one or more characters other than `/`.
    Str,
    /// `path`: any characters other than a line feed, also none at all.
    Path,
    /// `int`: one or more digits.
    Int,
    /// `float`: digits, then perhaps a point and more digits.
    Float,
    /// `uuid`: 32 hexadecimal digits, each of the four hyphens between the groups optional.
    Uuid,
}

impl Convertor {
    /// The convertor a pattern names.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "path" => Self::Path,
            "int" => Self::Int,
            "float" => Self::Float,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    /// The name a pattern calls it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Path => "path",
            Self::Int => "int",
            Self::Float => "float",
            Self::Uuid => "uuid",
        }
    }

    /// Whether the whole of `text` is a value of this parameter.
    pub fn accepts(self, text: &str) -> bool {
        self.accepts_bytes(text.as_bytes())
    }

    /// As [`accepts`](Self::accepts), for the bytes of a text.
    pub(super) fn accepts_bytes(self, bytes: &[u8]) -> bool {
        match self {
            Self::Str => !bytes.is_empty() && memchr(b'/', bytes).is_none(),
            Self::Path => memchr(b'\n', bytes).is_none(),
            Self::Int => is_digits(bytes),
            Self::Float => match bytes.iter().position(|&byte| byte == b'.') {
                None => is_digits(bytes),
                Some(point) => is_digits(&bytes[..point]) && is_digits(&bytes[point + 1..]),
            },
            Self::Uuid => uuid_len(bytes) == Some(bytes.len()),
        }
    }

    /// As [`accepts`](Self::accepts), for the bytes of a text that is known to hold no `/`.
    #[inline]
    pub(super) fn accepts_segment(self, segment: &[u8]) -> bool {
        match self {
            Self::Str => !segment.is_empty(),
            other => other.accepts_bytes(segment),
        }
    }
}

impl fmt::Display for Convertor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn is_digits(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
}

/// The length of the UUID that `bytes` begin with. There is at most one: where there is a hyphen,
/// the digit that would follow if it were left out is missing.
pub(super) fn uuid_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for (position, digits) in UUID_GROUPS.into_iter().enumerate() {
        if position > 0 && bytes.get(at) == Some(&b'-') {
            at += 1;
        }
        if !bytes.get(at..at + digits)?.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        at += digits;
    }
    Some(at)
}
