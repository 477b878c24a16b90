//! The request body: a machine that passes it through, stripped of its framing.

use super::{Framing, Limits, WireError, is_token_byte, is_value_byte};
use crate::percent::hex;

/// Hexadecimal digits of a chunk size, leading zeros included; any such number fits a `u64`.
const MAX_SIZE_DIGITS: u8 = 16;
/// Bytes of chunk extensions a body may have beyond as many as it has data.
const MAX_EXTENSIONS: u64 = 16 << 10;

/// Decodes one request body, delimited as its head said.
///
/// ```
/// use covet_wire::http1::{BodyDecoder, Framing, Limits, Piece};
///
/// let mut input: &[u8] = b"5\r\nhello\r\n0\r\n\r\nGET /next";
/// let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
/// let mut body = Vec::new();
/// loop {
///     let (consumed, piece) = decoder.decode(input)?;
///     input = &input[consumed..];
///     match piece {
///         Piece::Data(data) => body.extend_from_slice(data),
///         Piece::NeedMore => unreachable!("the body is complete"),
///         Piece::End => break,
///     }
/// }
/// assert_eq!(body, b"hello");
/// assert_eq!(input, b"GET /next");
/// # Ok::<(), covet_wire::http1::WireError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    /// Data bytes that the current chunk, or a body of known length, still has.
    remaining: u64,
    /// Data bytes that chunks yet to come may have.
    allowance: u64,
    /// Bytes of extensions that chunks yet to come may have.
    extensions: u64,
    /// Bytes that trailers yet to come may have.
    trailers: usize,
}

/// What a call of [`BodyDecoder::decode`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// Some of the body, never empty. Call again.
    Data(&'b [u8]),
    /// All of the input is consumed and the body goes on.
    NeedMore,
    /// The body is complete; what was not consumed belongs to the next request.
    End,
}

/// Where in the body the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a body of known length.
    Length,
    /// In a chunk size, after so many digits.
    Size(u8),
    /// In whitespace after a chunk size: an extension must follow.
    SizeSpace,
    /// In a chunk extension.
    Extension,
    /// After the CR of a chunk's first line.
    SizeLf,
    /// In a chunk's data.
    Data,
    /// After a chunk's data.
    DataCr,
    /// After the CR that follows a chunk's data.
    DataLf,
    /// At the start of a line after the last chunk.
    TrailerStart,
    /// In a trailer's name.
    TrailerName,
    /// In a trailer's value.
    TrailerValue,
    /// After the CR of a trailer.
    TrailerLf,
    /// After the CR of the empty line that ends the body.
    EndLf,
    /// After the body.
    End,
    /// After an error.
    Failed(WireError),
}

impl BodyDecoder {
    /// A decoder for a body delimited by `framing`.
    #[inline]
    pub fn new(framing: Framing, limits: &Limits) -> Self {
        let (state, remaining) = match framing {
            Framing::None | Framing::Length(0) => (State::End, 0),
            Framing::Length(length) => (State::Length, length),
            Framing::Chunked => (State::Size(0), 0),
        };
        Self {
            state,
            remaining,
            allowance: limits.max_body,
            extensions: MAX_EXTENSIONS,
            trailers: limits.max_head,
        }
    }

