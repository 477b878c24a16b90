//! The HTTP/1 machines on arbitrary streams: no panic, and the same events however the stream
//! is cut. Run with `cargo fuzz run http1 fuzz/corpus/http1 fuzz/seeds/http1`.
//!
//! The first byte of an input chooses the limits and the second seeds the cuts; the rest is the
//! stream.

#![no_main]

#[path = "../../crates/covet-wire/tests/common/mod.rs"]
mod common;

use common::events;
use covet_wire::http1::Limits;
use libfuzzer_sys::fuzz_target;

const ROOMY: Limits = Limits { max_head: 4096, max_uri: 512, max_headers: 32, max_body: 4096 };
const TIGHT: Limits = Limits { max_head: 64, max_uri: 16, max_headers: 3, max_body: 16 };

fuzz_target!(|input: &[u8]| {
    let [choice, seed, stream @ ..] = input else { return };
    let limits = if choice % 2 == 0 { ROOMY } else { TIGHT };
    let whole = events([stream], &limits);
    assert_eq!(events(stream.chunks(1), &limits), whole);
    assert_eq!(events(cut(stream, *seed), &limits), whole);
});

/// `stream` in pieces of one to thirty-two bytes.
fn cut(mut stream: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let mut random = u32::from(seed);
    std::iter::from_fn(move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let len = (random >> 27) as usize + 1;
        let (piece, rest) = stream.split_at(len.min(stream.len()));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
