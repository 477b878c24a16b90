//! Reads one response: its status, where its body lies, and where the next one begins.

use std::ops::Range;

/// Responses with more headers than this are refused.
const MAX_HEADERS: usize = 64;

/// Where the parts of one response lie in the buffer it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body's bytes.
    pub body: Range<usize>,
    /// The value of the `Date` header.
    pub date: Option<Range<usize>>,
    /// The value of the `Content-Type` header.
    pub content_type: Option<Range<usize>>,
    /// Whether the server says that it closes the connection after this one.
    pub close: bool,
}

impl Response {
    /// Where the next response begins: bytes of head and body.
    pub fn end(&self) -> usize {
        self.body.end
    }
}

/// Why a response cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not HTTP/1.
    #[error("malformed head: {0}")]
    Malformed(String),
    /// It is sent in chunks, which this load generator does not read.
    #[error("Transfer-Encoding is not supported, only Content-Length is")]
    Chunked,
    /// Only the closing of the connection would tell where it ends.
    #[error("no Content-Length: its end cannot be told")]
    Unframed,
    /// The server closes after each response, so that connections would be measured instead.
    #[error("the server closes the connection after it; keep-alive is needed")]
    Closing,
}

/// Reads the response at the start of `buf`; `Ok(None)` if it is not all there.
///
/// `no_body` says that the request was a `HEAD`.
///
/// # Errors
/// [`Unreadable`] if it is no HTTP/1 response or one whose end only a client that reads
/// chunks, or waits for the connection to close, could tell.
pub fn parse(buf: &[u8], no_body: bool) -> Result<Option<Response>, Unreadable> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let malformed = |error: httparse::Error| Unreadable::Malformed(error.to_string());
    let httparse::Status::Complete(head_len) = head.parse(buf).map_err(malformed)? else {
        return Ok(None);
    };
    let status = head.code.unwrap_or_default();
    let fields = Fields::of(buf, head.headers)?;
    let length = match fields.length {
        _ if no_body || matches!(status, 204 | 304) => 0,
        _ if fields.chunked => return Err(Unreadable::Chunked),
        Some(length) => length,
        None => return Err(Unreadable::Unframed),
    };
    if buf.len() - head_len < length {
        return Ok(None);
    }
    Ok(Some(Response {
        status,
        body: head_len..head_len + length,
        date: fields.date,
        content_type: fields.content_type,
        close: fields.close.unwrap_or(head.version == Some(0)),
    }))
}

#[derive(Default)]
struct Fields {
    length: Option<usize>,
    chunked: bool,
    close: Option<bool>,
    date: Option<Range<usize>>,
    content_type: Option<Range<usize>>,
}

impl Fields {
    fn of(buf: &[u8], headers: &[httparse::Header<'_>]) -> Result<Self, Unreadable> {
        let mut fields = Self::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                fields.length = Some(length(header.value)?);
            } else if is("transfer-encoding") {
                fields.chunked = true;
            } else if is("connection") {
                fields.close = Some(header.value.eq_ignore_ascii_case(b"close"));
            } else if is("date") {
                fields.date = Some(span(buf, header.value));
            } else if is("content-type") {
                fields.content_type = Some(span(buf, header.value));
            }
        }
        Ok(fields)
    }
}

fn length(value: &[u8]) -> Result<usize, Unreadable> {
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Unreadable::Malformed("Content-Length is not a number".to_owned()))
}

/// Where `part`, a slice of `buf`, lies in it.
fn span(buf: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - buf.as_ptr().addr();
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::{Unreadable, parse};

    const OK: &[u8] =
        b"HTTP/1.1 200 OK\r\nDate: Mon\r\ncontent-type: a/b\r\ncontent-LENGTH: 5\r\n\r\nHello";

    #[test]
    fn whole_response() {
        let response = parse(OK, false).unwrap().unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(&OK[response.body.clone()], b"Hello");
        assert_eq!(&OK[response.date.clone().unwrap()], b"Mon");
        assert_eq!(&OK[response.content_type.clone().unwrap()], b"a/b");
        assert_eq!(response.end(), OK.len());
        assert!(!response.close);
    }

    #[test]
    fn every_prefix_is_incomplete() {
        for end in 0..OK.len() {
            assert_eq!(parse(&OK[..end], false), Ok(None), "{end}");
        }
        let two = [OK, OK].concat();
        assert_eq!(parse(&two, false).unwrap().unwrap().end(), OK.len());
    }

    #[test]
    fn framing() {
        let cases: &[(&[u8], bool, Result<usize, Unreadable>)] = &[
            (b"HTTP/1.1 204 No Content\r\n\r\n", false, Ok(0)),
            (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, Ok(0)),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, Ok(0)),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, Ok(0)),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                false,
                Err(Unreadable::Chunked),
            ),
            (b"HTTP/1.1 200 OK\r\n\r\n", false, Err(Unreadable::Unframed)),
        ];
        for (bytes, no_body, expected) in cases {
            let found = parse(bytes, *no_body).map(|response| response.unwrap().body.len());
            assert_eq!(&found, expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn malformed() {
        for bytes in [&b"SSH-2.0-x\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
            assert!(matches!(parse(bytes, false), Err(Unreadable::Malformed(_))));
        }
    }

    #[test]
    fn closing() {
        let cases: [(&[u8], bool); 4] = [
            (b"HTTP/1.1 204 N\r\nConnection: close\r\n\r\n", true),
            (b"HTTP/1.1 204 N\r\nConnection: keep-alive\r\n\r\n", false),
            (b"HTTP/1.0 204 N\r\n\r\n", true),
            (b"HTTP/1.0 204 N\r\nConnection: keep-alive\r\n\r\n", false),
        ];
        for (bytes, close) in cases {
            assert_eq!(parse(bytes, false).unwrap().unwrap().close, close);
        }
    }
}
