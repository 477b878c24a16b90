//! The request target (RFC 9112, section 3.2) and the host it is for.

use super::WireError;
use crate::Method;
use crate::percent::hex;

/// A request target, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'b> {
    pub(super) path: &'b str,
    pub(super) query: &'b str,
    /// The authority of an absolute target.
    pub(super) authority: Option<&'b [u8]>,
}

impl<'b> Target<'b> {
    /// Takes `target` apart, in the form that `method` allows.
    #[inline]
    pub(super) fn parse(method: Method, target: &'b str) -> Result<Self, WireError> {
        if target.starts_with('/') && method != Method::Connect {
            return Self::origin(target, None);
        }
        Self::unusual(method, target)
    }

    /// `/path?query`
    #[inline]
    fn origin(target: &'b str, authority: Option<&'b [u8]>) -> Result<Self, WireError> {
        // Targets are short: a plain loop beats a call of memchr.
        match target.bytes().position(|byte| byte == b'?' || byte == b'#') {
            None => Ok(Self { path: target, query: "", authority }),
            Some(end) => {
                let (path, query) = (&target[..end], &target[end + 1..]);
                if target.as_bytes()[end] == b'#' || query.contains('#') {
                    return Err(WireError::InvalidTarget);
                }
                Ok(Self { path, query, authority })
            }
        }
    }

    /// What proxies and `OPTIONS *` send.
    #[cold]
    fn unusual(method: Method, target: &'b str) -> Result<Self, WireError> {
        match (method, target) {
            (Method::Connect, _) => Err(WireError::UnsupportedConnect),
            (Method::Options, "*") => Ok(Self { path: target, query: "", authority: None }),
            _ => Self::absolute(target),
        }
    }

    /// `http://host:port/path?query`
    fn absolute(target: &'b str) -> Result<Self, WireError> {
        let rest = strip_prefix_ignore_case(target, "http://")
            .or_else(|| strip_prefix_ignore_case(target, "https://"))
            .ok_or(WireError::InvalidTarget)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() {
            return Err(WireError::InvalidTarget);
        }
        if !is_host(authority.as_bytes()) {
            return Err(WireError::InvalidHost);
        }
        let target = Self::origin(path, Some(authority.as_bytes()))?;
        Ok(if target.path.is_empty() { Self { path: "/", ..target } } else { target })
    }
}

fn strip_prefix_ignore_case<'b>(text: &'b str, prefix: &str) -> Option<&'b str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Whether `host` is `uri-host [":" port]` (RFC 9110, section 7.2). It may be empty.
#[inline]
pub(super) fn is_host(host: &[u8]) -> bool {
    let name_end = host.iter().rposition(|&byte| byte == b':').unwrap_or(host.len());
    let (name, port) = host.split_at(name_end);
    // No early exit: a name is short, and nearly always right.
    let plain = name.iter().fold(true, |plain, &byte| plain & is_plain(byte));
    (plain && is_port(port)) || is_unusual_host(host)
}

/// Whether `byte` is one that ordinary host names are made of.
#[inline]
const fn is_plain(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte: u8 = 0;
        while byte < 128 {
            table[byte as usize] =
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

/// Whether `rest` is `[":" port]`, the port being 0 to 65535 or empty.
fn is_port(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b':', digits @ ..] if digits.len() <= 5 => {
            let port = digits.iter().fold(0, |port, digit| port * 10 + u32::from(digit & 0xf));
            digits.iter().all(u8::is_ascii_digit) && port <= 65_535
        }
        _ => false,
    }
}

/// Whether `host` is an IP literal or a registered name with unusual characters.
#[cold]
fn is_unusual_host(host: &[u8]) -> bool {
    if let [b'[', rest @ ..] = host {
        return match memchr::memchr(b']', rest) {
            Some(end) => is_ip_literal(&rest[..end]) && is_port(&rest[end + 1..]),
            None => false,
        };
    }
    let end = memchr::memchr(b':', host).unwrap_or(host.len());
    is_registered_name(&host[..end]) && is_port(&host[end..])
}

/// Whether `address` can stand in brackets: an IPv6 address (RFC 3986, section 3.2.2).
/// Zones and future address formats are refused.
fn is_ip_literal(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Whether `name` is a `reg-name`: unreserved characters, sub-delimiters and percent-encodings.
fn is_registered_name(mut name: &[u8]) -> bool {
    while let Some((&byte, rest)) = name.split_first() {
        name = match (byte, rest) {
            (b'%', [high, low, rest @ ..]) if hex(*high).is_some() && hex(*low).is_some() => rest,
            _ if is_plain(byte) || b"~!$&'()*+,;=".contains(&byte) => rest,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_comes_apart() {
        // Method, target, path, query, authority.
        let table: &[(Method, &str, &str, &str, Option<&str>)] = &[
            (Method::Get, "/", "/", "", None),
            (Method::Get, "/a?b=c?d", "/a", "b=c?d", None),
            (Method::Get, "/?", "/", "", None),
            (Method::Get, "//a//../b;c", "//a//../b;c", "", None),
            (Method::Get, "/%2e%2E/", "/%2e%2E/", "", None),
            (Method::Options, "*", "*", "", None),
            (Method::Options, "/a", "/a", "", None),
            (Method::Get, "http://a", "/", "", Some("a")),
            (Method::Get, "http://a?b", "/", "b", Some("a")),
            (Method::Other, "HTTPS://a:1/b?c", "/b", "c", Some("a:1")),
            (Method::Get, "http://[::1]:80/", "/", "", Some("[::1]:80")),
        ];
        for &(method, target, path, query, authority) in table {
            let found = Target::parse(method, target);
            let authority = authority.map(str::as_bytes);
            let expected = Target { path, query, authority };
            assert_eq!(found, Ok(expected), "{target}");
        }
    }

    #[test]
    fn hosts_are_checked() {
        let good = [
            "",
            "a",
            "example.org",
            "a_b",
            "127.0.0.1:8000",
            "a:",
            "a:0",
            "a:65535",
            "[::1]",
            "[::1]:80",
            "[2001:db8::ff]",
            "a%20b",
            "a!$&'()*+;=~",
            "xn--caf-dma",
        ];
        for host in good {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        let bad = [
            "a:65536",
            "a:000080",
            "a:-1",
            "a:b",
            "a:1:2",
            "::1",
            "[::1",
            "[]",
            "[::1]80",
            "[v1.a]",
            "[fe80::1%25eth0]",
            "a/b",
            "a?b",
            "a#b",
            "u@a",
            "a b",
            "a%2",
            "a%zz",
            "a\\b",
            "a\"",
            "a<b",
            "caf\u{e9}",
        ];
        for host in bad {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
