//! Who may say what next: the rules of a negotiation, as one pure state.
//!
//! The state is a function of what was said, so both sides and whoever reads the transcript compute the same one
//! ([`Negotiation::of`]), and nothing but the envelopes has to be stored.
//!
//! ```text
//! asked -> quote -> [standing] -- counter of the other ---> [standing]
//!                      |  |   \-- withdraw / reject ------> [open] -- counter of whose proposal it was -> [standing]
//!                      |  \------ accept of the provider -> [taken] - accept of the buyer -> [agreed]
//!                      \--------- accept of the buyer ----------------------------------> [agreed]
//! ```

mod fold;

use terms::{Hex32, Side, UnixSeconds};

pub use fold::FoldError;

/// Terms that somebody proposed and the other may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Who proposed them.
    pub by: Side,
    /// Their hash.
    pub terms_hash: Hex32,
    /// They may be taken before this moment.
    pub until: UnixSeconds,
    /// Which envelope proposed them, by its place in the session, from 1.
    pub seq: u64,
}

/// Something that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The provider's first terms.
    Quote {
        /// Their hash.
        terms_hash: Hex32,
    },
    /// Other terms.
    Counter {
        /// Their hash.
        terms_hash: Hex32,
    },
    /// Takes the terms of the other.
    Accept {
        /// Their hash.
        terms_hash: Hex32,
    },
    /// Does not take them.
    Reject {
        /// Whether that ends the negotiation.
        is_final: bool,
    },
    /// Takes the own proposal back.
    Withdraw,
    /// Ends the negotiation.
    Cancel,
}

impl Move {
    /// The name of the body that says it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Quote { .. } => "quote",
            Self::Counter { .. } => "counter",
            Self::Accept { .. } => "accept",
            Self::Reject { .. } => "reject",
            Self::Withdraw => "withdraw",
            Self::Cancel => "cancel",
        }
    }
}

/// Where a negotiation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The buyer has asked; the provider quotes.
    Asked,
    /// A proposal stands; the other side answers it.
    Standing(Proposal),
    /// None stands; this side may propose.
    Open(Side),
    /// The provider has taken the buyer's proposal, and the buyer's own accept begins the escrow.
    Taken(Proposal),
    /// Both have taken the same terms.
    Agreed(Proposal),
    /// It is over without an agreement.
    Ended,
}

/// A negotiation between a buyer, who asked, and a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiation {
    stage: Stage,
    rounds: u64,
    counters: [u64; 2],
    seq: u64,
}

/// Why something may not be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not what can follow, or not from this side.
    #[error("a {kind} by the {by} is not what comes next in this session")]
    OutOfTurn {
        /// What was said.
        kind: &'static str,
        /// By whom.
        by: Side,
    },
    /// The offer lets each side make so many counters.
    #[error("rounds: the {by} has made all of its {rounds} counters")]
    NoMoreCounters {
        /// Who.
        by: Side,
        /// How many the offer allows.
        rounds: u64,
    },
    /// The hash is not that of the proposal that stands.
    #[error("terms_hash: is {got}, the terms that were proposed last have {expected}")]
    OtherTerms {
        /// Of the proposal that stands.
        expected: Hex32,
        /// Of the accept.
        got: Hex32,
    },
    /// The proposal's time has passed.
    #[error("expires: the proposal stood until {until}, now it is {at}")]
    Expired {
        /// Until when it stood.
        until: UnixSeconds,
        /// When it was to be taken.
        at: UnixSeconds,
    },
}

