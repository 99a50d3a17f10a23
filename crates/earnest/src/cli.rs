//! The command line.

mod deals;
mod discovery;
mod documents;
mod escrow;
mod key;
mod oracle;
mod receipts;
mod recovery;
mod standing;
#[cfg(test)]
mod tests;
mod wallet;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use replay::cli::ReplayArgs;
use replay::cli::scenario::ScenarioCommand;

use crate::forecast;
pub use deals::{Buy, Offer, Renew};
pub use discovery::{Discover, Listing};
pub use documents::{NamedPeriod, Terms};
pub use escrow::{Escrow, Proposal};
pub use key::{Key, KeyCreate, KeyName};
pub use oracle::{Oracle, OracleRequest};
pub use receipts::Receipts;
pub use recovery::{Backup, Restore};
pub use standing::{Order, OrderCreate, Span, StandingOffer, StandingOfferCreate};
pub use wallet::{Send, Sweep};

/// Escrows that pay by measured service level: provider and buyer lock bitcoin, an oracle measures, the money moves.
///
/// Run a node beside your Bitcoin node with `init` and `serve`; the other commands talk to that node through its
/// configuration file. `terms`, `simulate`, `price`, `worth`, `scenario` and `replay` need no node.
///
/// Exit codes: 0 well, 1 it failed or was refused, 2 bad input.
#[derive(Debug, Parser)]
#[command(name = "earnest", version, max_term_width = 100)]
pub struct Cli {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make what a data folder lacks: seed, owner token. Prints the node's identity key.
    Init(ConfigFile),
    /// Run the node until SIGTERM or SIGINT.
    Serve(Serve),
    /// Who the node is, and whether its backup is up to date.
    Info(ConfigFile),
    /// Write a sealed copy of the whole database to a new file, also while the node runs.
    ///
    /// The seed opens it, and is not in it: whoever has the file alone has nothing.
    Backup(Backup),
    /// Make a data folder from the seed and the backup target.
    ///
    /// Stop the old node for good first: two nodes of one seed must never run.
    Restore(Restore),
    /// Show the seed's words, to write them down.
    Words(ConfigFile),
    /// What the wallet has, and what live escrows lock.
    Balance(ConfigFile),
    /// A fresh address to receive at.
    Address(ConfigFile),
    /// Send an amount from free coins.
    Send(Send),
    /// Send everything that is free, or show the scheduled sweep.
    Sweep(Sweep),
    /// How many coins are ready for escrows.
    Supply(ConfigFile),
    /// The wallet's transactions, newest first.
    Transactions(ConfigFile),
    /// Replace the owner's token or the identity key of the running node.
    #[command(subcommand)]
    Rotate(Rotate),
    /// How the oracles of the configuration stand; and ask one to measure, without a node.
    #[command(subcommand)]
    Oracle(Oracle),
    /// Publish offers, and list them.
    #[command(subcommand)]
    Offer(Offer),
    /// Publish an offer for each window of a sequence by itself, ahead of time.
    #[command(subcommand)]
    StandingOffer(StandingOffer),
    /// Compare what providers offer, those named and those in directories.
    Discover(Discover),
    /// This node's listing in the directories of its configuration.
    #[command(subcommand)]
    Listing(Listing),
    /// Take a provider's published offer, or negotiate it with --max-price: agree, and lock the escrow.
    Buy(Buy),
    /// Negotiate price and bond of an offer, each word by hand.
    #[command(subcommand)]
    Negotiate(crate::negotiate::Negotiate),
    /// Export what was said and locked as evidence, or verify such a file offline.
    #[command(subcommand)]
    Transcript(crate::transcript::Transcript),
    /// Renew an escrow that was bought: agree and lock its next window, with fresh coins. Again it tells of the same.
    Renew(Renew),
    /// Standing orders: buy the same service window after window, within the mandate.
    #[command(subcommand)]
    Order(Order),
    /// List escrows, show one with its history, and close one by agreement.
    #[command(subcommand)]
    Escrow(Escrow),
    /// The owner's limits, and how much of them is used.
    Mandate(ConfigFile),
    /// What the owner should look at: limits nearly used up, questions, oracles that contradict themselves.
    Alarms(ConfigFile),
    /// What happened at the node, and with --follow what happens: escrows, negotiations, questions, alarms, payments.
    ///
    /// With --json one event a line. Each has an id: go on after the last one that you saw, and you miss nothing.
    Events(Events),
    /// One line for each movement of money: export them, verify an exported file offline.
    #[command(subcommand)]
    Receipts(Receipts),
    /// How providers kept what they promised, verified on the chain; and what is presented of the own escrows.
    #[command(subcommand)]
    Reputation(crate::reputation::Reputation),
    /// Commit nothing new from now on. What is locked goes on: it settles, is refunded, and is bumped.
    Pause(Switch),
    /// Go on after `pause`.
    Resume(Switch),
    /// Delegated keys: tokens for agents, with limits narrower than the owner's.
    #[command(subcommand)]
    Key(Key),
    /// Serve the node's tools to an agent's MCP client, over standard input and output.
    ///
    /// Needs the token of a delegated key, as EARNEST_TOKEN or in a file; docs/mcp.md shows how clients are told of it.
    Mcp(crate::mcp::Mcp),
    /// Commitments above `approve_above_sat`, the newest first.
    Approvals(ConfigFile),
    /// Agree to a commitment that waits for the owner's word. Everything is checked anew.
    Approve {
        #[command(flatten)]
        decision: Decision,
        #[command(flatten)]
        dry: Dry,
    },
    /// Refuse a commitment that waits for the owner's word.
    Deny(Decision),
    /// Work with the documents, offline.
    #[command(subcommand)]
    Terms(Terms),
    /// Imagine thousands of windows of a service, and show what comes of an agreement about it.
    Simulate(forecast::Simulate),
    /// What a provider must ask for an agreement, from how its service fails.
    ///
    /// Prints the reserve, below which it loses in the mean, and the price to ask.
    Price(forecast::Price),
    /// What an agreement is worth to a buyer at most, from how the service fails.
    Worth(forecast::Worth),
    /// Replay a scenario: a real chain, a real oracle, two real nodes, in simulated time.
    Replay(ReplayArgs),
    /// Check, list and begin scenarios, without running them.
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    /// Print a script that completes this command line in a shell. Has no --json.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where the node's configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigFile {
    /// The node's configuration file (docs/node.md describes it).
    #[arg(long, value_name = "FILE", env = "EARNEST_CONFIG")]
    pub config: PathBuf,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Take the time from a replay's barrier. Regtest only.
    #[arg(long, value_name = "HOST:PORT", env = "EARNEST_SIMULATED_TIME")]
    pub simulated_time: Option<SocketAddr>,
    /// This node's name in simulated time.
    #[arg(long, value_name = "NAME", default_value = "node", requires = "simulated_time")]
    pub simulated_name: String,
}

