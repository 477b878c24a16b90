//! The load generator: one thread, many keep-alive connections, batches of pipelined requests.
//!
//! A connection sends a batch of `pipeline` requests, waits for all their responses, and sends
//! the next. The loop is closed, so what is measured is the most a server can do with so many
//! clients, and latency is that of a server kept busy.

mod connection;
mod first;
mod generator;
mod judge;
mod outcome;

use std::time::{Duration, Instant};

pub use first::{Fetched, fetch};
pub use outcome::{Errors, Latency, Outcome, ServerUse};

use crate::error::Result;
use crate::request::{Request, Target};
use generator::Generator;
use outcome::Meter;

/// One run: what to send, how, and for how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the server is.
    pub target: Target,
    /// What is sent, again and again.
    pub request: Request,
    /// The body the responses must have; `None` takes that of the first one.
    pub expect: Option<Vec<u8>>,
    /// How many connections are kept open.
    pub connections: usize,
    /// How many requests each connection sends before it waits for their responses.
    pub pipeline: usize,
    /// Load before the measurement begins.
    pub warmup: Duration,
    /// How long the measurement takes.
    pub window: Duration,
    /// The server's process, to measure its CPU time and memory.
    pub server: Option<u32>,
}

/// Makes one run.
///
/// # Errors
/// If the server cannot be reached, or its first response is not one that can be measured or
/// not the one expected. What goes wrong later is counted in [`Outcome::errors`].
pub fn run(plan: &Plan) -> Result<Outcome> {
    let template = first::learn(plan)?;
    let body_bytes = template.body().len();
    let mut generator = Generator::open(plan, template)?;
    generator.turn_until(Instant::now() + plan.warmup)?;
    generator.reset();
    let meter = Meter::start(plan.server);
    generator.turn_until(meter.started + plan.window)?;
    let mut outcome = meter.stop(&generator.judge);
    outcome.body_bytes = body_bytes;
    outcome.errors.stalled = generator.stalled();
    generator.drain()?;
    Ok(outcome)
}
