//! Doing what is due about an escrow. Everything here can be repeated without harm.

use contract::{CheckedContract, gate, settle};
use crashpoint::here;
use engine::{Bytes, Command, Due};
use terms::Hex32;
use tokio::task::block_in_place;
use wallet::BroadcastError;

use crate::chain::{bytes, parse};
use crate::core::Core;
use crate::error::NodeError;

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
            Due::BroadcastSpend => {
                let spend = self.escrow(id)?.spend.as_ref().map(|(.., tx)| tx.clone());
                self.broadcast(id, spend, "spend")
            }
            Due::RaiseCancel { fee_sat } => self.raise_cancel(id, fee_sat, now).await,
            Due::BuildBump { spends, fee_sat } => self.build_bump(id, spends, fee_sat, now).await,
            Due::BroadcastBump { spends } => self.broadcast_bump(id, spends),
            Due::BroadcastClose => self.broadcast(id, self.escrow(id)?.closes.tx.clone(), "close"),
            Due::ConsiderClose => self.consider_close(id, now).await,
            // The node asks the oracles.
            Due::FetchAttestations | Due::RecheckOracles => Ok(false),
        }
    }

    /// Broadcasts; a refusal is logged and tried again at the next look, because the chain may change.
    fn broadcast(&mut self, id: Hex32, tx: Option<Bytes>, what: &'static str) -> Result<bool, NodeError> {
        let Some(tx) = tx else { return Ok(false) };
        let tx = parse(&tx).ok_or(NodeError::Damaged { what })?;
        here!("broadcast.before:{what}");
        let sent = block_in_place(|| self.chain.broadcast(&tx));
        here!("broadcast.after:{what}");
        let txid = tx.compute_txid();
        match sent {
            Ok(_) => {
                self.refused.remove(&txid);
                tracing::info!(escrow = %id, %txid, "{what} transaction broadcast");
            }
            Err(error) => {
                if matches!(error, BroadcastError::FeeTooLow(_) | BroadcastError::Conflict(_)) {
                    self.refused.insert(txid);
                }
                tracing::warn!(escrow = %id, %txid, %error, "{what} transaction not taken");
            }
        }
        Ok(false)
    }

    async fn build_cet(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let contract = self.contract(id)?;
        let announcements = contract.deal().announcements();
        let words = self.escrow(id)?.words();
        let words: Vec<_> =
            words.iter().map(|bytes| gate::attestation(&bytes.0, announcements)).collect::<Result<_, _>>()?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        let cet = match block_in_place(|| settle::cet(&contract, &key, &words))? {
            Some(cet) => cet,
            None => match self.learned(id)? {
                Some(learned) => settle::cet_with_secret(&contract, &key, &learned)?,
                None => return Ok(false),
            },
        };
        self.step(id, Command::UseCet { tx: bytes(&cet.transaction) }, now).await
    }

    async fn build_refund(&mut self, id: Hex32, now: u64) -> Result<bool, NodeError> {
        let contract = self.contract(id)?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        let refund = block_in_place(|| settle::refund(&contract, &key))?;
        self.step(id, Command::UseRefund { tx: bytes(&refund) }, now).await
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