/// How to repeat a command whose answer was lost.
#[derive(Debug, Args)]
pub struct Retry {
    /// Do it once under this key, however often it is repeated. Without it every call is a new request.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// Whether it is done at all.
#[derive(Clone, Copy, Debug, Args)]
pub struct Dry {
    /// Only check it, and say what it would come to: nothing is stored, sent or signed.
    #[arg(long)]
    pub dry_run: bool,
}

/// What to replace.
#[derive(Debug, Subcommand)]
pub enum Rotate {
    /// A new owner token in its file; the old one is refused from then on.
    Token(ConfigFile),
    /// The next identity key for card and new sessions; open ones go on under theirs.
    Identity {
        #[command(flatten)]
        file: ConfigFile,
        #[command(flatten)]
        retry: Retry,
    },
}

/// Arguments of `events`.
#[derive(Debug, Args)]
pub struct Events {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Only what comes after this id. Without it everything that is kept, or with --follow what happens from now on.
    #[arg(long, value_name = "ID")]
    pub after: Option<u64>,
    /// Go on as it happens, also across restarts of the node, until interrupted.
    #[arg(long)]
    pub follow: bool,
}

/// Arguments of `pause` and `resume`.
#[derive(Debug, Args)]
pub struct Switch {
    #[command(flatten)]
    pub file: ConfigFile,
    #[command(flatten)]
    pub retry: Retry,
}

/// Arguments of `approve` and `deny`.
#[derive(Debug, Args)]
pub struct Decision {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The hash of the terms, from `approvals`.
    pub terms_hash: String,
    #[command(flatten)]
    pub retry: Retry,
}
