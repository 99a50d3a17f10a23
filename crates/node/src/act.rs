//! Doing what is due about an escrow. Everything here can be repeated without harm.

use bitcoin::absolute::LockTime;
use bitcoin::psbt::Psbt;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Sequence, Transaction, TxIn, TxOut};
use contract::{CheckedContract, gate, settle};
use engine::{Bytes, Command, Due};
use terms::Hex32;
use tokio::task::block_in_place;

use crate::chain::{bytes, parse};
use crate::core::Core;
use crate::error::NodeError;

/// A transaction with one P2WPKH input and one P2WPKH output, in vB, and what another input adds.
const CANCEL_VB: u64 = 110;
const INPUT_VB: u64 = 68;

impl Core {
    /// Does one thing that is due. Returns whether the escrow's record changed, so that more may be due at once.
    pub(crate) async fn act(&mut self, id: Hex32, step: Due, now: u64) -> Result<bool, NodeError> {
        match step {
            Due::Abandon => {
                let reason = "the funding deadline passed".to_owned();
                self.step(id, Command::Abandon { reason }, now).await
            }
            Due::BroadcastFunding => self.broadcast(id, self.escrow(id)?.funding_tx.clone(), "funding"),
            Due::BuildCancel => self.build_cancel(id, now).await,
            Due::BroadcastCancel => self.broadcast(id, self.escrow(id)?.cancel.clone(), "cancel"),
            Due::BuildCet => self.build_cet(id, now).await,
            Due::BroadcastCet => self.broadcast(id, self.escrow(id)?.cet.clone(), "cet"),
            Due::BuildRefund => self.build_refund(id, now).await,
            Due::BroadcastRefund => self.broadcast(id, self.escrow(id)?.refund.clone(), "refund"),
            Due::FetchAttestations => Ok(false),
        }
    }

    /// Broadcasts; a refusal is logged and tried again at the next look, because the chain may change.
    fn broadcast(&self, id: Hex32, tx: Option<Bytes>, what: &'static str) -> Result<bool, NodeError> {
        let Some(tx) = tx else { return Ok(false) };
        let tx = parse(&tx).ok_or(NodeError::Damaged { what })?;
        match block_in_place(|| self.chain.broadcast(&tx)) {
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
    /// (BIP125 rules 3 and 4: more than the whole fee of what it replaces).
    async fn build_cancel(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let escrow = self.escrow(id)?;
        let coins = escrow.coins.clone();
        let rate = escrow.agreement().fee_rate_sat_vb;
        let vsize = CANCEL_VB + INPUT_VB * (coins.len() as u64).saturating_sub(1);
        let fee = rate.saturating_mul(2).saturating_mul(vsize + 300);
        let total: u64 = coins.iter().map(|coin| coin.value_sat.0).sum();
        let Some(rest) = total.checked_sub(fee).filter(|rest| *rest >= 1_000) else {
            tracing::warn!(escrow = %id, total, fee, "the coins are not worth taking back");
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

fn replaceable(previous_output: bitcoin::OutPoint) -> TxIn {
    TxIn { previous_output, sequence: Sequence::ENABLE_RBF_NO_LOCKTIME, ..TxIn::default() }
}
