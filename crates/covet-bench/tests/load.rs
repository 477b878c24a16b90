//! The load generator against servers that answer rightly, wrongly, oddly, or not.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use covet_bench::Error;
use covet_bench::load::{self, Errors, Outcome};
use covet_bench::response::Unreadable;
use covet_bench::stats::float;
use support::{Script, plan, response, serve};

fn run(script: Script, pipeline: usize) -> Outcome {
    load::run(&plan(serve(script), pipeline)).unwrap()
}

/// What the server did wrong. Stalling is left out: on a busy machine, in so short a run, it
/// need not be the server's fault.
fn faults(outcome: &Outcome) -> Errors {
    Errors { stalled: 0, ..outcome.errors }
}

fn right() -> Vec<u8> {
    response(200, "Date: Mon 1\r\n", "hello")
}

#[test]
fn right_answers_are_counted_at_every_depth() {
    for pipeline in [1, 16, 64] {
        let outcome = run(|_, _| vec![right()], pipeline);
        assert_eq!(faults(&outcome), Errors::default(), "{pipeline}");
        assert!(outcome.responses >= pipeline as u64, "{}", outcome.responses);
        assert_eq!((outcome.parsed, outcome.reconnects, outcome.body_bytes), (0, 0, 5));
        assert!(outcome.latency.p50 > 0.0 && outcome.latency.p99 <= outcome.latency.max);
        assert!(outcome.server.unwrap().resident > 0);
        let rate = float(outcome.responses) / outcome.seconds;
        assert!((outcome.rate - rate).abs() < 1e-6);
    }
}

#[test]
fn odd_splits_change_nothing() {
    let scripts: [Script; 3] = [
        |_, _| right().chunks(1).map(<[u8]>::to_vec).collect(),
        |_, n| right().chunks(n % 50 + 1).map(<[u8]>::to_vec).collect(),
        |_, _| right().chunks(40).map(<[u8]>::to_vec).collect(),
    ];
    for script in scripts {
        for pipeline in [1, 16] {
            let outcome = run(script, pipeline);
            assert_eq!((faults(&outcome), outcome.parsed), (Errors::default(), 0));
            assert!(outcome.responses > 0);
        }
    }
}

#[test]
fn bodies_larger_than_the_buffer_arrive() {
    let outcome = run(|_, _| vec![response(200, "", &"x".repeat(1 << 20))], 2);
    assert_eq!((faults(&outcome), outcome.body_bytes), (Errors::default(), 1 << 20));
    assert!(outcome.responses > 0);
}

#[test]
fn other_headers_are_parsed_and_new_dates_are_not() {
    let dates = run(|_, n| vec![response(200, &format!("Date: Mon {}\r\n", n % 9), "hello")], 16);
    assert_eq!((faults(&dates), dates.parsed), (Errors::default(), 0));
    let ids =
        run(|_, n| vec![response(200, &format!("Id: {n}{}\r\n", "z".repeat(n % 7)), "hello")], 16);
    assert_eq!(faults(&ids), Errors::default());
    assert!(ids.parsed > ids.responses / 2, "{} of {}", ids.parsed, ids.responses);
}

#[test]
fn wrong_answers_are_told_apart() {
    // Connection 0 is learned from; of the others, every second answer is wrong in one way of three.
    let outcome = run(
        |connection, n| match (connection, n % 6) {
            (1.., 1) => vec![response(500, "", "hello")],
            (1.., 3) => vec![response(200, "", "hello you")],
            (1.., 5) => vec![response(200, "", "hellO")],
            _ => vec![right()],
        },
        6,
    );
    let Errors { status, length, body, early_close, unreadable, .. } = outcome.errors;
    assert!(status > 0 && status.abs_diff(length) <= 4 && status.abs_diff(body) <= 4);
    assert_eq!((early_close, unreadable), (0, 0));
    let rightly = float(outcome.responses - status - length - body) / outcome.seconds;
    assert!((outcome.rate - rightly).abs() < 1e-6);
}

#[test]
fn early_closes_are_counted_and_survived() {
    let outcome = run(|_, n| if n < 10 { vec![right()] } else { Vec::new() }, 4);
    assert!(outcome.errors.early_close > 0 && outcome.responses > 0);
    assert_eq!(faults(&outcome).total(), outcome.errors.early_close);
}

#[test]
fn a_close_in_the_middle_of_a_response_is_early() {
    let outcome = run(
        |connection, n| match (connection, n) {
            (0, _) | (_, 0..3) => vec![right()],
            (_, 3) => vec![right()[..20].to_vec()],
            _ => Vec::new(),
        },
        4,
    );
    assert!(outcome.errors.total() > 0);
}

#[test]
fn announced_closes_are_no_errors() {
    let outcome = run(
        |connection, n| match (connection, n) {
            (1.., 3) => vec![response(200, "Connection: close\r\n", "hello")],
            (1.., 4..) => Vec::new(),
            _ => vec![right()],
        },
        4,
    );
    assert_eq!(faults(&outcome), Errors::default());
    assert!(outcome.reconnects > 0);
}

#[test]
fn what_is_no_response_is_unreadable() {
    let scripts: [Script; 3] = [
        |connection, _| vec![if connection == 0 { right() } else { b"nonsense\r\n\r\n".to_vec() }],
        |connection, _| vec![if connection == 0 { right() } else { right().repeat(2) }],
        |connection, _| match connection {
            0 => vec![right()],
            _ => vec![b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()],
        },
    ];
    for script in scripts {
        // Each failed connection is opened anew; the server ends the run when it has had enough.
        match load::run(&plan(serve(script), 1)) {
            Ok(outcome) => assert!(outcome.errors.unreadable > 0),
            Err(error) => assert!(matches!(error, Error::Gone { .. }), "{error}"),
        }
    }
}

#[test]
fn silence_is_stalling() {
    let outcome = run(
        |connection, n| match (connection, n) {
            (1.., 2..) => vec![Vec::new()],
            _ => vec![right()],
        },
        1,
    );
    assert_eq!((outcome.responses, outcome.errors.stalled), (0, 4));
}

#[test]
fn first_responses_of_no_use() {
    let refused = |script| load::run(&plan(serve(script), 1)).unwrap_err();
    let chunked: Script =
        |_, _| vec![b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec()];
    assert!(matches!(refused(chunked), Error::FirstResponse(Unreadable::Chunked)));
    let closing: Script = |_, _| vec![response(200, "Connection: close\r\n", "x")];
    assert!(matches!(refused(closing), Error::FirstResponse(Unreadable::Closing)));
    assert!(matches!(refused(|_, _| Vec::new()), Error::Unreachable { .. }));
    let missing: Script = |_, _| vec![response(404, "", "x")];
    assert!(matches!(refused(missing), Error::Unexpected { what: "status", .. }));
}

#[test]
fn the_body_must_be_the_expected_one() {
    let mut plan = plan(serve(|_, _| vec![right()]), 1);
    plan.expect = Some(b"hello".to_vec());
    assert!(load::run(&plan).is_ok());
    plan.expect = Some(b"Hello".to_vec());
    assert!(matches!(load::run(&plan), Err(Error::Unexpected { what: "body", .. })));
}

#[test]
fn nobody_there() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(load::run(&plan(address, 1)), Err(Error::Unreachable { .. })));
}
