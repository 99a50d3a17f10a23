//! The `earnest-oracle` binary.

use std::process::ExitCode;

use clap::Parser;
use earnest_oracle::{cli::Cli, commands};

fn main() -> ExitCode {
    commands::run(Cli::parse())
}
