//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use covet_bench::load::Plan;
use covet_bench::request::{Request, Target, parse_header};
use covet_bench::suite::Overrides;
use covet_bench::{Error, Result};
use lexopt::prelude::{Long, Short, Value, ValueExt};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
covet-bench load --url http://HOST:PORT/PATH [options]     one run against a server
    --method M --header 'Name: value' --body TEXT --body-file FILE
    --expect TEXT        the body responses must have; else that of the first one
    --connections N      kept open (64)
    --pipeline N         requests sent before their responses are awaited (1)
    --seconds S          length of the measurement (3)
    --warmup S           load before it (1)
    --core N             run on this core
    --pid PID            the server's process, to measure its CPU time and memory
    --json               print JSON

covet-bench suite [options]                                all peers, interleaved
    --config FILE        (bench/suite.toml)
    --output DIR         where latest.md and latest.json go (bench/results)
    --peers A,B          only these; likewise --workloads
    --rounds N --seconds S --starts N   instead of what the configuration says
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// To be told how it is used.
    Help,
    /// One run.
    Load { plan: Plan, core: Option<usize>, json: bool },
    /// The suite.
    Suite { config: PathBuf, output: PathBuf, overrides: Overrides },
}

/// Reads the command line.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command> {
    match parser.next()? {
        Some(Value(name)) if name == "load" => load(parser),
        Some(Value(name)) if name == "suite" => suite(parser),
        Some(Long("help") | Short('h')) | None => Ok(Command::Help),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn load(mut parser: lexopt::Parser) -> Result<Command> {
    let mut url = None;
    let mut request = Request::default();
    let (mut expect, mut core, mut server, mut json) = (None, None, None, false);
    let (mut connections, mut pipeline, mut seconds, mut warmup) = (64, 1, 3.0, 1.0);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("url") => url = Some(text(&mut parser)?),
            Long("method") => request.method = text(&mut parser)?,
            Long("header") => request.headers.push(parse_header(&text(&mut parser)?)?),
            Long("body") => request.body = text(&mut parser)?.into_bytes(),
            Long("body-file") => request.body = file(&mut parser)?,
            Long("expect") => expect = Some(text(&mut parser)?.into_bytes()),
            Long("connections") => connections = positive(&mut parser)?,
            Long("pipeline") => pipeline = positive(&mut parser)?,
            Long("seconds") => seconds = number(&mut parser)?,
            Long("warmup") => warmup = number(&mut parser)?,
            Long("core") => core = Some(number(&mut parser)?),
            Long("pid") => server = Some(number(&mut parser)?),
            Long("json") => json = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let url = url.ok_or_else(|| Error::Usage("--url is missing".to_owned()))?;
    let plan = Plan {
        target: Target::parse(&url)?,
        request,
        expect,
        connections,
        pipeline,
        warmup: duration(warmup)?,
        window: duration(seconds)?,
        server,
    };
    Ok(Command::Load { plan, core, json })
}

fn suite(mut parser: lexopt::Parser) -> Result<Command> {
    let mut config = PathBuf::from("bench/suite.toml");
    let mut output = PathBuf::from("bench/results");
    let mut overrides = Overrides::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") => config = parser.value()?.into(),
            Long("output") => output = parser.value()?.into(),
            Long("peers") => overrides.peers = list(&mut parser)?,
            Long("workloads") => overrides.workloads = list(&mut parser)?,
            Long("rounds") => overrides.rounds = Some(positive(&mut parser)?),
            Long("seconds") => overrides.seconds = Some(number(&mut parser)?),
            Long("starts") => overrides.starts = Some(number(&mut parser)?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Suite { config, output, overrides })
}

fn text(parser: &mut lexopt::Parser) -> Result<String> {
    Ok(parser.value()?.string()?)
}

fn list(parser: &mut lexopt::Parser) -> Result<Vec<String>> {
    Ok(text(parser)?.split(',').map(str::to_owned).collect())
}

fn file(parser: &mut lexopt::Parser) -> Result<Vec<u8>> {
    let path = text(parser)?;
    std::fs::read(&path).map_err(|source| Error::file(path, source))
}

fn number<T>(parser: &mut lexopt::Parser) -> Result<T>
where
    T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    Ok(parser.value()?.parse()?)
}

fn positive(parser: &mut lexopt::Parser) -> Result<usize> {
    match number(parser)? {
        0 => Err(Error::Usage("0 is too few".to_owned())),
        n => Ok(n),
    }
}

fn duration(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| Error::Usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Command, parse};

    fn arguments(line: &str) -> lexopt::Parser {
        lexopt::Parser::from_args(line.split(' ').filter(|word| !word.is_empty()))
    }

    #[test]
    fn load_takes_its_options() {
        let line =
            "load --url http://127.0.0.1:1/a --method POST --body x --header A:b --pipeline 16";
        let Command::Load { plan, core: None, json: false } = parse(arguments(line)).unwrap()
        else {
            panic!("not a load");
        };
        assert_eq!((plan.connections, plan.pipeline), (64, 16));
        assert_eq!(plan.request.encode(&plan.target).split_at(7).0, b"POST /a");
    }

    #[test]
    fn suite_takes_its_options() {
        let line = "suite --peers a,b --rounds 2 --seconds 0.5";
        let Command::Suite { overrides, .. } = parse(arguments(line)).unwrap() else {
            panic!("not a suite");
        };
        assert_eq!(overrides.peers, ["a", "b"]);
        assert_eq!((overrides.rounds, overrides.seconds), (Some(2), Some(0.5)));
    }

    #[test]
    fn mistakes() {
        for line in [
            "bogus",
            "load",
            "load --url x",
            "load --url http://127.0.0.1:1/ --connections 0",
            "load --url http://127.0.0.1:1/ --seconds -1",
            "suite --rounds many",
        ] {
            assert!(parse(arguments(line)).is_err(), "{line}");
        }
        assert!(matches!(parse(arguments("")), Ok(Command::Help)));
    }
}
