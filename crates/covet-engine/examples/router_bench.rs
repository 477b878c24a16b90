//! Measures the router: nanoseconds per lookup in a table of 500 routes.
//!
//! `cargo run --release -p covet-engine --example router_bench`
//!
//! Each row says what was found. The last rows are built so that a matcher that backtracks without
//! memory would not come to an end.

use std::{hint::black_box, time::Instant};

use covet_engine::{
    path,
    router::{Params, RouteError, Router, RouterBuilder},
};
use covet_wire::{Method, MethodSet};

const ROUNDS: usize = 200;

fn main() -> Result<(), RouteError> {
    let router = table()?;
    println!("{} routes", router.len());
    let mut params = Params::new();
    for (name, method, path) in [
        ("static, short", Method::Get, "/plaintext"),
        ("static, long", Method::Get, "/api/v1/resource42/settings/notifications"),
        ("one parameter", Method::Get, "/items/12345"),
        ("one int parameter", Method::Get, "/orders/12345"),
        ("one parameter, deep", Method::Get, "/api/v1/resource42/12345"),
        ("two parameters, deep", Method::Get, "/api/v1/resource42/12345/comments/678"),
        ("two in one segment", Method::Get, "/dl/report.2026.tar.gz"),
        ("path parameter", Method::Get, "/static/js/vendor/app.min.js"),
        ("host and parameter", Method::Get, "/items/12345"),
        ("405", Method::Delete, "/plaintext"),
        ("404", Method::Get, "/wp-login.php"),
    ] {
        let hosts = hosted()?;
        let (router, host) = if name.starts_with("host") {
            (&hosts, "acme.example.org:8000")
        } else {
            (&router, "")
        };
        let found = router.find(host, method, path, &mut params);
        let ns = measure(5_000, || {
            black_box(router.find(
                black_box(host),
                black_box(method),
                black_box(path),
                &mut params,
            ));
        });
        println!("{name:24} {ns:8.1} ns   {method} {path} -> {found:?}");
    }
    for raw in ["/plaintext", "/items/12345", "/static/js/vendor/app.min.js", "/a%20b"] {
        let ns = measure(5_000, || {
            black_box(path::normalize(black_box(raw))).ok();
        });
        println!("{:24} {ns:8.1} ns   {raw}", "normalize");
    }
    for (name, pattern, path) in adversarial() {
        let mut builder = RouterBuilder::new();
        builder.add(None, MethodSet::of(Method::Get), pattern)?;
        let router = builder.build();
        let found = router.find("", Method::Get, &path, &mut params);
        let ns = measure(1, || {
            black_box(router.find("", Method::Get, black_box(&path), &mut params));
        });
        println!("{name:24} {:8.1} us   {pattern} on {} bytes -> {found:?}", ns / 1e3, path.len());
    }
    Ok(())
}

/// 500 routes as a larger application has them.
fn table() -> Result<Router, RouteError> {
    let mut builder = RouterBuilder::new();
    let mut add = |pattern: &str| builder.add(None, MethodSet::of(Method::Get), pattern);
    for pattern in [
        "/",
        "/plaintext",
        "/json",
        "/items/{id}",
        "/orders/{id:int}",
        "/dl/{name}.{ext}",
        "/health",
    ] {
        add(pattern)?;
    }
    for index in 0..98 {
        add(&format!("/api/v1/resource{index}"))?;
        add(&format!("/api/v1/resource{index}/settings/notifications"))?;
        add(&format!("/api/v1/resource{index}/{{id}}"))?;
        add(&format!("/api/v1/resource{index}/{{id}}/comments"))?;
        add(&format!("/api/v1/resource{index}/{{id}}/comments/{{comment}}"))?;
    }
    for pattern in ["/uploads/{id:uuid}", "/static/{file:path}", "/docs"] {
        add(pattern)?;
    }
    Ok(builder.build())
}

/// A table in which routes ask for hosts.
fn hosted() -> Result<Router, RouteError> {
    let mut builder = RouterBuilder::new();
    for host in [Some("api.example.org"), Some("{tenant}.example.org"), None] {
        for pattern in ["/plaintext", "/items/{id}"] {
            builder.add(host, MethodSet::of(Method::Get), pattern)?;
        }
    }
    Ok(builder.build())
}

fn adversarial() -> Vec<(&'static str, &'static str, String)> {
    let slashes = "/".repeat(16_384);
    vec![
        ("slashes", "/{a:path}/x/{b:path}/y/{c:path}/z", slashes.clone()),
        ("slashes, right end", "/{a:path}/x/{b:path}/y/{c:path}/z", format!("{slashes}/z")),
        ("many x", "/{a:path}/x/{b:path}/y/{c:path}/z", format!("{}/z", "/x".repeat(8_192))),
        ("hyphens", "/{a}-{b}-{c}-{d}-{e}-{f}!{g}", format!("/{}", "-".repeat(16_384))),
        ("digits", "/{a:int}{b:int}{c:float}{d:int}x", format!("/{}y", "1".repeat(16_384))),
    ]
}

/// Nanoseconds per call: the least of many short rounds, because other processes only add to it.
fn measure(calls: u32, mut call: impl FnMut()) -> f64 {
    let round = |_| {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}
