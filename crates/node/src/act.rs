//! Doing what is due about an escrow. Everything here can be repeated without harm.

use bitcoin::absolute::LockTime;
use bitcoin::psbt::Psbt;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Sequence, Transaction, TxIn, TxOut};
use contract::{CheckedContract, gate, settle};
use crashpoint::here;
use engine::{Bytes, Command, Due};
use serde::Deserialize;
use terms::Hex32;
use tokio::task::block_in_place;
use wallet::ChainError;

use crate::chain::{bytes, parse};
use crate::core::Core;
use crate::error::NodeError;

/// A transaction with one P2WPKH input and one P2WPKH output, in vB, and what another input adds.
const CANCEL_VB: u64 = 110;
const INPUT_VB: u64 = 68;
/// The least P2WPKH output that is relayed.
const DUST_SAT: u64 = 294;
/// `RPC_INVALID_ADDRESS_OR_KEY` of Bitcoin Core's `src/rpc/protocol.h`.
const NOT_IN_MEMPOOL: i32 = -5;

impl Core {
    /// Does one thing that is due. Returns whether the escrow's record changed, so that more may be due at once.
    pub(crate) async fn act(&mut self, id: Hex32, step: Due, now: u64) -> Result<bool, NodeError> {
        match step {
            Due::Abandon => {
                let late = now >= self.escrow(id)?.agreement().funding_deadline.0;
                let reason = if late { "the funding deadline passed" } else { "it was not signed in time" };
                let reason = reason.to_owned();
                self.step(id, Command::Abandon { reason }, now).await
            }
            // Funding that the backup target has not acknowledged waits: see `backup`.
            Due::BroadcastFunding if self.held(id) => Ok(false),
            Due::BroadcastFunding => self.broadcast(id, self.escrow(id)?.funding_tx.clone(), "funding"),
            Due::BuildCancel => self.build_cancel(id, now).await,
            Due::BroadcastCancel => self.broadcast(id, self.escrow(id)?.cancel.clone(), "cancel"),
            Due::BuildCet => self.build_cet(id, now).await,
            Due::BroadcastCet => self.broadcast(id, self.escrow(id)?.cet.clone(), "cet"),
            Due::BuildRefund => self.build_refund(id, now).await,
            Due::BroadcastRefund => self.broadcast(id, self.escrow(id)?.refund.clone(), "refund"),
            Due::BroadcastClose => self.broadcast(id, self.escrow(id)?.closes.tx.clone(), "close"),
            Due::ConsiderClose => self.consider_close(id, now).await,
            Due::FetchAttestations => Ok(false),
        }
    }

    /// Broadcasts; a refusal is logged and tried again at the next look, because the chain may change.
    fn broadcast(&self, id: Hex32, tx: Option<Bytes>, what: &'static str) -> Result<bool, NodeError> {
        let Some(tx) = tx else { return Ok(false) };
        let tx = parse(&tx).ok_or(NodeError::Damaged { what })?;
        here!("broadcast.before:{what}");
        let sent = block_in_place(|| self.chain.broadcast(&tx));
        here!("broadcast.after:{what}");
        match sent {
            Ok(_) => tracing::info!(escrow = %id, txid = %tx.compute_txid(), "{what} transaction broadcast"),
            Err(error) => tracing::warn!(escrow = %id, %error, "{what} transaction not taken"),
        }
        Ok(false)
    }

    async fn build_cet(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let contract = self.contract(id)?;
        let announcements = contract.deal().announcements();
        let attestations: Vec<_> = self
            .escrow(id)?
            .attestations
            .iter()
            .map(|(_, bytes)| gate::attestation(&bytes.0, announcements))
            .collect::<Result<_, _>>()?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        match block_in_place(|| settle::cet(&contract, &key, &attestations))? {
            Some(cet) => self.step(id, Command::UseCet { tx: bytes(&cet.transaction) }, now).await,
            None => Ok(false),
        }
    }

    async fn build_refund(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let contract = self.contract(id)?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        let refund = block_in_place(|| settle::refund(&contract, &key))?;
        self.step(id, Command::UseRefund { tx: bytes(&refund) }, now).await
    }

