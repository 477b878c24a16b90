//! What a client may make the server hold.

/// The size of the header table a caller lends to [`parse_head`](super::parse_head): no request
/// may have more headers, whatever [`Limits::max_headers`] says.
pub const MAX_HEADERS: usize = 128;

/// Bounds on one request. Each is checked on what has arrived so far, so that an endless head is
/// refused while it is still incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the head, from the request line to the empty line; the trailers of a chunked
    /// body have the same bound. Over it: 431.
    pub max_head: usize,
    /// Bytes of the request target. Over it: 414.
    pub max_uri: usize,
    /// Header lines, at most [`MAX_HEADERS`]. Over it: 431.
    pub max_headers: usize,
    /// Bytes of the decoded body. Over it: 413.
    pub max_body: u64,
}

impl Default for Limits {
    /// 64 KiB of head, 8 KiB of target, 100 headers, 16 MiB of body.
    fn default() -> Self {
        Self { max_head: 64 << 10, max_uri: 8 << 10, max_headers: 100, max_body: 16 << 20 }
    }
}
