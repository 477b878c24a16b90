//! From a request's head to the route that answers it, or to an answer of the engine's own.

use std::borrow::Cow;

use covet_wire::{MethodSet, http1::Head};

use crate::{
    handler::Handler,
    path,
    reply::{self, ReplyMeta},
    router::{Found, Params, RouteId, Slash},
};

/// What is to be done with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision<'b> {
    /// A handler answers.
    Call {
        /// The route that was found.
        route: RouteId,
        /// The one path string.
        path: Cow<'b, str>,
    },
    /// The answer is already written: 400, 404, 405, a redirect, or the reply to OPTIONS.
    Replied,
}

/// Routes a request; where no route answers it, appends the response to `out`.
pub fn decide<'b, H: Handler>(
    handler: &H,
    head: &Head<'_, 'b>,
    params: &mut Params,
    meta: &ReplyMeta,
    out: &mut Vec<u8>,
) -> Decision<'b> {
    let path = match path::normalize(head.path) {
        Ok(path) => path,
        Err(error) => {
            reply::write_error(out, error.status(), error.reason(), meta);
            return Decision::Replied;
        }
    };
    let host = head.host.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
    match handler.find(host, head.method, &path, params) {
        Found::Route(route) => return Decision::Call { route, path },
        Found::NotFound => reply::write_error(out, 404, "Not Found", meta),
        Found::MethodNotAllowed(allowed) => {
            reply::begin(out, 405, meta);
            write_allow(out, allowed);
            out.extend_from_slice(b"content-type: application/json\r\n");
            reply::finish(out, 405, br#"{"detail":"Method Not Allowed"}"#, meta);
        }
        Found::Options(allowed) => {
            reply::begin(out, 204, meta);
            write_allow(out, allowed);
            reply::finish(out, 204, b"", meta);
        }
        Found::Redirect(slash) => write_redirect(out, host, head, slash, meta),
    }
    Decision::Replied
}

fn write_allow(out: &mut Vec<u8>, allowed: MethodSet) {
    out.extend_from_slice(format!("allow: {allowed}\r\n").as_bytes());
}

/// 307 keeps method and body; the location is absolute, as Starlette's is.
fn write_redirect(
    out: &mut Vec<u8>,
    host: &str,
    head: &Head<'_, '_>,
    slash: Slash,
    meta: &ReplyMeta,
) {
    reply::begin(out, 307, meta);
    out.extend_from_slice(b"location: http://");
    out.extend_from_slice(host.as_bytes());
    match slash {
        Slash::Add => {
            out.extend_from_slice(head.path);
            out.push(b'/');
        }
        Slash::Remove => {
            let kept = head.path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
            out.extend_from_slice(&head.path[..kept]);
        }
    }
    if !head.query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(head.query);
    }
    out.extend_from_slice(b"\r\n");
    reply::finish(out, 307, b"", meta);
}
