//! `catalyzer completion`: what a shell needs to complete our commands and options.

use crate::exit::Status;
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  catalyzer completion bash > ~/.local/share/bash-completion/completions/catalyzer")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args, command: &clap::Command) -> Status {
    // The commands that we start ourselves by are nobody's to complete.
    let commands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()).cloned();
    let mut shown = clap::Command::new("catalyzer").subcommands(commands);
    clap_complete::generate(args.shell, &mut shown, "catalyzer", &mut std::io::stdout());
    Status::Success
}
