//! Checks that peers answer alike before they are compared.

use std::collections::BTreeSet;

use serde::Serialize;

use super::config::{Compare, PeerConfig, Workload};
use super::peer::Running;
use crate::load::{self, Fetched};

/// How the bodies of a workload were compared, and who was left out.
#[derive(Debug, Clone, Serialize)]
pub struct Bodies {
    /// How.
    pub compare: Compare,
    /// What came of it, in one line.
    pub verdict: String,
    /// Peer and reason of each that was left out.
    pub left_out: Vec<(String, String)>,
    /// The body all were held against.
    #[serde(skip)]
    wanted: Option<Vec<u8>>,
}

impl Bodies {
    /// The body every response must have, if they are compared byte for byte.
    pub fn exact(&self) -> Option<Vec<u8>> {
        self.wanted.clone().filter(|_| self.compare == Compare::Exact)
    }
}

/// Fetches one response from each peer and removes those that differ from what is expected, or,
/// where nothing is, from the first peer.
pub(super) fn check(workload: &Workload, peers: &mut Vec<(&PeerConfig, &Running)>) -> Bodies {
    let mut wanted: Option<Vec<u8>> = workload.expect.clone().map(String::into_bytes);
    let (mut left_out, mut media_types) = (Vec::new(), BTreeSet::new());
    peers.retain(|(peer, running)| {
        let fetched = load::fetch(&running.target(&workload.path), &workload.request());
        let verdict = fetched.map_err(|error| error.to_string()).and_then(|fetched| {
            let wanted = wanted.get_or_insert_with(|| fetched.body.clone());
            differs(&fetched, wanted, workload.compare).map_or(Ok(()), Err)?;
            media_types.insert(fetched.content_type);
            Ok(())
        });
        verdict.map_err(|reason| left_out.push((peer.id.clone(), reason))).is_ok()
    });
    let how = match workload.compare {
        Compare::Exact => "byte for byte",
        Compare::Json => "as JSON values",
    };
    let size = wanted.as_ref().map_or(0, Vec::len);
    let mut verdict = format!("{} peers answer alike {how}, {size} bytes", peers.len());
    if media_types.len() > 1 {
        let all = media_types.into_iter().collect::<Vec<_>>().join(", ");
        verdict.extend(["; of several media types: ", &all]);
    }
    for (peer, reason) in &left_out {
        verdict.extend(["; ", peer, " left out: ", reason]);
    }
    Bodies { compare: workload.compare, verdict, left_out, wanted }
}

/// What is wrong with `fetched`, if anything.
fn differs(fetched: &Fetched, wanted: &[u8], compare: Compare) -> Option<String> {
    if fetched.status != 200 {
        return Some(format!("status {}", fetched.status));
    }
    let same = match compare {
        Compare::Exact => fetched.body == wanted,
        Compare::Json => same_json(&fetched.body, wanted),
    };
    (!same).then(|| {
        let start = &fetched.body[..fetched.body.len().min(120)];
        format!("another body: `{}`", start.escape_ascii())
    })
}

fn same_json(one: &[u8], other: &[u8]) -> bool {
    let parse = |body| serde_json::from_slice::<serde_json::Value>(body).ok();
    parse(one).is_some_and(|value| Some(value) == parse(other))
}

#[cfg(test)]
mod tests {
    use super::{Bodies, Compare, Fetched, differs};

    impl Bodies {
        /// A comparison nobody was left out of.
        pub(in crate::suite) fn new(compare: Compare, verdict: &str) -> Self {
            Self { compare, verdict: verdict.to_owned(), left_out: Vec::new(), wanted: None }
        }
    }

    #[test]
    fn comparisons() {
        let cases: &[(u16, &str, &str, Compare, bool)] = &[
            (200, "{\"a\":1}", "{\"a\":1}", Compare::Exact, true),
            (200, "{\"a\": 1}", "{\"a\":1}", Compare::Exact, false),
            (200, "{\"b\":2, \"a\": 1}", "{\"a\":1,\"b\":2}", Compare::Json, true),
            (200, "{\"a\":2}", "{\"a\":1}", Compare::Json, false),
            (200, "not JSON", "not JSON", Compare::Json, false),
            (201, "a", "a", Compare::Exact, false),
        ];
        for &(status, body, wanted, compare, same) in cases {
            let fetched =
                Fetched { status, content_type: String::new(), body: body.as_bytes().to_vec() };
            assert_eq!(differs(&fetched, wanted.as_bytes(), compare).is_none(), same, "{body}");
        }
    }
}
