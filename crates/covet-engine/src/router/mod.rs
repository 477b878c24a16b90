//! The router: from host, method and path to a [`RouteId`] and the positions of parameters.
//!
//! # The law
//!
//! Routing is what `FastAPI` and Starlette do: **of all routes that match host, path and method,
//! the one added first answers**, even if a later one is more specific. An application that moves
//! over routes as before. What differs is only how the route is found.
//!
//! # Patterns
//!
//! A pattern is matched against the whole decoded path ([`crate::path::normalize`]).
//!
//! | in a pattern | matches |
//! |---|---|
//! | other text | itself |
//! | `{name}`, `{name:str}` | one or more characters other than `/` |
//! | `{name:int}` | one or more digits |
//! | `{name:float}` | digits, perhaps a point and digits |
//! | `{name:uuid}` | 8-4-4-4-12 hexadecimal digits; each hyphen may be missing |
//! | `{name:path}` | anything, also nothing and `/`, but no line feed |
//!
//! Parameters may stand anywhere, several in one segment, and text may follow a `path`. Where a
//! text can be divided in several ways, the first parameter is as long as possible, then the
//! second, and so on: the regular expressions of Starlette's `compile_path` under `fullmatch`.
//! (Starlette's own `$` would also allow one line feed at the end; here it does not.)
//!
//! A host pattern is written the same way (`{tenant}.example.org`), compared without regard to
//! case or port. A trailing dot is part of the name. Parameters of the host come before those of
//! the path. A route without a host answers all hosts.
//!
//! # When no route answers
//!
//! - `HEAD` goes to a `GET` route if no route has `HEAD` itself.
//! - `OPTIONS`, unless a route has it, is [`Found::Options`] on every path that exists.
//! - A path that exists under other methods is [`Found::MethodNotAllowed`], with the methods of
//!   all its routes.
//! - A path that exists under some method when one trailing slash is added, or all trailing
//!   slashes are removed, is [`Found::Redirect`], unless
//!   [`redirect_slashes`](RouterBuilder::redirect_slashes) is off.
//!
//! # How it is found, and what that costs
//!
//! Paths without parameters are in a hash table, each with the answer for every method, computed
//! at start-up from the static and the dynamic routes together: O(path). The other patterns are in
//! a tree by segment, which a lookup walks depth-first, leaving out what cannot come before the
//! best route found so far; every node is entered at most once. Several parameters in one segment,
//! and patterns with a `path`, are matched in O(pieces x bytes) whatever the text. So the worst
//! case of a lookup is **O(size of the routing table x length of the path)**, and usually it is
//! O(length of the path). A path that no method answers costs two more such walks. Nothing is
//! allocated once a [`Params`] has been through a few requests.

mod builder;
mod convertor;
mod error;
mod host;
mod params;
mod pattern;
mod pieces;
mod table;
mod tree;
mod url;

use std::fmt;

use covet_wire::{Method, MethodSet};
use smallvec::SmallVec;

pub use self::{
    builder::RouterBuilder,
    convertor::Convertor,
    error::{PatternError, RouteError, UrlError},
    params::Params,
    pattern::{MAX_PARAMS, MAX_PATTERN},
};
use self::{
    host::{ANY_HOST, HostPattern, Hosts},
    pattern::Pattern,
    pieces::{Piece, Scratch},
    table::StrTable,
    tree::{First, PerMethod, Tree, Union, Visit},
};

/// A route: how many routes were added before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);

impl RouteId {
    /// No route; after every other.
    const NONE: Self = Self(u32::MAX);

    /// The position of the route in the order of registration.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// This route answers; its parameters are in the [`Params`].
    Route(RouteId),
    /// `OPTIONS` on a path that exists, and no route answers it: 204 with these methods in
    /// `Allow` (RFC 9110, section 9.3.7).
    Options(MethodSet),
    /// The path exists, but not for this method: 405 with these methods in `Allow`, `HEAD` where
    /// `GET` is and `OPTIONS` always among them (RFC 9110, section 15.5.6).
    MethodNotAllowed(MethodSet),
    /// The path exists but for its trailing slash: 307 to [`Slash::location`].
    Redirect(Slash),
    /// Nothing is there: 404.
    NotFound,
}

