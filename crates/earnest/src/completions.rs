//! `earnest completions SHELL`

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::output;

/// Prints the script that completes the command line in a shell.
pub fn print(shell: Shell) {
    output::line(script(shell).trim_end());
}

/// The script.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "earnest", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
