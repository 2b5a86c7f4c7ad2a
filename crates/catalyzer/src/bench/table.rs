//! Reports for people.

use super::micro;
use super::report::{BootRow, Report};
use super::stats::Summary;
use comfy_table::{CellAlignment, ColumnConstraint, Table, presets};

/// Column of the mean.
const MEAN: usize = 4;

fn microseconds(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.0} µs"),
        us if us < 1_000_000.0 => format!("{:.2} ms", us / 1_000.0),
        us => format!("{:.2} s", us / 1_000_000.0),
    }
}

fn pair(summary: Option<Summary>) -> [String; 2] {
    summary.map_or([const { String::new() }; 2], |s| [microseconds(s.p50), microseconds(s.p99)])
}

/// Bytes with a unit.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.0} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

fn private(row: &BootRow) -> String {
    row.private_pages.map_or(String::new(), |pages| bytes(pages.p50 as u64 * 4096))
}

/// Single operations.
pub fn print_micro(rows: &[micro::Row]) {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_header(["", "sandbox", "native", "ratio"]);
    let precise = |us: f64| if us < 10.0 { format!("{us:.3} µs") } else { microseconds(us) };
    for row in rows {
        let ratio = format!("{:.2}", row.ours_us / row.native_us);
        table.add_row([row.name.clone(), precise(row.ours_us), precise(row.native_us), ratio]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// One function's rows: ours, then what they are compared with.
pub fn print(report: &Report) {
    let machine = &report.machine;
    println!("{} ({}, {} cores, Linux {})", report.function, machine.cpu, machine.cores, machine.kernel);
    if report.image_bytes > 0 {
        println!("func-image: {}", bytes(report.image_bytes));
    }
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    let header = ["", "runs", "boot p50", "p99", "mean", "first response p50", "p99", "private memory", "mappings"];
    table.set_header(header);
    for row in &report.results {
        let name = row.at_once.map_or_else(|| row.boot.clone(), |n| format!("{} ×{n}", row.boot));
        let ([boot, boot99], [first, first99]) = (pair(row.boot_us), pair(row.first_response_us));
        let mean = row.boot_mean_us.map_or(String::new(), microseconds);
        let mappings = row.host_mappings.map_or(String::new(), |n| n.to_string());
        table.add_row([name, row.runs.to_string(), boot, boot99, mean, first, first99, private(row), mappings]);
    }
    for floor in &report.floors {
        let ([boot, boot99], [first, first99]) = (pair(floor.boot_us), pair(floor.first_response_us));
        let memory = floor.private_pages.map_or(String::new(), |pages| bytes(pages.p50 as u64 * 4096));
        let mappings = floor.mappings.map_or(String::new(), |n| n.to_string());
        let runs = floor.runs.to_string();
        table.add_row([floor.name.into(), runs, boot, boot99, String::new(), first, first99, memory, mappings]);
    }
    // The mean is for many at once, whose boots follow each other; without such rows the column is left out.
    if report.results.iter().all(|row| row.boot_mean_us.is_none())
        && let Some(mean) = table.column_mut(MEAN)
    {
        mean.set_constraint(ColumnConstraint::Hidden);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    for row in &report.results {
        if row.failures > 0 {
            println!("{}: {} of {} gave no correct response", row.boot, row.failures, row.failures + row.runs);
        }
        let Some(steps) = &row.breakdown else { continue };
        println!("{}: {:.0} % of the boot accounted for", row.boot, row.accounted.unwrap_or(0.0) * 100.0);
        for step in steps {
            let faults = step.faults.map_or(String::new(), |f| format!(", {f:.0} faults"));
            println!(
                "  {:<28} {:>9}   {:.0} mappings, {:.0} host calls{faults}",
                step.step,
                microseconds(step.p50_us),
                step.mappings,
                step.host_calls
            );
        }
    }
    for floor in &report.floors {
        let details = [
            floor.pages.map(|n| format!("{n} pages copied")),
            floor.flags.as_ref().map(|flags| format!("clone({flags})")),
            floor.note.clone(),
        ];
        let details: Vec<_> = details.into_iter().flatten().collect();
        if !details.is_empty() {
            println!("{}: {}", floor.name, details.join(", "));
        }
    }
}
