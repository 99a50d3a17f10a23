//! Negotiations: by a strategy, or every word by hand.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use client::{OwnerClient, Rehearsed};
use protocol::owner::{
    AcceptRequest, CounterRequest, NegotiationRequest, NegotiationState, NegotiationView, RejectRequest,
    Role, SaidView, WithdrawRequest,
};
use protocol::{BuyerStrategy, Concession};
use serde::Serialize;
use terms::units::MAX_NUMBER;
use terms::{Hex32, Sat};

use crate::cli::{ConfigFile, Dry, Retry};
use crate::exit::Failure;
use crate::{dry_run, output, owner};

/// How long `buy` waits for an agreement before it leaves the node to it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it asks meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// What to do with negotiations.
#[derive(Debug, Subcommand)]
pub enum Negotiate {
    /// Ask a provider for a quote on a negotiable offer. Every further word is yours.
    Start {
        #[command(flatten)]
        file: ConfigFile,
        /// The provider's address.
        url: String,
        /// The offer's id, from `discover`.
        offer_id: String,
        #[command(flatten)]
        dry: Dry,
        #[command(flatten)]
        retry: Retry,
    },
    /// The newest negotiations.
    List(ConfigFile),
    /// One negotiation: what was said, what stands, and whose turn it is.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Its id.
        id: String,
    },
    /// Propose another price or bond; what is left out stays as it was proposed last.
    Counter {
        #[command(flatten)]
        word: Word,
        /// The price, in satoshis.
        #[arg(long, value_name = "SAT", required_unless_present = "bond_sat")]
        price_sat: Option<u64>,
        /// The bond, in satoshis.
        #[arg(long, value_name = "SAT")]
        bond_sat: Option<u64>,
        /// How long the proposal stands, in seconds; as long as the offer without it.
        #[arg(long, value_name = "S")]
        valid_s: Option<u64>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Take what the other side proposed last.
    Accept {
        #[command(flatten)]
        word: Word,
        /// Only these terms, by their hash.
        #[arg(long, value_name = "HASH")]
        terms_hash: Option<String>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Do not take what the other side proposed last. That ends it.
    Reject {
        #[command(flatten)]
        word: Word,
        /// Let the other side propose again.
        #[arg(long)]
        go_on: bool,
        /// Why, for the other owner to read.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Take the own last proposal back. Another may follow.
    Withdraw {
        #[command(flatten)]
        word: Word,
        /// Why, for the other owner to read.
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
}

/// Which negotiation a word is for.
#[derive(Debug, Args)]
pub struct Word {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The negotiation's id.
    pub id: String,
    #[command(flatten)]
    pub retry: Retry,
}

/// How `buy` negotiates.
#[derive(Debug, Args)]
pub struct Haggle {
    /// Negotiate, and pay so many satoshis at most.
    #[arg(long, value_name = "SAT")]
    pub max_price: Option<u64>,
    /// How the price goes from the first to the most over the rounds.
    #[arg(long, value_enum, requires = "max_price", default_value_t = Shape::Linear)]
    pub strategy: Shape,
    /// The first price; without it the least that the offer lets anybody propose.
    #[arg(long, value_name = "SAT", requires = "max_price")]
    pub open_at: Option<u64>,
    /// After how many counters to stop; without it as many as the offer allows.
    #[arg(long, value_name = "N", requires = "max_price")]
    pub rounds: Option<u64>,
    /// What its steps are drawn from: the same number, the same prices from and to the same peers. For replays and tests.
    #[arg(long, value_name = "N", requires = "max_price", value_parser = clap::value_parser!(u64).range(..=MAX_NUMBER))]
    pub seed: Option<u64>,
}

/// How a price moves.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shape {
    /// Not at all.
    Fixed,
    /// By the same amount each round.
    Linear,
    /// Late.
    Boulware,
}

impl Shape {
    /// As the node knows it.
    pub fn concession(self) -> Concession {
        match self {
            Self::Fixed => Concession::Fixed,
            Self::Linear => Concession::Linear,
            Self::Boulware => Concession::Boulware,
        }
    }
}

impl Haggle {
    /// The strategy, where there is to be one.
    pub fn strategy(&self) -> Option<BuyerStrategy> {
        let concession = self.strategy.concession();
        let (opening_sat, rounds, seed) = (self.open_at.map(Sat), self.rounds, self.seed);
        let of = |most| BuyerStrategy { opening_sat, maximum_sat: Sat(most), concession, rounds, seed };
        self.max_price.map(of)
    }
}

/// `earnest negotiate ...`
pub async fn run(command: Negotiate, json: bool) -> Result<(), Failure> {
    match command {
        Negotiate::Start { file, url, offer_id, dry, retry } => {
            let request = NegotiationRequest {
                provider_url: url,
                offer_id: hash("offer_id", &offer_id)?,
                strategy: None,
            };
            let (node, key) = (owner::connect(&file)?, owner::idempotency_key(retry.idempotency_key)?);
            if dry.dry_run {
                return dry_run::show(&node, Rehearsed::Negotiation(&request), json).await;
            }
            tell(&node.negotiate(&request, &key).await?, json)
        }
        Negotiate::List(file) => list(&owner::connect(&file)?.negotiations().await?, json),
        Negotiate::Show { file, id } => tell(&found(&owner::connect(&file)?, &id).await?, json),
        Negotiate::Counter { word, price_sat, bond_sat, valid_s, dry } => {
            let (price_sat, bond_sat) = (price_sat.map(Sat), bond_sat.map(Sat));
            let request = CounterRequest { price_sat, bond_sat, valid_s };
            if dry.dry_run {
                let what = Rehearsed::Counter(&word.id, &request);
                return dry_run::show(&owner::connect(&word.file)?, what, json).await;
            }
            say(word, "counter", &request, json).await
        }
        Negotiate::Accept { word, terms_hash, dry } => {
            let terms_hash = terms_hash.map(|text| hash("terms_hash", &text)).transpose()?;
            let request = AcceptRequest { terms_hash };
            if dry.dry_run {
                let what = Rehearsed::Accept(&word.id, &request);
                return dry_run::show(&owner::connect(&word.file)?, what, json).await;
            }
            say(word, "accept", &request, json).await
        }
        Negotiate::Reject { word, go_on, reason } => {
            say(word, "reject", &RejectRequest { go_on, reason }, json).await
        }
        Negotiate::Withdraw { word, reason } => {
            say(word, "withdraw", &WithdrawRequest { reason }, json).await
        }
    }
}

/// Negotiates by a strategy, and waits for the end of it as long as that takes seconds.
pub async fn buy(
    node: &OwnerClient,
    request: &NegotiationRequest,
    key: &str,
    json: bool,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut told = node.negotiate(request, key).await?;
    while matches!(told.state, NegotiationState::OurTurn | NegotiationState::TheirTurn) {
        if began.elapsed() > PATIENCE {
            break;
        }
        tokio::time::sleep(ASK_EVERY).await;
        told = found(node, &told.id.to_string()).await?;
    }
    tell(&told, json)?;
    match told.state {
        NegotiationState::Agreed => Ok(()),
        NegotiationState::Ended => Err(anyhow!("there is no agreement").into()),
        _ => {
            output::note(
                "The other side has not answered yet; `earnest negotiate show` tells how it goes on.",
            );
            Ok(())
        }
    }
}

async fn say<B: Serialize>(word: Word, kind: &str, request: &B, json: bool) -> Result<(), Failure> {
    let key = owner::idempotency_key(word.retry.idempotency_key)?;
    let node = owner::connect(&word.file)?;
    tell(&node.negotiation_word(&word.id, kind, request, &key).await?, json)
}

async fn found(node: &OwnerClient, id: &str) -> Result<NegotiationView, Failure> {
    Ok(node.negotiation(id).await?.ok_or_else(|| anyhow!("this node has no such negotiation"))?)
}

fn hash(field: &str, text: &str) -> Result<Hex32, Failure> {
    let refuse = || Failure::bad_input(anyhow!("{field}: must be 64 lower-case hex digits"));
    Hex32::parse(text).ok_or_else(refuse)
}

fn list(negotiations: &[NegotiationView], json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&negotiations);
    }
    let mut table = output::table(&["negotiation", "role", "state", "price", "bond", "counters left"]);
    for told in negotiations {
        let (price, bond) = last_amounts(told);
        let left = told.counters_left.to_string();
        table.add_row([told.id.to_string(), role(told.role).to_owned(), state(told), price, bond, left]);
    }
    output::line(&table.to_string());
    Ok(())
}

