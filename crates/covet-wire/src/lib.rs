//! Covet's wire formats: bytes to values and back.
//!
//! Nothing here does I/O, reads a clock or knows Python. What comes from a client is read by
//! [`http1`], [`query`], [`cookie`] and [`percent`]; none of them can panic on any input.

pub mod cookie;
pub mod http1;
pub mod json;
mod method;
pub mod percent;
pub mod query;
pub mod status;

pub use method::{Method, MethodSet};
