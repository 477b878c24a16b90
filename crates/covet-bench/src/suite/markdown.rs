//! Writes a report as Markdown tables.

use std::fmt::Write;
use std::iter;

use super::report::{PeerReport, Reached, Report, WorkloadReport};
use super::row::Row;
use crate::stats::{Summary, ratio};

/// Others' CPU time on the suite's cores that a table mentions, in percent of one core.
const DISTURBED: f64 = 5.0;

/// The whole report.
pub fn render(report: &Report) -> String {
    let mut text = head(report);
    text.push_str(&summary(report));
    text.push_str(&peers(&report.peers));
    for workload in &report.workloads {
        text.push_str(&section(report, workload));
    }
    text.push_str(&targets(&report.targets(), &report.settings.subject));
    text
}

fn head(report: &Report) -> String {
    let (settings, machine) = (&report.settings, &report.machine);
    let commit = report.commit.as_deref().unwrap_or("unknown");
    format!(
        "Made {} from commit {commit} on {}, {} cores, {}; load average {} at the start.\n\n\
         One process on core {}, the load generator on core {}, {} connections. Medians of {} \
         interleaved rounds of {} s after {} s of warm-up, with the least and the greatest. \
         Latency is that of a batch; a batch is one request unless pipelined. \
         `†` marks rows where no Python handler runs; `‡` rows where the load generator, not the \
         server, was the limit. CPU is in percent of one core.\n",
        report.made,
        machine.cpu,
        machine.cores,
        machine.system,
        machine.load_average,
        settings.server_core,
        settings.load_core,
        settings.connections,
        settings.rounds,
        settings.seconds,
        settings.warmup,
    )
}

/// One line for each workload, one column for each peer that was measured.
fn summary(report: &Report) -> String {
    let baseline = &report.settings.baseline;
    let peers: Vec<&PeerReport> =
        report.peers.iter().filter(|peer| peer.skipped.is_none()).collect();
    let ids = peers.iter().map(|peer| format!("{}{}", peer.id, mark(peer.python)));
    let mut text = format!("\n### Requests per second\n\nIn brackets: times {baseline}.\n\n");
    row(&mut text, &iter::once("workload".to_owned()).chain(ids).collect::<Vec<_>>());
    row(&mut text, &iter::once("---").chain(peers.iter().map(|_| "--:")).collect::<Vec<_>>());
    for workload in &report.workloads {
        let base = workload.row(baseline).map(Row::median_rate);
        let cells = peers.iter().map(|peer| match workload.row(&peer.id) {
            Some(row) if peer.id == *baseline => median(row.rate, 0),
            Some(row) => format!("{} ({})", median(row.rate, 0), times(row, base)),
            None => String::new(),
        });
        row(&mut text, &iter::once(workload.id.clone()).chain(cells).collect::<Vec<_>>());
    }
    text
}

fn peers(peers: &[PeerReport]) -> String {
    let mut text = String::from(
        "\n### Peers\n\n\
         | peer | versions | idle RSS, MiB | spawn to first answer, ms |\n\
         |---|---|--:|--:|\n",
    );
    for peer in peers {
        let mark = mark(peer.python);
        if let Some(reason) = &peer.skipped {
            let reason = reason.lines().next().unwrap_or_default();
            row(&mut text, &[&format!("{}{mark}", peer.id), &format!("skipped: {reason}"), "", ""]);
            continue;
        }
        let about = format!("{}: {}", peer.about, peer.versions);
        let idle = peer.idle_mib.map(|mib| format!("{mib:.1}")).unwrap_or_default();
        let start = with_spread(peer.start_ms, 0);
        row(&mut text, &[&format!("{}{mark}", peer.id), &about, &idle, &start]);
    }
    text
}

fn section(report: &Report, workload: &WorkloadReport) -> String {
    let baseline = &report.settings.baseline;
    let mut text =
        format!("\n### {}\n\n{}. {}.\n", workload.id, workload.about, workload.bodies.verdict);
    if let Some(disturbed) = disturbed(&workload.rows) {
        let _ = writeln!(text, "\n**Disturbed:** others used {disturbed:.0}% of a core meanwhile.");
    }
    let pipelined = workload.pipeline > 1;
    let best = if pipelined { " | x its best | " } else { " | " };
    let _ = write!(
        text,
        "\n| peer | req/s | min–max | x {baseline}{best}p50, us | p99, us | errors | CPU, % | req/CPU s | \
         load CPU, % | RSS, MiB |\n|---|--:|--:|--:|{}--:|--:|--:|--:|--:|--:|--:|\n",
        if pipelined { "--:|" } else { "" }
    );
    let same = workload.row(baseline).map(Row::median_rate);
    let best = report.best(workload, baseline);
    for peer in &workload.rows {
        let mut cells = vec![
            format!("{}{}", peer.peer, marks(peer)),
            median(peer.rate, 0),
            peer.rate.map(|rate| format!("{:.0}–{:.0}", rate.min, rate.max)).unwrap_or_default(),
            times(peer, same),
        ];
        if pipelined {
            cells.push(times(peer, best));
        }
        cells.extend([
            median(peer.p50, 0),
            median(peer.p99, 0),
            peer.errors.to_string(),
            median(peer.server_cpu, 0),
            median(peer.per_cpu_second, 0),
            median(peer.load_cpu, 0),
            peer.resident_mib.map(|mib| format!("{mib:.0}")).unwrap_or_default(),
        ]);
        row(&mut text, &cells);
    }
    for peer in &workload.rows {
        if let Some(failure) = peer.failures.first() {
            let _ =
                writeln!(text, "\n{}: {} rounds failed: {failure}", peer.peer, peer.failures.len());
        }
    }
    text
}

