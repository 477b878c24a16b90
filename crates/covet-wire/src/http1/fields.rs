//! One pass over the headers, for those that decide framing and the connection's fate.

use super::{Framing, Header, Limits, Version, WireError};

/// What the headers say about the message itself.
#[derive(Debug, Default)]
pub(super) struct Fields<'b> {
    pub(super) host: Option<&'b [u8]>,
    length: Option<&'b [u8]>,
    encoding: Option<&'b [u8]>,
    expect: Option<&'b [u8]>,
    upgrade: bool,
    connection: Connection,
}

/// The options of all `Connection` headers.
#[derive(Debug, Default)]
struct Connection {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl<'b> Fields<'b> {
    /// Notes a header if it is one of the few that matter here.
    #[inline]
    pub(super) fn note(&mut self, header: &Header<'b>) -> Result<(), WireError> {
        let (name, value) = (header.name.as_bytes(), header.value);
        // Lengths tell almost all headers apart; names are compared only when they match.
        match name.len() {
            4 if is_name(name, b"host") => set_once(&mut self.host, value, WireError::RepeatedHost),
            6 if is_name(name, b"expect") => {
                self.expect = Some(value);
                Ok(())
            }
            7 if is_name(name, b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            10 if is_name(name, b"connection") => {
                self.connection.note(value);
                Ok(())
            }
            14 if is_name(name, b"content-length") => {
                set_once(&mut self.length, value, WireError::RepeatedContentLength)
            }
            17 if is_name(name, b"transfer-encoding") => {
                set_once(&mut self.encoding, value, WireError::RepeatedTransferEncoding)
            }
            _ => Ok(()),
        }
    }

    /// How the body is delimited (RFC 9112, section 6.3, but refusing what it lets pass).
    #[inline]
    pub(super) fn framing(&self, version: Version, limits: &Limits) -> Result<Framing, WireError> {
        match (self.length, self.encoding) {
            (None, None) => Ok(Framing::None),
            (Some(length), None) => framing_by_length(length, limits),
            (None, Some(encoding)) => framing_by_encoding(encoding, version),
            (Some(_), Some(_)) => Err(WireError::AmbiguousLength),
        }
    }

    /// Whether the connection outlives this request (RFC 9112, section 9.3).
    #[inline]
    pub(super) fn keep_alive(&self, version: Version) -> bool {
        !self.connection.close && (version == Version::Http11 || self.connection.keep_alive)
    }

    /// Whether the client waits for a 100 before it sends the body (RFC 9110, section 10.1.1).
    #[inline]
    pub(super) fn expect_continue(&self, version: Version) -> Result<bool, WireError> {
        match self.expect {
            Some(expectation) if version == Version::Http11 => {
                if expectation.eq_ignore_ascii_case(b"100-continue") {
                    Ok(true)
                } else {
                    Err(WireError::UnsupportedExpectation)
                }
            }
            _ => Ok(false),
        }
    }

    /// Whether the client offers to change the protocol (RFC 9110, section 7.8).
    #[inline]
    pub(super) fn upgrade(&self, version: Version) -> bool {
        self.upgrade && self.connection.upgrade && version == Version::Http11
    }
}

impl Connection {
    #[inline]
    fn note(&mut self, value: &[u8]) {
        match value {
            b"keep-alive" => self.keep_alive = true,
            b"close" => self.close = true,
            _ => self.note_list(value),
        }
    }

