//! The router agrees with Starlette's own regular expressions, row for row; see
//! `router_table.py`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use covet_engine::router::{Found, Params, RouteId, Router, RouterBuilder};
use covet_wire::{Method, MethodSet};

const TABLE: &str = include_str!("router_table.tsv");

struct Row {
    kind: String,
    pattern: String,
    text: String,
    /// Names and values, or `None` where nothing matches.
    params: Option<Vec<(String, String)>>,
}

fn rows() -> Vec<Row> {
    TABLE.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

fn row(line: &str) -> Row {
    let mut columns = line
        .split('\t')
        .map(|column| column.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\"));
    let mut next = || columns.next().expect("a column");
    let (kind, pattern, text) = (next(), next(), next());
    let rest: Vec<String> = columns.collect();
    let param = |column: &String| {
        let (name, value) = column.split_once('=').expect("name=value");
        (name.to_owned(), value.to_owned())
    };
    let params = (rest != ["-"]).then(|| rest.iter().map(param).collect());
    Row { kind, pattern, text, params }
}

/// What a router of one route finds, with the names of parameters.
fn found(
    router: &Router,
    host: &str,
    path: &str,
    params: &mut Params,
) -> Option<Vec<(String, String)>> {
    let route = match router.find(host, Method::Get, path, params) {
        Found::Route(route) => route,
        Found::NotFound => return None,
        other => panic!("{other:?} for {host} {path}"),
    };
    assert_eq!(route, RouteId(0));
    let names = router.param_names(route).iter().cloned();
    let values = params.iter(path).map(str::to_owned);
    assert_eq!(params.len(), names.len());
    Some(names.zip(values).collect())
}

#[test]
fn every_row_of_the_table() {
    let rows = rows();
    assert!(rows.len() >= 1_500, "{} rows", rows.len());
    let mut params = Params::new();
    for Row { kind, pattern, text, params: expected } in rows {
        let (host, path) = if kind == "host" { (Some(&*pattern), "/") } else { (None, &*pattern) };
        let mut builder = RouterBuilder::new().redirect_slashes(false);
        builder.add(host, MethodSet::of(Method::Get), path).expect("a valid pattern");
        let router = builder.build();
        let actual = match host {
            Some(_) => found(&router, &text, "/", &mut params),
            None => found(&router, "", &text, &mut params),
        };
        assert_eq!(actual, expected, "{kind} pattern {pattern:?} on {text:?}");
    }
}

/// One table with all path patterns at once: of those that match, the first one answers.
#[test]
fn all_patterns_of_the_table_together() {
    let rows = rows();
    let mut patterns: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.kind == "path") {
        if !patterns.contains(&&*row.pattern) {
            patterns.push(&row.pattern);
        }
    }
    let (mut together, mut params) = (RouterBuilder::new().redirect_slashes(false), Params::new());
    let get = MethodSet::of(Method::Get);
    let mut alone = Vec::new();
    for pattern in patterns {
        let added = together.add(None, get, pattern);
        if added.is_ok() {
            let mut builder = RouterBuilder::new().redirect_slashes(false);
            builder.add(None, get, pattern).expect("a valid pattern");
            alone.push(builder.build());
        }
    }
    let together = together.build();
    for row in rows.iter().filter(|row| row.kind == "path") {
        let first = alone.iter().enumerate().find_map(|(index, router)| {
            found(router, "", &row.text, &mut params).map(|found| (index, found))
        });
        let actual = match together.find("", Method::Get, &row.text, &mut params) {
            Found::Route(route) => Some((route, params.iter(&row.text).collect::<Vec<_>>())),
            _ => None,
        };
        let actual = actual.map(|(route, values)| {
            let names = together.param_names(route).iter().cloned();
            (route.index(), names.zip(values.into_iter().map(str::to_owned)).collect())
        });
        assert_eq!(actual, first, "{:?}", row.text);
    }
}
