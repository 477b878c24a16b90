//! The machine a run is made on: what it is, which core does what, and who else is at work.

use std::fs;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;

use crate::error::{Error, Result};

/// What a report says of the machine.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many processors this process may use.
    pub cores: usize,
    /// System and release.
    pub system: String,
    /// The load average over the minute before the run.
    pub load_average: String,
}

impl Machine {
    /// Looks at the machine this runs on. To be asked before [`pin`], which leaves but one core.
    pub fn here() -> Self {
        let uname = rustix::system::uname();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cpu: cpu_name(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            system: [uname.sysname(), uname.release(), uname.machine()]
                .map(|part| part.to_string_lossy().into_owned())
                .join(" "),
            load_average: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// Keeps this thread, and what it starts from now on, on one core.
///
/// # Errors
/// [`Error::System`] if there is no such core or it is not allowed to be used.
pub fn pin(core: usize) -> Result<()> {
    if core >= CpuSet::MAX_CPU {
        return Err(Error::Usage(format!("there is no core {core}")));
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|errno| Error::system("cannot pin to the core", errno))
}

/// Time `core` has been busy since the system started, with anything. `None` if unknown.
pub fn busy_time(core: usize) -> Option<Duration> {
    busy_ticks(&fs::read_to_string("/proc/stat").ok()?, core).map(|ticks| {
        Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1))
    })
}

/// user, nice, system, irq, softirq and steal of one core (`proc_stat(5)`); not idle and iowait.
fn busy_ticks(stat: &str, core: usize) -> Option<u64> {
    let prefix = format!("cpu{core} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&prefix))?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().flat_map(str::parse).collect();
    Some([0, 1, 2, 5, 6, 7].iter().filter_map(|&index| ticks.get(index)).sum())
}

fn cpu_name(cpuinfo: &str) -> String {
    cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{busy_ticks, cpu_name};

    #[test]
    fn busy_is_not_idle_or_waiting() {
        let stat = "cpu  9 9 9 9\ncpu0 1 2 4 1000 1000 8 16 32 0 0\ncpu1 5 0 0 0\nintr 1";
        assert_eq!(busy_ticks(stat, 0), Some(63));
        assert_eq!(busy_ticks(stat, 1), Some(5));
        assert_eq!(busy_ticks(stat, 2), None);
    }

    #[test]
    fn names_the_processor() {
        assert_eq!(cpu_name("processor: 0\nmodel name\t: Fast 9\nmodel name: B"), "Fast 9");
        assert_eq!(cpu_name(""), std::env::consts::ARCH);
    }
}
