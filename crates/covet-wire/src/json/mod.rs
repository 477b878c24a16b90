//! Writing JSON (RFC 8259) into a byte buffer.
//!
//! [`Writer`] is told what to write, one event at a time, and appends compact UTF-8 text: `,` and
//! `:` with no spaces, nothing escaped that need not be. Strings and numbers come out as Python's
//! `json.dumps(..., ensure_ascii=False, separators=(",", ":"))` writes them, byte for byte.
//!
//! ```
//! use covet_wire::json::{Text, Writer};
//!
//! let mut out = Vec::new();
//! let mut json = Writer::new(&mut out);
//! json.begin_object();
//! json.key(Text::Utf8("id"))?;
//! json.i64(7);
//! json.key(Text::Utf8("tags"))?;
//! json.begin_array();
//! json.string(Text::Utf8("a\nb"))?;
//! json.f64(1e16)?;
//! json.end_array();
//! json.end_object();
//! assert_eq!(out, br#"{"id":7,"tags":["a\nb",1e+16]}"#);
//! # Ok::<(), covet_wire::json::WriteError>(())
//! ```

mod copy;
mod escape;
mod number;
mod writer;

pub use writer::{Text, WriteError, Writer};
