//! Short runs of bytes, straight into a vector's spare room.
#![allow(
    unsafe_code,
    reason = "a document is made of hundreds of runs of a few bytes: through `extend_from_slice` \
              each costs a capacity check and a call of memcpy, twice the time of all the rest"
)]

/// What goes before a key or a value: nothing, or a comma.
///
/// A word and not a `bool`, which the compiler would read as a word, and so wait for the store of
/// the byte: 5 ns for each value. No other values than the two constants exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comma(usize);

impl Comma {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ONE: Self = Self(1);
}

/// How many bytes are checked and copied at a time.
pub(super) const BLOCK: usize = 16;

/// Whether JSON has an escape for this byte in a string (RFC 8259 section 7).
#[inline]
pub(super) const fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether any of sixteen bytes must be escaped.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn is_dirty(block: [u8; BLOCK]) -> bool {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x,
        _mm_set1_epi8,
    };
    let (words, _) = block.as_chunks::<8>();
    let [low, high] = [words[0], words[1]].map(i64::from_le_bytes);
    // SAFETY: SSE2 is part of every x86-64.
    unsafe {
        let bytes = _mm_set_epi64x(high, low);
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x22));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x5c));
        _mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash))) != 0
    }
}

/// Whether any of sixteen bytes must be escaped.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(super) fn is_dirty(block: [u8; BLOCK]) -> bool {
    let (words, _) = block.as_chunks();
    words.iter().any(|&word| word_is_dirty(u64::from_le_bytes(word)))
}

/// Whether any of eight bytes must be escaped.
///
/// A byte is below `n` when subtracting `n` borrows into its top bit, unless that bit was set to
/// begin with; it equals `c` when `byte ^ c` is below one. A borrow may mark the byte above a
/// marked one as well: what matters is that some byte is.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
const fn word_is_dirty(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below = (word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash);
    below & (ONES << 7) != 0
}

/// Appends `[,]"text"[:]` and returns true; or, if there is no room for it or something in `text`
/// must be escaped, returns false and leaves `out` as it was.
///
/// It makes no room by itself so that it calls nothing, and its callers need no stack.
#[inline(always)]
pub(super) fn quote_clean(
    out: &mut Vec<u8>,
    Comma(comma): Comma,
    text: &[u8],
    colon: bool,
) -> bool {
    let length = out.len();
    // A comma, two quotes, a colon.
    if out.capacity() - length < text.len() + 4 {
        return false;
    }
    // SAFETY: there is room for `text.len() + 4` bytes behind `length`. At most two are written
    // before the text, as many as it has for the text, and two behind it; all those below the new
    // length have been written.
    unsafe {
        let start = out.as_mut_ptr().add(length);
        start.write(b',');
        let start = start.add(comma);
        start.write(b'"');
        let body = start.add(1);
        if !copy_clean(text, body) {
            return false;
        }
        body.add(text.len()).cast::<[u8; 2]>().write_unaligned(*b"\":");
        let end = length + comma + 1 + text.len() + 1 + usize::from(colon);
        out.set_len(end);
    }
    true
}

/// Copies `text` to `to` and returns true, or returns false if something must be escaped.
///
/// # Safety
/// `to` must be valid for writes of `text.len()` bytes and not overlap `text`.
#[inline(always)]
unsafe fn copy_clean(text: &[u8], to: *mut u8) -> bool {
    let length = text.len();
    if length < BLOCK {
        // SAFETY: the caller's promise, and the length.
        return unsafe { copy_short(text, to) };
    }
    let mut at = 0;
    loop {
        // SAFETY: `at + BLOCK <= length`, for the reads and, by the caller's promise, the writes.
        unsafe {
            let block = text.as_ptr().add(at).cast::<[u8; BLOCK]>().read_unaligned();
            if is_dirty(block) {
                return false;
            }
            to.add(at).cast::<[u8; BLOCK]>().write_unaligned(block);
        }
        if at + BLOCK >= length {
            return true;
        }
        // The last block goes over some bytes again instead of stopping short.
        at = (at + BLOCK).min(length - BLOCK);
    }
}

