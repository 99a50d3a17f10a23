//! Every transaction of a contract, built a second time from the agreement and compared with the library's.
//!
//! The library builds from the messages; this builds from the agreement, and takes from the messages only what they
//! alone can say: coins, scripts, keys and serial ids. A signature leaves only when both agree on every byte.

use bitcoin::absolute::LockTime;
use bitcoin::opcodes::all::{OP_CHECKMULTISIG, OP_PUSHNUM_2};
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use dlc_messages::{AcceptDlc, FundingInput, OfferDlc};
use secp256k1_zkp::PublicKey;
use terms::{OutcomeValue, PayoutTable, Sat};

use crate::deal::Deal;
use crate::decode;
use crate::error::{GateError, Message, Rule};
use crate::fees::{FundingNeed, funding_need};
use crate::info::{part_of, ranges};
use crate::limits::DUST_LIMIT_SAT;
use crate::roles::Role;

/// The transactions of a contract, without witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transactions {
    /// Locks price, bond and the CET's fee.
    pub funding: Transaction,
    /// The funding output, which CETs and refund spend.
    pub funding_outpoint: OutPoint,
    /// The 2-of-2 script behind the funding output.
    pub funding_script: ScriptBuf,
    /// What the funding output holds: price, bond and the CET's fee.
    pub funding_value: Sat,
    /// One for each run of outcomes that pays the same, in their order.
    pub cets: Vec<Cet>,
    /// Gives back price and bond.
    pub refund: Transaction,
}

/// What a run of outcomes pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cet {
    /// The outcomes.
    pub outcome: CetOutcome,
    /// The provider's output (0: none).
    pub provider_sat: Sat,
    /// The buyer's output (0: none).
    pub buyer_sat: Sat,
    /// The transaction, without witness.
    pub transaction: Transaction,
}

/// The outcomes of one CET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CetOutcome {
    /// Values of a numeric event.
    Values {
        /// The first.
        start: OutcomeValue,
        /// The last, inclusive.
        end: OutcomeValue,
    },
    /// A level of an enum event.
    Level(String),
}

/// Builds every transaction from the deal, and compares it with what the library builds from the messages.
///
/// Both messages must have passed the gate's other checks: the library is called here. (Public only so that a test
/// can show this comparison catching alone what the gate's other rules would have refused before.)
#[doc(hidden)]
pub fn transactions(deal: &Deal, offer: &OfferDlc, accept: &AcceptDlc) -> Result<Transactions, GateError> {
    let ours = Blueprint { deal, offer, accept }.transactions()?;
    let theirs = ddk::contract::create_dlc_transactions(offer, accept).map_err(|error| {
        GateError::new(Message::Accept, "transactions", Rule::Library { reason: error.to_string() })
    })?;
    let refuse = |field: String| Err(GateError::new(Message::Accept, field, Rule::TransactionDiffers));
    if theirs.fund != ours.funding || theirs.funding_witness_script != ours.funding_script {
        return refuse("funding".to_owned());
    }
    if theirs.cets.len() != ours.cets.len() {
        let rule = Rule::WrongCount { expected: ours.cets.len(), got: theirs.cets.len() };
        return Err(GateError::new(Message::Accept, "cets", rule));
    }
    let pairs = theirs.cets.iter().zip(&ours.cets).enumerate();
    for (index, (theirs, ours)) in pairs {
        if *theirs != ours.transaction {
            return refuse(format!("cets[{index}]"));
        }
    }
    if theirs.refund != ours.refund {
        return refuse("refund".to_owned());
    }
    Ok(ours)
}

/// What a role must bring, by the agreement's fee rate and the scripts and inputs of the messages.
pub(crate) fn need(deal: &Deal, role: Role, own: PartyShape<'_>, peer_payout: &ScriptBuf) -> FundingNeed {
    let witness_lens: Vec<u16> = own.inputs.iter().map(|input| input.max_witness_len).collect();
    funding_need(
        deal.agreement(),
        deal.side(role),
        &witness_lens,
        own.change_spk.len(),
        own.payout_spk.len(),
        peer_payout.len(),
    )
}

/// The parts of a message that decide its side's fees.
#[derive(Clone, Copy)]
pub(crate) struct PartyShape<'a> {
    pub inputs: &'a [FundingInput],
    pub change_spk: &'a ScriptBuf,
    pub payout_spk: &'a ScriptBuf,
}

pub(crate) fn offer_shape(offer: &OfferDlc) -> PartyShape<'_> {
    PartyShape { inputs: &offer.funding_inputs, change_spk: &offer.change_spk, payout_spk: &offer.payout_spk }
}

pub(crate) fn accept_shape(accept: &AcceptDlc) -> PartyShape<'_> {
    PartyShape {
        inputs: &accept.funding_inputs,
        change_spk: &accept.change_spk,
        payout_spk: &accept.payout_spk,
    }
}

/// The 2-of-2 of both funding keys, the smaller first.
pub(crate) fn funding_script(a: &PublicKey, b: &PublicKey) -> ScriptBuf {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    Builder::new()
        .push_opcode(OP_PUSHNUM_2)
        .push_slice(first.serialize())
        .push_slice(second.serialize())
        .push_opcode(OP_PUSHNUM_2)
        .push_opcode(OP_CHECKMULTISIG)
        .into_script()
}

