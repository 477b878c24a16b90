//! Why a request cannot be understood, and with which status to say so.

use thiserror::Error;

/// A request that breaks HTTP/1.1 or the server's limits.
///
/// After any of these the place of the next request in the stream is unknown: answer with
/// [`status`](Self::status) and close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum WireError {
    /// The method is not a token.
    #[error("the method is not a token")]
    InvalidMethod,
    /// The request target is in none of the forms of RFC 9112, section 3.2, or has a fragment.
    #[error("the request target is malformed")]
    InvalidTarget,
    /// What stands after the request target is not an HTTP version.
    #[error("the HTTP version is malformed")]
    InvalidVersion,
    /// An HTTP version, but neither 1.0 nor 1.1.
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    UnsupportedVersion,
    /// A line does not end in CR LF.
    #[error("a line does not end in CR LF")]
    InvalidLineEnd,
    /// More empty lines before the request line than are forgiven.
    #[error("too many empty lines before the request")]
    TooManyEmptyLines,
    /// A header name is not a token, or whitespace stands before its colon or in place of it.
    #[error("a header name is malformed")]
    InvalidHeaderName,
    /// A header value holds a control character.
    #[error("a header value is malformed")]
    InvalidHeaderValue,
    /// The head is longer than [`Limits::max_head`](super::Limits::max_head).
    #[error("the request head is too large")]
    HeadTooLarge,
    /// The request target is longer than [`Limits::max_uri`](super::Limits::max_uri).
    #[error("the request target is too long")]
    UriTooLong,
    /// More headers than [`Limits::max_headers`](super::Limits::max_headers).
    #[error("too many headers")]
    TooManyHeaders,
    /// An HTTP/1.1 request without `Host`.
    #[error("the Host header is missing")]
    MissingHost,
    /// More than one `Host`.
    #[error("the Host header is repeated")]
    RepeatedHost,
    /// `Host`, or the authority of an absolute target, is not `host[:port]`.
    #[error("the host is malformed")]
    InvalidHost,
    /// `Content-Length` is not a decimal number.
    #[error("the Content-Length header is malformed")]
    InvalidContentLength,
    /// More than one `Content-Length`, even if they agree.
    #[error("the Content-Length header is repeated")]
    RepeatedContentLength,
    /// More than one `Transfer-Encoding`.
    #[error("the Transfer-Encoding header is repeated")]
    RepeatedTransferEncoding,
    /// Both `Content-Length` and `Transfer-Encoding`.
    #[error("Content-Length and Transfer-Encoding exclude each other")]
    AmbiguousLength,
    /// `Transfer-Encoding` in an HTTP/1.0 request.
    #[error("HTTP/1.0 has no Transfer-Encoding")]
    TransferEncodingInHttp10,
    /// A `Transfer-Encoding` other than `chunked`.
    #[error("no transfer coding but chunked is supported")]
    UnsupportedTransferEncoding,
    /// `CONNECT`: this is an origin server, not a proxy.
    #[error("CONNECT is not supported")]
    UnsupportedConnect,
    /// An `Expect` other than `100-continue`.
    #[error("no expectation but 100-continue is supported")]
    UnsupportedExpectation,
    /// The body is longer than [`Limits::max_body`](super::Limits::max_body).
    #[error("the request body is too large")]
    BodyTooLarge,
    /// A chunk size is not one to sixteen hexadecimal digits.
    #[error("a chunk size is malformed")]
    InvalidChunkSize,
    /// A chunk extension holds a control character.
    #[error("a chunk extension is malformed")]
    InvalidChunkExtension,
    /// Chunk extensions outweigh the data they accompany.
    #[error("the chunk extensions are too large")]
    ChunkExtensionsTooLarge,
    /// A chunk's data does not end in CR LF.
    #[error("a chunk does not end where it should")]
    InvalidChunkEnd,
    /// A trailer after the last chunk is malformed.
    #[error("a trailer is malformed")]
    InvalidTrailer,
    /// The trailers together are longer than [`Limits::max_head`](super::Limits::max_head).
    #[error("the trailers are too large")]
    TrailersTooLarge,
}

impl WireError {
    /// The status code to answer with.
    pub const fn status(self) -> u16 {
        match self {
            Self::BodyTooLarge => 413,
            Self::UriTooLong => 414,
            Self::UnsupportedExpectation => 417,
            Self::HeadTooLarge | Self::TooManyHeaders | Self::TrailersTooLarge => 431,
            Self::UnsupportedTransferEncoding | Self::UnsupportedConnect => 501,
            Self::UnsupportedVersion => 505,
            _ => 400,
        }
    }

    /// The status's reason phrase, as in `Bad Request`.
    pub fn reason(self) -> &'static str {
        crate::status::reason(self.status())
    }
}
