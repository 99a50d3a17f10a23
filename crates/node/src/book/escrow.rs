//! What is true of an escrow's money, as record and chain have it now.

use bitcoin::{TxIn, TxOut, Txid};
use engine::{Bytes, Escrow, SpendKind, Status};
use receipts::{Movement, Payee, Purpose};
use terms::{Hex32, Sat, UnixSeconds, canonical};
use wallet::TxStatus;

use crate::chain::{parse, place};
use crate::core::Core;
use crate::oracles::deciding::deciding;
use crate::views::shown;

impl Core {
    /// Every movement of an escrow's money that is deep enough, each as a line would tell it.
    pub(crate) fn movements(&self, escrow: &Escrow) -> Vec<Movement> {
        let mut all = Vec::new();
        if escrow.noted.is_locked() {
            all.extend(self.funding_movements(escrow));
            all.extend(closing_movements(escrow));
        }
        if escrow.noted == Status::Cancelled {
            let own = self.cancelled_by(escrow);
            all.extend(own.map(|(txid, fee)| to_miners(escrow, Purpose::Cancel, fee, txid)));
        }
        let newest = escrow.bumps.iter().filter(|bump| escrow.bump_of(bump.spends) == Some(*bump));
        let mined = newest.filter_map(|bump| Some((self.buried(&bump.tx)?, bump.fee_sat)));
        all.extend(mined.map(|(txid, fee)| to_miners(escrow, Purpose::Bump, fee, txid)));
        all.retain(|movement| movement.sat.0 > 0);
        all
    }

    /// What we locked, and what the miners get of it.
    fn funding_movements(&self, escrow: &Escrow) -> Vec<Movement> {
        let Some(tx) = escrow.funding_tx.as_ref().and_then(parse) else { return Vec::new() };
        if escrow.coins.is_empty() {
            return Vec::new();
        }
        let (txid, locked) = (tx.compute_txid(), escrow.own_collateral());
        let fee = Sat(self.wallet.leaves(&tx).to_sat().saturating_sub(locked.0));
        let locks = movement(escrow, Payee::Contract, locked, Purpose::Funding, shown(txid));
        vec![locks, to_miners(escrow, Purpose::Fee, fee, txid)]
    }

    /// The transaction that took our coins back, whichever of those that we made, and its fee.
    fn cancelled_by(&self, escrow: &Escrow) -> Option<(Txid, Sat)> {
        let spend = self.follower.spend(&escrow.coins.first()?.outpoint)?;
        let coins = escrow.coins.iter().map(|coin| coin.value_sat.0).fold(0, u64::saturating_add);
        let ours = |input: &TxIn| escrow.coins.iter().any(|coin| coin.outpoint == input.previous_output);
        let back = |output: &TxOut| self.wallet.is_mine(&output.script_pubkey);
        let whole = spend.tx.input.len() == escrow.coins.len() && spend.tx.input.iter().all(ours);
        if !whole || !spend.tx.output.iter().all(back) || !self.is_buried(spend.status) {
            return None;
        }
        let paid = spend.tx.output.iter().map(|output| output.value.to_sat()).fold(0, u64::saturating_add);
        Some((spend.txid, Sat(coins.saturating_sub(paid))))
    }

    /// The id of a transaction that the chain holds as deep as an end has to be.
    fn buried(&self, tx: &Bytes) -> Option<Txid> {
        let txid = parse(tx)?.compute_txid();
        self.is_buried(self.follower.tx_status(&txid)).then_some(txid)
    }

    fn is_buried(&self, status: TxStatus) -> bool {
        let tip = self.follower.tip().map_or(0, |tip| tip.height);
        place(status).confirmations(tip) >= self.config.confirmations
    }
}

/// What both sides got, once that is final.
fn closing_movements(escrow: &Escrow) -> Vec<Movement> {
    let Some((txid, kind, _)) = &escrow.spend else { return Vec::new() };
    let agreement = escrow.agreement();
    let (provider_sat, buyer_sat, purpose) = match (escrow.noted, *kind) {
        (Status::Settled, SpendKind::Cet { provider_sat, buyer_sat }) => {
            (provider_sat, buyer_sat, Purpose::Settlement)
        }
        (Status::Closed, SpendKind::Close { provider_sat, buyer_sat }) => {
            (provider_sat, buyer_sat, Purpose::Close)
        }
        (Status::Refunded, SpendKind::Refund) => (agreement.bond_sat, agreement.price_sat, Purpose::Refund),
        (Status::UnknownSpend, SpendKind::Unknown) => {
            let (sat, txid) = (agreement.total_sat(), shown(*txid));
            return vec![movement(escrow, Payee::Unknown, sat, Purpose::UnknownSpend, txid)];
        }
        _ => return Vec::new(),
    };
    let attestation = deciding(escrow).filter(|_| purpose == Purpose::Settlement);
    let attestation = attestation.map(|(bytes, _)| Hex32(canonical::sha256(&bytes.0)));
    [(agreement.provider.key, provider_sat), (agreement.buyer.key, buyer_sat)]
        .map(|(key, sat)| Movement {
            attestation,
            ..movement(escrow, Payee::Party(key), sat, purpose, shown(*txid))
        })
        .into()
}

fn to_miners(escrow: &Escrow, purpose: Purpose, fee: Sat, txid: Txid) -> Movement {
    movement(escrow, Payee::Miners, fee, purpose, shown(txid))
}

/// The moment is set when it is written.
fn movement(escrow: &Escrow, paid_to: Payee, sat: Sat, purpose: Purpose, txid: Hex32) -> Movement {
    Movement {
        at: UnixSeconds(0),
        paid_to,
        sat,
        purpose,
        escrow: Some(escrow.id()),
        txid: Some(txid),
        terms_hash: Some(escrow.agreement().terms_hash()),
        attestation: None,
        corrects: None,
    }
}