fn targets(targets: &[Reached], subject: &str) -> String {
    if targets.iter().all(|target| target.found.is_none()) {
        return String::new();
    }
    let mut text = format!(
        "\n### Targets of {subject}\n\n\
         A pipelined row is held against the peer's best rate at any depth.\n\n\
         | workload | against | at least | found | |\n|---|---|--:|--:|---|\n"
    );
    for target in targets {
        let found = target.found.map_or_else(|| "not measured".to_owned(), |x| format!("{x:.2}x"));
        let verdict = match target.found {
            Some(found) if found >= target.wanted => "reached",
            Some(_) if target.saturated => "load generator saturated",
            Some(_) => "**missed**",
            None => "",
        };
        let wanted = format!("{}x", target.wanted);
        row(&mut text, &[target.workload.as_str(), &target.peer, &wanted, &found, verdict]);
    }
    text
}

fn row<T: AsRef<str>>(text: &mut String, cells: &[T]) {
    for cell in cells {
        let _ = write!(text, "| {} ", cell.as_ref());
    }
    text.push_str("|\n");
}

fn mark(python: bool) -> &'static str {
    if python { "" } else { " †" }
}

fn marks(row: &Row) -> &'static str {
    match (row.python, row.saturated()) {
        (true, false) => "",
        (false, false) => " †",
        (true, true) => " ‡",
        (false, true) => " † ‡",
    }
}

fn times(row: &Row, base: Option<f64>) -> String {
    row.rate
        .zip(base)
        .and_then(|(rate, base)| ratio(rate.median, base))
        .map(|x| format!("{x:.2}"))
        .unwrap_or_default()
}

fn median(summary: Option<Summary>, digits: usize) -> String {
    summary.map(|summary| format!("{:.digits$}", summary.median)).unwrap_or_default()
}

fn with_spread(summary: Option<Summary>, digits: usize) -> String {
    summary
        .map(|Summary { median, min, max }| {
            format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
        })
        .unwrap_or_default()
}

/// The worst median disturbance of any row, if it is worth mentioning.
fn disturbed(rows: &[Row]) -> Option<f64> {
    rows.iter()
        .filter_map(|row| Some(row.foreign_cpu?.median))
        .max_by(f64::total_cmp)
        .filter(|percent| *percent > DISTURBED)
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::suite::report::tests::{peer, report};
    use crate::suite::row::tests::row;

    #[test]
    fn tables_and_targets() {
        let text = render(&report());
        for line in [
            "| workload | me | base |",
            "| deep | 800 (16.00) | 50 |",
            "| me | 1000 | 1000–1000 | 10.00 | 10 | 20 | 1 | 99 | 1010 | 50 | 3 |",
            "| base | 100 | 90–110 | 1.00 | 10 | 20 | 3 | 99 | 101 | 9 | 3 |",
            "| me ‡ | 800 | 800–800 | 16.00 | 8.00 | 10 | 20 | 1 | 60 | 1333 | 99 | 3 |",
            "| plain | base | 10x | 10.00x | reached |",
            "| deep | base | 10x | 8.00x | load generator saturated |",
            "| deep | absent | 1x | not measured |  |",
        ] {
            assert!(text.contains(line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn each_table_has_as_many_cells_in_every_line() {
        let text = render(&report());
        for table in text.split("\n\n").filter(|part| part.starts_with('|')) {
            let cells: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(cells.iter().all(|&n| n == cells[0]), "{table}");
        }
    }

    #[test]
    fn what_went_wrong_is_said() {
        let mut report = report();
        let rows = &mut report.workloads[0].rows;
        rows[0].failures.push("it fell over".to_owned());
        rows[0].rounds[0].foreign_cpu = 40.0;
        rows[0].sum_up();
        rows.push(row("silent", &[], 0.0, 0.0));
        report.peers.push(peer("gone", Some("not installed")));
        let text = render(&report);
        for part in [
            "me: 1 rounds failed: it fell over",
            "others used 40% of a core",
            "| gone † | skipped: not installed |",
            "| silent |  |  |  |",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }
}