/// What is to be done to the end of a path so that it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slash {
    /// A slash is missing.
    Add,
    /// All trailing slashes are too many.
    Remove,
}

impl Slash {
    /// The path to redirect to, percent-encoded; `path` is the path that was looked up.
    ///
    /// It is to be made of this decoded path, not of the bytes the client sent: `/a%2F` without
    /// its slash is `/a`. It never begins with `//`, which a client would take for a host.
    pub fn location(self, path: &str) -> String {
        match self {
            Self::Add => crate::path::encode(&format!("{path}/")),
            Self::Remove => crate::path::encode(path.trim_end_matches('/')),
        }
    }
}

/// A table of routes, complete and read-only. See the [module](self) for the rules.
#[derive(Clone, Debug)]
pub struct Router {
    routes: Vec<Route>,
    hosts: Hosts,
    /// The routes by host; those for any host first.
    groups: Vec<Group>,
    redirect_slashes: bool,
}

/// A route as it was added.
#[derive(Clone, Debug)]
struct Route {
    methods: MethodSet,
    /// The host pattern as written.
    host_text: Option<String>,
    host: Option<HostPattern>,
    group: usize,
    /// The path pattern as written.
    text: String,
    pattern: Pattern,
    /// The names of all parameters, those of the host first.
    names: Vec<String>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.methods, self.host_text.as_deref().unwrap_or(""), self.text)
    }
}

/// The routes of one host.
#[derive(Clone, Debug, Default)]
struct Group {
    /// The answers for every path without parameters that some route has.
    statics: StrTable<PerMethod>,
    tree: Tree,
}

impl Group {
    #[inline]
    fn visit(&self, path: &[u8], visitor: &mut impl Visit, scratch: &mut Scratch) {
        match self.statics.get(0, path) {
            Some(routes) => visitor.take(routes),
            None => self.tree.visit(path, visitor, scratch),
        }
    }
}

impl Router {
    /// A builder with no routes.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }

    /// Finds what answers a request.
    ///
    /// `host` is the `Host` header as sent, port and all, or empty; it is not looked at unless
    /// some route asks for a host. `path` is the decoded path. `params` is overwritten.
    #[inline]
    pub fn find(&self, host: &str, method: Method, path: &str, params: &mut Params) -> Found {
        params.clear();
        if u32::try_from(path.len()).is_err() {
            return Found::NotFound;
        }
        if let [group] = &*self.groups {
            return self.find_in(&[group], method, path, params);
        }
        host::set_host(host, &mut params.host);
        let matching = self.hosts.matching(params.host.as_bytes(), &mut params.scratch);
        let groups: SmallVec<[&Group; 4]> =
            matching.iter().map(|&index| &self.groups[index]).collect();
        self.find_in(&groups, method, path, params)
    }

    #[inline]
    fn find_in(&self, groups: &[&Group], method: Method, path: &str, params: &mut Params) -> Found {
        let mut route = first(groups, method, path, &mut params.scratch);
        if route == RouteId::NONE && method == Method::Head {
            route = first(groups, Method::Get, path, &mut params.scratch);
        }
        let Some(found) = self.routes.get(route.index()) else {
            return self.unrouted(groups, method, path, params);
        };
        if !found.names.is_empty() {
            if let Some(host) = &found.host {
                host.capture(params);
            }
            found.pattern.capture(path.as_bytes(), params);
        }
        Found::Route(route)
    }

