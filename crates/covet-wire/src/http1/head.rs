//! The request head: request line and headers.

use std::mem::MaybeUninit;

use httparse::{Error, Request, Status};

use super::fields::Fields;
use super::target::{Target, is_host};
use super::{Limits, MAX_HEADERS, WireError};
use crate::Method;

/// One header: a token and its value, stripped of whitespace around it.
pub type Header<'b> = httparse::Header<'b>;

/// Empty lines skipped before a request line (RFC 9112, section 2.2).
const MAX_EMPTY_LINES: usize = 4;
/// Bytes of `HTTP/1.1`.
const VERSION_LEN: usize = 8;

/// A request head. Everything in it is borrowed from the buffer it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h, 'b> {
    /// The method.
    pub method: Method,
    /// The method as sent, which tells [`Method::Other`]s apart.
    pub method_name: &'b str,
    /// The request target as sent: `/path?query`, `http://host/path?query` or `*`.
    pub target: &'b str,
    /// The path, still percent-encoded: it starts with `/`, or is `*`.
    pub path: &'b str,
    /// What follows the first `?`, still encoded; empty if there is none.
    pub query: &'b str,
    /// The version of the request.
    pub version: Version,
    /// All headers in order.
    pub headers: &'h [Header<'b>],
    /// The authority of an absolute target, else the `Host` header. Only HTTP/1.0 can lack it.
    pub host: Option<&'b [u8]>,
    /// How the body is delimited.
    pub framing: Framing,
    /// Whether the connection outlives this request.
    pub keep_alive: bool,
    /// Whether the client waits for a 100 before it sends its body.
    pub expect_continue: bool,
    /// Whether the client sent `Upgrade` with `Connection: upgrade`.
    pub upgrade: bool,
    /// Bytes from the start of the buffer to the body, skipped empty lines included.
    pub len: usize,
}

/// The version of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the end of a request body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// No body: neither header is there, or `Content-Length` is 0.
    None,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// Parses the request head at the start of `buf`.
///
/// Returns `None` while the head is incomplete: call again with the same bytes and more.
/// `storage` holds the header table and need not be initialised; nothing is allocated.
///
/// # Errors
///
/// Any [`WireError`] about heads; `limits` are checked on incomplete heads too. A declared
/// `Content-Length` over [`Limits::max_body`] is refused here, before any of the body arrives.
#[inline]
pub fn parse_head<'h, 'b>(
    buf: &'b [u8],
    limits: &Limits,
    storage: &'h mut [MaybeUninit<Header<'b>>; MAX_HEADERS],
) -> Result<Option<Head<'h, 'b>>, WireError> {
    let start = match buf.first() {
        Some(b'\r' | b'\n') => match skip_empty_lines(buf)? {
            Some(start) => start,
            None => return Ok(None),
        },
        _ => 0,
    };
    // Parsing a window of `max_head` bytes finds the errors before that limit and none after.
    let window = &buf[start..];
    let window = &window[..window.len().min(limits.max_head)];
    let mut request = Request::new(&mut []);
    let max_headers = limits.max_headers.min(MAX_HEADERS);
    match request.parse_with_uninit_headers(window, &mut storage[..max_headers]) {
        Ok(Status::Complete(len)) => complete(request, &window[..len], start, limits),
        Ok(Status::Partial) => incomplete(&request, window, limits).map(|()| None),
        Err(error) => Err(diagnose(error, &request, window, limits)),
    }
}

