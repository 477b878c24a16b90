//! Checks responses against the first one, at the cost of a `memcmp` where they are alike.
//!
//! The law: a response is *right* when its status and its body are those of the first. One
//! that equals the first byte for byte is right at once. So is one that differs only in its
//! `Date`; the template takes that date over, so that this happens once a second. Any other
//! is parsed and its parts are compared. No response is counted without its body compared.

use crate::response::{Response, Unreadable, parse};

/// What a response turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As the first one, but perhaps for its date.
    Same,
    /// Right, with other headers: it had to be parsed.
    Parsed,
    /// Another status.
    WrongStatus,
    /// Another body length.
    WrongLength,
    /// Another body of the same length.
    WrongBody,
}

/// One response taken off the front of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Bytes it took.
    pub len: usize,
    /// What it was.
    pub verdict: Verdict,
    /// Whether the server says that it closes the connection now.
    pub close: bool,
}

/// The first response of a run, which all others are held against.
#[derive(Debug)]
pub struct Template {
    bytes: Vec<u8>,
    response: Response,
    no_body: bool,
}

impl Template {
    /// Learns from `bytes`, which begin with one whole response.
    ///
    /// # Errors
    /// [`Unreadable`] if it is not whole, or of a kind that cannot be measured.
    pub fn learn(bytes: &[u8], no_body: bool) -> Result<Self, Unreadable> {
        let response = parse(bytes, no_body)?
            .ok_or_else(|| Unreadable::Malformed("it ends too early".to_owned()))?;
        if response.close {
            return Err(Unreadable::Closing);
        }
        Ok(Self { bytes: bytes[..response.end()].to_vec(), response, no_body })
    }

    /// The status of the first response.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// The body of the first response.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.response.body.clone()]
    }

    /// The media type of the first response, as sent; empty if it has none.
    pub fn content_type(&self) -> &[u8] {
        self.response.content_type.clone().map_or(&[], |span| &self.bytes[span])
    }

    /// Bytes of the first response.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Takes one response off the front of `buf`; `Ok(None)` if it is not all there.
    ///
    /// # Errors
    /// [`Unreadable`] if where it ends cannot be told.
    #[inline]
    pub fn check(&mut self, buf: &[u8]) -> Result<Option<Checked>, Unreadable> {
        if buf.starts_with(&self.bytes) {
            let len = self.bytes.len();
            return Ok(Some(Checked { len, verdict: Verdict::Same, close: false }));
        }
        self.check_slowly(buf)
    }

    #[cold]
    fn check_slowly(&mut self, buf: &[u8]) -> Result<Option<Checked>, Unreadable> {
        if self.differs_in_date_only(buf) {
            let len = self.bytes.len();
            self.bytes.copy_from_slice(&buf[..len]);
            return Ok(Some(Checked { len, verdict: Verdict::Same, close: false }));
        }
        let Some(found) = parse(buf, self.no_body)? else { return Ok(None) };
        let verdict = self.judge(&found, &buf[found.body.clone()]);
        Ok(Some(Checked { len: found.end(), verdict, close: found.close }))
    }

    fn differs_in_date_only(&self, buf: &[u8]) -> bool {
        let Some(date) = &self.response.date else { return false };
        buf.get(..date.start) == Some(&self.bytes[..date.start])
            && buf.get(date.end..self.bytes.len()) == Some(&self.bytes[date.end..])
            && !buf[date.clone()].contains(&b'\r')
    }

    fn judge(&self, found: &Response, body: &[u8]) -> Verdict {
        if found.status != self.response.status {
            Verdict::WrongStatus
        } else if body.len() != self.body().len() {
            Verdict::WrongLength
        } else if body != self.body() {
            Verdict::WrongBody
        } else {
            Verdict::Parsed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Template, Verdict};
    use crate::response::Unreadable;

    fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
            .into_bytes()
    }

    fn template() -> Template {
        Template::learn(&response(200, "Date: Mon 1\r\n", "abc"), false).unwrap()
    }

    #[test]
    fn verdicts() {
        let cases = [
            (response(200, "Date: Mon 1\r\n", "abc"), Verdict::Same),
            (response(200, "Date: Tue 2\r\n", "abc"), Verdict::Same),
            (response(200, "Date: Mon 10\r\n", "abc"), Verdict::Parsed),
            (response(200, "", "abc"), Verdict::Parsed),
            (response(500, "Date: Mon 1\r\n", "abc"), Verdict::WrongStatus),
            (response(200, "Date: Mon 1\r\n", "abcd"), Verdict::WrongLength),
            (response(200, "Date: Mon 1\r\n", "abX"), Verdict::WrongBody),
            (response(200, "Date: M\r\nA:\r\n", "abc"), Verdict::Parsed),
        ];
        for (bytes, verdict) in cases {
            let checked = template().check(&bytes).unwrap().unwrap();
            assert_eq!(
                (checked.verdict, checked.len),
                (verdict, bytes.len()),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn a_new_date_is_taken_over() {
        let mut template = template();
        let later = response(200, "Date: Tue 2\r\n", "abc");
        template.check(&later).unwrap();
        assert_eq!(template.bytes, later);
        assert_eq!(template.body(), b"abc");
    }

    #[test]
    fn splits_are_incomplete_until_the_last_byte() {
        let bytes = response(200, "Date: Tue 2\r\n", "abc");
        for end in 0..bytes.len() {
            assert_eq!(template().check(&bytes[..end]), Ok(None), "{end}");
        }
    }

    #[test]
    fn closing_is_seen_and_refused_as_the_first() {
        let closing = response(200, "Connection: close\r\n", "abc");
        assert!(template().check(&closing).unwrap().unwrap().close);
        assert_eq!(Template::learn(&closing, false).unwrap_err(), Unreadable::Closing);
    }

    #[test]
    fn the_end_of_chunks_cannot_be_told() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(template().check(chunked), Err(Unreadable::Chunked));
    }
}
