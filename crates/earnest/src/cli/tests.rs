//! The command line as a whole, against what the documentation says of it.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// Every command that does something, by its words after `earnest`.
fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    let mut inner = command.get_subcommands().filter(|inner| inner.get_name() != "help").peekable();
    if inner.peek().is_none() {
        found.push((path.trim().to_owned(), command.clone()));
    }
    for inner in inner {
        leaves(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

fn all() -> Vec<(String, Command)> {
    let mut cli = Cli::command();
    cli.build();
    let mut found = Vec::new();
    leaves(&cli, "", &mut found);
    found
}

fn documentation(file: &str) -> String {
    std::fs::read_to_string(format!("{}/../../docs/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_in_the_documentation_and_takes_json() {
    let (all, docs) = (all(), documentation("node.md") + &documentation("scenarios.md"));
    assert!(all.len() > 50, "{}", all.len());
    for (path, command) in &all {
        assert!(docs.contains(&format!("`{path}")) || docs.contains(&format!("earnest {path}")), "{path}");
        let json = command.get_arguments().any(|argument| argument.get_id() == "json");
        assert!(json, "{path} takes no --json");
    }
}

#[test]
fn what_commits_money_can_be_tried_dry_and_the_documentation_lists_it() {
    let dry = all().into_iter().filter(|(_, command)| {
        command.get_arguments().any(|argument| argument.get_long() == Some("dry-run"))
    });
    let dry: Vec<String> = dry.map(|(path, _)| path).collect();
    let committing = [
        "send",
        "sweep",
        "offer publish",
        "buy",
        "negotiate start",
        "negotiate counter",
        "negotiate accept",
        "renew",
        "escrow close",
        "escrow approve-close",
        "approve",
    ];
    for path in committing {
        assert!(dry.iter().any(|dry| dry == path), "{path} takes no --dry-run");
    }
    let docs = documentation("node.md");
    let listed = docs.split("`--dry-run` checks everything").nth(1).unwrap().split("\n\n").next().unwrap();
    for path in &dry {
        assert!(
            listed.contains(&format!("`{path}`")),
            "{path} is not listed where docs/node.md tells of --dry-run"
        );
    }
}

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
        let script = crate::completions::script(shell);
        for word in ["negotiate", "approve-close", "dry-run", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
