//! HTTP/1.x: a request stream in, a response stream out (RFC 9112).
//!
//! # The law
//!
//! One connection is one stream of requests, read by two pure machines in turn: [`parse_head`]
//! and [`BodyDecoder`]. The caller owns the bytes, the machines own the order.
//!
//! ```text
//!            more bytes               Piece::NeedMore, Piece::Data
//!             ┌──────┐                       ┌──────┐
//!             │      ▼    Ok(Some(head))     │      ▼
//!  open ────► HEAD ─────────────────────────► BODY
//!             ▲ │                            │ │
//!             │ │ WireError                  │ │ WireError
//!             │ ▼                            │ ▼
//!             │ CLOSED ◄─────────────────────┼─┘
//!             │ ▲   Piece::End, !keep_alive  │
//!             │ └────────────────────────────┤
//!             └──────────────────────────────┘
//!                Piece::End, keep_alive
//! ```
//!
//! 1. **Splits do not matter.** However the stream is cut into reads, the same heads, the same
//!    body bytes and the same error come out. An error is the first one in the stream's order.
//! 2. **An error is final.** No further bytes turn it into something else; answer with its
//!    [status](WireError::status) and close, for where the next request starts is unknown.
//! 3. **One reading.** What two parsers could frame in two ways is refused, never guessed:
//!    both lengths, repeated lengths, folded lines, bare CR or LF, whitespace before a colon.
//! 4. **Bounded.** [`Limits`] hold for what has arrived, not only for what is complete. The
//!    machines keep no bytes: a head is borrowed from the caller's buffer, a body is passed
//!    through.
//!
//! # Where the RFC leaves a choice
//!
//! | input | decision |
//! |---|---|
//! | empty lines before the request line | up to four are skipped, then 400 |
//! | a line ending in LF alone, or CR alone | 400 |
//! | equal `Content-Length` twice, or `5, 5` | 400 |
//! | `Content-Length` with `Transfer-Encoding` | 400 |
//! | `Transfer-Encoding` other than `chunked` in any case | 501; repeated: 400; in HTTP/1.0: 400 |
//! | `Transfer-Encoding` with an empty value | 501 |
//! | an unknown method | [`Method::Other`](crate::Method::Other): routing answers |
//! | `CONNECT` | 501: an origin server opens no tunnels |
//! | `*` with a method other than `OPTIONS` | 400 |
//! | `http://` or `https://` target | accepted, its authority overrides `Host`, which must be there all the same; userinfo: 400; empty path: `/` |
//! | a `#` in the target | 400: no client sends one, and proxies disagree about it |
//! | bytes above 0x7F in the target | accepted if UTF-8 (curl sends them as typed), else 400 |
//! | empty `Host` | accepted, it names no host |
//! | `Host` twice, or missing in HTTP/1.1 | 400; HTTP/1.0 may omit it |
//! | `Expect` other than `100-continue` | 417; ignored in HTTP/1.0 |
//! | `Upgrade` without `Connection: upgrade`, or in HTTP/1.0 | ignored |
//! | `HTTP/2.0`, `HTTP/1.2`, `HTTP/0.9` in a request line | 505; a line with no version: 400 |
//! | whitespace between a chunk size and `;` | skipped (RFC 9112, section 7.1.1); before CR LF: 400 |
//! | chunk extensions | dropped; over 16 KiB more than the data so far: 400 |
//! | trailers | checked as headers are, dropped; over `max_head` bytes: 431 |

mod body;
mod date;
mod error;
mod fields;
mod head;
mod limits;
pub mod response;
mod target;

pub use body::{BodyDecoder, Piece};
pub use date::{HTTP_DATE_LEN, http_date};
pub use error::WireError;
pub use head::{Framing, Head, Header, Version, parse_head};
pub use limits::{Limits, MAX_HEADERS};

/// Whether `byte` may stand in a token: a method or a header name (RFC 9110, section 5.6.2).
#[inline]
const fn is_token_byte(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte: u8 = 0;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                );
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

/// Whether `byte` may stand in a field value: anything but control characters other than the
/// tab (RFC 9110, section 5.5).
#[inline]
const fn is_value_byte(byte: u8) -> bool {
    (byte >= b' ' && byte != 0x7f) || byte == b'\t'
}