    /// What to say when no route answers.
    #[cold]
    fn unrouted(
        &self,
        groups: &[&Group],
        method: Method,
        path: &str,
        params: &mut Params,
    ) -> Found {
        let methods = allowed(groups, path, &mut params.scratch);
        if !methods.is_empty() {
            return match method {
                Method::Options => Found::Options(methods),
                _ => Found::MethodNotAllowed(methods),
            };
        }
        if !self.redirect_slashes {
            return Found::NotFound;
        }
        let Params { slashed, scratch, .. } = params;
        let (slash, other) = if path.ends_with('/') {
            (Slash::Remove, path.trim_end_matches('/'))
        } else {
            slashed.clear();
            slashed.extend([path, "/"]);
            (Slash::Add, &**slashed)
        };
        if allowed(groups, other, scratch).is_empty() {
            return Found::NotFound;
        }
        Found::Redirect(slash)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there are no routes.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Whether some route asks for a host.
    pub fn has_hosts(&self) -> bool {
        self.groups.len() > 1
    }

    /// The path pattern of a route as it was added; empty if there is no such route.
    pub fn pattern(&self, route: RouteId) -> &str {
        self.routes.get(route.index()).map_or("", |route| &route.text)
    }

    /// The host pattern of a route as it was added.
    pub fn host(&self, route: RouteId) -> Option<&str> {
        self.routes.get(route.index())?.host_text.as_deref()
    }

    /// The methods a route was added with.
    pub fn methods(&self, route: RouteId) -> MethodSet {
        self.routes.get(route.index()).map_or(MethodSet::EMPTY, |route| route.methods)
    }

    /// The names of a route's parameters, in the order of [`Params`].
    pub fn param_names(&self, route: RouteId) -> &[String] {
        self.routes.get(route.index()).map_or(&[], |route| &route.names)
    }

    /// The convertors of a route's parameters, in the order of [`Params`].
    pub fn convertors(&self, route: RouteId) -> impl Iterator<Item = Convertor> {
        let pieces = |route: &'_ Route| -> Vec<Convertor> {
            let host = route.host.iter().flat_map(|host| &*host.pieces);
            let params = host.chain(&*route.pattern.pieces).filter_map(|piece| match piece {
                Piece::Param(convertor) => Some(*convertor),
                Piece::Literal(_) => None,
            });
            params.collect()
        };
        self.routes.get(route.index()).map(pieces).unwrap_or_default().into_iter()
    }

    /// The routes without parameters that can never answer, because earlier routes match the same
    /// path for all their methods; each with the route that answers its first method instead.
    ///
    /// That is legal, as in `FastAPI`, but hardly ever meant: `/users/me` after `/users/{id}`.
    pub fn shadowed(&self) -> impl Iterator<Item = (RouteId, RouteId)> {
        let mut scratch = Scratch::default();
        (0..).map(RouteId).zip(&self.routes).filter_map(move |(id, route)| {
            if !route.pattern.is_static() {
                return None;
            }
            let groups = [&self.groups[ANY_HOST], &self.groups[route.group]];
            let mut winners = route
                .methods
                .iter()
                .map(|method| first(&groups, method, &route.text, &mut scratch));
            let by = winners.next()?;
            (by < id && winners.all(|winner| winner < id)).then_some((id, by))
        })
    }
}

/// The first route for exactly this method, or [`RouteId::NONE`].
#[inline(always)]
fn first(groups: &[&Group], method: Method, path: &str, scratch: &mut Scratch) -> RouteId {
    let mut visitor = First { method, route: RouteId::NONE };
    for group in groups {
        group.visit(path.as_bytes(), &mut visitor, scratch);
    }
    visitor.route
}

/// The methods that some route answers on this path, with those that the router adds.
fn allowed(groups: &[&Group], path: &str, scratch: &mut Scratch) -> MethodSet {
    let mut visitor = Union(MethodSet::EMPTY);
    for group in groups {
        group.visit(path.as_bytes(), &mut visitor, scratch);
    }
    let Union(mut methods) = visitor;
    if methods.contains(Method::Get) {
        methods.insert(Method::Head);
    }
    if !methods.is_empty() {
        methods.insert(Method::Options);
    }
    methods
}
