//! DECIDES from a request to the handler that answers it: path, router, replies, and the trait
//! [`handler::Handler`], the only door outward. No sockets, no runtime, no clock, no Python.

pub mod decide;
pub mod handler;
pub mod path;
pub mod reply;
pub mod router;