struct Blueprint<'a> {
    deal: &'a Deal,
    offer: &'a OfferDlc,
    accept: &'a AcceptDlc,
}

impl Blueprint<'_> {
    fn transactions(&self) -> Result<Transactions, GateError> {
        let funding_script = funding_script(&self.offer.funding_pubkey, &self.accept.funding_pubkey);
        let (funding, vout, funding_value) = self.funding(&funding_script)?;
        let funding_outpoint = OutPoint { txid: funding.compute_txid(), vout };
        let cets = self.cets(funding_outpoint);
        let refund = self.refund(funding_outpoint);
        Ok(Transactions { funding, funding_outpoint, funding_script, funding_value, cets, refund })
    }

    /// The funding transaction, the index of its funding output, and that output's value.
    fn funding(&self, funding_script: &ScriptBuf) -> Result<(Transaction, u32, Sat), GateError> {
        let inputs = decode::ordered(self.offer, self.accept)?;
        let offerer = need(self.deal, Role::Offerer, offer_shape(self.offer), &self.accept.payout_spk);
        let accepter = need(self.deal, Role::Accepter, accept_shape(self.accept), &self.offer.payout_spk);
        let value = self.deal.table().total_sat().0 + offerer.cet_fee.0 + accepter.cet_fee.0;
        let mut outputs = vec![(self.offer.fund_output_serial_id, output(value, &funding_script.to_p2wsh()))];
        let change = change_of(Message::Offer, &self.offer.funding_inputs, offerer)?;
        outputs.push((self.offer.change_serial_id, output(change, &self.offer.change_spk)));
        let change = change_of(Message::Accept, &self.accept.funding_inputs, accepter)?;
        outputs.push((self.accept.change_serial_id, output(change, &self.accept.change_spk)));
        outputs.retain(|(_, output)| output.value.to_sat() >= DUST_LIMIT_SAT);
        outputs.sort_by_key(|(serial, _)| *serial);
        let vout =
            outputs.iter().take_while(|(serial, _)| *serial != self.offer.fund_output_serial_id).count();
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: inputs.iter().map(|input| spend(input.outpoint, Sequence::MAX)).collect(),
            output: outputs.into_iter().map(|(_, output)| output).collect(),
        };
        Ok((transaction, vout as u32, Sat(value)))
    }

    fn cets(&self, funding: OutPoint) -> Vec<Cet> {
        match self.deal.table() {
            PayoutTable::Numeric { segments, .. } => ranges(segments)
                .into_iter()
                .map(|range| {
                    let outcome = CetOutcome::Values { start: range.start, end: range.end };
                    self.cet(funding, outcome, range.provider_sat)
                })
                .collect(),
            PayoutTable::Levels { levels, .. } => levels
                .iter()
                .map(|(name, provider)| self.cet(funding, CetOutcome::Level(name.clone()), *provider))
                .collect(),
        }
    }

    fn cet(&self, funding: OutPoint, outcome: CetOutcome, provider_sat: Sat) -> Cet {
        let total = self.deal.table().total_sat();
        let payout = |role| part_of(self.deal.side(role), total, provider_sat).to_sat();
        let mut output = vec![
            (self.offer.payout_serial_id, output(payout(Role::Offerer), &self.offer.payout_spk)),
            (self.accept.payout_serial_id, output(payout(Role::Accepter), &self.accept.payout_spk)),
        ];
        output.sort_by_key(|(serial, _)| *serial);
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::from_consensus(self.deal.cet_locktime()),
            input: vec![spend(funding, Sequence::ENABLE_LOCKTIME_NO_RBF)],
            output: paid(output.into_iter().map(|(_, output)| output)),
        };
        Cet { outcome, provider_sat, buyer_sat: Sat(total.0 - provider_sat.0), transaction }
    }

    /// Gives back what each side locked, the offerer's output first.
    fn refund(&self, funding: OutPoint) -> Transaction {
        let collateral = |role| self.deal.collateral(role).0;
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::from_consensus(self.deal.refund_locktime()),
            input: vec![spend(funding, Sequence::ENABLE_LOCKTIME_NO_RBF)],
            output: paid([
                output(collateral(Role::Offerer), &self.offer.payout_spk),
                output(collateral(Role::Accepter), &self.accept.payout_spk),
            ]),
        }
    }
}

/// What is left of a side's inputs; below 1,000 sat it goes to fees.
fn change_of(message: Message, inputs: &[FundingInput], need: FundingNeed) -> Result<u64, GateError> {
    let have = decode::sum(message, &decode::all(message, inputs)?)?;
    let need = need.total().0;
    have.checked_sub(need)
        .ok_or_else(|| GateError::new(message, "funding_inputs", Rule::InsufficientInputs { have, need }))
}

fn output(sat: u64, script: &ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey: script.clone() }
}

/// The outputs that exist: none of 0 sat. (1 to 999 sat cannot come: the deal refuses such payouts.)
fn paid(outputs: impl IntoIterator<Item = TxOut>) -> Vec<TxOut> {
    outputs.into_iter().filter(|output| output.value.to_sat() >= DUST_LIMIT_SAT).collect()
}

fn spend(previous_output: OutPoint, sequence: Sequence) -> TxIn {
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence, witness: Witness::new() }
}
