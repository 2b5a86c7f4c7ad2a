//! `catalyzer image`: look at func-images, check them.

use crate::bench::table::bytes;
use crate::exit::Status;
use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use image::{Image, Inspection, Store};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Look at func-images and check them
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show sections, sizes, regions, threads, descriptors and pointers
    #[command(after_help = "Example:\n  catalyzer image inspect hello.img")]
    Inspect {
        /// The images
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<PathBuf>,
        /// Print one JSON object an image
        #[arg(long)]
        json: bool,
    },
    /// Check every byte
    #[command(after_help = "Example:\n  catalyzer image verify hello.img\n\nExit status: 0 when all are good, else 1.")]
    Verify {
        /// The images
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<PathBuf>,
        /// Print one JSON object an image
        #[arg(long)]
        json: bool,
    },
    /// List images: those given, or all of the image store
    #[command(after_help = "Example:\n  catalyzer image ls")]
    Ls {
        /// The images
        #[arg(value_name = "IMAGE")]
        images: Vec<PathBuf>,
        /// Print one JSON object an image
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// An image can't be shown; a bad image of `verify` and `ls` is a status.
pub fn run(args: &Args) -> Result<Status> {
    match &args.what {
        What::Inspect { images, json } => {
            for path in images {
                let inspection = open(path)?.inspect()?;
                if *json {
                    println!("{}", serde_json::to_string(&inspection)?);
                } else {
                    show(&inspection);
                }
            }
            Ok(Status::Success)
        }
        What::Verify { images, json } => verify(images, *json),
        What::Ls { images, json } => ls(images, *json),
    }
}

fn open(path: &Path) -> Result<Image> {
    Ok(Image::open(path, monitor::kernel_build())?)
}

#[derive(Debug, Serialize)]
struct Verdict {
    path: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    memory_stored: u64,
    relations: u64,
    threads: usize,
}

fn verify(images: &[PathBuf], json: bool) -> Result<Status> {
    let mut status = Status::Success;
    for path in images {
        let checked = Image::open(path, monitor::kernel_build()).and_then(|image| image.verify());
        let mut verdict = Verdict {
            path: path.display().to_string(),
            ok: checked.is_ok(),
            problem: None,
            memory_stored: 0,
            relations: 0,
            threads: 0,
        };
        match checked {
            Ok(found) => {
                verdict.memory_stored = found.memory_stored;
                verdict.relations = found.relations;
                verdict.threads = found.threads;
            }
            Err(error) => {
                verdict.problem = Some(error.to_string());
                status = Status::CheckFailed;
            }
        }
        match (json, &verdict.problem) {
            (true, _) => println!("{}", serde_json::to_string(&verdict)?),
            (false, None) => println!(
                "{}: good: {} of memory, {} relations, {} threads",
                verdict.path,
                bytes(verdict.memory_stored),
                verdict.relations,
                verdict.threads
            ),
            (false, Some(problem)) => eprintln!("catalyzer: {problem}"),
        }
    }
    Ok(status)
}

#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    path: String,
    file_len: u64,
    allocated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

fn ls(images: &[PathBuf], json: bool) -> Result<Status> {
    let listed: Vec<Listed> = if images.is_empty() {
        let entries = Store::open_default()?.ls(monitor::kernel_build())?;
        let listed = entries.into_iter().map(|e| Listed {
            name: e.name,
            path: e.path,
            file_len: e.file_len,
            allocated: e.allocated,
            problem: e.problem,
        });
        listed.collect()
    } else {
        images.iter().map(|path| listed(path)).collect::<Result<_>>()?
    };
    if json {
        for image in &listed {
            println!("{}", serde_json::to_string(image)?);
        }
        return Ok(Status::Success);
    }
    let mut table = table(["name", "on disk", "path", ""]);
    for image in listed {
        table.add_row([image.name, bytes(image.allocated), image.path, image.problem.unwrap_or_default()]);
    }
    println!("{table}");
    Ok(Status::Success)
}

fn listed(path: &Path) -> Result<Listed> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().map_err(|e| anyhow::anyhow!("{}: {}", path.display(), crate::config::plain(&e)))?;
    Ok(Listed {
        name: path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        path: path.display().to_string(),
        file_len: metadata.len(),
        allocated: metadata.blocks() * 512,
        problem: open(path).err().map(|error| error.to_string()),
    })
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table
}

fn show(image: &Inspection) {
    println!("{}", image.path);
    let function = image.function.as_deref().unwrap_or("(no name)");
    println!(
        "  function {function}, format {}, {} in the file, {} on disk",
        image.version,
        bytes(image.file_len),
        bytes(image.allocated)
    );
    println!("  configuration {}", image.function_digest);
    println!("  guest kernel  {}", image.kernel_build);
    println!(
        "  kernel heap dumped at {:#x}: {} pointers into it, {} into the guest kernel",
        image.heap_base, image.heap_pointers, image.kernel_pointers
    );
    println!("  {} host mappings in a boot, working set of {} pages\n", image.host_mappings, image.working_set);

    let mut sections = table(["section", "offset", "length", "stored"]);
    for section in &image.sections {
        sections.add_row([
            section.name.to_owned(),
            format!("{:#x}", section.offset),
            bytes(section.len),
            bytes(section.stored),
        ]);
    }
    right(&mut sections, 1..4);
    println!("{sections}\n");

    let mut totals = table(["memory", "", "regions", "length", "stored"]);
    for total in &image.totals {
        let regions = total.regions.to_string();
        totals.add_row([
            total.kind.to_owned(),
            total.protection.clone(),
            regions,
            bytes(total.len),
            bytes(total.stored),
        ]);
    }
    right(&mut totals, 2..5);
    println!("{totals}\n");

    let mut regions = table(["space", "region", "", "", "kind", "stored"]);
    for region in &image.regions {
        let (start, end) = (format!("{:#x}", region.start), format!("{:#x}", region.end));
        let space = region.space.to_string();
        regions.add_row([space, start, end, region.protection.clone(), region.kind.to_owned(), bytes(region.stored)]);
    }
    right(&mut regions, 5..6);
    println!("{regions}\n");

    let mut threads = table(["process", "thread", "name", "waits for"]);
    for thread in &image.threads {
        threads.add_row([
            thread.pid.to_string(),
            thread.tid.to_string(),
            thread.name.clone(),
            thread.waits_for.clone(),
        ]);
    }
    println!("{threads}\n");

    let mut descriptors = table(["process", "fd", "kind", "name", "after a boot"]);
    for entry in &image.descriptors {
        let fd = entry.fd.map_or_else(|| "-".to_owned(), |fd| fd.to_string());
        descriptors.add_row([
            entry.pid.to_string(),
            fd,
            entry.kind.clone(),
            entry.name.clone(),
            entry.state.to_owned(),
        ]);
    }
    println!("{descriptors}\n");
    println!("depends on {} lower files", image.lower_files.len());
}

fn right(table: &mut Table, columns: std::ops::Range<usize>) {
    for index in columns {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
