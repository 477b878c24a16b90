//! What is refused, with which status, and what must not be.

mod common;
mod corpus;

use common::{Event, events};
use corpus::{ACCEPTED, REFUSED};
use covet_wire::http1::Limits;

const LIMITS: Limits = Limits { max_head: 4096, max_uri: 1024, max_headers: 16, max_body: 1024 };

#[test]
fn every_ambiguity_is_refused() {
    for &(name, stream, status) in REFUSED {
        let found = events([stream], &LIMITS);
        let Some(Event::Error(error)) = found.last() else {
            panic!("{name}: not refused: {found:?}");
        };
        assert_eq!(error.status(), status, "{name}: {error}");
        let bodies = found.iter().filter(|event| matches!(event, Event::Body(_))).count();
        assert_eq!(bodies, 0, "{name}: a request got through: {found:?}");
    }
}

#[test]
fn every_good_stream_is_accepted() {
    for &(stream, requests) in ACCEPTED {
        let found = events([stream], &LIMITS);
        let name = stream.escape_ascii();
        let bodies = found.iter().filter(|event| matches!(event, Event::Body(_))).count();
        assert_eq!(bodies, requests, "{name}: {found:?}");
        assert!(!found.iter().any(|event| matches!(event, Event::Error(_))), "{name}: {found:?}");
    }
}
