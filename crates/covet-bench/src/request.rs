//! The request a run repeats: where it goes and the bytes it is.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::error::{Error, Result};

/// The `http://host:port/path?query` a run is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The resolved address.
    pub address: SocketAddr,
    /// What the `Host` header says.
    pub host: String,
    /// Path and query, as sent.
    pub path: String,
}

impl Target {
    /// Reads an `http://` URL and resolves its host. The port defaults to 80, the path to `/`.
    ///
    /// # Errors
    /// [`Error::Usage`] if the URL is not one, [`Error::Unreachable`] if the host has no address.
    pub fn parse(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| Error::Usage(format!("{url}: not an http:// URL")))?;
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(split);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { address: resolve(host)?, host: host.to_owned(), path })
    }

    /// The same path on `127.0.0.1:port`.
    pub fn local(port: u16, path: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { address, host: address.to_string(), path: path.to_owned() }
    }
}

fn resolve(host: &str) -> Result<SocketAddr> {
    let with_port = if host.rsplit(']').next().is_some_and(|tail| tail.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let unreachable = |source| Error::Unreachable { address: host.to_owned(), source };
    with_port
        .to_socket_addrs()
        .map_err(unreachable)?
        .next()
        .ok_or_else(|| unreachable(std::io::ErrorKind::AddrNotAvailable.into()))
}

/// What is asked of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Headers beside `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body; no `Content-Length` is sent for an empty one.
    pub body: Vec<u8>,
}

impl Default for Request {
    fn default() -> Self {
        Self { method: "GET".to_owned(), headers: Vec::new(), body: Vec::new() }
    }
}

impl Request {
    /// The bytes of this request to `target`, in HTTP/1.1.
    pub fn encode(&self, target: &Target) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, target.path, target.host);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !self.body.is_empty() {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }

    /// Whether responses to it have no body, whatever their headers say (RFC 9110 § 9.3.2).
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

/// Reads `Name: value`.
///
/// # Errors
/// [`Error::Usage`] if there is no colon.
pub fn parse_header(line: &str) -> Result<(String, String)> {
    let (name, value) =
        line.split_once(':').ok_or_else(|| Error::Usage(format!("{line}: not `Name: value`")))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Request, Target, parse_header};

    #[test]
    fn urls() {
        let cases = [
            ("http://127.0.0.1:8000/a?b=c", "127.0.0.1:8000", "127.0.0.1:8000", "/a?b=c"),
            ("http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1:8000", "/"),
            ("http://127.0.0.1?x=1", "127.0.0.1:80", "127.0.0.1", "/?x=1"),
            ("http://[::1]:81/", "[::1]:81", "[::1]:81", "/"),
            ("http://[::1]/", "[::1]:80", "[::1]", "/"),
        ];
        for (url, address, host, path) in cases {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.address.to_string(), address, "{url}");
            assert_eq!((target.host.as_str(), target.path.as_str()), (host, path), "{url}");
        }
        for url in ["https://127.0.0.1/", "127.0.0.1:80", "http://:x/"] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn encodes_get_and_post() {
        let target = Target::local(81, "/p");
        assert_eq!(
            Request::default().encode(&target),
            b"GET /p HTTP/1.1\r\nHost: 127.0.0.1:81\r\n\r\n"
        );
        let post = Request {
            method: "POST".to_owned(),
            headers: vec![("X-A".to_owned(), "b".to_owned())],
            body: b"hi".to_vec(),
        };
        assert_eq!(
            post.encode(&target),
            b"POST /p HTTP/1.1\r\nHost: 127.0.0.1:81\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi"
        );
    }

    #[test]
    fn headers() {
        assert_eq!(parse_header("A:  b:c ").unwrap(), ("A".to_owned(), "b:c".to_owned()));
        assert!(parse_header("no colon").is_err());
    }
}
