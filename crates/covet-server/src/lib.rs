//! WAITS: the reactor that accepts connections, reads requests and writes responses.
//!
//! One [`Reactor`] belongs to one thread. It never blocks and never sleeps: its owner watches
//! its descriptor in an event loop of its own and calls [`Reactor::turn`] when that is
//! readable, and [`Reactor::tick`] about once a second for the timeouts.

mod clock;
mod conn;
mod feed;
mod inbox;
mod listener;
mod reactor;
mod replay;
mod settings;
mod stream;

pub use clock::date;
pub use inbox::{Command, Remote};
pub use listener::{BindError, Listener};
pub use reactor::{Reactor, Turn};
pub use replay::replay;
pub use settings::Settings;
