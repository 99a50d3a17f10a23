//! A signed contract: all three messages, all transactions, all signatures verified.

use bitcoin::Transaction;
use dlc_messages::SignDlc;
use dlc_messages::lightning::util::ser::Writeable;
use terms::{Agreement, Hex32, Outcome, Sat, Side};

use crate::deal::Deal;
use crate::error::GateError;
use crate::gate;
use crate::messages::{CheckedAccept, CheckedOffer};
use crate::rebuild::{Cet, CetOutcome, Transactions};
use crate::roles::{Role, role_of};
use crate::wire;

/// A contract whose three messages describe the deal and nothing else, with every signature verified.
///
/// The accepter's funding witnesses are in no message: until the funding transaction is on the chain, nothing is
/// locked.
#[derive(Clone)]
pub struct CheckedContract {
    pub(crate) accepted: CheckedAccept,
    pub(crate) sign: SignDlc,
}

/// How a transaction spends the funding output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spend {
    /// It is one of the CETs.
    Cet {
        /// The outcomes it stands for. Runs of outcomes that pay the same share a transaction; this is the first.
        outcome: CetOutcome,
        /// What the provider got.
        provider_sat: Sat,
        /// What the buyer got.
        buyer_sat: Sat,
    },
    /// It is the refund.
    Refund,
    /// A cooperative close: both keys signed a split of their own.
    Close {
        /// What the provider got.
        provider_sat: Sat,
        /// What the buyer got.
        buyer_sat: Sat,
    },
    /// Both keys signed something else (a key is out).
    Unknown,
}

impl CheckedContract {
    /// Reads a stored contract again, and checks everything again but what a chain source said.
    ///
    /// # Errors
    /// Names the document or message, the field and the rule that it breaks.
    pub fn reload<B: AsRef<[u8]>>(
        agreement: Agreement,
        announcement_tlvs: &[B],
        offer: &[u8],
        accept: &[u8],
        sign: &[u8],
    ) -> Result<Self, GateError> {
        let deal = Deal::parse(agreement, announcement_tlvs)?;
        let offer = CheckedOffer::reload(offer, &deal)?;
        let accepted = CheckedAccept::reload(accept, &offer)?;
        Self::check(wire::sign(sign)?, &accepted)
    }

    /// Verifies a sign message against the accepted contract.
    pub(crate) fn check(sign: SignDlc, accepted: &CheckedAccept) -> Result<Self, GateError> {
        gate::sign_against_accept(&sign, accepted)?;
        Ok(Self { accepted: accepted.clone(), sign })
    }

    /// The deal.
    pub fn deal(&self) -> &Deal {
        self.accepted.deal()
    }

    /// Offer and accept.
    pub fn accepted(&self) -> &CheckedAccept {
        &self.accepted
    }

    /// The offer's wire bytes.
    pub fn offer_bytes(&self) -> Vec<u8> {
        self.accepted.offer.bytes()
    }

    /// The accept's wire bytes.
    pub fn accept_bytes(&self) -> Vec<u8> {
        self.accepted.bytes()
    }

    /// The sign's wire bytes.
    pub fn sign_bytes(&self) -> Vec<u8> {
        self.sign.encode()
    }

    /// The contract's id.
    pub fn contract_id(&self) -> [u8; 32] {
        self.sign.contract_id
    }

    /// The id from which the contract keys are derived.
    pub fn temporary_id(&self) -> [u8; 32] {
        self.accepted.offer.temporary_id()
    }

    /// A side's contract key, x-only (BIP340): one of the two that the funding output asks for.
    pub fn funding_key(&self, side: Side) -> Hex32 {
        let key = match role_of(self.deal().agreement(), side) {
            Role::Offerer => self.accepted.offer.wire.funding_pubkey,
            Role::Accepter => self.accepted.wire.funding_pubkey,
        };
        Hex32(key.x_only_public_key().0.serialize())
    }

    /// Every transaction, without witnesses.
    pub fn transactions(&self) -> &Transactions {
        &self.accepted.transactions
    }

    /// The CET of an outcome; `None` when it is not one of the scale's.
    pub fn cet_for(&self, outcome: &Outcome) -> Option<&Cet> {
        let scale = &self.deal().agreement().measurement.outcome;
        self.cet_of_signed(&scale.encode(outcome)?)
    }

    /// The CET of the strings that an oracle signs.
    pub(crate) fn cet_of_signed(&self, signed: &[String]) -> Option<&Cet> {
        self.transactions().cets.iter().find(|cet| match &cet.outcome {
            CetOutcome::Level(level) => signed == std::slice::from_ref(level),
            CetOutcome::Values { start, end } => {
                value_of(signed).is_some_and(|value| (start.0..=end.0).contains(&value))
            }
        })
    }

    /// How a transaction spends the funding output; `None` when it does not.
    pub fn classify_spend(&self, transaction: &Transaction) -> Option<Spend> {
        let transactions = self.transactions();
        let spends =
            transaction.input.iter().any(|input| input.previous_output == transactions.funding_outpoint);
        if !spends {
            return None;
        }
        let txid = transaction.compute_txid();
        if txid == transactions.refund.compute_txid() {
            return Some(Spend::Refund);
        }
        let cet = transactions.cets.iter().find(|cet| cet.transaction.compute_txid() == txid);
        if let Some(cet) = cet {
            let (provider_sat, buyer_sat) = (cet.provider_sat, cet.buyer_sat);
            return Some(Spend::Cet { outcome: cet.outcome.clone(), provider_sat, buyer_sat });
        }
        let close = self.as_close(transaction);
        Some(close.map_or(Spend::Unknown, |close| Spend::Close {
            provider_sat: close.provider_sat,
            buyer_sat: close.buyer_sat,
        }))
    }
}

/// Short, because a contract may hold megabytes.
impl std::fmt::Debug for CheckedContract {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let contract_id = hex::encode(self.contract_id());
        f.debug_struct("CheckedContract").field("contract_id", &contract_id).finish_non_exhaustive()
    }
}

/// The number that checked base-2 digits spell, most significant first.
pub(crate) fn value_of(digits: &[String]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, digit| match digit.as_str() {
        "0" => value.checked_mul(2),
        "1" => value.checked_mul(2)?.checked_add(1),
        _ => None,
    })
}
