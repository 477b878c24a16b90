//! hyper as a peer: what a Rust HTTP server reaches with handlers that call no Python.
//!
//! One thread, tokio's current-thread runtime, pipelined responses flushed together.
//! `covet-bench-hyper PORT`

use std::convert::Infallible;
use std::net::SocketAddr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpListener;

type Answer = Response<Full<Bytes>>;

fn main() -> std::io::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    if argument == "--version" {
        println!("hyper {}, tokio {}", locked("hyper"), locked("tokio"));
        return Ok(());
    }
    let port: u16 = argument.parse().map_err(std::io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(serve(SocketAddr::from(([127, 0, 0, 1], port))))
}

async fn serve(address: SocketAddr) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(
            http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(handle)),
        );
    }
}

async fn handle(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let uri = request.uri();
    Ok(match (request.method(), uri.path()) {
        (&Method::GET, "/plaintext") => text("Hello, World!"),
        (&Method::GET, "/json") => json(&Message { message: "Hello, World!" }),
        (&Method::GET, path) => match item(path, uri.query()) {
            Some(item) => json(&item),
            None => empty(StatusCode::NOT_FOUND),
        },
        _ => empty(StatusCode::METHOD_NOT_ALLOWED),
    })
}

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct Item<'q> {
    item_id: i64,
    q: Option<&'q str>,
}

fn item<'q>(path: &str, query: Option<&'q str>) -> Option<Item<'q>> {
    let item_id = path.strip_prefix("/items/")?.parse().ok()?;
    let q = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("q=")));
    Some(Item { item_id, q })
}

fn text(body: &'static str) -> Answer {
    with_type("text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()))
}

fn json(value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => with_type("application/json", body.into()),
        Err(_) => empty(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn with_type(media_type: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn empty(status: StatusCode) -> Answer {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The version of `package` in the lock file this was built with.
fn locked(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"\nversion = \"");
    include_str!("../../../../Cargo.lock")
        .split_once(&name)
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or("unknown")
}
