//! Where the parameters of a matched route are.

use smallvec::SmallVec;

use super::pieces::Scratch;

/// The parameters that [`Router::find`](super::Router::find) found, in the order of
/// [`Router::param_names`](super::Router::param_names): those of the host first, then those of
/// the path.
///
/// It holds positions, not text, and is meant to be used again for the next request: after the
/// first few, a lookup allocates nothing. What it keeps is bounded by the longest path (a path of
/// `n` bytes under a pattern of `k` pieces needs at most `(k + 1) * (n / 8 + 8) + n` bytes).
#[derive(Clone, Debug, Default)]
pub struct Params {
    pub(super) spans: SmallVec<[Span; 8]>,
    /// How many of the spans are positions in `host`.
    pub(super) in_host: usize,
    /// The host in lower case and without its port; only when routes ask for hosts.
    pub(super) host: String,
    pub(super) scratch: Scratch,
    /// The path with its trailing slash added, to see whether that would match.
    pub(super) slashed: String,
}

/// The bytes `start..end` of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// The router refuses texts whose positions do not fit, so that nothing is cut here.
    #[allow(clippy::cast_possible_truncation, reason = "find() refuses paths above u32::MAX")]
    pub(super) const fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    fn of(self, text: &str) -> Option<&str> {
        text.get(self.start as usize..self.end as usize)
    }
}

impl Params {
    /// A buffer for many requests.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many parameters were found; none unless the last lookup found a route.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The text of one parameter. `path` must be the path that was looked up; a parameter of the
    /// host is in lower case, whatever the client sent.
    #[inline]
    pub fn get<'t>(&'t self, index: usize, path: &'t str) -> Option<&'t str> {
        let text = if index < self.in_host { &self.host } else { path };
        self.spans.get(index)?.of(text)
    }

    /// All parameters, in order; see [`get`](Self::get).
    pub fn iter<'t>(&'t self, path: &'t str) -> impl Iterator<Item = &'t str> {
        (0..self.len()).filter_map(move |index| self.get(index, path))
    }

    /// Forgets the last lookup.
    #[inline]
    pub fn clear(&mut self) {
        self.spans.clear();
        self.in_host = 0;
    }
}
