//! Answers that come later: from the server's own thread or from others.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use covet_engine::handler::RequestKey;

/// What a handler has to say about a request that is outstanding.
///
/// A command whose request is gone (the client left) is dropped.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// More bytes of the response; [`Handler::drained`](covet_engine::handler::Handler::drained)
    /// is called when they have left for the socket.
    Part {
        /// The request.
        key: RequestKey,
        /// Bytes as they go on the wire.
        bytes: Vec<u8>,
    },
    /// The last bytes of the response.
    End {
        /// The request.
        key: RequestKey,
        /// Bytes as they go on the wire.
        bytes: Vec<u8>,
    },
    /// The connection is to be closed once what was sent has left: the response cannot be
    /// completed, and the client must know; or it is complete, and nothing else could tell.
    Abort {
        /// The request.
        key: RequestKey,
    },
    /// The handler takes more of a streamed body.
    ResumeBody {
        /// The request.
        key: RequestKey,
    },
}

impl Command {
    pub(crate) fn key(&self) -> RequestKey {
        match self {
            Self::Part { key, .. }
            | Self::End { key, .. }
            | Self::Abort { key }
            | Self::ResumeBody { key } => *key,
        }
    }
}

/// Sends commands to a reactor from any thread, waking it.
///
/// The queue holds at most one command for each outstanding request of a thread, so it is
/// bounded by the number of those.
#[derive(Clone, Debug)]
pub struct Remote {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Vec<Command>>,
    waker: mio::Waker,
}

impl Remote {
    pub(crate) fn new(waker: mio::Waker) -> Self {
        Self { shared: Arc::new(Shared { queue: Mutex::default(), waker }) }
    }

    /// Hands a command over and wakes the reactor.
    ///
    /// # Errors
    /// When the reactor cannot be woken, which the system does only when it is out of memory.
    pub fn send(&self, command: Command) -> io::Result<()> {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let first = queue.is_empty();
        queue.push(command);
        drop(queue);
        if first { self.shared.waker.wake() } else { Ok(()) }
    }

    pub(crate) fn take(&self) -> Vec<Command> {
        std::mem::take(&mut self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
