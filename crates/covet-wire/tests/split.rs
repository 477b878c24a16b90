//! However a stream is cut into reads, the same events come out of it.

mod common;
mod corpus;

use common::events;
use corpus::{ACCEPTED, REFUSED};
use covet_wire::http1::Limits;

const TIGHT: Limits = Limits { max_head: 40, max_uri: 8, max_headers: 2, max_body: 4 };
const ROOMY: Limits = Limits { max_head: 1024, max_uri: 256, max_headers: 16, max_body: 1024 };

fn streams() -> impl Iterator<Item = &'static [u8]> {
    ACCEPTED.iter().map(|row| row.0).chain(REFUSED.iter().map(|row| row.1))
}

#[test]
fn byte_by_byte_and_at_every_point() {
    for limits in [TIGHT, ROOMY] {
        for stream in streams() {
            let whole = events([stream], &limits);
            let name = stream.escape_ascii();
            assert_eq!(events(stream.chunks(1), &limits), whole, "byte by byte: {name}");
            for point in 1..stream.len() {
                let (first, rest) = stream.split_at(point);
                assert_eq!(events([first, rest], &limits), whole, "at {point}: {name}");
            }
        }
    }
}

#[test]
fn every_limit_cuts_at_the_same_byte() {
    for stream in streams() {
        for limit in 0..80 {
            for limits in [
                Limits { max_head: limit, ..ROOMY },
                Limits { max_uri: limit, ..ROOMY },
                Limits { max_headers: limit, ..ROOMY },
                Limits { max_body: limit as u64, ..ROOMY },
            ] {
                let whole = events([stream], &limits);
                let name = stream.escape_ascii();
                assert_eq!(events(stream.chunks(1), &limits), whole, "{limits:?}: {name}");
            }
        }
    }
}
