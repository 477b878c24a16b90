//! Response heads: status line, the headers the server itself owes, and the body's framing.

use covet_wire::{
    http1::{HTTP_DATE_LEN, http_date, response},
    status,
};

/// A `date` header (RFC 9110, 6.6.1) as it stands in a head, line end and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date([u8; Date::LENGTH]);

impl Date {
    const NAME: &[u8; 6] = b"date: ";
    const LENGTH: usize = Self::NAME.len() + HTTP_DATE_LEN + 2;

    /// The header for a time, in seconds since 1970.
    pub fn at(unix_seconds: u64) -> Self {
        let mut line = [0; Self::LENGTH];
        line[..Self::NAME.len()].copy_from_slice(Self::NAME);
        let (value, end) = line[Self::NAME.len()..].split_at_mut(HTTP_DATE_LEN);
        value.copy_from_slice(&http_date(unix_seconds));
        end.copy_from_slice(b"\r\n");
        Self(line)
    }
}

/// What the head of a response depends on besides the handler's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyMeta {
    /// The connection stays open after this response.
    pub keep_alive: bool,
    /// The request was HEAD: headers as for GET, no body (RFC 9110, 9.3.2).
    pub head_only: bool,
    /// The client speaks HTTP/1.0: keep-alive must be said, chunked coding is unknown to it.
    pub http10: bool,
    /// The time of the response.
    pub date: Date,
}

/// Appends the status line and the headers that belong to the connection.
///
/// A status that is not a number of three digits is the caller's mistake and sent as 500.
#[inline]
pub fn begin(out: &mut Vec<u8>, status: u16, meta: &ReplyMeta) {
    if response::status_line(out, status).is_err() {
        out.extend_from_slice(b"HTTP/1.1 500 Internal Server Error\r\n");
    }
    out.extend_from_slice(&meta.date.0);
    if !meta.keep_alive {
        out.extend_from_slice(b"connection: close\r\n");
    } else if meta.http10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
}

/// Says in a response that begins at `start` that the connection ends after it (RFC 9112, 9.6),
/// where that is known only once it is written.
pub fn add_close(out: &mut Vec<u8>, start: usize) {
    let line_end = out[start..].windows(2).position(|bytes| bytes == b"\r\n");
    let after = line_end.map_or(out.len(), |end| start + end + 2);
    out.splice(after..after, *b"connection: close\r\n");
}

/// Appends `content-length`, the blank line, and the body unless the response has none.
#[inline]
pub fn finish(out: &mut Vec<u8>, status: u16, body: &[u8], meta: &ReplyMeta) {
    if status::forbids_body(status) {
        finish_empty(out, status);
        return;
    }
    response::content_length(out, body.len() as u64);
    response::end_head(out);
    if !meta.head_only {
        out.extend_from_slice(body);
    }
}

/// Ends the head of a response whose status forbids a body (RFC 9110, 6.4.1).
pub fn finish_empty(out: &mut Vec<u8>, status: u16) {
    // Without a body or a length, 205 would run on until the connection closes.
    if status == 205 {
        response::content_length(out, 0);
    }
    response::end_head(out);
}

/// Appends `content-length` and the blank line, then the body that `write` appends.
///
/// The length is known only when the body is written, so a field of the width that fitted the
/// last time (`digits`, kept by the caller) is left open; another width moves the body.
///
/// # Errors
/// Those of `write`; `out` then ends where it began.
#[inline]
pub fn finish_with<E>(
    out: &mut Vec<u8>,
    digits: &mut usize,
    meta: &ReplyMeta,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    const END: &[u8; 4] = b"\r\n\r\n";
    let start = out.len();
    out.extend_from_slice(b"content-length: ");
    let field = out.len();
    out.resize(field + *digits, b'0');
    out.extend_from_slice(END);
    let body = out.len();
    if let Err(error) = write(out) {
        out.truncate(start);
        return Err(error);
    }
    let mut buffer = itoa::Buffer::new();
    let length = buffer.format(out.len() - body);
    if length.len() == *digits {
        out[field..field + *digits].copy_from_slice(length.as_bytes());
    } else {
        out.splice(field..field + *digits, length.bytes());
        *digits = length.len();
    }
    if meta.head_only {
        out.truncate(field + *digits + END.len());
    }
    Ok(())
}

/// Appends a whole response with a JSON body, as the framework words its own errors.
///
/// `detail` is a phrase of the framework's, with nothing in it that JSON would escape.
pub fn write_error(out: &mut Vec<u8>, status: u16, detail: &'static str, meta: &ReplyMeta) {
    begin(out, status, meta);
    out.extend_from_slice(b"content-type: application/json\r\n");
    let body = [b"{\"detail\":\"", detail.as_bytes(), b"\"}"].concat();
    finish(out, status, &body, meta);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> ReplyMeta {
        ReplyMeta { keep_alive: true, head_only: false, http10: false, date: Date::at(784_111_777) }
    }

    fn body_of(length: usize, digits: &mut usize, meta: &ReplyMeta) -> String {
        let mut out = Vec::new();
        let written: Result<(), ()> = finish_with(&mut out, digits, meta, |out| {
            out.resize(out.len() + length, b'b');
            Ok(())
        });
        written.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_length_field_fits_every_body() {
        let mut digits = 2;
        for length in [0, 9, 10, 99, 100, 12_345, 7] {
            let expected = format!("content-length: {length}\r\n\r\n{}", "b".repeat(length));
            assert_eq!(body_of(length, &mut digits, &meta()), expected);
            assert_eq!(digits, length.to_string().len());
        }
    }

    #[test]
    fn head_keeps_the_length_and_drops_the_body() {
        let meta = ReplyMeta { head_only: true, ..meta() };
        assert_eq!(body_of(12, &mut 5, &meta), "content-length: 12\r\n\r\n");
    }

    #[test]
    fn a_failed_body_leaves_nothing() {
        let mut out = b"before".to_vec();
        let failed = finish_with(&mut out, &mut 3, &meta(), |out| {
            out.extend_from_slice(b"half");
            Err("failed")
        });
        assert_eq!(failed, Err("failed"));
        assert_eq!(out, b"before");
    }

    #[test]
    fn a_response_can_be_made_the_last_afterwards() {
        let mut out = b"before\r\n".to_vec();
        let start = out.len();
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nbody\r\n");
        add_close(&mut out, start);
        let expected = "before\r\nHTTP/1.1 200 OK\r\nconnection: close\r\na: b\r\n\r\nbody\r\n";
        assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
    }

    #[test]
    fn the_connection_header_says_what_the_version_does_not() {
        let cases = [
            (true, false, ""),
            (true, true, "connection: keep-alive\r\n"),
            (false, false, "connection: close\r\n"),
            (false, true, "connection: close\r\n"),
        ];
        for (keep_alive, http10, expected) in cases {
            let mut out = Vec::new();
            begin(&mut out, 200, &ReplyMeta { keep_alive, http10, ..meta() });
            let text = String::from_utf8(out).unwrap();
            let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
            assert_eq!(text, format!("HTTP/1.1 200 OK\r\n{date}{expected}"));
        }
    }
}