/// Where the request line starts in a `buf` that starts with an empty line; `None` if more
/// bytes will tell.
#[cold]
fn skip_empty_lines(buf: &[u8]) -> Result<Option<usize>, WireError> {
    let mut lines = 0;
    let mut rest = buf;
    loop {
        rest = match rest {
            [b'\r', b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Ok(None),
            [b'\r' | b'\n', ..] => return Err(WireError::InvalidLineEnd),
            _ => return Ok(Some(buf.len() - rest.len())),
        };
        lines += 1;
        if lines > MAX_EMPTY_LINES {
            return Err(WireError::TooManyEmptyLines);
        }
    }
}

/// Makes a head of a request that httparse found complete; `bytes` is exactly the request, and
/// `start` bytes of empty lines stood before it.
#[inline]
fn complete<'h, 'b>(
    request: Request<'h, 'b>,
    bytes: &'b [u8],
    start: usize,
    limits: &Limits,
) -> Result<Option<Head<'h, 'b>>, WireError> {
    let Request { method: Some(method_name), path: Some(target), version: Some(version), headers } =
        request
    else {
        return Err(WireError::InvalidTarget);
    };
    if target.len() > limits.max_uri {
        return Err(WireError::UriTooLong);
    }
    let line_end = method_name.len() + 1 + target.len() + 1 + VERSION_LEN;
    if bytes[line_end] != b'\r' || bytes[bytes.len() - 2] != b'\r' {
        return Err(WireError::InvalidLineEnd);
    }
    let version = if version == 0 { Version::Http10 } else { Version::Http11 };
    let mut fields = Fields::default();
    scan(headers, bytes, &mut fields)?;
    let method = Method::from_bytes(method_name.as_bytes());
    let target_parts = Target::parse(method, target)?;
    check_host_header(fields.host, version)?;
    let framing = fields.framing(version, limits)?;
    let expect_continue = fields.expect_continue(version)? && framing != Framing::None;
    Ok(Some(Head {
        method,
        method_name,
        target,
        path: target_parts.path,
        query: target_parts.query,
        version,
        headers,
        host: target_parts.authority.or(fields.host),
        framing,
        keep_alive: fields.keep_alive(version),
        expect_continue,
        upgrade: fields.upgrade(version),
        len: start + bytes.len(),
    }))
}

/// Reads the headers that matter here, and checks what httparse forgives: lines without CR.
#[inline]
fn scan<'b>(
    headers: &[Header<'b>],
    bytes: &[u8],
    fields: &mut Fields<'b>,
) -> Result<(), WireError> {
    for header in headers {
        let value_end = header.value.as_ptr().addr() - bytes.as_ptr().addr() + header.value.len();
        if bytes[value_end] != b'\r' && !is_line_end(&bytes[value_end..]) {
            return Err(WireError::InvalidLineEnd);
        }
        fields.note(header)?;
    }
    Ok(())
}

/// Whether what stands after a stripped value is whitespace and then CR.
#[cold]
fn is_line_end(after: &[u8]) -> bool {
    after.iter().find(|byte| !matches!(byte, b' ' | b'\t')) == Some(&b'\r')
}

/// Checks `Host`, also where an absolute target overrides it (RFC 9112, section 3.2).
#[inline]
fn check_host_header(host: Option<&[u8]>, version: Version) -> Result<(), WireError> {
    match host {
        Some(host) if is_host(host) => Ok(()),
        Some(_) => Err(WireError::InvalidHost),
        None if version == Version::Http11 => Err(WireError::MissingHost),
        None => Ok(()),
    }
}

/// Refuses an incomplete head that is already over a limit.
#[cold]
fn incomplete(request: &Request<'_, '_>, window: &[u8], limits: &Limits) -> Result<(), WireError> {
    check_target_len(request, window, limits)?;
    if window.len() >= limits.max_head {
        return Err(WireError::HeadTooLarge);
    }
    Ok(())
}

/// Names the error that httparse found, or the limit that was passed before it.
#[cold]
fn diagnose(error: Error, request: &Request<'_, '_>, window: &[u8], limits: &Limits) -> WireError {
    if let Err(too_long) = check_target_len(request, window, limits) {
        return too_long;
    }
    match error {
        Error::TooManyHeaders => WireError::TooManyHeaders,
        Error::HeaderName => WireError::InvalidHeaderName,
        Error::HeaderValue => WireError::InvalidHeaderValue,
        Error::Version => version_error(request, window),
        Error::NewLine | Error::Status => WireError::InvalidLineEnd,
        Error::Token if request.method.is_none() => WireError::InvalidMethod,
        Error::Token => WireError::InvalidTarget,
    }
}

/// Checks the length of the request target, of which perhaps only a part has arrived.
fn check_target_len(
    request: &Request<'_, '_>,
    window: &[u8],
    limits: &Limits,
) -> Result<(), WireError> {
    let arrived = match (request.method, request.path) {
        (_, Some(target)) => target.len(),
        (Some(method), None) => {
            let target = &window[method.len() + 1..];
            target.iter().position(|&byte| byte <= b' ' || byte == 0x7f).unwrap_or(target.len())
        }
        (None, None) => 0,
    };
    if arrived > limits.max_uri { Err(WireError::UriTooLong) } else { Ok(()) }
}

/// Tells another version of HTTP from what is no version at all.
fn version_error(request: &Request<'_, '_>, window: &[u8]) -> WireError {
    let before = request.method.map_or(0, str::len) + request.path.map_or(0, str::len) + 2;
    match window.get(before..).and_then(|rest| rest.strip_prefix(b"HTTP/")) {
        Some([b'0'..=b'9', ..]) => WireError::UnsupportedVersion,
        _ => WireError::InvalidVersion,
    }
}
