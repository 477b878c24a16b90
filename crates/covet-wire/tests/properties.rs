//! Properties of all streams: what is well formed round-trips, what is not never panics.

mod common;
mod corpus;

use std::fmt::Write as _;

use common::{Event, Request, events};
use corpus::{ACCEPTED, REFUSED};
use covet_wire::http1::{Framing, Limits, response};
use covet_wire::{cookie, percent, query};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const LIMITS: Limits = Limits { max_head: 2048, max_uri: 128, max_headers: 12, max_body: 512 };

/// A request as a client means it.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: SentBody,
}

#[derive(Clone, Debug)]
enum SentBody {
    None,
    Length(Vec<u8>),
    /// Chunks with their extensions, then trailers.
    Chunked(Vec<(Vec<u8>, String)>, Vec<String>),
}

impl Sent {
    fn data(&self) -> Vec<u8> {
        match &self.body {
            SentBody::None => Vec::new(),
            SentBody::Length(data) => data.clone(),
            SentBody::Chunked(chunks, _) => chunks.iter().flat_map(|c| c.0.clone()).collect(),
        }
    }

    fn framing(&self) -> Framing {
        match &self.body {
            SentBody::None => Framing::None,
            SentBody::Length(data) if data.is_empty() => Framing::None,
            SentBody::Length(data) => Framing::Length(data.len() as u64),
            SentBody::Chunked(..) => Framing::Chunked,
        }
    }

    fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// The headers in the order sent: those of the body come last.
    fn all_headers(&self) -> Vec<(String, Vec<u8>)> {
        let framing = match &self.body {
            SentBody::None => None,
            SentBody::Length(data) => {
                Some(("Content-Length".to_owned(), data.len().to_string().into_bytes()))
            }
            SentBody::Chunked(..) => Some(("Transfer-Encoding".to_owned(), b"chunked".to_vec())),
        };
        self.headers.iter().cloned().chain(framing).collect()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{} {} HTTP/1.1\r\n", self.method, self.target()).as_bytes());
        for (name, value) in self.all_headers() {
            assert_eq!(response::header(out, name.as_bytes(), &value), Ok(()));
        }
        response::end_head(out);
        match &self.body {
            SentBody::None => {}
            SentBody::Length(data) => out.extend_from_slice(data),
            SentBody::Chunked(chunks, trailers) => write_chunks(out, chunks, trailers),
        }
    }

    fn assert_received(&self, request: &Request) {
        assert_eq!(request.method, self.method);
        assert_eq!(request.target, self.target().as_bytes());
        assert_eq!(request.path, self.path.as_bytes());
        assert_eq!(request.query, self.query.clone().unwrap_or_default().as_bytes());
        assert_eq!(request.headers, self.all_headers());
        assert_eq!(request.framing, self.framing());
        assert!(request.keep_alive);
    }
}