impl Negotiation {
    /// One that a buyer has just opened, in which each side may make so many counters.
    pub fn asked(rounds: u64) -> Self {
        Self { stage: Stage::Asked, rounds, counters: [0, 0], seq: 1 }
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// How many counters a side has made.
    pub fn counters(&self, side: Side) -> u64 {
        self.counters[index(side)]
    }

    /// How many more a side may make.
    pub fn counters_left(&self, side: Side) -> u64 {
        self.rounds.saturating_sub(self.counters(side))
    }

    /// Whose word is waited for; nobody's once it is over.
    pub fn turn(&self) -> Option<Side> {
        match self.stage {
            Stage::Asked => Some(Side::Provider),
            Stage::Standing(proposal) => Some(other(proposal.by)),
            Stage::Open(side) => Some(side),
            Stage::Taken(_) => Some(Side::Buyer),
            Stage::Agreed(_) | Stage::Ended => None,
        }
    }

    /// The proposal that stands, or that was taken.
    pub fn proposal(&self) -> Option<Proposal> {
        match self.stage {
            Stage::Standing(proposal) | Stage::Taken(proposal) | Stage::Agreed(proposal) => Some(proposal),
            Stage::Asked | Stage::Open(_) | Stage::Ended => None,
        }
    }

    /// Takes what a side says at a moment; `until` is how long it stands where it is a proposal.
    ///
    /// # Errors
    /// Says why it may not be said; the negotiation is then unchanged.
    pub fn say(&mut self, by: Side, said: Move, at: UnixSeconds, until: UnixSeconds) -> Result<(), Refusal> {
        let stage = self.next(by, said, at, until)?;
        if matches!(said, Move::Counter { .. }) {
            self.counters[index(by)] += 1;
        }
        self.stage = stage;
        self.seq += 1;
        Ok(())
    }

    fn next(&self, by: Side, said: Move, at: UnixSeconds, until: UnixSeconds) -> Result<Stage, Refusal> {
        let proposed = |terms_hash| Stage::Standing(Proposal { by, terms_hash, until, seq: self.seq + 1 });
        match (self.stage, said) {
            (Stage::Agreed(_) | Stage::Ended, _) => Err(out_of_turn(by, said)),
            (_, Move::Cancel) => Ok(Stage::Ended),
            (Stage::Asked, Move::Quote { terms_hash }) if by == Side::Provider => Ok(proposed(terms_hash)),
            (Stage::Asked, Move::Reject { .. }) if by == Side::Provider => Ok(Stage::Ended),
            (Stage::Standing(standing), said) if by != standing.by => match said {
                Move::Counter { terms_hash } => self.may_counter(by).map(|()| proposed(terms_hash)),
                Move::Accept { terms_hash } => taken(standing, by, terms_hash, at),
                Move::Reject { is_final: true } => Ok(Stage::Ended),
                Move::Reject { is_final: false } => Ok(Stage::Open(standing.by)),
                _ => Err(out_of_turn(by, said)),
            },
            (Stage::Standing(standing), Move::Withdraw) if by == standing.by => Ok(Stage::Open(by)),
            (Stage::Open(turn), Move::Counter { terms_hash }) if by == turn => {
                self.may_counter(by).map(|()| proposed(terms_hash))
            }
            (Stage::Taken(proposal), Move::Accept { terms_hash }) if by == Side::Buyer => {
                taken(proposal, by, terms_hash, at)
            }
            _ => Err(out_of_turn(by, said)),
        }
    }

    fn may_counter(&self, by: Side) -> Result<(), Refusal> {
        if self.counters_left(by) > 0 {
            return Ok(());
        }
        Err(Refusal::NoMoreCounters { by, rounds: self.rounds })
    }
}

/// The buyer's accept has the last word: with it both are bound, and the provider sets coins aside.
fn taken(proposal: Proposal, by: Side, got: Hex32, at: UnixSeconds) -> Result<Stage, Refusal> {
    let expected = proposal.terms_hash;
    if got != expected {
        return Err(Refusal::OtherTerms { expected, got });
    }
    if at >= proposal.until {
        return Err(Refusal::Expired { until: proposal.until, at });
    }
    Ok(if by == Side::Buyer { Stage::Agreed(proposal) } else { Stage::Taken(proposal) })
}

fn out_of_turn(by: Side, said: Move) -> Refusal {
    Refusal::OutOfTurn { kind: said.kind(), by }
}

/// The other side.
pub fn other(side: Side) -> Side {
    match side {
        Side::Provider => Side::Buyer,
        Side::Buyer => Side::Provider,
    }
}

fn index(side: Side) -> usize {
    match side {
        Side::Provider => 0,
        Side::Buyer => 1,
    }
}
