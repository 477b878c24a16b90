//! Each limit is met to the byte, and refused while the rest is still to come.

mod common;

use common::{Event, events};
use covet_wire::http1::{BodyDecoder, Framing, Limits, Piece, WireError};

const LIMITS: Limits = Limits { max_head: 100, max_uri: 20, max_headers: 3, max_body: 64 };

fn outcome(stream: &[u8], limits: &Limits) -> Result<usize, WireError> {
    let found = events([stream], limits);
    match found.last() {
        Some(Event::Error(error)) => Err(*error),
        _ => Ok(found.len()),
    }
}

#[test]
fn a_head_may_be_as_long_as_the_limit() {
    for (padding, expected) in [(71, Ok(2)), (72, Err(WireError::HeadTooLarge))] {
        let stream = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(padding + 3));
        assert_eq!(stream.len(), padding + 29);
        assert_eq!(outcome(stream.as_bytes(), &LIMITS), expected, "{padding}");
    }
}

#[test]
fn endless_parts_are_refused_while_incomplete() {
    for (start, endless, error) in [
        ("", "G", WireError::HeadTooLarge),
        ("GET ", "/", WireError::UriTooLong),
        ("GET / HTTP/1.1\r\n", "x", WireError::HeadTooLarge),
        ("GET / HTTP/1.1\r\nX:", " ", WireError::HeadTooLarge),
        ("GET / HTTP/1.1\r\nX: ", "x", WireError::HeadTooLarge),
        ("GET / HTTP/1.1\r\n", "X:y\r\n", WireError::TooManyHeaders),
        ("", "\r\n", WireError::TooManyEmptyLines),
    ] {
        let stream = format!("{start}{}", endless.repeat(200));
        assert_eq!(outcome(stream.as_bytes(), &LIMITS), Err(error), "{start}{endless}");
    }
}

#[test]
fn a_target_may_be_as_long_as_the_limit() {
    for (len, expected) in [(20, Ok(2)), (21, Err(WireError::UriTooLong))] {
        let target = format!("/{}", "a".repeat(len - 1));
        let stream = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(outcome(stream.as_bytes(), &LIMITS), expected, "{len}");
    }
}

#[test]
fn as_many_headers_as_the_limit_and_the_table() {
    for (max_headers, max) in [(3, 3), (128, 128), (1000, 128)] {
        let limits = Limits { max_headers, max_head: 4096, ..LIMITS };
        for (count, expected) in [(max, Ok(2)), (max + 1, Err(WireError::TooManyHeaders))] {
            let more = "X: y\r\n".repeat(count - 1);
            let stream = format!("GET / HTTP/1.1\r\nHost: a\r\n{more}\r\n");
            assert_eq!(outcome(stream.as_bytes(), &limits), expected, "{count}");
        }
    }
}

#[test]
fn a_body_may_be_as_long_as_the_limit() {
    for (len, expected) in [(64, Ok(2)), (65, Err(WireError::BodyTooLarge))] {
        let data = "x".repeat(len);
        let stream = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n{data}");
        assert_eq!(outcome(stream.as_bytes(), &LIMITS), expected, "{len}");
        let chunk = |size: usize| format!("{size:x}\r\n{}\r\n", "x".repeat(size));
        let stream = format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n",
            chunk(40),
            chunk(len - 40)
        );
        assert_eq!(outcome(stream.as_bytes(), &LIMITS), expected.map(|_| 2), "{len} in chunks");
    }
}

/// The outcome of a chunked body.
fn decode(mut input: &[u8], limits: &Limits) -> Result<Vec<u8>, WireError> {
    let mut decoder = BodyDecoder::new(Framing::Chunked, limits);
    let mut body = Vec::new();
    loop {
        let (consumed, piece) = decoder.decode(input)?;
        input = &input[consumed..];
        match piece {
            Piece::Data(data) => body.extend_from_slice(data),
            Piece::NeedMore | Piece::End => return Ok(body),
        }
    }
}

#[test]
fn extensions_may_not_outweigh_their_data() {
    let limits = Limits { max_body: 1 << 20, ..LIMITS };
    let free = 16 << 10;
    for (extension, data, fits) in [(free, 0, true), (free + 1, 0, false), (free + 9, 9, true)] {
        let before =
            if data > 0 { format!("{data:x}\r\n{}\r\n", "x".repeat(data)) } else { String::new() };
        let stream = format!("{before}1;{}\r\ny\r\n0\r\n\r\n", "e".repeat(extension - 1));
        let expected = if fits { Ok(data + 1) } else { Err(WireError::ChunkExtensionsTooLarge) };
        assert_eq!(decode(stream.as_bytes(), &limits).map(|body| body.len()), expected);
    }
    let many = format!("40000;{}\r\n{}\r\n", "e".repeat(100), "x".repeat(0x40000)).repeat(3);
    assert_eq!(decode(many.as_bytes(), &limits).map(|body| body.len()), Ok(0xc0000));
}

#[test]
fn trailers_may_be_as_long_as_a_head() {
    for (len, expected) in [(93, Ok(Vec::new())), (94, Err(WireError::TrailersTooLarge))] {
        let stream = format!("0\r\nX: {}\r\n\r\n", "y".repeat(len));
        assert_eq!(decode(stream.as_bytes(), &LIMITS), expected, "{len}");
    }
    let endless = format!("0\r\n{}", "X: y\r\n".repeat(100));
    assert_eq!(decode(endless.as_bytes(), &LIMITS), Err(WireError::TrailersTooLarge));
}
