//! `covet-bench`: see `covet-bench --help`.

mod cli;

use std::process::ExitCode;

use covet_bench::{Result, load, machine, suite};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("covet-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    match cli::parse(lexopt::Parser::from_env())? {
        cli::Command::Help => print!("{}", cli::HELP),
        cli::Command::Load { plan, core, json } => {
            if let Some(core) = core {
                machine::pin(core)?;
            }
            let outcome = load::run(&plan)?;
            print!("{}", if json { as_json(&outcome) } else { as_text(&outcome) });
        }
        cli::Command::Suite { config, output, overrides } => {
            let report = suite::run(&config, &overrides)?;
            let files = suite::write(&report, &output)?;
            print!("{}", suite::render(&report));
            eprintln!("covet-bench: written to {} and {}", files[0].display(), files[1].display());
        }
    }
    Ok(())
}

fn as_json(outcome: &load::Outcome) -> String {
    // An outcome is numbers alone, which cannot fail to serialise.
    serde_json::to_string_pretty(outcome).map(|text| text + "\n").unwrap_or_default()
}

fn as_text(outcome: &load::Outcome) -> String {
    let load::Outcome { rate, seconds, latency, errors, parsed, reconnects, load_cpu, .. } =
        outcome;
    let server = outcome.server.map_or_else(String::new, |server| {
        format!("server    {:.0}% CPU, {} KiB resident\n", server.cpu, server.resident / 1024)
    });
    format!(
        "rate      {rate:.0} req/s over {seconds:.2} s, bodies of {} bytes\n\
         latency   p50 {:.0} us, p99 {:.0} us, max {:.0} us\n\
         errors    {} ({errors:?})\n\
         parsed    {parsed} responses differed in their headers; {reconnects} reconnects\n\
         load      {load_cpu:.0}% CPU\n{server}",
        outcome.body_bytes,
        latency.p50,
        latency.p99,
        latency.max,
        errors.total(),
    )
}
