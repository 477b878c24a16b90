//! Everything that ends a run early. What a server merely gets wrong is counted instead.

use std::io;
use std::path::PathBuf;

use crate::response::Unreadable;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, or a value on it, makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The command line has an argument that is not known or lacks its value.
    #[error("{0}; see covet-bench --help")]
    Arguments(#[from] lexopt::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The suite's configuration is not valid.
    #[error("{path}: {reason}")]
    Config {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server could not be reached, or closed while its first response was awaited.
    #[error("{address}: {source}")]
    Unreachable {
        /// The server's address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The first response cannot be used to measure with.
    #[error("the first response is of no use: {0}")]
    FirstResponse(#[from] Unreadable),
    /// The first response is not the one that was asked for.
    #[error("the first response has the wrong {what}: {found}, not {expected}")]
    Unexpected {
        /// The part that differs.
        what: &'static str,
        /// What the server sent, shortened.
        found: String,
        /// What was to be sent, shortened.
        expected: String,
    },
    /// The server stopped taking connections in the middle of a run.
    #[error("the server refuses connections: {attempts} in a row failed")]
    Gone {
        /// How many attempts failed one after the other.
        attempts: u32,
    },
    /// A peer of the suite did not come up.
    #[error("{peer}: {reason}")]
    Peer {
        /// The peer's id.
        peer: String,
        /// Why.
        reason: String,
    },
    /// The operating system refused something the measurement needs.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Wraps `source` with the file it is about.
    pub fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }

    /// Wraps `source` with what was being attempted.
    pub fn system(what: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { what, source: source.into() }
    }
}
