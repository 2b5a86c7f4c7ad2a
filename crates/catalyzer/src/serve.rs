//! `catalyzer serve`: hands every arriving connection to a fresh instance, in the foreground.

use crate::build::current_image;
use crate::config::Function;
use crate::exit::Status;
use crate::sandbox::{Sandboxes, monitor};
use anyhow::{Context, Result, bail};
use gateway::{BootKind, Gateway, ServiceOptions};
use monitor::Monitor;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// Serve functions: every arriving connection gets a fresh instance
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  catalyzer serve functions/hello-python --listen 127.0.0.1:8080\n  \
catalyzer serve functions/hello-c@:8001 functions/hello-python@:8002 --spares 4\n\n\
Runs in the foreground until Ctrl-C. Logs go to standard error; CATALYZER_LOG=warn leaves out the \
functions' own output.")]
pub struct Args {
    /// Directories holding a function.toml, each with the address it is served on
    #[arg(required = true, value_name = "FUNCTION[@ADDR]")]
    functions: Vec<String>,
    /// Where to listen, for a single function [default: 127.0.0.1 and the function's port]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// How to boot: scratch, cold, warm, fork or spare
    #[arg(long, value_name = "KIND", default_value = "fork")]
    boot: BootKind,
    /// Hand all connections to one instance
    #[arg(long)]
    reuse: bool,
    /// Instances to keep cloned ahead
    #[arg(long, value_name = "N", default_value_t = 0)]
    spares: usize,
}

/// Runs the command.
///
/// # Errors
/// A function can't be built, or an address is taken.
pub fn run(args: &Args) -> Result<Status> {
    if args.listen.is_some() && args.functions.len() > 1 {
        bail!("--listen is for a single function; with several, write FUNCTION@ADDR");
    }
    if args.spares > 0 && !matches!(args.boot, BootKind::Fork | BootKind::Spare | BootKind::Warm) {
        bail!("--spares are made ahead for fork, spare and warm boots, not for {} ones", args.boot);
    }
    allow_many_connections();
    let monitor = monitor()?;
    let services = args.functions.iter().map(|text| service(args, &monitor, text)).collect::<Result<Vec<_>>>()?;
    let names: Vec<String> = services.iter().map(|service| service.class.spec().name.clone()).collect();
    let control = gateway::default_path().map_err(|error| log::warn!("`ps` can't be answered: {error}")).ok();
    // Until here a Ctrl-C simply ends this process, and everything it started ends with it; a control
    // socket would stay.
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let gateway = Gateway::start(services, control)?;
    for (name, address) in names.iter().zip(gateway.addresses()) {
        eprintln!("{name}: http://{address}, {} boots", args.boot);
    }
    signals.forever().next();
    drop(gateway);
    Ok(Status::Success)
}

fn service(args: &Args, monitor: &Monitor, text: &str) -> Result<ServiceOptions> {
    let (path, given) = split(text);
    let function = Function::load(&path)?;
    let Some(port) = function.port else { bail!("{}: the function has no `port` to serve", function.name) };
    let address = match given.or_else(|| args.listen.clone()) {
        Some(address) => parse_address(&address)?,
        None => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
    };
    let sandboxes = Sandboxes::new(monitor, function, false)?;
    let image = if args.boot == BootKind::Scratch { None } else { Some(current_image(&sandboxes)?) };
    let class = sandboxes.class;
    Ok(ServiceOptions { class, image, address, boot: args.boot, reuse: args.reuse, spares: args.spares })
}

/// `FUNCTION[@ADDR]`; a path with an `@` in it is a path when it exists.
fn split(text: &str) -> (PathBuf, Option<String>) {
    match text.rsplit_once('@') {
        Some((path, address)) if !PathBuf::from(text).exists() => (path.into(), Some(address.to_owned())),
        _ => (text.into(), None),
    }
}

/// `HOST:PORT`, `:PORT` (on 127.0.0.1) or `PORT`.
fn parse_address(text: &str) -> Result<SocketAddr> {
    let bad = || format!("\"{text}\" is not an address to listen on; write HOST:PORT");
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.to_socket_addrs().with_context(bad)?.next().with_context(bad)
}

/// Each connection and each instance takes a few descriptors.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    // Without it there are only fewer.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_may_name_its_address() {
        assert_eq!(split("functions/x@0.0.0.0:80"), ("functions/x".into(), Some("0.0.0.0:80".into())));
        assert_eq!(split("functions/x"), ("functions/x".into(), None));
    }

    #[test]
    fn addresses_may_be_short() {
        for (text, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            (":80", "127.0.0.1:80"),
            ("80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(parse_address(text).unwrap(), expected.parse().unwrap());
        }
        for text in ["", "80000", "nowhere", "127.0.0.1"] {
            assert!(parse_address(text).is_err(), "{text}");
        }
    }
}
