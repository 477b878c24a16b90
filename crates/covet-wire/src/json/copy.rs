//! Short runs of bytes, straight into a vector's spare room.
#![allow(
    unsafe_code,
    reason = "a document is made of hundreds of runs of a few bytes: through `extend_from_slice` \
              each costs a capacity check and a call of memcpy, twice the time of all the rest"
)]

/// How many bytes are checked and copied at a time.
pub(super) const BLOCK: usize = 16;

/// Whether JSON has an escape for this byte in a string (RFC 8259 section 7).
#[inline]
pub(super) const fn must_escape(byte: u8) -> bool {
    // No branches here: this is to become vector code.
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Whether any byte must be escaped.
#[inline]
pub(super) fn is_dirty(block: [u8; BLOCK]) -> bool {
    block.into_iter().fold(false, |dirty, byte| dirty | must_escape(byte))
}

/// [`is_dirty`] for eight bytes.
///
/// A byte is below `n` when subtracting `n` borrows into its top bit, unless that bit was set to
/// begin with; it equals `c` when `byte ^ c` is below one. A borrow may mark the byte above a
/// marked one as well: what matters is that some byte is.
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

/// Appends `[,]"text"[:]` and returns true; or, if something in `text` must be escaped, returns
/// false and leaves `out` as it was.
#[inline(always)]
pub(super) fn quote_clean(out: &mut Vec<u8>, comma: usize, text: &[u8], colon: bool) -> bool {
    // A comma, two quotes, a colon.
    out.reserve(text.len() + 4);
    let length = out.len();
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
    unsafe {
        if length >= 8 {
            let head = from.cast::<[u8; 8]>().read_unaligned();
            let tail = from.add(length - 8).cast::<[u8; 8]>().read_unaligned();
            to.cast::<[u8; 8]>().write_unaligned(head);
            to.add(length - 8).cast::<[u8; 8]>().write_unaligned(tail);
            let mut block = [0; BLOCK];
            block[..8].copy_from_slice(&head);
            block[8..].copy_from_slice(&tail);
            !is_dirty(block)
        } else if length >= 4 {
            let head = from.cast::<u32>().read_unaligned();
            let tail = from.add(length - 4).cast::<u32>().read_unaligned();
            to.cast::<u32>().write_unaligned(head);
            to.add(length - 4).cast::<u32>().write_unaligned(tail);
            !word_is_dirty(u64::from(head) | u64::from(tail) << 32)
        } else if length > 0 {
            let middle = length / 2;
            let bytes = [from.read(), from.add(middle).read(), from.add(length - 1).read()];
            to.write(bytes[0]);
            to.add(middle).write(bytes[1]);
            to.add(length - 1).write(bytes[2]);
            !bytes.into_iter().fold(false, |dirty, byte| dirty | must_escape(byte))
        } else {
            true
        }
    }
}

/// Appends a comma if asked for, and the first `keep` bytes of `text`.
#[inline]
pub(super) fn append<const N: usize>(out: &mut Vec<u8>, comma: usize, text: &[u8; N], keep: usize) {
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
pub(super) fn append_shortest(out: &mut Vec<u8>, comma: usize, value: f64) {
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
