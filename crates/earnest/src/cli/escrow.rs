//! Escrows.

use clap::{Args, Subcommand};

use super::{ConfigFile, Dry, Retry};

/// What to do with escrows.
#[derive(Debug, Subcommand)]
pub enum Escrow {
    /// All escrows, newest first.
    List(ConfigFile),
    /// One escrow: state, terms, transactions, history.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Its id.
        id: String,
    },
    /// Propose to close a funded escrow now, by agreement. Signs nothing: the other side signs first.
    ///
    /// Without --provider-sat it proposes what the attestations pay.
    Close {
        #[command(flatten)]
        file: ConfigFile,
        /// Its id.
        id: String,
        /// What the provider would get, in satoshis; the buyer gets the rest.
        #[arg(long, value_name = "SAT")]
        provider_sat: Option<u64>,
        /// How long the proposal stands, in seconds; a day without it.
        #[arg(long, value_name = "S")]
        valid_s: Option<u64>,
        /// Why, for the other owner to read.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        dry: Dry,
        #[command(flatten)]
        retry: Retry,
    },
    /// Agree to the other side's proposal to close: sign it.
    ///
    /// The signature cannot be taken back: until the funding output is spent, the other side can use it or wait.
    ApproveClose {
        #[command(flatten)]
        proposal: Proposal,
        #[command(flatten)]
        dry: Dry,
    },
    /// Refuse the other side's proposal to close.
    RefuseClose(Proposal),
    /// Take the own proposal to close back.
    WithdrawClose(Proposal),
}

/// One proposal to close an escrow.
#[derive(Debug, Args)]
pub struct Proposal {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The escrow's id.
    pub id: String,
    /// The proposal's id, from `escrow show`.
    pub proposal: String,
    #[command(flatten)]
    pub retry: Retry,
}
