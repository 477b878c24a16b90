//! One request over a connection of its own: the first response, and whether it is the right one.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Plan;
use crate::error::{Error, Result};
use crate::request::{Request, Target};
use crate::response::{Unreadable, parse};
use crate::template::Template;

/// How long the first response may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of a body is shown when it is not the expected one, in bytes.
const SHOWN: usize = 200;

/// What one request brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The status code.
    pub status: u16,
    /// The media type, as sent; empty if there is none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends `request` once and returns the response.
///
/// # Errors
/// If the server cannot be reached, closes too early, is silent for 5 s, or answers in a way
/// that this crate cannot measure.
pub fn fetch(target: &Target, request: &Request) -> Result<Fetched> {
    let template = request_once(target, request)?;
    Ok(Fetched {
        status: template.status(),
        content_type: String::from_utf8_lossy(template.content_type()).into_owned(),
        body: template.body().to_vec(),
    })
}

/// Learns what the responses of a run look like and checks the first against the plan.
pub(super) fn learn(plan: &Plan) -> Result<Template> {
    let template = request_once(&plan.target, &plan.request)?;
    let status = template.status();
    if !(200..300).contains(&status) {
        return Err(Error::Unexpected {
            what: "status",
            found: format!("{status} with {}", shown(template.body())),
            expected: "2xx".to_owned(),
        });
    }
    match &plan.expect {
        Some(body) if template.body() != body.as_slice() => Err(Error::Unexpected {
            what: "body",
            found: shown(template.body()),
            expected: shown(body),
        }),
        _ => Ok(template),
    }
}

fn request_once(target: &Target, request: &Request) -> Result<Template> {
    let unreachable = |source| Error::Unreachable { address: target.address.to_string(), source };
    let mut stream = TcpStream::connect_timeout(&target.address, PATIENCE).map_err(unreachable)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(unreachable)?;
    stream.write_all(&request.encode(target)).map_err(unreachable)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while parse(&bytes, request.is_head())?.is_none() {
        match stream.read(&mut chunk).map_err(unreachable)? {
            0 => return Err(unreachable(io::ErrorKind::UnexpectedEof.into())),
            n => bytes.extend_from_slice(&chunk[..n]),
        }
    }
    let template = Template::learn(&bytes, request.is_head())?;
    if template.size() < bytes.len() {
        let reason = "more was sent than one response".to_owned();
        return Err(Unreadable::Malformed(reason).into());
    }
    Ok(template)
}

fn shown(body: &[u8]) -> String {
    let cut = body.len().min(SHOWN);
    let dots = if cut < body.len() { "…" } else { "" };
    format!("`{}`{dots} ({} bytes)", body[..cut].escape_ascii(), body.len())
}