fn write_chunks(out: &mut Vec<u8>, chunks: &[(Vec<u8>, String)], trailers: &[String]) {
    for (data, extension) in chunks {
        out.extend_from_slice(format!("{:X}{extension}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        response::end_chunk(out);
    }
    out.extend_from_slice(b"0\r\n");
    for trailer in trailers {
        out.extend_from_slice(format!("X-{trailer}: {trailer}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let value =
        vec(select((b' '..=b'~').chain([b'\t']).chain(0x80..=0xff).collect::<Vec<_>>()), 0..20);
    ("x-[a-z0-9!#$%&'*+.^_`|~-]{0,12}", value.prop_map(|value| value.trim_ascii().to_vec()))
}

fn body() -> impl Strategy<Value = SentBody> {
    let chunk = (vec(any::<u8>(), 1..40), select(vec!["", ";a", ";a=b", " ;a=\"b c\""]));
    let chunk = chunk.prop_map(|(data, extension)| (data, extension.to_owned()));
    prop_oneof![
        Just(SentBody::None),
        vec(any::<u8>(), 0..80).prop_map(SentBody::Length),
        (vec(chunk, 0..5), vec("[a-z]{1,8}", 0..3))
            .prop_map(|(chunks, trailers)| SentBody::Chunked(chunks, trailers)),
    ]
}

prop_compose! {
    fn request()(
        method in prop_oneof!["GET|POST|PUT|DELETE|OPTIONS", "[A-Z]{3,9}-?[a-z]{0,2}"],
        path in "/[a-zA-Z0-9._~!$&'()*+,;=:@%/-]{0,30}",
        query in proptest::option::of("[a-zA-Z0-9=&+%?/]{0,20}"),
        host in "[a-z0-9.-]{1,12}(:[0-9]{1,4})?",
        mut headers in vec(header(), 0..6),
        at in any::<Index>(),
        body in body(),
    ) -> Sent {
        headers.insert(at.index(headers.len() + 1), ("Host".to_owned(), host.into_bytes()));
        Sent { method, path, query, headers, body }
    }
}

/// Good and bad streams with some bytes changed, dropped or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let streams: Vec<_> =
        ACCEPTED.iter().map(|row| row.0).chain(REFUSED.iter().map(|row| row.1)).collect();
    let byte = prop_oneof![any::<u8>(), select(b"\r\n\0 \t:;,0f".to_vec())];
    (select(streams), vec((any::<Index>(), byte, 0..3), 0..6)).prop_map(|(stream, edits)| {
        let mut stream = stream.to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(stream.len());
            match kind {
                0 => stream[at] = byte,
                1 => stream.insert(at, byte),
                _ if stream.len() > 1 => _ = stream.remove(at),
                _ => {}
            }
        }
        stream
    })
}

/// `stream` in pieces that end at `points`.
fn pieces<'s>(mut stream: &'s [u8], points: &[Index]) -> Vec<&'s [u8]> {
    let mut pieces = Vec::new();
    for point in points {
        let (piece, rest) = stream.split_at(point.index(stream.len() + 1));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

proptest! {
    #[test]
    fn well_formed_requests_round_trip(
        sent in vec(request(), 1..4),
        points in vec(any::<Index>(), 0..6),
    ) {
        let mut stream = Vec::new();
        for request in &sent {
            request.write(&mut stream);
        }
        let found = events(pieces(&stream, &points), &LIMITS);
        prop_assert_eq!(found.len(), 2 * sent.len(), "{:?}", found);
        for (sent, pair) in sent.iter().zip(found.chunks(2)) {
            let [Event::Request(request), Event::Body(data)] = pair else {
                panic!("not a request and its body: {pair:?}");
            };
            sent.assert_received(request);
            prop_assert_eq!(data, &sent.data());
        }
    }

    #[test]
    fn splits_never_matter(
        stream in prop_oneof![mutated(), vec(any::<u8>(), 0..200)],
        points in vec(any::<Index>(), 0..6),
    ) {
        let whole = events([&stream[..]], &LIMITS);
        prop_assert_eq!(events(pieces(&stream, &points), &LIMITS), whole.clone());
        prop_assert_eq!(events(stream.chunks(1), &LIMITS), whole);
    }

    #[test]
    fn an_error_stays_when_more_comes(stream in mutated(), more in vec(any::<u8>(), 0..50)) {
        let before = events([&stream[..]], &LIMITS);
        if matches!(before.last(), Some(Event::Error(_))) {
            prop_assert_eq!(events([&[&stream[..], &more].concat()[..]], &LIMITS), before);
        }
    }

    #[test]
    fn values_are_read_without_panic(bytes in vec(any::<u8>(), 0..100), text in ".{0,60}") {
        let decoded = percent::decode_path(&text);
        prop_assert!(decoded.len() <= 3 * text.len());
        let parts = |separator| bytes.split(|&byte| byte == separator).count();
        prop_assert!(query::pairs(&text).count() <= text.split('&').count());
        prop_assert!(cookie::pairs(&bytes).count() <= parts(b';'));
    }

    #[test]
    fn encoded_forms_round_trip(
        sent in vec((".{1,8}", ".{0,8}"), 0..5),
    ) {
        let encode = |text: &str| {
            text.bytes().fold(String::new(), |mut encoded, byte| {
                write!(encoded, "%{byte:02X}").unwrap();
                encoded
            })
        };
        let parts: Vec<_> =
            sent.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let joined = parts.join("&");
        let found: Vec<_> = query::pairs(&joined)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        prop_assert_eq!(found, sent);
    }
}
