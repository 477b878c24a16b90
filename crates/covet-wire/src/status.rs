//! Status codes (RFC 9110, section 15): their phrases, their lines and what they forbid.

/// Writes the tables below from one list.
macro_rules! statuses {
    ($($code:literal $phrase:literal)+) => {
        /// The canonical reason phrase of a registered code; empty for any other.
        pub const fn reason(code: u16) -> &'static str {
            match code {
                $($code => $phrase,)+
                _ => "",
            }
        }

        /// The whole HTTP/1.1 status line of a registered code, with its CR LF.
        #[inline]
        pub const fn line(code: u16) -> Option<&'static [u8]> {
            match code {
                $($code => {
                    Some(concat!("HTTP/1.1 ", $code, " ", $phrase, "\r\n").as_bytes())
                })+
                _ => None,
            }
        }
    };
}

statuses! {
    100 "Continue"
    101 "Switching Protocols"
    102 "Processing"
    103 "Early Hints"
    200 "OK"
    201 "Created"
    202 "Accepted"
    203 "Non-Authoritative Information"
    204 "No Content"
    205 "Reset Content"
    206 "Partial Content"
    207 "Multi-Status"
    208 "Already Reported"
    226 "IM Used"
    300 "Multiple Choices"
    301 "Moved Permanently"
    302 "Found"
    303 "See Other"
    304 "Not Modified"
    305 "Use Proxy"
    307 "Temporary Redirect"
    308 "Permanent Redirect"
    400 "Bad Request"
    401 "Unauthorized"
    402 "Payment Required"
    403 "Forbidden"
    404 "Not Found"
    405 "Method Not Allowed"
    406 "Not Acceptable"
    407 "Proxy Authentication Required"
    408 "Request Timeout"
    409 "Conflict"
    410 "Gone"
    411 "Length Required"
    412 "Precondition Failed"
    413 "Content Too Large"
    414 "URI Too Long"
    415 "Unsupported Media Type"
    416 "Range Not Satisfiable"
    417 "Expectation Failed"
    418 "I'm a Teapot"
    421 "Misdirected Request"
    422 "Unprocessable Content"
    423 "Locked"
    424 "Failed Dependency"
    425 "Too Early"
    426 "Upgrade Required"
    428 "Precondition Required"
    429 "Too Many Requests"
    431 "Request Header Fields Too Large"
    451 "Unavailable For Legal Reasons"
    500 "Internal Server Error"
    501 "Not Implemented"
    502 "Bad Gateway"
    503 "Service Unavailable"
    504 "Gateway Timeout"
    505 "HTTP Version Not Supported"
    506 "Variant Also Negotiates"
    507 "Insufficient Storage"
    508 "Loop Detected"
    510 "Not Extended"
    511 "Network Authentication Required"
}

/// Whether a response with this status must have no body: 1xx, 204, 205 and 304 (RFC 9110,
/// sections 15.2, 15.3.5, 15.3.6 and 15.4.5).
#[inline]
pub const fn forbids_body(code: u16) -> bool {
    matches!(code, 100..=199 | 204 | 205 | 304)
}

/// Whether a response with this status must go out without `Content-Length` and
/// `Transfer-Encoding`: 1xx and 204 (RFC 9110, section 8.6; RFC 9112, section 6.1).
///
/// A 205 says `Content-Length: 0`; a 304 may tell the length of what it does not send.
#[inline]
pub const fn forbids_length(code: u16) -> bool {
    matches!(code, 100..=199 | 204)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_agrees_with_the_phrase() {
        for code in 0..=1000 {
            match line(code) {
                Some(line) => {
                    let expected = format!("HTTP/1.1 {code} {}\r\n", reason(code));
                    assert_eq!(line, expected.as_bytes());
                }
                None => assert_eq!(reason(code), "", "{code}"),
            }
        }
        assert_eq!(line(200), Some(&b"HTTP/1.1 200 OK\r\n"[..]));
    }

    #[test]
    fn some_statuses_have_no_body() {
        // Code, no body, no framing headers.
        let table = [
            (100, true, true),
            (101, true, true),
            (200, false, false),
            (204, true, true),
            (205, true, false),
            (206, false, false),
            (304, true, false),
            (404, false, false),
        ];
        for (code, body, length) in table {
            assert_eq!((forbids_body(code), forbids_length(code)), (body, length), "{code}");
        }
    }
}
