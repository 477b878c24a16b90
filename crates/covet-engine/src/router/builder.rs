//! Collects routes, refuses what could never work, and builds the table.

use std::collections::HashMap;

use covet_wire::{Method, MethodSet};

use super::{
    Group, PatternError, Route, RouteError, RouteId, Router,
    host::{ANY_HOST, HostPattern, Hosts},
    pattern::{MAX_PARAMS, Pattern},
    pieces::{Piece, Scratch},
    tree::{First, PerMethod, Visit},
};

/// Collects the routes of a [`Router`], in the order in which they are to be tried.
#[derive(Debug)]
pub struct RouterBuilder {
    routes: Vec<Route>,
    hosts: Hosts,
    group_count: usize,
    /// The routes by their group and by what their pattern is without the parameters' names.
    shapes: HashMap<(usize, Vec<Piece>), Vec<usize>>,
    redirect_slashes: bool,
}

impl Default for RouterBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl RouterBuilder {
    /// No routes; trailing slashes are redirected.
    pub fn new() -> Self {
        Self {
            routes: Vec::new(),
            hosts: Hosts::default(),
            group_count: ANY_HOST + 1,
            shapes: HashMap::new(),
            redirect_slashes: true,
        }
    }

    /// Whether a path that exists but for its trailing slash is a [`Found::Redirect`]
    /// (the default) or a [`Found::NotFound`].
    ///
    /// [`Found::Redirect`]: super::Found::Redirect
    /// [`Found::NotFound`]: super::Found::NotFound
    #[must_use]
    pub fn redirect_slashes(mut self, redirect: bool) -> Self {
        self.redirect_slashes = redirect;
        self
    }

    /// Adds a route after all others. A builder that refused a route is as it was before.
    ///
    /// # Errors
    /// [`RouteError`]: the route is malformed, or an earlier one has the same host, an
    /// overlapping method and the same path, names of parameters aside.
    pub fn add(
        &mut self,
        host: Option<&str>,
        methods: MethodSet,
        pattern: &str,
    ) -> Result<RouteId, RouteError> {
        if methods.is_empty() {
            return Err(RouteError::NoMethods { pattern: pattern.to_owned() });
        }
        let id = u32::try_from(self.routes.len()).map_or(RouteId::NONE, RouteId);
        if id == RouteId::NONE {
            return Err(RouteError::TooManyRoutes);
        }
        let mut route = parse(host, methods, pattern)?;
        let known = route.host.as_ref().map_or(Some(ANY_HOST), |host| self.hosts.get(host));
        route.group = known.unwrap_or(self.group_count);
        let shape = (route.group, route.pattern.pieces.to_vec());
        let same = self.shapes.entry(shape).or_default();
        let overlaps =
            |&&other: &&usize| !self.routes[other].methods.intersection(methods).is_empty();
        if let Some(&other) = same.iter().find(overlaps) {
            let with = self.routes[other].to_string();
            return Err(RouteError::Conflict { route: route.to_string(), with });
        }
        same.push(self.routes.len());
        if let (Some(host), None) = (&route.host, known) {
            self.hosts.insert(host, self.group_count);
            self.group_count += 1;
        }
        self.routes.push(route);
        Ok(id)
    }

    /// The finished table.
    pub fn build(self) -> Router {
        let mut groups = vec![Group::default(); self.group_count];
        for (id, route) in (0..).map(RouteId).zip(&self.routes) {
            groups[route.group].add(id, route);
        }
        for group in &mut groups {
            group.settle();
        }
        Router {
            routes: self.routes,
            hosts: self.hosts,
            groups,
            redirect_slashes: self.redirect_slashes,
        }
    }
}

/// A route that is in no group yet.
fn parse(host: Option<&str>, methods: MethodSet, pattern: &str) -> Result<Route, RouteError> {
    let error = |pattern: &str| {
        let pattern = pattern.to_owned();
        move |reason| RouteError::Pattern { pattern, reason }
    };
    let host_pattern = match host {
        Some(host) => Some(HostPattern::parse(host).map_err(error(host))?),
        None => None,
    };
    let path = Pattern::parse(pattern).map_err(error(pattern))?;
    let mut names = host_pattern.as_ref().map(|host| host.names.clone()).unwrap_or_default();
    if let Some(name) = path.names.iter().find(|name| names.contains(name)) {
        return Err(error(pattern)(PatternError::DuplicateName(name.clone())));
    }
    names.extend(path.names.iter().cloned());
    if names.len() > MAX_PARAMS {
        return Err(error(pattern)(PatternError::TooManyParams));
    }
    Ok(Route {
        methods,
        host_text: host.map(str::to_owned),
        host: host_pattern,
        group: ANY_HOST,
        text: pattern.to_owned(),
        pattern: path,
        names,
    })
}

impl Group {
    fn add(&mut self, id: RouteId, route: &Route) {
        if route.pattern.is_static() {
            self.statics
                .entry(0, route.text.as_bytes(), || PerMethod::NONE)
                .lower(route.methods, id);
        } else {
            self.tree.insert(&route.pattern, route.methods, id);
        }
    }

    /// Lets the answers of static paths know of the dynamic routes that match them as well.
    fn settle(&mut self) {
        let mut scratch = Scratch::default();
        for (path, routes) in self.statics.iter_mut() {
            for method in Method::STANDARD {
                let mut visitor = First { method, route: RouteId::NONE };
                visitor.take(routes);
                self.tree.visit(path, &mut visitor, &mut scratch);
                if visitor.route != RouteId::NONE {
                    routes.lower(MethodSet::of(method), visitor.route);
                }
            }
        }
    }
}