/// [`copy_clean`] for less than a block: as words that may overlap.
///
/// # Safety
/// As [`copy_clean`], and less than [`BLOCK`] bytes.
#[inline(always)]
unsafe fn copy_short(text: &[u8], to: *mut u8) -> bool {
    let length = text.len();
    let from = text.as_ptr();
    // SAFETY: every word lies within the `length` bytes at `from` and at `to`.
    let block = unsafe {
        if length >= 8 {
            let head = from.cast::<u64>().read_unaligned();
            let tail = from.add(length - 8).cast::<u64>().read_unaligned();
            to.cast::<u64>().write_unaligned(head);
            to.add(length - 8).cast::<u64>().write_unaligned(tail);
            [head, tail]
        } else if length >= 4 {
            let head = from.cast::<u32>().read_unaligned();
            let tail = from.add(length - 4).cast::<u32>().read_unaligned();
            to.cast::<u32>().write_unaligned(head);
            to.add(length - 4).cast::<u32>().write_unaligned(tail);
            [u64::from(head) | u64::from(tail) << 32; 2]
        } else if length > 0 {
            let (middle, last) = (length / 2, length - 1);
            let bytes = [from.read(), from.add(middle).read(), from.add(last).read()];
            to.write(bytes[0]);
            to.add(middle).write(bytes[1]);
            to.add(last).write(bytes[2]);
            let word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[0]]);
            [u64::from(word) | u64::from(word) << 32; 2]
        } else {
            return true;
        }
    };
    let mut bytes = [0; BLOCK];
    bytes[..8].copy_from_slice(&block[0].to_ne_bytes());
    bytes[8..].copy_from_slice(&block[1].to_ne_bytes());
    !is_dirty(bytes)
}

/// Appends a comma if asked for, and the first `keep` bytes of `text`.
#[inline]
pub(super) fn append<const N: usize>(
    out: &mut Vec<u8>,
    Comma(comma): Comma,
    text: &[u8; N],
    keep: usize,
) {
    out.reserve(N + 1);
    let length = out.len();
    // SAFETY: there is room for `N + 1` bytes behind `length`, and those below the new length have
    // been written.
    unsafe {
        let start = out.as_mut_ptr().add(length);
        start.write(b',');
        start.add(comma).cast::<[u8; N]>().write_unaligned(*text);
        out.set_len(length + comma + keep.min(N));
    }
}

/// Appends a comma if asked for, and the shortest digits of a finite float, as zmij lays them out.
#[inline]
pub(super) fn append_shortest(out: &mut Vec<u8>, Comma(comma): Comma, value: f64) {
    const { assert!(align_of::<zmij::Buffer>() == 1) };
    out.reserve(size_of::<zmij::Buffer>() + 1);
    let length = out.len();
    // SAFETY: there is room for a comma and a `Buffer`, which can be at any address; the text is
    // inside that `Buffer`, so moving it to the front stays inside as well.
    unsafe {
        let start = out.as_mut_ptr().add(length);
        start.write(b',');
        let start = start.add(comma);
        let buffer = start.cast::<zmij::Buffer>();
        buffer.write(zmij::Buffer::new());
        let text = (*buffer).format_finite(value).as_bytes();
        let digits = text.len();
        if text.as_ptr() != start {
            start.copy_from(text.as_ptr(), digits);
        }
        out.set_len(length + comma + digits);
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Comma, is_dirty, must_escape, quote_clean, word_is_dirty};

    #[test]
    fn every_byte_in_every_place_is_seen() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                for around in [b' ', b'#', b'[', 0x7f, 0x80, 0xff] {
                    let mut block = [around; BLOCK];
                    block[place] = byte;
                    assert_eq!(is_dirty(block), must_escape(byte), "{block:?}");
                    let mut word = [around; 8];
                    word[place % 8] = byte;
                    let word = u64::from_le_bytes(word);
                    assert_eq!(word_is_dirty(word), must_escape(byte), "{word:x}");
                }
            }
        }
    }

    #[test]
    fn clean_text_of_every_length_is_copied_and_dirty_text_is_not() {
        for length in 0..100 {
            let text: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
            let mut out = b"before".to_vec();
            out.shrink_to_fit();
            assert!(!quote_clean(&mut out, Comma::ONE, &text, true));
            assert_eq!(out, b"before");
            out.reserve(length + 4);
            assert!(quote_clean(&mut out, Comma::ONE, &text, true));
            assert_eq!(out, [b"before,\"", &*text, b"\":"].concat());
            for place in 0..length {
                let mut dirty = text.clone();
                dirty[place] = b'"';
                let mut out = b"before".to_vec();
                out.reserve(length + 4);
                assert!(!quote_clean(&mut out, Comma::NONE, &dirty, false));
                assert_eq!(out, b"before");
            }
        }
    }
}
