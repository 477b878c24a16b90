//! Host patterns, and which of them a `Host` header matches.

use smallvec::{SmallVec, smallvec};

use super::{
    error::PatternError,
    params::Params,
    pattern::parse_pieces,
    pieces::{self, Piece, Scratch},
    table::StrTable,
};

/// The group of the routes that ask for no host.
pub(super) const ANY_HOST: usize = 0;

/// A parsed host pattern; its text is in lower case and without a port.
#[derive(Clone, Debug)]
pub(super) struct HostPattern {
    pub(super) pieces: Box<[Piece]>,
    pub(super) names: Vec<String>,
}

impl HostPattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, PatternError> {
        let name = match pattern.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => pattern,
        };
        let (mut pieces, names) = parse_pieces(name)?;
        let is_byte = if name.starts_with('[') { is_literal_byte } else { is_name_byte };
        for piece in &mut pieces {
            if let Piece::Literal(text) = piece {
                if !text.bytes().all(is_byte) {
                    return Err(PatternError::InvalidHost);
                }
                text.make_ascii_lowercase();
            }
        }
        if pieces.is_empty() {
            return Err(PatternError::InvalidHost);
        }
        Ok(Self { pieces: pieces.into(), names })
    }

    /// Appends the spans of the parameters in the host that is being looked up.
    pub(super) fn capture(&self, params: &mut Params) {
        if !self.names.is_empty() {
            let host = std::mem::take(&mut params.host);
            pieces::capture(&self.pieces, host.as_bytes(), 0, params);
            params.host = host;
            params.in_host = params.spans.len();
        }
    }
}

/// The groups of routes by the host they ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    exact: StrTable<usize>,
    patterns: Vec<(Box<[Piece]>, usize)>,
}

impl Hosts {
    /// The group of a host pattern, if it has one.
    pub(super) fn get(&self, host: &HostPattern) -> Option<usize> {
        match &*host.pieces {
            [Piece::Literal(name)] => self.exact.get(0, name.as_bytes()).copied(),
            pieces => {
                self.patterns.iter().find(|(other, _)| **other == *pieces).map(|entry| entry.1)
            }
        }
    }

    /// Gives a host pattern that has no group one.
    pub(super) fn insert(&mut self, host: &HostPattern, group: usize) {
        match &*host.pieces {
            [Piece::Literal(name)] => {
                self.exact.entry(0, name.as_bytes(), || group);
            }
            pieces => self.patterns.push((pieces.into(), group)),
        }
    }

    /// The groups that may answer `host`, a name as [`set_host`] leaves it.
    pub(super) fn matching(&self, host: &[u8], scratch: &mut Scratch) -> SmallVec<[usize; 4]> {
        let mut groups = smallvec![ANY_HOST];
        if !host.is_empty() {
            groups.extend(self.exact.get(0, host).copied());
            for (pieces, group) in &self.patterns {
                if pieces::matches(pieces, host, scratch) {
                    groups.push(*group);
                }
            }
        }
        groups
    }
}

/// Keeps the name in a `Host` header in lower case and without its port; nothing if the header is
/// malformed, so that no host pattern matches it (RFC 9110, sections 4.2.3 and 7.2).
pub(super) fn set_host(header: &str, kept: &mut String) {
    kept.clear();
    kept.push_str(name_of(header).unwrap_or_default());
    kept.make_ascii_lowercase();
}

/// The name in a `Host` header without its port, as Starlette accepts it.
pub(super) fn name_of(header: &str) -> Option<&str> {
    let end = match header.strip_prefix('[') {
        Some(literal) => literal.find(']')? + 2,
        None => header.find(':').unwrap_or(header.len()),
    };
    let (name, port) = header.split_at(end);
    let is_port = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_name = match name.strip_prefix('[') {
        Some(literal) => literal.len() > 1 && literal[..literal.len() - 1].bytes().all(is_ip_byte),
        None => !name.is_empty() && name.bytes().all(is_name_byte),
    };
    (is_port && is_name).then_some(name)
}

/// What a registered name may hold (RFC 3986, section 3.2.2).
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_punctuation(byte) || byte == b'%'
}

/// What an IP literal may hold, its brackets included.
const fn is_literal_byte(byte: u8) -> bool {
    is_ip_byte(byte) || matches!(byte, b'[' | b']')
}

/// What the brackets around an IP literal may hold.
const fn is_ip_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_punctuation(byte) || byte == b':'
}

const fn is_punctuation(byte: u8) -> bool {
    matches!(
        byte,
        b'.' | b'_'
            | b'~'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b'-'
    )
}
