//! From a route and its parameters back to a path and a host.

use super::{Piece, Route, RouteId, Router, UrlError};
use crate::path;

impl Router {
    /// The path that leads to a route with these parameters, percent-encoded
    /// ([`path::encode`]). Parameters of the route's host may be given too.
    ///
    /// Starlette leaves its `url_path_for` decoded. Here the result can be sent as it is, and
    /// normalizes to a path that the route matches.
    ///
    /// # Errors
    /// [`UrlError`]: a parameter is missing, unknown, or not what its convertor matches; the path
    /// would have a `.` or `..` segment.
    pub fn build_path(&self, route: RouteId, params: &[(&str, &str)]) -> Result<String, UrlError> {
        let route = self.known(route, params)?;
        let built = fill(&route.pattern.pieces, &route.pattern.names, params, &route.text)?;
        if path::has_dot_segment(&built) {
            return Err(UrlError::DotSegment { path: built });
        }
        Ok(path::encode(&built))
    }

    /// The host that leads to a route with these parameters, in lower case and without a port;
    /// `None` for a route that answers all hosts. Parameters of the route's path may be given too.
    ///
    /// # Errors
    /// As for [`build_path`](Self::build_path); a value that no host may hold is
    /// [`UrlError::InvalidHost`].
    pub fn build_host(
        &self,
        route: RouteId,
        params: &[(&str, &str)],
    ) -> Result<Option<String>, UrlError> {
        let route = self.known(route, params)?;
        let Some(host) = &route.host else { return Ok(None) };
        let built = fill(&host.pieces, &host.names, params, &route.text)?;
        match super::host::name_of(&built) {
            Some(name) if name.len() == built.len() => Ok(Some(built.to_ascii_lowercase())),
            _ => Err(UrlError::InvalidHost { host: built }),
        }
    }

    /// The route, if it exists and has all of these parameters.
    fn known(&self, id: RouteId, params: &[(&str, &str)]) -> Result<&Route, UrlError> {
        let route = self.routes.get(id.index()).ok_or(UrlError::NoRoute(id))?;
        match params.iter().find(|(name, _)| !route.names.iter().any(|known| known == name)) {
            None => Ok(route),
            Some((name, _)) => {
                Err(UrlError::Unknown { name: (*name).to_owned(), pattern: route.text.clone() })
            }
        }
    }
}

/// The text of `pieces` with values for their parameters.
fn fill(
    pieces: &[Piece],
    names: &[String],
    params: &[(&str, &str)],
    pattern: &str,
) -> Result<String, UrlError> {
    let mut names = names.iter();
    let mut built = String::new();
    for piece in pieces {
        let convertor = match piece {
            Piece::Param(convertor) => *convertor,
            Piece::Literal(text) => {
                built.push_str(text);
                continue;
            }
        };
        let Some(name) = names.next() else { break };
        let Some((_, value)) = params.iter().find(|(given, _)| given == name) else {
            return Err(UrlError::Missing { name: name.clone(), pattern: pattern.to_owned() });
        };
        if !convertor.accepts(value) {
            let (name, value) = (name.clone(), (*value).to_owned());
            return Err(UrlError::Invalid { name, value, convertor });
        }
        built.push_str(value);
    }
    Ok(built)
}
