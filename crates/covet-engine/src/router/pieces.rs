//! Matches text against literals and parameters in a row, as a regular expression would.
//!
//! The law: a match covers the whole text, and of all matches the one is taken whose first
//! parameter is longest, then whose second is longest, and so on: what Python's `re` finds by
//! greedy backtracking, which takes exponential time in the number of parameters. Here it takes
//! O(pieces x bytes): from the last piece to the first, a bit per byte says whether the text from
//! that byte on can still be matched; then, from the first piece to the last, every parameter
//! takes the furthest end from which the rest can.

use smallvec::SmallVec;

use super::{
    Convertor,
    convertor::uuid_len,
    params::{Params, Span},
};

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    /// Text that stands for itself; never empty.
    Literal(Box<str>),
    /// A parameter.
    Param(Convertor),
}

/// Whether the pieces match the whole of `text`.
pub(super) fn matches(pieces: &[Piece], text: &[u8], scratch: &mut Scratch) -> bool {
    match trim(pieces, text) {
        None => false,
        Some(([], _, rest)) => rest.is_empty(),
        Some(([Piece::Param(convertor)], _, rest)) => convertor.accepts_bytes(rest),
        Some((inner, _, rest)) => scratch.fill(inner, rest),
    }
}

/// Appends the spans of the parameters in `text`, which the pieces are known to match. Positions
/// are counted from `base`, the position of `text` itself.
pub(super) fn capture(pieces: &[Piece], text: &[u8], base: usize, params: &mut Params) {
    let Some((inner, skipped, text)) = trim(pieces, text) else { return };
    let base = base + skipped;
    if let [Piece::Param(_)] = inner {
        params.spans.push(Span::new(base, base + text.len()));
        return;
    }
    params.scratch.fill(inner, text);
    let mut at = 0;
    for (index, piece) in inner.iter().enumerate() {
        match piece {
            Piece::Literal(literal) => at += literal.len(),
            Piece::Param(convertor) => {
                let end = furthest_end(*convertor, text, at, params.scratch.row(index + 1));
                params.spans.push(Span::new(base + at, base + end));
                at = end;
            }
        }
    }
}

/// The length of the text up to the next slash.
#[inline]
pub(super) fn segment_len(text: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const SLASHES: u64 = LOW * b'/' as u64;
    let mut rest = text;
    // Most segments are shorter than a call of memchr is worth: eight bytes at a time, in which
    // the lowest high bit that is left marks the first zero byte.
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word) ^ SLASHES;
        let zeros = word.wrapping_sub(LOW) & !word & (LOW << 7);
        if zeros != 0 {
            return text.len() - rest.len() + zeros.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let in_rest = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    text.len() - rest.len() + in_rest
}

/// Takes the literals at both ends off: what is left begins and ends with a parameter. Also
/// returns how many bytes of the text were taken off its beginning.
fn trim<'p, 't>(pieces: &'p [Piece], text: &'t [u8]) -> Option<(&'p [Piece], usize, &'t [u8])> {
    let (mut inner, mut rest) = (pieces, text);
    if let [Piece::Literal(prefix), after @ ..] = inner {
        rest = rest.strip_prefix(prefix.as_bytes())?;
        inner = after;
    }
    let skipped = text.len() - rest.len();
    if let [before @ .., Piece::Literal(suffix)] = inner {
        rest = rest.strip_suffix(suffix.as_bytes())?;
        inner = before;
    }
    Some((inner, skipped, rest))
}

/// The furthest end of a parameter that begins at `start`, among the ends in `next`. There is
/// one, because `start` was found to be possible.
fn furthest_end(convertor: Convertor, text: &[u8], start: usize, next: &[u64]) -> usize {
    let rest = &text[start..];
    let run = |of: fn(&u8) -> bool| rest.iter().position(|byte| !of(byte)).unwrap_or(rest.len());
    let limit = match convertor {
        Convertor::Str => run(|&byte| byte != b'/'),
        Convertor::Path => run(|&byte| byte != b'\n'),
        Convertor::Int => run(u8::is_ascii_digit),
        Convertor::Uuid => uuid_len(rest).unwrap_or(0),
        Convertor::Float => {
            let whole = run(u8::is_ascii_digit);
            let fraction = rest[whole..].split_first().map_or(0, |(_, after)| digits(after));
            if rest.get(whole) == Some(&b'.') && fraction > 0 {
                // The end right after the point is none, though a bit may be set for it.
                let end = highest(next, start + whole + 1 + fraction);
                if end > start + whole + 1 {
                    return end;
                }
            }
            whole
        }
    };
    highest(next, start + limit)
}