    /// Whether the whole body has been decoded.
    #[inline]
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Takes the next piece off `input`; returns it with the number of bytes consumed.
    ///
    /// Call again with the input that was not consumed until this returns [`Piece::NeedMore`]
    /// or [`Piece::End`]; from then on it keeps returning `(0, Piece::End)`.
    ///
    /// # Errors
    ///
    /// Any [`WireError`] about chunks, [`WireError::BodyTooLarge`] or
    /// [`WireError::TrailersTooLarge`]; the same one again when called again.
    #[inline]
    pub fn decode<'b>(&mut self, input: &'b [u8]) -> Result<(usize, Piece<'b>), WireError> {
        match self.state {
            State::End => Ok((0, Piece::End)),
            State::Length => Ok(self.take_data(input, State::End)),
            _ => self.decode_chunks(input),
        }
    }

    /// Passes data through; in state `after` once there is no more.
    fn take_data<'b>(&mut self, input: &'b [u8], after: State) -> (usize, Piece<'b>) {
        let len = usize::try_from(self.remaining).map_or(input.len(), |left| left.min(input.len()));
        if len == 0 {
            return (0, Piece::NeedMore);
        }
        self.remaining -= len as u64;
        if self.remaining == 0 {
            self.state = after;
        }
        (len, Piece::Data(&input[..len]))
    }

    fn decode_chunks<'b>(&mut self, input: &'b [u8]) -> Result<(usize, Piece<'b>), WireError> {
        for (position, &byte) in input.iter().enumerate() {
            match self.state {
                State::Data => {
                    let (len, piece) = self.take_data(&input[position..], State::DataCr);
                    return Ok((position + len, piece));
                }
                State::End => return Ok((position, Piece::End)),
                _ => {}
            }
            self.state = self.step(byte).unwrap_or_else(State::Failed);
            if let State::Failed(error) = self.state {
                return Err(error);
            }
        }
        match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok((input.len(), Piece::End)),
            _ => Ok((input.len(), Piece::NeedMore)),
        }
    }

    /// The state after one byte of framing.
    fn step(&mut self, byte: u8) -> Result<State, WireError> {
        match (self.state, byte) {
            (State::Size(digits), _) => self.step_size(digits, byte),
            (State::SizeSpace, b' ' | b'\t' | b';') | (State::Extension, _) => {
                self.step_extension(byte)
            }
            (State::SizeSpace, _) => Err(WireError::InvalidChunkSize),
            (State::SizeLf, b'\n') => self.begin_chunk(),
            (State::SizeLf, _) => Err(WireError::InvalidLineEnd),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size(0)),
            (State::DataCr | State::DataLf, _) => Err(WireError::InvalidChunkEnd),
            (State::Failed(error), _) => Err(error),
            (State::Length | State::Data | State::End, _) => Ok(self.state),
            _ => self.step_trailer(byte),
        }
    }

    fn step_size(&mut self, digits: u8, byte: u8) -> Result<State, WireError> {
        match (byte, hex(byte)) {
            (_, Some(digit)) if digits < MAX_SIZE_DIGITS => {
                self.remaining = self.remaining << 4 | u64::from(digit);
                Ok(State::Size(digits + 1))
            }
            (b'\r', _) if digits > 0 => Ok(State::SizeLf),
            (b';' | b' ' | b'\t', _) if digits > 0 => self.step_extension(byte),
            _ => Err(WireError::InvalidChunkSize),
        }
    }

    fn step_extension(&mut self, byte: u8) -> Result<State, WireError> {
        if byte == b'\r' {
            return Ok(State::SizeLf);
        }
        if !is_value_byte(byte) {
            return Err(WireError::InvalidChunkExtension);
        }
        self.extensions =
            self.extensions.checked_sub(1).ok_or(WireError::ChunkExtensionsTooLarge)?;
        let in_space = self.state != State::Extension && byte != b';';
        Ok(if in_space { State::SizeSpace } else { State::Extension })
    }

    /// After a chunk's first line: its data, or the trailers if it is the last.
    fn begin_chunk(&mut self) -> Result<State, WireError> {
        if self.remaining == 0 {
            return Ok(State::TrailerStart);
        }
        self.allowance =
            self.allowance.checked_sub(self.remaining).ok_or(WireError::BodyTooLarge)?;
        self.extensions = self.extensions.saturating_add(self.remaining);
        Ok(State::Data)
    }

    fn step_trailer(&mut self, byte: u8) -> Result<State, WireError> {
        self.trailers = self.trailers.checked_sub(1).ok_or(WireError::TrailersTooLarge)?;
        match (self.state, byte) {
            (State::TrailerStart, b'\r') => Ok(State::EndLf),
            (State::TrailerName, b':') => Ok(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                Ok(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => Ok(State::TrailerLf),
            (State::TrailerValue, _) if is_value_byte(byte) => Ok(State::TrailerValue),
            (State::TrailerLf, b'\n') => Ok(State::TrailerStart),
            (State::EndLf, b'\n') => Ok(State::End),
            (State::TrailerLf | State::EndLf, _) => Err(WireError::InvalidLineEnd),
            _ => Err(WireError::InvalidTrailer),
        }
    }
}
