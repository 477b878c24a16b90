//! Measures HTTP servers: a load generator, its statistics, and reports.
//!
//! [`load::run`] drives one server from one thread; [`suite::run`] starts a set of peers,
//! checks that they answer the same, and measures them in turn. Nothing here knows what a
//! peer is written in: a peer is a command that listens on a port.

pub mod error;
pub mod load;
pub mod machine;
pub mod process;
pub mod request;
pub mod response;
pub mod stats;
pub mod suite;
pub mod template;

pub use error::{Error, Result};