/// How many digits the text begins with.
fn digits(text: &[u8]) -> usize {
    text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len())
}

/// The matcher's memory: for every piece, the positions from which it and those after it match.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    words: SmallVec<[u64; 16]>,
    /// Words per row.
    width: usize,
}

impl Scratch {
    /// Fills a row for every piece, and one for the end, from the last to the first. Whether the
    /// whole text can be matched.
    fn fill(&mut self, pieces: &[Piece], text: &[u8]) -> bool {
        self.width = text.len() / 64 + 1;
        self.words.clear();
        self.words.resize((pieces.len() + 1) * self.width, 0);
        set(&mut self.words[pieces.len() * self.width..], text.len());
        for (index, piece) in pieces.iter().enumerate().rev() {
            let (before, after) = self.words.split_at_mut((index + 1) * self.width);
            let (row, next) = (&mut before[index * self.width..], &after[..self.width]);
            match piece {
                Piece::Literal(literal) => literal_starts(literal.as_bytes(), text, next, row),
                Piece::Param(convertor) => param_starts(*convertor, text, next, row),
            }
            if row.iter().all(|&word| word == 0) {
                return false;
            }
        }
        bit(&self.words, 0)
    }

    fn row(&self, index: usize) -> &[u64] {
        &self.words[index * self.width..(index + 1) * self.width]
    }
}

/// Sets the positions from which the literal leads to one of `next`.
fn literal_starts(literal: &[u8], text: &[u8], next: &[u64], row: &mut [u64]) {
    for (index, &word) in next.iter().enumerate() {
        let mut ends = word;
        while ends != 0 {
            let end = index * 64 + ends.trailing_zeros() as usize;
            ends &= ends - 1;
            if text[..end].ends_with(literal) {
                set(row, end - literal.len());
            }
        }
    }
}

/// Sets the positions from which the parameter leads to one of `next`.
fn param_starts(convertor: Convertor, text: &[u8], next: &[u64], row: &mut [u64]) {
    match convertor {
        Convertor::Str => run_starts(|byte| byte != b'/', text, next, row),
        Convertor::Int => run_starts(|byte| byte.is_ascii_digit(), text, next, row),
        Convertor::Path => {
            run_starts(|byte| byte != b'\n', text, next, row);
            // It may be empty.
            for (word, &also) in row.iter_mut().zip(next) {
                *word |= also;
            }
        }
        Convertor::Float => float_starts(text, next, row),
        Convertor::Uuid => {
            for start in 0..text.len() {
                if uuid_len(&text[start..]).is_some_and(|len| bit(next, start + len)) {
                    set(row, start);
                }
            }
        }
    }
}

/// One or more characters of a class. A position inside a character is no start; it is no end
/// either, because `next` has none there.
fn run_starts(class: impl Fn(u8) -> bool, text: &[u8], next: &[u64], row: &mut [u64]) {
    let (mut leads, mut is_end) = (false, bit(next, text.len()));
    for (index, chunk) in text.chunks(64).enumerate().rev() {
        let (ends, mut starts) = (next[index], 0);
        for (offset, &byte) in chunk.iter().enumerate().rev() {
            let is_boundary = byte & 0b1100_0000 != 0b1000_0000;
            leads = class(byte) && (leads || is_end);
            is_end = ends >> offset & 1 == 1;
            starts |= u64::from(leads && is_boundary) << offset;
        }
        row[index] = starts;
    }
}

/// Digits, then perhaps a point and digits.
fn float_starts(text: &[u8], next: &[u64], row: &mut [u64]) {
    let (mut whole, mut fraction, mut fraction_after_next) = (false, false, false);
    for (start, &byte) in text.iter().enumerate().rev() {
        let ends = bit(next, start + 1);
        let point = text.get(start + 1) == Some(&b'.') && fraction_after_next;
        fraction_after_next = fraction;
        let digit = byte.is_ascii_digit();
        whole = digit && (ends || whole || point);
        fraction = digit && (ends || fraction);
        if whole {
            set(row, start);
        }
    }
}

fn bit(row: &[u64], at: usize) -> bool {
    row[at / 64] >> (at % 64) & 1 == 1
}

fn set(row: &mut [u64], at: usize) {
    row[at / 64] |= 1 << (at % 64);
}

/// The highest position in `row` that is not above `limit`, or 0.
fn highest(row: &[u64], limit: usize) -> usize {
    let mut mask = u64::MAX >> (63 - limit % 64);
    for (index, &word) in row[..=limit / 64].iter().enumerate().rev() {
        let word = word & mask;
        if word != 0 {
            return index * 64 + 63 - word.leading_zeros() as usize;
        }
        mask = u64::MAX;
    }
    0
}
