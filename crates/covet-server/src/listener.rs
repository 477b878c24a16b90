//! Listening sockets: TCP, Unix, or one inherited by descriptor.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    os::fd::{FromRawFd, OwnedFd, RawFd},
    path::{Path, PathBuf},
};

use covet_engine::handler::{Local, Peer};
use mio::{Interest, Registry, Token, event::Source};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::stream::Stream;

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address as the caller named it.
    pub address: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// A socket that accepts connections.
#[derive(Debug)]
pub struct Listener {
    socket: Accepting,
    /// A Unix socket's file, removed when the listener closes.
    path: Option<PathBuf>,
}

#[derive(Debug)]
enum Accepting {
    Tcp(mio::net::TcpListener),
    Unix(mio::net::UnixListener),
}

impl Listener {
    /// Listens on a TCP address; port 0 takes a free one.
    pub fn tcp(host: &str, port: u16, backlog: i32) -> Result<Self, BindError> {
        let address =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self::bind_tcp(host, port, backlog).map_err(|source| BindError { address, source })
    }

    fn bind_tcp(host: &str, port: u16, backlog: i32) -> io::Result<Self> {
        let address = (host, port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address"))?;
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // On `::` for IPv4 too, whatever the system's default.
            socket.set_only_v6(false)?;
        }
        socket.bind(&SockAddr::from(address))?;
        Self::listen(socket, backlog)
    }

    /// Listens on a Unix socket. A socket file nobody listens on any more is replaced.
    pub fn unix(path: &Path, backlog: i32) -> Result<Self, BindError> {
        let failed = |source| BindError { address: path.display().to_string(), source };
        Self::bind_unix(path, backlog).map_err(failed)
    }

    fn bind_unix(path: &Path, backlog: i32) -> io::Result<Self> {
        let address = SockAddr::unix(path)?;
        if is_stale(path, &address)? {
            std::fs::remove_file(path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&address)?;
        let mut listener = Self::listen(socket, backlog)?;
        listener.path = Some(path.to_owned());
        Ok(listener)
    }

    /// Takes over a descriptor that is bound already, as a process manager hands it down.
    pub fn inherited(fd: RawFd, backlog: i32) -> Result<Self, BindError> {
        own(fd)
            .and_then(|fd| Self::listen(Socket::from(fd), backlog))
            .map_err(|source| BindError { address: format!("descriptor {fd}"), source })
    }

    fn listen(socket: Socket, backlog: i32) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.listen(backlog)?;
        let unix = socket.local_addr()?.domain() == Domain::UNIX;
        let fd = OwnedFd::from(socket);
        let socket = if unix {
            Accepting::Unix(mio::net::UnixListener::from_std(fd.into()))
        } else {
            Accepting::Tcp(mio::net::TcpListener::from_std(fd.into()))
        };
        Ok(Self { socket, path: None })
    }

    /// The address that was bound.
    pub fn local(&self) -> io::Result<Local> {
        match &self.socket {
            Accepting::Tcp(listener) => Ok(Local::Tcp(listener.local_addr()?)),
            Accepting::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().map(|path| path.display().to_string());
                Ok(Local::Unix(path.unwrap_or_default()))
            }
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            Accepting::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Accepting::Unix(listener) => listener.register(registry, token, Interest::READABLE),
        }
    }

    pub(crate) fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.socket {
            Accepting::Tcp(listener) => {
                let (stream, client) = listener.accept()?;
                // Nagle would hold a pipelined answer back until the client acknowledges.
                stream.set_nodelay(true)?;
                let server = Local::Tcp(stream.local_addr()?);
                let peer = Peer { client: Some(unmapped(client)), server };
                Ok((Stream::Tcp(stream), peer))
            }
            Accepting::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok((Stream::Unix(stream), Peer { client: None, server: self.local()? }))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Somebody may have removed the file before us.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// An IPv4 client of a dual-stack socket is shown as IPv4.
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Whether `path` is a socket file that no process answers on.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => Ok(false),
        Ok(_) => {
            let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            match probe.connect(address) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(true),
                _ => Ok(false),
            }
        }
    }
}

/// Takes ownership of a raw descriptor handed down by the parent process.
///
/// # Errors
/// When the number is not an open descriptor.
#[allow(unsafe_code, reason = "a descriptor number from the command line has no safe owner")]
fn own(fd: RawFd) -> io::Result<OwnedFd> {
    std::fs::metadata(format!("/proc/self/fd/{fd}"))
        .or_else(|_| std::fs::metadata(format!("/dev/fd/{fd}")))?;
    // SAFETY: the descriptor is open (checked above), and the caller hands it over for good.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