    /// Spends our coins to ourselves, at a fee that replaces the funding transaction should it be in the mempool
    /// (BIP125 rules 3 and 4: more than all that it replaces pays, and its own relay on top).
    async fn build_cancel(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let replaced = self.fees_replaced(id)?;
        let escrow = self.escrow(id)?;
        let coins = escrow.coins.clone();
        let vsize = CANCEL_VB + INPUT_VB * (coins.len() as u64).saturating_sub(1);
        let relay = escrow.agreement().fee_rate_sat_vb.saturating_mul(2).saturating_mul(vsize);
        let total: u64 = coins.iter().map(|coin| coin.value_sat.0).sum();
        let Some(rest) = left_over(total, replaced.to_sat().saturating_add(relay), vsize) else {
            tracing::warn!(escrow = %id, total, %replaced, "the coins are not worth taking back");
            return Ok(false);
        };
        let outpoints: Vec<_> = coins.iter().map(|coin| coin.outpoint).collect();
        let unsigned = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: outpoints.iter().map(|outpoint| replaceable(*outpoint)).collect(),
            output: vec![TxOut {
                value: Amount::from_sat(rest),
                script_pubkey: self.wallet.new_change_script(),
            }],
        };
        let mut psbt = Psbt::from_unsigned_tx(unsigned).map_err(|_| NodeError::Damaged { what: "cancel" })?;
        self.wallet.sign_own_inputs(&mut psbt, &outpoints)?;
        let tx = psbt.extract_tx_unchecked_fee_rate();
        self.step(id, Command::UseCancel { tx: bytes(&tx) }, now).await
    }

    /// What the funding transaction and everything that hangs on it in the mempool pays.
    fn fees_replaced(&mut self, id: Hex32) -> Result<Amount, NodeError> {
        let contract = self.contract(id)?;
        let own = contract.accepted().funding_psbt()?.fee().unwrap_or(Amount::ZERO);
        let txid = contract.transactions().funding_outpoint.txid;
        let asked = [serde_json::json!(txid)];
        match block_in_place(|| self.chain.call::<MempoolEntry>("getmempoolentry", &asked)) {
            Ok(entry) => Ok(own.max(entry.fees.descendant)),
            Err(ChainError::Rpc { code: NOT_IN_MEMPOOL, .. }) => Ok(own),
            Err(error) => Err(error.into()),
        }
    }

    /// The contract of an escrow whose three messages are complete, checked again in this run.
    pub(crate) fn contract(&mut self, id: Hex32) -> Result<CheckedContract, NodeError> {
        if let Some(contract) = self.contracts.get(&id) {
            return Ok(contract.clone());
        }
        let escrow = self.escrow(id)?;
        let missing = || NodeError::Damaged { what: "contract" };
        let offer = escrow.offer.as_ref().ok_or_else(missing)?;
        let accept = escrow.accept.as_ref().ok_or_else(missing)?;
        let sign = escrow.sign.as_ref().ok_or_else(missing)?;
        let announcements: Vec<&[u8]> =
            escrow.opened.announcements.iter().map(|tlv| tlv.0.as_slice()).collect();
        let contract = block_in_place(|| {
            let agreement = escrow.agreement().clone();
            CheckedContract::reload(agreement, &announcements, &offer.0, &accept.0, &sign.0)
        })?;
        self.contracts.insert(id, contract.clone());
        Ok(contract)
    }
}

/// What of `total` comes back when `fee` should be paid: less fee where the coins are too small for it, and nothing
/// where not even the least fee leaves an output that is relayed.
fn left_over(total: u64, fee: u64, vsize: u64) -> Option<u64> {
    let rest = total.saturating_sub(fee).max(DUST_SAT);
    (rest.saturating_add(vsize) <= total).then_some(rest)
}

/// The part of `getmempoolentry` that is read.
#[derive(Deserialize)]
struct MempoolEntry {
    fees: MempoolFees,
}

#[derive(Deserialize)]
struct MempoolFees {
    /// Of the transaction and all its descendants.
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    descendant: Amount,
}

fn replaceable(previous_output: bitcoin::OutPoint) -> TxIn {
    TxIn { previous_output, sequence: Sequence::ENABLE_RBF_NO_LOCKTIME, ..TxIn::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_the_coins_without_the_fee() {
        assert_eq!(left_over(100_000, 5_000, 110), Some(95_000));
    }

    #[test]
    fn small_coins_pay_what_they_can_so_that_the_peer_keeps_no_option_on_them() {
        assert_eq!(left_over(4_000, 5_000, 110), Some(294), "a fee of 3,706 instead of 5,000");
        assert_eq!(left_over(404, 5_000, 110), Some(294), "one satoshi for each virtual byte");
        assert_eq!(left_over(403, 5_000, 110), None);
    }
}