    fn note_list(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// Whether a header's name is `lower`, in any case.
#[inline]
fn is_name<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    // In a token, the bit that tells capitals from small letters leaves a hyphen as it is; a
    // fixed length and no early exit make this a few wide instructions.
    <&[u8; N]>::try_from(name).is_ok_and(|name| {
        name.iter().zip(lower).fold(0, |differing, (a, b)| differing | (a | 0x20) ^ b) == 0
    })
}

#[inline]
fn set_once<'b>(
    field: &mut Option<&'b [u8]>,
    value: &'b [u8],
    repeated: WireError,
) -> Result<(), WireError> {
    match field.replace(value) {
        None => Ok(()),
        Some(_) => Err(repeated),
    }
}

fn framing_by_length(value: &[u8], limits: &Limits) -> Result<Framing, WireError> {
    match decimal(value)? {
        0 => Ok(Framing::None),
        length if length > limits.max_body => Err(WireError::BodyTooLarge),
        length => Ok(Framing::Length(length)),
    }
}

fn framing_by_encoding(value: &[u8], version: Version) -> Result<Framing, WireError> {
    if version == Version::Http10 {
        Err(WireError::TransferEncodingInHttp10)
    } else if value.eq_ignore_ascii_case(b"chunked") {
        Ok(Framing::Chunked)
    } else {
        Err(WireError::UnsupportedTransferEncoding)
    }
}

/// A `Content-Length`: digits and nothing else. A number too large to hold is over any limit.
fn decimal(digits: &[u8]) -> Result<u64, WireError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(WireError::InvalidContentLength);
    }
    digits
        .iter()
        .try_fold(0u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(WireError::BodyTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields<'b>(headers: &[(&'b str, &'b str)]) -> Fields<'b> {
        let mut fields = Fields::default();
        for (name, value) in headers {
            fields.note(&Header { name, value: value.as_bytes() }).unwrap();
        }
        fields
    }

    #[test]
    fn version_and_connection_decide_what_lives_on() {
        // `Connection` headers; kept alive in 1.0, in 1.1.
        let table: &[(&[&str], bool, bool)] = &[
            (&[], false, true),
            (&["close"], false, false),
            (&["Close"], false, false),
            (&["keep-alive"], true, true),
            (&["Keep-Alive"], true, true),
            (&["x, \tkeep-alive ,y"], true, true),
            (&["keep-alive, close"], false, false),
            (&["close", "keep-alive"], false, false),
            (&["x", "keep-alive"], true, true),
            (&["closed", "keep-alives", ""], false, true),
        ];
        for (values, http10, http11) in table {
            let headers: Vec<_> = values.iter().map(|value| ("Connection", *value)).collect();
            let fields = fields(&headers);
            assert_eq!(fields.keep_alive(Version::Http10), *http10, "{values:?}");
            assert_eq!(fields.keep_alive(Version::Http11), *http11, "{values:?}");
        }
    }

    #[test]
    fn an_upgrade_takes_both_headers() {
        let both = [("Connection", "keep-alive, Upgrade"), ("UPGRADE", "websocket")];
        assert!(fields(&both).upgrade(Version::Http11));
        assert!(!fields(&both).upgrade(Version::Http10));
        assert!(!fields(&both[..1]).upgrade(Version::Http11));
        assert!(!fields(&both[1..]).upgrade(Version::Http11));
    }

    #[test]
    fn only_one_expectation_is_met() {
        for (value, expected) in [
            ("100-continue", Ok(true)),
            ("100-Continue", Ok(true)),
            ("100-continue, x", Err(WireError::UnsupportedExpectation)),
            ("", Err(WireError::UnsupportedExpectation)),
        ] {
            let fields = fields(&[("Expect", value)]);
            assert_eq!(fields.expect_continue(Version::Http11), expected, "{value}");
            assert_eq!(fields.expect_continue(Version::Http10), Ok(false), "{value}");
        }
    }

    #[test]
    fn names_are_told_apart_in_any_case() {
        assert!(is_name(b"Transfer-Encoding", b"transfer-encoding"));
        for name in [&b"transfer_encoding"[..], b"transfer-encodin", b"transfer-encoding2"] {
            assert!(!is_name(name, b"transfer-encoding"), "{}", name.escape_ascii());
        }
        // Every token byte that differs from a letter in more than case.
        for byte in (0..=255).filter(|&byte| crate::http1::is_token_byte(byte)) {
            let expected = byte.eq_ignore_ascii_case(&b'h');
            assert_eq!(is_name(&[byte, b'o', b's', b't'], b"host"), expected, "{byte}");
        }
    }
}
