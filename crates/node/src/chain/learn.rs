//! Words of oracles that never came: learned from a CET that somebody else made, and used for every escrow they unlock.

use contract::settle::{self, Learned};
use engine::{Command, OracleStep, SpendKind};
use terms::Hex32;
use tokio::task::block_in_place;

use crate::chain::parse;
use crate::core::Core;
use crate::error::NodeError;

impl Core {
    /// Learns from the CET that spent an escrow's funding output, where the attestations never came, and from those that spent
    /// others on the same event.
    pub(crate) async fn learn(&mut self, id: Hex32, now: u64) -> Result<(), NodeError> {
        let escrow = self.escrow(id)?;
        let knows = escrow.is_attested() || escrow.cet.is_some() || escrow.sign.is_none();
        if knows || escrow.noted.is_final() {
            return Ok(());
        }
        if escrow.spend.is_some() {
            return self.learn_from_own_spend(id, now).await;
        }
        self.learn_from_others(id, now).await
    }

    async fn learn_from_own_spend(&mut self, id: Hex32, now: u64) -> Result<(), NodeError> {
        let Some((txid, SpendKind::Cet { .. }, tx)) = &self.escrow(id)?.spend else { return Ok(()) };
        let (txid, tx) = (*txid, parse(tx).ok_or(NodeError::Damaged { what: "cet" })?);
        // What this CET could tell was looked for already.
        if !self.studied.insert((id, txid)) {
            return Ok(());
        }
        let contract = self.contract(id)?;
        let key = self.keys.contracts.secret(contract.temporary_id())?;
        match block_in_place(|| settle::learn(&contract, &key, &tx))? {
            Some(learned) => self.note_learned(id, txid, &learned, now).await,
            None => Ok(()),
        }
    }

    async fn learn_from_others(&mut self, id: Hex32, now: u64) -> Result<(), NodeError> {
        let event = self.escrow(id)?.agreement().event_id.clone();
        let told = |other: &engine::Escrow| other.oracles.learned.clone();
        let others = self.escrows.values().filter(|other| other.agreement().event_id == event);
        let secrets: Vec<_> = others.filter_map(told).collect();
        for known in secrets {
            if !self.studied.insert((id, known.txid)) {
                continue;
            }
            let secret: [u8; 32] = known.secret.0.as_slice().try_into().unwrap_or_default();
            let contract = self.contract(id)?;
            if let Some(learned) = block_in_place(|| settle::recognise(&contract, &secret))? {
                return self.note_learned(id, known.txid, &learned, now).await;
            }
        }
        Ok(())
    }

    async fn note_learned(
        &mut self,
        id: Hex32,
        txid: bitcoin::Txid,
        learned: &Learned,
        now: u64,
    ) -> Result<(), NodeError> {
        tracing::info!(escrow = %id, %txid, words = ?learned.words(), "a CET gave away what the oracles signed");
        let step = OracleStep::LearnSecret {
            txid,
            oracles: learned.oracles().to_vec(),
            words: learned.words().to_vec(),
            secret: learned.secret().to_vec().into(),
        };
        self.step(id, Command::Oracles(step), now).await.map(|_| ())
    }

    /// What an escrow knows of its oracles' words without their attestations.
    pub(crate) fn learned(&mut self, id: Hex32) -> Result<Option<Learned>, NodeError> {
        let Some(known) = self.escrow(id)?.oracles.learned.clone() else { return Ok(None) };
        let secret: [u8; 32] =
            known.secret.0.as_slice().try_into().map_err(|_| NodeError::Damaged { what: "secret" })?;
        let contract = self.contract(id)?;
        Ok(block_in_place(|| settle::recognise(&contract, &secret))?)
    }
}
