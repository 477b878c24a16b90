//! The law of the router against a model that is too simple to be wrong: every route alone, tried
//! in order.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use covet_engine::router::{Found, Params, RouteId, Router, RouterBuilder, Slash};
use covet_wire::{Method, MethodSet};
use proptest::{collection::vec, prelude::*, sample::select};

const SEGMENTS: [&str; 14] = [
    "",
    "a",
    "b",
    "ab",
    "1",
    "{p}",
    "{p:int}",
    "{p:float}",
    "{p:path}",
    "a{p}",
    "{p}b",
    "{p}-{q}",
    "{p:int}{q}",
    "x{p:path}b",
];
const TEXTS: [&str; 10] = ["", "a", "b", "ab", "1", "12", "1.5", "a-b", "1-", "xab"];
const HOSTS: [Option<&str>; 4] = [None, None, Some("example.org"), Some("{sub}.example.org")];

const METHODS: [Method; 5] =
    [Method::Get, Method::Head, Method::Post, Method::Options, Method::Other];

#[derive(Debug)]
struct Spec {
    host: Option<&'static str>,
    methods: MethodSet,
    pattern: String,
}

/// A pattern of a few segments, its parameters named apart.
fn pattern() -> impl Strategy<Value = String> {
    vec(select(&SEGMENTS[..]), 1..4).prop_map(|segments| {
        segments.iter().enumerate().fold(String::new(), |pattern, (index, segment)| {
            let named = segment.replace("{p", &format!("{{p{index}"));
            pattern + "/" + &named.replace("{q", &format!("{{q{index}"))
        })
    })
}

fn spec() -> impl Strategy<Value = Spec> {
    let methods = vec(select(&Method::STANDARD[..4]), 1..3);
    (select(&HOSTS[..]), methods, pattern()).prop_map(|(host, methods, pattern)| Spec {
        host,
        methods: methods.into_iter().collect(),
        pattern,
    })
}

fn path() -> impl Strategy<Value = String> {
    vec(select(&TEXTS[..]), 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// A router of one route and one method, which says only whether host and path match.
fn alone(spec: &Spec) -> Router {
    let mut builder = RouterBuilder::new().redirect_slashes(false);
    builder.add(spec.host, MethodSet::of(Method::Get), &spec.pattern).expect("a valid pattern");
    builder.build()
}

struct Model<'s> {
    routes: Vec<(RouteId, &'s Spec, Router)>,
}

impl Model<'_> {
    fn params(&self, index: usize, host: &str, path: &str) -> Option<Vec<String>> {
        let mut params = Params::new();
        let found = self.routes[index].2.find(host, Method::Get, path, &mut params);
        matches!(found, Found::Route(_)).then(|| params.iter(path).map(str::to_owned).collect())
    }

    fn allowed(&self, host: &str, path: &str) -> MethodSet {
        let matching = (0..self.routes.len()).filter(|&at| self.params(at, host, path).is_some());
        let mut methods =
            matching.fold(MethodSet::EMPTY, |set, at| set.union(self.routes[at].1.methods));
        if methods.contains(Method::Get) {
            methods.insert(Method::Head);
        }
        if !methods.is_empty() {
            methods.insert(Method::Options);
        }
        methods
    }

    fn first(&self, host: &str, method: Method, path: &str) -> Option<(RouteId, Vec<String>)> {
        let route = |method| {
            (0..self.routes.len())
                .filter(|&at| self.routes[at].1.methods.contains(method))
                .find_map(|at| Some((self.routes[at].0, self.params(at, host, path)?)))
        };
        let head_as_get = || if method == Method::Head { route(Method::Get) } else { None };
        route(method).or_else(head_as_get)
    }

    fn unrouted(&self, host: &str, method: Method, path: &str) -> Found {
        let allowed = self.allowed(host, path);
        if !allowed.is_empty() {
            return match method {
                Method::Options => Found::Options(allowed),
                _ => Found::MethodNotAllowed(allowed),
            };
        }
        let (slash, other) = if path.ends_with('/') {
            (Slash::Remove, path.trim_end_matches('/').to_owned())
        } else {
            (Slash::Add, format!("{path}/"))
        };
        if self.allowed(host, &other).is_empty() { Found::NotFound } else { Found::Redirect(slash) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_first_route_answers(specs in vec(spec(), 1..12), paths in vec(path(), 1..12)) {
        let mut builder = RouterBuilder::new();
        let mut model = Model { routes: Vec::new() };
        for spec in &specs {
            if let Ok(id) = builder.add(spec.host, spec.methods, &spec.pattern) {
                model.routes.push((id, spec, alone(spec)));
            }
        }
        let router = builder.build();
        let mut params = Params::new();
        for path in &paths {
            for host in ["", "EXAMPLE.org:80", "sub.example.org", "other.net"] {
                for method in METHODS {
                    let found = router.find(host, method, path, &mut params);
                    let values: Vec<&str> = params.iter(path).collect();
                    if let Some((route, expected)) = model.first(host, method, path) {
                        prop_assert_eq!(found, Found::Route(route));
                        prop_assert_eq!(values, expected);
                    } else {
                        prop_assert_eq!(found, model.unrouted(host, method, path));
                        prop_assert!(values.is_empty());
                    }
                }
            }
        }
    }

    /// A route that is reported as shadowed answers nothing; every other static one answers its
    /// own path for some method.
    #[test]
    fn shadowed_routes_never_answer(specs in vec(spec(), 1..16)) {
        let mut builder = RouterBuilder::new();
        let mut added = Vec::new();
        for spec in specs.iter().filter(|spec| spec.host.is_none()) {
            if let Ok(id) = builder.add(None, spec.methods, &spec.pattern) {
                added.push((id, spec));
            }
        }
        let router = builder.build();
        let mut params = Params::new();
        for (id, spec) in added.into_iter().filter(|(_, spec)| !spec.pattern.contains('{')) {
            let by = router.shadowed().find(|(shadowed, _)| *shadowed == id).map(|(_, by)| by);
            let winners: Vec<Found> = spec
                .methods
                .iter()
                .map(|method| router.find("", method, &spec.pattern, &mut params))
                .collect();
            prop_assert_eq!(by.is_none(), winners.contains(&Found::Route(id)));
            prop_assert!(by.is_none_or(|by| by < id && winners[0] == Found::Route(by)));
        }
    }
}
