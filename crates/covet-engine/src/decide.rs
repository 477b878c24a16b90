//! From a request's head to the route that answers it, or to an answer of the engine's own.

use std::borrow::Cow;

use covet_wire::{MethodSet, http1::Head};

use crate::{
    handler::Handler,
    path,
    reply::{self, ReplyMeta},
    router::{Found, Params, RouteId},
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
    if head.path == "*" {
        // RFC 9110, 9.3.7: the server as a whole, which has no options to tell of.
        reply::begin(out, 204, meta);
        reply::finish(out, 204, b"", meta);
        return Decision::Replied;
    }
    let path = match path::normalize(head.path) {
        Ok(path) => path,
        Err(error) => {
            reply::write_error(out, error.status(), error.reason(), meta);
            return Decision::Replied;
        }
    };
    let host = head.host.unwrap_or_default();
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
        Found::Redirect(slash) => {
            write_redirect(out, host, &slash.location(&path), head.query, meta);
        }
    }
    Decision::Replied
}

fn write_allow(out: &mut Vec<u8>, allowed: MethodSet) {
    out.extend_from_slice(format!("allow: {allowed}\r\n").as_bytes());
}

/// 307 keeps method and body; the location is absolute, as Starlette's is, where the client named
/// a host.
fn write_redirect(out: &mut Vec<u8>, host: &[u8], location: &str, query: &str, meta: &ReplyMeta) {
    reply::begin(out, 307, meta);
    out.extend_from_slice(b"location: ");
    if !host.is_empty() {
        out.extend_from_slice(b"http://");
        out.extend_from_slice(host);
    }
    out.extend_from_slice(location.as_bytes());
    if !query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    reply::finish(out, 307, b"", meta);
}