/// Price and bond as they were proposed last.
fn last_amounts(told: &NegotiationView) -> (String, String) {
    let last = told.said.iter().rev().find(|said| said.price_sat.is_some());
    let shown = |amount: Option<Sat>| amount.map_or(String::new(), output::sat);
    (shown(last.and_then(|said| said.price_sat)), shown(last.and_then(|said| said.bond_sat)))
}

fn tell(told: &NegotiationView, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(told);
    }
    let standing = told.standing.map_or("-".to_owned(), |standing| {
        format!("by the {}, until {}, terms {}", role(standing.by), standing.until, standing.terms_hash)
    });
    output::facts(&[
        ("negotiation", told.id.to_string()),
        ("role", role(told.role).to_owned()),
        ("counterparty", told.counterparty.to_string()),
        ("offer", told.offer_id.to_string()),
        ("protocol", format!("version {}", told.version)),
        ("state", state(told)),
        ("standing", standing),
        ("counters left", told.counters_left.to_string()),
        ("ended", told.ended.clone().unwrap_or_else(|| "-".to_owned())),
    ]);
    let mut table = output::table(&["#", "unix s", "by", "said", "price", "bond", ""]);
    for said in &told.said {
        table.add_row(row(said));
    }
    output::line(&table.to_string());
    output::outlook(told.outlook.as_ref());
    if told.state == NegotiationState::Agreed {
        output::line("Agreed. The node locks it now; `earnest escrow show` tells how far it is.");
    }
    Ok(())
}

fn row(said: &SaidView) -> [String; 7] {
    let shown = |amount: Option<Sat>| amount.map_or(String::new(), output::sat);
    [
        said.seq.to_string(),
        said.at.to_string(),
        role(said.by).to_owned(),
        said.kind.clone(),
        shown(said.price_sat),
        shown(said.bond_sat),
        said.reason.clone(),
    ]
}

fn state(told: &NegotiationView) -> String {
    match told.state {
        NegotiationState::OurTurn if told.automatic => "our turn, by the strategy",
        NegotiationState::OurTurn => "our turn",
        NegotiationState::TheirTurn => "their turn",
        NegotiationState::Agreed => "agreed",
        NegotiationState::Ended => "ended",
    }
    .to_owned()
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Provider => "provider",
        Role::Buyer => "buyer",
    }
}
