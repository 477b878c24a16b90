//! What can be wrong with a route, or with the values a URL is to be built from.

use super::{Convertor, RouteId};

/// Why a route was refused. The messages are for the author of the application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// An earlier route of the same host and shape answers one of the methods, so that this one
    /// could never be reached for it.
    #[error("{route} conflicts with {with}")]
    Conflict {
        /// The route that was refused, as `GET /users/{name}`.
        route: String,
        /// The route that was there before.
        with: String,
    },
    /// The pattern of the path or of the host is malformed.
    #[error("invalid pattern {pattern:?}: {reason}")]
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        reason: PatternError,
    },
    /// The route answers no method.
    #[error("route {pattern:?} has no methods")]
    NoMethods {
        /// The path's pattern.
        pattern: String,
    },
    /// The table is full: 2^32 - 1 routes.
    #[error("too many routes")]
    TooManyRoutes,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A path's pattern must be absolute.
    #[error("it does not start with '/'")]
    NotAbsolute,
    /// A brace without its partner, or a brace inside braces.
    #[error("unbalanced braces")]
    UnbalancedBraces,
    /// `{}` or `{:int}`.
    #[error("a parameter has no name")]
    EmptyName,
    /// A name must be an ASCII identifier.
    #[error("{0:?} is not a valid parameter name")]
    InvalidName(String),
    /// No convertor is called that.
    #[error(
        "unknown convertor {convertor:?} of parameter {name:?}; there are str, int, float, uuid and path"
    )]
    UnknownConvertor {
        /// The parameter's name.
        name: String,
        /// The convertor it asked for.
        convertor: String,
    },
    /// Two parameters of one route share a name.
    #[error("parameter name {0:?} is used twice")]
    DuplicateName(String),
    /// More than [`MAX_PARAMS`](super::MAX_PARAMS) parameters in one route.
    #[error("more than {} parameters", super::MAX_PARAMS)]
    TooManyParams,
    /// Longer than [`MAX_PATTERN`](super::MAX_PATTERN) bytes.
    #[error("longer than {} bytes", super::MAX_PATTERN)]
    TooLong,
    /// `.` and `..` segments never reach the router (see [`crate::path`]).
    #[error("a '.' or '..' segment can never be reached")]
    DotSegment,
    /// The literal text of a host pattern can be in no `Host` header, or there is no text at all.
    #[error("it is not a host name")]
    InvalidHost,
}

/// Why no URL could be built for a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The table has no such route.
    #[error("there is no route {}", .0.0)]
    NoRoute(RouteId),
    /// A parameter of the route was not given.
    #[error("parameter {name:?} of {pattern} is missing")]
    Missing {
        /// The parameter's name.
        name: String,
        /// The route's pattern.
        pattern: String,
    },
    /// The route has no such parameter.
    #[error("{pattern} has no parameter {name:?}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The route's pattern.
        pattern: String,
    },
    /// The convertor would not match the value: a `str` that is empty or holds a `/`, an `int`
    /// that is not all digits, ...
    #[error("parameter {name:?}: {value:?} is not of convertor {convertor}")]
    Invalid {
        /// The parameter's name.
        name: String,
        /// The value that was given.
        value: String,
        /// The convertor that refuses it.
        convertor: Convertor,
    },
    /// The path would have a `.` or `..` segment, which clients resolve and the server refuses.
    #[error("the path {path:?} has a '.' or '..' segment")]
    DotSegment {
        /// The path, decoded.
        path: String,
    },
    /// The values make no host name.
    #[error("{host:?} is not a host name")]
    InvalidHost {
        /// The host that was built.
        host: String,
    },
}
