//! `catalyzer ps`: what a running `serve` holds.

use crate::bench::table::bytes;
use crate::exit::Status;
use anyhow::Result;
use comfy_table::{Table, presets};
use gateway::{Pages, Question, Report};

/// Show what a running `serve` holds: templates, zygotes, spares, instances
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer ps --pages --json | jq '.functions[].instances[].pid'")]
pub struct Args {
    /// With the memory of each
    #[arg(long)]
    pages: bool,
    /// With descriptors and connections of the images, and their state after a boot
    #[arg(long)]
    io: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Nothing is served.
pub fn run(args: &Args) -> Result<Status> {
    let report = gateway::ask(&gateway::default_path()?, Question { pages: args.pages, io: args.io })?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&report);
    }
    Ok(Status::Success)
}

fn print(report: &Report) {
    for function in &report.functions {
        println!(
            "{} on {}: {} boots, {} connections so far, {} ended early",
            function.name, function.address, function.boot, function.connections, function.early_ends
        );
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_header(["", "pid", "state", "connections", "age", "private memory"]);
        let pid = |pid: Option<i32>| pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let memory = |pages: Option<Pages>| pages.map_or_else(String::new, |pages| bytes(pages.private_dirty * 4096));
        if let Some(template) = &function.template {
            let row =
                ["template".into(), pid(template.pid), "parked".into(), "-".into(), "-".into(), memory(template.pages)];
            table.add_row(row);
        }
        for (count, what) in [(function.zygotes, "zygotes"), (function.spares, "spares")] {
            if count > 0 {
                table.add_row([
                    format!("{count} {what}"),
                    "-".into(),
                    "parked".into(),
                    "-".into(),
                    "-".into(),
                    String::new(),
                ]);
            }
        }
        for instance in &function.instances {
            table.add_row([
                format!("#{}", instance.id),
                pid(instance.pid),
                instance.state.clone(),
                instance.connections.to_string(),
                format!("{:.1} s", instance.age_ms as f64 / 1000.0),
                memory(instance.pages),
            ]);
        }
        println!("{table}");
        for entry in function.io.iter().flatten() {
            let fd = entry.fd.map_or_else(|| "-".to_owned(), |fd| fd.to_string());
            println!("  process {} fd {fd}: {} {}: {}", entry.pid, entry.kind, entry.name, entry.state);
        }
    }
}
