//! The rules of the router that stand beside matching: conflicts, methods, hosts, slashes, URLs.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use covet_engine::{
    path,
    router::{
        Convertor, Found, MAX_PARAMS, MAX_PATTERN, Params, PatternError, RouteError, RouteId,
        Router, RouterBuilder, Slash, UrlError,
    },
};
use covet_wire::{Method, MethodSet};

const GET: MethodSet = MethodSet::of(Method::Get);
const POST: MethodSet = MethodSet::of(Method::Post);

fn set(methods: &[Method]) -> MethodSet {
    methods.iter().copied().collect()
}

type Spec<'a> = (Option<&'a str>, MethodSet, &'a str);

fn router(specs: &[Spec<'_>]) -> Router {
    let mut builder = RouterBuilder::new();
    for &(host, methods, pattern) in specs {
        builder.add(host, methods, pattern).expect("a valid route");
    }
    builder.build()
}

fn find(router: &Router, host: &str, method: Method, path: &str) -> Found {
    router.find(host, method, path, &mut Params::new())
}

#[test]
fn conflicts_name_both_routes() {
    let any = None;
    let org = Some("example.org");
    let cases: &[(Spec<'_>, Spec<'_>, Option<&str>)] = &[
        (
            (any, GET, "/users/{id}"),
            (any, GET, "/users/{name}"),
            Some("GET /users/{name} conflicts with GET /users/{id}"),
        ),
        (
            (any, GET.union(POST), "/x"),
            (any, POST, "/x"),
            Some("POST /x conflicts with GET, POST /x"),
        ),
        (
            (org, GET, "/{a}"),
            (Some("EXAMPLE.org:80"), GET, "/{b:str}"),
            Some("GET EXAMPLE.org:80/{b:str} conflicts with GET example.org/{a}"),
        ),
        (
            (Some("{a}.org"), GET, "/"),
            (Some("{b}.org"), GET, "/"),
            Some("GET {b}.org/ conflicts with GET {a}.org/"),
        ),
        (
            (any, GET, "/f/{a:path}/x{b}"),
            (any, GET, "/f/{c:path}/x{d}"),
            Some("GET /f/{c:path}/x{d} conflicts with GET /f/{a:path}/x{b}"),
        ),
        ((any, GET, "/users/{id}"), (any, POST, "/users/{name}"), None),
        ((any, GET, "/users/{id}"), (any, GET, "/users/{id:int}"), None),
        ((any, GET, "/users/{id}"), (any, GET, "/users/{id}/"), None),
        ((any, GET, "/users/{id}"), (any, GET, "/users/me"), None),
        ((any, GET, "/users/{id}"), (org, GET, "/users/{id}"), None),
        ((any, GET, "/users/{id}"), (any, set(&[Method::Head]), "/users/{id}"), None),
    ];
    for (first, second, expected) in cases {
        let mut builder = RouterBuilder::new();
        assert_eq!(builder.add(first.0, first.1, first.2), Ok(RouteId(0)));
        let added = builder.add(second.0, second.1, second.2);
        match expected {
            None => assert_eq!(added, Ok(RouteId(1)), "{first:?} {second:?}"),
            Some(message) => {
                let error = added.expect_err("a conflict");
                assert!(matches!(error, RouteError::Conflict { .. }), "{error:?}");
                assert_eq!(error.to_string(), *message);
                assert_eq!(builder.build().len(), 1);
            }
        }
    }
}

#[test]
fn malformed_patterns_are_refused() {
    let invalid = |name: &str| PatternError::InvalidName(name.to_owned());
    let unknown = |convertor: &str| PatternError::UnknownConvertor {
        name: "a".to_owned(),
        convertor: convertor.to_owned(),
    };
    let duplicate = || PatternError::DuplicateName("a".to_owned());
    let segments = |count| (0..count).map(|index| format!("/{{p{index}}}")).collect::<Vec<_>>();
    let most = segments(MAX_PARAMS).concat();
    let many = segments(MAX_PARAMS + 1).concat();
    let long = format!("/{}", "a".repeat(MAX_PATTERN));
    let cases: &[(Option<&str>, &str, PatternError)] = &[
        (None, "", PatternError::NotAbsolute),
        (None, "users", PatternError::NotAbsolute),
        (None, "{a}", PatternError::NotAbsolute),
        (None, "/{a", PatternError::UnbalancedBraces),
        (None, "/a}", PatternError::UnbalancedBraces),
        (None, "/{a}}", PatternError::UnbalancedBraces),
        (None, "/{{a}}", PatternError::UnbalancedBraces),
        (None, "/{a{b}}", PatternError::UnbalancedBraces),
        (None, "/{}", PatternError::EmptyName),
        (None, "/{:int}", PatternError::EmptyName),
        (None, "/{1a}", invalid("1a")),
        (None, "/{a-b}", invalid("a-b")),
        (None, "/{ a}", invalid(" a")),
        (None, "/{caf\u{e9}}", invalid("caf\u{e9}")),
        (None, "/{a:}", unknown("")),
        (None, "/{a:Int}", unknown("Int")),
        (None, "/{a:int:b}", unknown("int:b")),
        (None, "/{a}/{a}", duplicate()),
        (None, "/{a}-{a:int}", duplicate()),
        (Some("{a}.org"), "/{a}", duplicate()),
        (None, &many, PatternError::TooManyParams),
        (Some("{x}.org"), &most, PatternError::TooManyParams),
        (None, &long, PatternError::TooLong),
        (None, "/a/../b", PatternError::DotSegment),
        (None, "/.", PatternError::DotSegment),
        (None, "/{a:path}/../b", PatternError::DotSegment),
        (Some(""), "/", PatternError::InvalidHost),
        (Some("exa mple.org"), "/", PatternError::InvalidHost),
        (Some("http://example.org"), "/", PatternError::InvalidHost),
        (Some("caf\u{e9}.org"), "/", PatternError::InvalidHost),
        (Some("{a.org"), "/", PatternError::UnbalancedBraces),
    ];
    for (host, pattern, expected) in cases {
        let mut builder = RouterBuilder::new();
        match builder.add(*host, GET, pattern) {
            Err(RouteError::Pattern { reason, .. }) => assert_eq!(reason, *expected, "{pattern:?}"),
            other => panic!("{host:?} {pattern:?}: {other:?}"),
        }
    }
    let mut builder = RouterBuilder::new();
    assert!(matches!(builder.add(None, MethodSet::EMPTY, "/"), Err(RouteError::NoMethods { .. })));
    let error = builder.add(None, GET, "/{a:date}").expect_err("an unknown convertor");
    assert_eq!(
        error.to_string(),
        "invalid pattern \"/{a:date}\": unknown convertor \"date\" of parameter \"a\"; \
         there are str, int, float, uuid and path"
    );
    assert_eq!(builder.add(None, GET, &most), Ok(RouteId(0)));
}

#[test]
fn methods() {
    use Method::{Connect, Delete, Get, Head, Options, Other, Patch, Post, Put};

    let router = router(&[
        (None, GET, "/a"),
        (None, POST, "/{x}"),
        (None, set(&[Method::Head]), "/{x:path}"),
        (None, set(&[Method::Options, Method::Put]), "/o"),
        (None, GET, "/g/{x}"),
        (None, set(&[Method::Delete]), "/g/{x:int}"),
    ]);
    let allow = |methods: &[Method]| Found::MethodNotAllowed(set(methods));
    for (method, path, expected) in [
        (Get, "/a", Found::Route(RouteId(0))),
        (Post, "/a", Found::Route(RouteId(1))),
        // An explicit HEAD comes before the GET that could stand in for it.
        (Head, "/a", Found::Route(RouteId(2))),
        (Patch, "/a", allow(&[Get, Head, Post, Options])),
        (Options, "/a", Found::Options(set(&[Get, Head, Post, Options]))),
        (Get, "/b", allow(&[Head, Post, Options])),
        (Options, "/o", Found::Route(RouteId(3))),
        (Other, "/g/1", allow(&[Get, Head, Delete, Options])),
        (Connect, "/g/x", allow(&[Get, Head, Options])),
        (Put, "/q/q", allow(&[Head, Options])),
        (Delete, "/g/1", Found::Route(RouteId(5))),
    ] {
        assert_eq!(find(&router, "", method, path), expected, "{method} {path}");
    }
    let only_get = self::router(&[(None, GET, "/{x}")]);
    assert_eq!(find(&only_get, "", Head, "/a"), Found::Route(RouteId(0)));
    assert_eq!(find(&only_get, "", Options, "/a/b"), Found::NotFound);
}

#[test]
fn trailing_slashes() {
    let specs: &[Spec<'_>] = &[
        (None, POST, "/with/"),
        (None, GET, "/without"),
        (None, GET, "/items/{id}"),
        (None, GET, "/both"),
        (None, GET, "/both/"),
        (Some("a.org"), GET, "/host/"),
    ];
    let add = Found::Redirect(Slash::Add);
    let remove = Found::Redirect(Slash::Remove);
    for (host, path, expected, location) in [
        ("", "/with", add, "/with/"),
        ("", "/without/", remove, "/without"),
        ("", "/without///", remove, "/without"),
        ("", "/items/a%/", remove, "/items/a%25"),
        ("", "/items/", Found::NotFound, ""),
        ("", "/both/", Found::Route(RouteId(4)), ""),
        ("", "/both//", remove, "/both"),
        ("", "/", Found::NotFound, ""),
        ("", "//", Found::NotFound, ""),
        ("", "*", Found::NotFound, ""),
        ("", "", Found::NotFound, ""),
        ("a.org", "/host", add, "/host/"),
        ("b.org", "/host", Found::NotFound, ""),
    ] {
        let found = find(&router(specs), host, Method::Get, path);
        assert_eq!(found, expected, "{host} {path}");
        if let Found::Redirect(slash) = found {
            assert_eq!(slash.location(path), location);
        }
    }
    let mut builder = RouterBuilder::new().redirect_slashes(false);
    builder.add(None, GET, "/with/").expect("a valid route");
    assert_eq!(find(&builder.build(), "", Method::Get, "/with"), Found::NotFound);
}

/// A redirect leads to this server, though the path looks like `//host`.
#[test]
fn a_redirect_never_names_another_host() {
    let router = router(&[(None, GET, "/{p:path}/x")]);
    let path = "//evil.example/x/";
    assert_eq!(find(&router, "", Method::Get, path), Found::Redirect(Slash::Remove));
    assert_eq!(Slash::Remove.location(path), "/%2Fevil.example/x");
}

#[test]
fn hosts_take_part_in_the_order_of_registration() {
    let router = router(&[
        (Some("{sub}.example.org"), GET, "/early"),
        (None, GET, "/early"),
        (Some("api.example.org"), GET, "/late"),
        (Some("api.example.org"), GET, "/early"),
        (Some("{tenant}.example.org"), POST, "/t/{id}"),
    ]);
    assert!(router.has_hosts());
    for (host, method, path, expected) in [
        ("api.example.org", Method::Get, "/early", Found::Route(RouteId(0))),
        ("example.org", Method::Get, "/early", Found::Route(RouteId(1))),
        ("", Method::Get, "/early", Found::Route(RouteId(1))),
        ("api.example.org:80:80", Method::Get, "/early", Found::Route(RouteId(1))),
        ("API.example.org:80", Method::Get, "/late", Found::Route(RouteId(2))),
        ("api.example.org.", Method::Get, "/late", Found::NotFound),
        ("example.org", Method::Get, "/late", Found::NotFound),
        (
            "api.example.org",
            Method::Post,
            "/late",
            Found::MethodNotAllowed(set(&[Method::Get, Method::Head, Method::Options])),
        ),
    ] {
        assert_eq!(find(&router, host, method, path), expected, "{method} {host} {path}");
    }
    let mut params = Params::new();
    let found = router.find("ACME.Example.org:8000", Method::Post, "/t/ID", &mut params);
    assert_eq!(found, Found::Route(RouteId(4)));
    assert_eq!(router.param_names(RouteId(4)), ["tenant", "id"]);
    assert_eq!(params.iter("/t/ID").collect::<Vec<_>>(), ["acme", "ID"]);
    assert_eq!(params.get(2, "/t/ID"), None);
    // The next lookup leaves nothing of it behind.
    assert_eq!(router.find("", Method::Get, "/early", &mut params), Found::Route(RouteId(1)));
    assert!(params.is_empty());
}

#[test]
fn shadowed_routes_are_reported() {
    let router = router(&[
        (None, GET, "/users/{id}"),
        (None, GET, "/users/me"),
        (None, GET.union(POST), "/users/new"),
        (None, POST, "/users/other"),
        (None, GET, "/{rest:path}"),
        (Some("a.org"), GET, "/x"),
        (None, GET, "/users/{id:int}"),
    ]);
    let shadowed: Vec<_> = router.shadowed().collect();
    assert_eq!(shadowed, [(RouteId(1), RouteId(0)), (RouteId(5), RouteId(4))]);
    assert_eq!(router.pattern(RouteId(1)), "/users/me");
    assert_eq!(router.host(RouteId(5)), Some("a.org"));
    assert_eq!(router.methods(RouteId(2)), GET.union(POST));
}

#[test]
fn urls() {
    let router = router(&[
        (None, GET, "/"),
        (None, GET, "/items/{id}"),
        (None, GET, "/n/{a:int}/{b:float}/{c:uuid}"),
        (None, GET, "/files/{p:path}"),
        (Some("{sub}.example.org"), GET, "/caf\u{e9}/{a}.{b}"),
        (None, GET, "/{p:path}"),
    ]);
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    for (route, params, expected) in [
        (0, &[][..], "/"),
        (1, &[("id", "a b%\u{e9}?")], "/items/a%20b%25%C3%A9%3F"),
        (2, &[("c", uuid), ("a", "7"), ("b", "1.5")], &format!("/n/7/1.5/{uuid}")),
        (3, &[("p", "a/b c/")], "/files/a/b%20c/"),
        (3, &[("p", "")], "/files/"),
        (4, &[("sub", "API"), ("a", "x"), ("b", "y")], "/caf%C3%A9/x.y"),
        (4, &[("a", "x"), ("b", "y")], "/caf%C3%A9/x.y"),
        (5, &[("p", "/host/x")], "/%2Fhost/x"),
    ] {
        let url = router.build_path(RouteId(route), params).expect("a URL");
        assert_eq!(url, expected);
        let decoded = path::normalize(&url).expect("a path");
        let found = find(&router, "api.example.org", Method::Get, &decoded);
        assert_eq!(found, Found::Route(RouteId(route)), "{url}");
    }
    let host = router.build_host(RouteId(4), &[("sub", "API"), ("a", "x"), ("b", "y")]);
    assert_eq!(host, Ok(Some("api.example.org".to_owned())));
    assert_eq!(router.build_host(RouteId(1), &[]), Ok(None));
    for (sub, what) in [("a:b", "a port"), ("a b", "a space"), ("[::1]x", "a bracket")] {
        let host = router.build_host(RouteId(4), &[("sub", sub)]);
        assert!(matches!(host, Err(UrlError::InvalidHost { .. })), "{what}: {host:?}");
    }
}

#[test]
fn urls_that_cannot_be_built() {
    let router = router(&[
        (None, GET, "/items/{id}"),
        (None, GET, "/n/{a:int}/{b:float}/{c:uuid}"),
        (None, GET, "/files/{p:path}"),
        (None, GET, "/.{p:path}"),
    ]);
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    let invalid = |name: &str, value: &str, convertor| UrlError::Invalid {
        name: name.to_owned(),
        value: value.to_owned(),
        convertor,
    };
    for (route, params, expected) in [
        (9, &[][..], UrlError::NoRoute(RouteId(9))),
        (0, &[], UrlError::Missing { name: "id".into(), pattern: "/items/{id}".into() }),
        (
            0,
            &[("id", "1"), ("x", "2")],
            UrlError::Unknown { name: "x".into(), pattern: "/items/{id}".into() },
        ),
        (0, &[("id", "a/b")], invalid("id", "a/b", Convertor::Str)),
        (0, &[("id", "")], invalid("id", "", Convertor::Str)),
        (0, &[("id", "..")], UrlError::DotSegment { path: "/items/..".into() }),
        (1, &[("a", "-1"), ("b", "1"), ("c", uuid)], invalid("a", "-1", Convertor::Int)),
        (1, &[("a", "1"), ("b", "1e5"), ("c", uuid)], invalid("b", "1e5", Convertor::Float)),
        (1, &[("a", "1"), ("b", "1"), ("c", "x")], invalid("c", "x", Convertor::Uuid)),
        (2, &[("p", "a\nb")], invalid("p", "a\nb", Convertor::Path)),
        (2, &[("p", "a/../b")], UrlError::DotSegment { path: "/files/a/../b".into() }),
        (3, &[("p", "./etc")], UrlError::DotSegment { path: "/../etc".into() }),
    ] {
        assert_eq!(router.build_path(RouteId(route), params), Err(expected));
    }
}

#[test]
fn routes_describe_themselves() {
    let router = router(&[(Some("{h}.org"), GET, "/{a}/{b:int}-{c:float}/{d:uuid}/{e:path}")]);
    let id = RouteId(0);
    assert_eq!(router.param_names(id), ["h", "a", "b", "c", "d", "e"]);
    let convertors: Vec<&str> = router.convertors(id).map(Convertor::name).collect();
    assert_eq!(convertors, ["str", "str", "int", "float", "uuid", "path"]);
    let nowhere = RouteId(1);
    assert!(router.param_names(nowhere).is_empty() && router.pattern(nowhere).is_empty());
    assert_eq!(router.convertors(nowhere).count(), 0);
}

/// Work grows with the length of the path, not with its powers: sixteen times the path may take
/// about sixteen times as long, where backtracking would take thousands of times or for ever.
#[test]
fn adversarial_paths_end() {
    let patterns = [
        ("/{a:path}/x/{b:path}/y/{c:path}/z", "/", "/z"),
        ("/{a:path}/x/{b:path}/y/{c:path}/z", "/x", "/z"),
        ("/{a:path}{b:path}{c:path}{d:path}{e:path}!{f:path}", "a", ""),
        ("/{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}!{i}", "-", ""),
        ("/{a:int}{b:int}{c:float}{d:float}{e:int}x{f}", "1", ""),
        ("/{a:float}{b:float}{c:float}x{f}", "1.1", ""),
    ];
    let start = std::time::Instant::now();
    let mut params = Params::new();
    for (pattern, unit, end) in patterns {
        let router = router(&[(None, GET, pattern)]);
        let path = format!("/{}{end}", unit.repeat(16 * 1024 / unit.len()));
        assert_eq!(router.find("", Method::Get, &path, &mut params), Found::NotFound, "{pattern}");
    }
    let long = format!("/{}", "ab-".repeat(5_000));
    let router = router(&[(None, GET, "/{a}-{b}-{c}-")]);
    assert_eq!(router.find("", Method::Get, &long, &mut params), Found::Route(RouteId(0)));
    let lengths: Vec<usize> = params.iter(&long).map(str::len).collect();
    assert_eq!(lengths, [14_993, 2, 2]);
    // Unoptimized, on a busy machine: about a tenth of this.
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}
