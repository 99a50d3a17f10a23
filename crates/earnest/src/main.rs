//! The `earnest` binary: run a node, command it, work out payouts and prices, replay outages.

mod alarms;
mod authority;
mod cli;
mod completions;
mod discover;
mod documents;
mod dry_run;
mod escrow;
mod events;
mod exit;
mod forecast;
mod key;
mod listing;
mod mcp;
mod negotiate;
mod offer;
mod oracle;
mod order;
mod output;
mod owner;
mod receipts;
mod recovery;
mod reputation;
mod rotate;
mod serve;
mod standing_offer;
mod transcript;
mod wallet;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::Builder;

use crate::cli::{Cli, Command};
use crate::exit::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {}", failure.in_words());
            failure.code
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    // A replay hands time from process to process, and is quickest when its own side stays on one thread.
    let mut builder = match cli.command {
        Command::Replay(_) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build().map_err(|error| Failure::failed(error.into()))?;
    runtime.block_on(dispatch(cli))
}

async fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    let json = cli.json;
    match cli.command {
        Command::Terms(command) => documents::run(command, json)?,
        Command::Simulate(arguments) => forecast::simulate(&arguments, json)?,
        Command::Price(arguments) => forecast::price(&arguments, json)?,
        Command::Worth(arguments) => forecast::worth(&arguments, json)?,
        Command::Init(file) => serve::init(&file, json)?,
        Command::Serve(arguments) => serve::serve(arguments).await?,
        Command::Info(file) => recovery::info(&file, json).await?,
        Command::Backup(arguments) => recovery::backup(&arguments, json).await?,
        Command::Restore(arguments) => recovery::restore(arguments, json).await?,
        Command::Words(file) => recovery::words(&file, json)?,
        Command::Balance(file) => wallet::balance(&file, json).await?,
        Command::Address(file) => wallet::address(&file, json).await?,
        Command::Send(arguments) => wallet::send(arguments, json).await?,
        Command::Sweep(arguments) => wallet::sweep(arguments, json).await?,
        Command::Supply(file) => wallet::supply(&file, json).await?,
        Command::Transactions(file) => wallet::transactions(&file, json).await?,
        Command::Rotate(command) => rotate::run(command, json).await?,
        Command::Oracle(command) => oracle::run(command, json).await?,
        Command::Offer(command) => offer::run(command, json).await?,
        Command::StandingOffer(command) => standing_offer::run(command, json).await?,
        Command::Order(command) => order::run(command, json).await?,
        Command::Discover(arguments) => discover::run(arguments, json).await?,
        Command::Listing(command) => listing::run(command, json).await?,
        Command::Buy(arguments) => offer::buy(arguments, json).await?,
        Command::Transcript(command) => transcript::run(command, json).await?,
        Command::Negotiate(command) => negotiate::run(command, json).await?,
        Command::Renew(arguments) => offer::renew(arguments, json).await?,
        Command::Alarms(file) => alarms::list(&file, json).await?,
        Command::Events(arguments) => events::run(&arguments, json).await?,
        Command::Completions { shell } => completions::print(shell),
        Command::Escrow(command) => escrow::run(command, json).await?,
        Command::Mandate(file) => authority::mandate(&file, json).await?,
        Command::Reputation(command) => reputation::run(command, json).await?,
        Command::Receipts(command) => receipts::run(command, json).await?,
        Command::Pause(arguments) => authority::pause(arguments, true, json).await?,
        Command::Resume(arguments) => authority::pause(arguments, false, json).await?,
        Command::Key(command) => key::run(command, json).await?,
        Command::Mcp(arguments) => mcp::run(arguments).await?,
        Command::Approvals(file) => authority::approvals(&file, json).await?,
        Command::Approve { decision, dry } if dry.dry_run => {
            let node = owner::connect(&decision.file)?;
            dry_run::show(&node, client::Rehearsed::Approval(&decision.terms_hash), json).await?;
        }
        Command::Approve { decision, .. } => authority::decide(decision, "approve", json).await?,
        Command::Deny(arguments) => authority::decide(arguments, "deny", json).await?,
        Command::Scenario(command) => return Ok(replay::cli::scenario::run(command, json)),
        Command::Replay(arguments) => return Ok(replay::cli::run(arguments, json).await),
    }
    Ok(ExitCode::SUCCESS)
}
