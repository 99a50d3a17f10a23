//! A negotiation as an agent sees it.

use protocol::owner::{NegotiationState, NegotiationView, Role, SaidView};
use protocol::schema::Bytes32;
use schemars::JsonSchema;
use serde::Serialize;
use terms::Hex32;

use crate::peer_text::{PeerText, peer_text};
use crate::words::{moment, name_of};

/// Terms that stand.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Standing {
    /// By whom: `provider` or `buyer`.
    pub by: String,
    /// Their hash: what accept_offer takes.
    #[schemars(with = "Bytes32")]
    pub terms_hash: Hex32,
    /// Until when they may be taken.
    pub until: String,
}

/// One thing that was said.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Said {
    /// Its place, from 1.
    pub seq: u64,
    /// By whom: `provider` or `buyer`.
    pub by: String,
    /// What: `rfq`, `quote`, `counter`, `accept`, `reject`, `withdraw`, `cancel`.
    pub kind: String,
    /// When.
    pub at: String,
    /// The price that it proposes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_sat: Option<u64>,
    /// The bond that it proposes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bond_sat: Option<u64>,
}

/// A negotiation.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Negotiation {
    /// Its id; where it is agreed, the escrow's id as well.
    #[schemars(with = "Bytes32")]
    pub negotiation_id: Hex32,
    /// Our side: `provider` or `buyer`.
    pub role: String,
    /// The other party's identity key.
    #[schemars(with = "Bytes32")]
    pub counterparty: Hex32,
    /// The offer that it is about.
    #[schemars(with = "Bytes32")]
    pub offer_id: Hex32,
    /// `our_turn`, `their_turn`, `agreed` or `ended`.
    pub state: String,
    /// Why it ended, where this node ended it. What the other party says of it is in untrusted_text_from_peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
    /// Whether the node answers by itself, by a strategy.
    pub automatic: bool,
    /// What stands, and can be taken by the other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// How many counters we may still make.
    pub counters_left: u64,
    /// What was said, in order.
    pub said: Vec<Said>,
    /// What can be done next.
    pub next: &'static str,
}

impl Negotiation {
    /// What the node tells, and what of it others wrote.
    pub fn of(told: NegotiationView) -> (Self, Vec<PeerText>) {
        let texts = texts(&told);
        let standing = told.standing.map(|standing| Standing {
            by: name_of(&standing.by),
            terms_hash: standing.terms_hash,
            until: moment(standing.until),
        });
        let negotiation = Self {
            negotiation_id: told.id,
            role: name_of(&told.role),
            counterparty: told.counterparty,
            offer_id: told.offer_id,
            state: name_of(&told.state),
            ended_because: told.ended.clone().filter(|_| told.ended_in_own_words),
            automatic: told.automatic,
            next: next(&told),
            standing,
            counters_left: told.counters_left,
            said: told.said.into_iter().map(Said::of).collect(),
        };
        (negotiation, texts)
    }
}

impl Said {
    fn of(said: SaidView) -> Self {
        Self {
            seq: said.seq,
            by: name_of(&said.by),
            kind: said.kind,
            at: moment(said.at),
            price_sat: said.price_sat.map(|sat| sat.0),
            bond_sat: said.bond_sat.map(|sat| sat.0),
        }
    }
}

/// Reasons, and how it ended, where they may be in the other's words.
fn texts(told: &NegotiationView) -> Vec<PeerText> {
    let theirs = |said: &&SaidView| said.by != told.role;
    let reasons = told.said.iter().filter(theirs);
    let reasons = reasons
        .filter_map(|said| peer_text(format!("reason of the {} ({})", said.kind, said.seq), &said.reason));
    let ended = told.ended.as_ref().filter(|_| !told.ended_in_own_words);
    let ended = ended.and_then(|ended| peer_text("how the negotiation ended", ended));
    reasons.chain(ended).collect()
}

fn next(told: &NegotiationView) -> &'static str {
    match (told.state, told.automatic) {
        (NegotiationState::OurTurn | NegotiationState::TheirTurn, true) => {
            "The node goes on by the strategy. get_status tells what comes of it."
        }
        (NegotiationState::OurTurn, false) => match &told.standing {
            Some(standing) if standing.by != told.role => {
                "The other side's terms stand: accept_offer with their terms_hash, counter_offer, or reject_offer."
            }
            _ => "Propose with counter_offer, or leave it: it ends with the offer.",
        },
        (NegotiationState::TheirTurn, false) if told.role == Role::Buyer => {
            "The provider's word is waited for: look with get_status. What it takes of yours binds. withdraw_counter takes \
             your proposal back while it stands."
        }
        (NegotiationState::TheirTurn, false) => "The buyer's word is waited for: look with get_status.",
        (NegotiationState::Agreed, _) => "Agreed: an escrow of this id is being locked. get_status shows it.",
        (NegotiationState::Ended, _) => {
            "It is over without an agreement. Look for another offer, or begin anew."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(in_own_words: bool) -> NegotiationView {
        NegotiationView {
            id: Hex32([1; 32]),
            role: Role::Buyer,
            counterparty: Hex32([2; 32]),
            offer_id: Hex32([3; 32]),
            version: 2,
            state: NegotiationState::Ended,
            automatic: true,
            standing: None,
            counters_left: 0,
            ended: Some("max_price_sat: 5 asked, 4 allowed".to_owned()),
            ended_in_own_words: in_own_words,
            said: Vec::new(),
            outlook: None,
        }
    }

    #[test]
    fn why_the_node_itself_ended_it_is_told_as_its_own_and_anything_else_as_a_strangers() {
        let (told, texts) = Negotiation::of(ended(true));
        assert_eq!(told.ended_because.as_deref(), Some("max_price_sat: 5 asked, 4 allowed"));
        assert_eq!(texts, []);
        let (told, texts) = Negotiation::of(ended(false));
        assert_eq!(told.ended_because, None);
        assert_eq!(texts[0].about, "how the negotiation ended");
    }
}
