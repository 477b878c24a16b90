//! What the system knows of a process: CPU time used and memory resident, with its children.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of `pid` and its descendants, living and reaped, in user and system mode.
/// `None` if there is no such process. Exact to the kernel's tick, usually 10 ms.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let stats = all();
    stats.iter().find(|stat| stat.pid == pid)?;
    let ticks: u64 = family(&stats, pid).iter().map(|stat| stat.ticks).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Some(Duration::from_micros(ticks * 1_000_000 / per_second))
}

/// Resident memory of `pid` and its living descendants, in bytes. Pages they share count
/// once for each. `None` if there is no such process.
pub fn resident(pid: u32) -> Option<u64> {
    let stats = all();
    stats.iter().find(|stat| stat.pid == pid)?;
    Some(family(&stats, pid).iter().filter_map(|stat| resident_alone(stat.pid)).sum())
}

/// CPU time this process has used.
pub fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// One line of `/proc/<pid>/stat`, as far as it is of interest (`proc_pid_stat(5)`).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    /// utime, stime, cutime and cstime together.
    ticks: u64,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        // The second field is the name in parentheses and may hold spaces and parentheses.
        let (start, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            pid: start.split_ascii_whitespace().next()?.parse().ok()?,
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(11)? + number(12)? + number(13)? + number(14)?,
        })
    }
}

fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
        .filter_map(|entry| Stat::parse(&fs::read_to_string(entry.path().join("stat")).ok()?))
        .collect()
}

/// `pid` and its descendants.
fn family(stats: &[Stat], pid: u32) -> Vec<&Stat> {
    let mut found: Vec<&Stat> = stats.iter().filter(|stat| stat.pid == pid).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|stat| stat.pid) {
        found.extend(stats.iter().filter(|stat| stat.parent == parent));
        next += 1;
    }
    found
}

fn resident_alone(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{Stat, cpu_time, family, own_cpu_time, resident};

    #[test]
    fn reads_a_name_with_parentheses() {
        let line = "42 (a) (b c) S 7 42 42 0 -1 4194560 9 9 9 9 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(Stat::parse(line), Some(Stat { pid: 42, parent: 7, ticks: 127 }));
        assert_eq!(Stat::parse("42 (cut) S 7"), None);
    }

    #[test]
    fn a_family_is_all_generations() {
        let stats = [(1, 0), (2, 1), (3, 2), (4, 1), (5, 9)].map(|(pid, parent)| Stat {
            pid,
            parent,
            ticks: 0,
        });
        let pids: Vec<u32> = family(&stats, 1).iter().map(|stat| stat.pid).collect();
        assert_eq!(pids, [1, 2, 4, 3]);
    }

    #[test]
    fn knows_this_process() {
        let own = std::process::id();
        assert!(resident(own).unwrap() > 100 * 1024);
        assert!(cpu_time(own).is_some());
        assert!(own_cpu_time().as_nanos() > 0);
        assert_eq!(cpu_time(u32::MAX), None);
    }
}
