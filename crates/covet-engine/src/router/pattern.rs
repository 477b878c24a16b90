//! Parses the patterns of paths and hosts.

use super::{
    Convertor,
    error::PatternError,
    params::{Params, Span},
    pieces::{self, Piece, Scratch, segment_len},
};

/// The most parameters one route may have, those of its host included.
pub const MAX_PARAMS: usize = 32;

/// The longest pattern in bytes.
pub const MAX_PATTERN: usize = 2048;

/// A parsed path pattern: segments that each match what is between two slashes and then, if the
/// pattern has a `path` parameter, a tail that matches all the rest.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// The whole pattern as text and parameters in turn.
    pub(super) pieces: Box<[Piece]>,
    pub(super) names: Vec<String>,
    pub(super) segments: Box<[Segment]>,
    pub(super) tail: Option<Box<[Piece]>>,
}

/// The part of a pattern between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Only this text; it may be empty.
    Literal(Box<str>),
    /// Exactly one parameter.
    Whole(Convertor),
    /// Parameters and text, or several parameters; none of them is a `path`.
    Mixed(Box<[Piece]>),
}

impl Segment {
    fn new(mut pieces: Vec<Piece>) -> Self {
        match (pieces.pop(), pieces.is_empty()) {
            (None, _) => Self::Literal("".into()),
            (Some(Piece::Literal(text)), true) => Self::Literal(text),
            (Some(Piece::Param(convertor)), true) => Self::Whole(convertor),
            (Some(last), false) => {
                pieces.push(last);
                Self::Mixed(pieces.into())
            }
        }
    }

    /// Whether the segment matches the whole of `text`, which holds no `/`.
    #[inline]
    pub(super) fn matches(&self, text: &[u8], scratch: &mut Scratch) -> bool {
        match self {
            Self::Literal(literal) => literal.as_bytes() == text,
            Self::Whole(convertor) => convertor.accepts_segment(text),
            Self::Mixed(pieces) => pieces::matches(pieces, text, scratch),
        }
    }
}

impl Pattern {
    pub(super) fn parse(pattern: &str) -> Result<Self, PatternError> {
        if !pattern.starts_with('/') {
            return Err(PatternError::NotAbsolute);
        }
        let (pieces, names) = parse_pieces(pattern)?;
        if pattern.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(PatternError::DotSegment);
        }
        let (segments, tail) = split(&pieces);
        Ok(Self { pieces: pieces.into(), names, segments: segments.into(), tail })
    }

    /// Whether the pattern has no parameters, and so matches one path only.
    pub(super) fn is_static(&self) -> bool {
        self.names.is_empty()
    }

    /// Appends the spans of the parameters in `path`, which is known to match.
    #[inline]
    pub(super) fn capture(&self, path: &[u8], params: &mut Params) {
        let mut start = 1;
        for (index, segment) in self.segments.iter().enumerate() {
            let is_last = index + 1 == self.segments.len() && self.tail.is_none();
            let Some(rest) = path.get(start..) else { return };
            let len = match segment {
                Segment::Literal(literal) => literal.len(),
                _ if is_last => rest.len(),
                _ => segment_len(rest),
            };
            match segment {
                Segment::Literal(_) => {}
                Segment::Whole(_) => params.spans.push(Span::new(start, start + len)),
                Segment::Mixed(pieces) => pieces::capture(pieces, &rest[..len], start, params),
            }
            start += len + 1;
        }
        if let (Some(pieces), Some(rest)) = (&self.tail, path.get(start..)) {
            pieces::capture(pieces, rest, start, params);
        }
    }
}

/// Text and parameters in turn, and the parameters' names.
pub(super) fn parse_pieces(pattern: &str) -> Result<(Vec<Piece>, Vec<String>), PatternError> {
    if pattern.len() > MAX_PATTERN {
        return Err(PatternError::TooLong);
    }
    let (mut pieces, mut names) = (Vec::new(), Vec::new());
    let mut rest = pattern;
    while let Some(brace) = rest.find(['{', '}']) {
        push_literal(&mut pieces, &rest[..brace]);
        let inside = rest[brace..].strip_prefix('{').ok_or(PatternError::UnbalancedBraces)?;
        let (param, after) = inside.split_once('}').ok_or(PatternError::UnbalancedBraces)?;
        let (name, convertor) = parse_param(param)?;
        if names.iter().any(|other| other == name) {
            return Err(PatternError::DuplicateName(name.to_owned()));
        }
        names.push(name.to_owned());
        pieces.push(Piece::Param(convertor));
        rest = after;
    }
    push_literal(&mut pieces, rest);
    if names.len() > MAX_PARAMS {
        return Err(PatternError::TooManyParams);
    }
    Ok((pieces, names))
}

/// `name` or `name:convertor`.
fn parse_param(param: &str) -> Result<(&str, Convertor), PatternError> {
    if param.contains('{') {
        return Err(PatternError::UnbalancedBraces);
    }
    let (name, convertor) = param.split_once(':').unwrap_or((param, "str"));
    if name.is_empty() {
        return Err(PatternError::EmptyName);
    }
    let is_identifier = !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_identifier {
        return Err(PatternError::InvalidName(name.to_owned()));
    }
    match Convertor::from_name(convertor) {
        Some(convertor) => Ok((name, convertor)),
        None => Err(PatternError::UnknownConvertor {
            name: name.to_owned(),
            convertor: convertor.to_owned(),
        }),
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.into()));
    }
}

/// The segments up to the first that has a `path` parameter, and all from there on as a tail.
fn split(pieces: &[Piece]) -> (Vec<Segment>, Option<Box<[Piece]>>) {
    let (mut segments, mut current, mut is_tail) = (Vec::new(), Vec::new(), false);
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Param(convertor) => {
                is_tail |= *convertor == Convertor::Path;
                current.push(piece.clone());
            }
            Piece::Literal(_) if is_tail => current.push(piece.clone()),
            Piece::Literal(text) => {
                // The first slash of a pattern ends no segment.
                let text = if index == 0 { &text[1..] } else { text };
                let mut parts = text.split('/');
                push_literal(&mut current, parts.next().unwrap_or_default());
                for part in parts {
                    segments.push(Segment::new(std::mem::take(&mut current)));
                    push_literal(&mut current, part);
                }
            }
        }
    }
    if is_tail {
        return (segments, Some(current.into()));
    }
    segments.push(Segment::new(current));
    (segments, None)
}
