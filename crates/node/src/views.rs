//! What the owner sees: balance, transactions, escrows with their history.

use std::collections::BTreeMap;

use bitcoin::Txid;
use bitcoin::hashes::Hash as _;
use engine::{Bytes, Escrow, SpendKind};
use protocol::HexBytes;
use protocol::owner::{
    Balance, ClosingKind, DlcMessages, EscrowTransaction, EscrowTransactions, EscrowView, HistoryEntry, Role,
    TransactionView,
};
use storage::StoredEvent;
use terms::{Hex32, Sat, Side, UnixSeconds};
use wallet::TxStatus;

use crate::chain::parse;
use crate::core::Core;
use crate::error::NodeError;
use crate::oracles::deciding::deciding;

impl Core {
    /// What the wallet has, and what live escrows lock.
    pub(crate) fn balance(&self) -> Balance {
        let balance = self.wallet.balance(&self.reserved_coins());
        let locked = self.escrows.values().filter(|escrow| !escrow.noted.is_final() && escrow.at_stake());
        let sat = |amount: bitcoin::Amount| Sat(amount.to_sat());
        Balance {
            available_sat: Sat(balance.confirmed.to_sat().saturating_sub(balance.reserved.to_sat())),
            reserved_sat: sat(balance.reserved),
            pending_sat: Sat(balance.unconfirmed.to_sat().saturating_add(balance.immature.to_sat())),
            locked_sat: Sat(locked.map(|escrow| escrow.own_collateral().0).sum()),
        }
    }

    /// The wallet's transactions, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn transactions(&self) -> Result<Vec<TransactionView>, NodeError> {
        let outflows = self.store.outflows_since(0).await?;
        let purposes: BTreeMap<String, String> =
            outflows.into_iter().map(|outflow| (outflow.txid, outflow.kind)).collect();
        let view = |tx: wallet::WalletTransaction| TransactionView {
            purpose: purposes.get(&tx.txid.to_string()).cloned(),
            txid: shown(tx.txid),
            height: tx.height,
            received_sat: Sat(tx.received.to_sat()),
            sent_sat: Sat(tx.sent.to_sat()),
            fee_sat: tx.fee.map(|fee| Sat(fee.to_sat())),
        };
        Ok(self.wallet.transactions().into_iter().map(view).collect())
    }

    /// One escrow with everything that belongs to it.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub(crate) async fn escrow_view(&self, id: Hex32, now: u64) -> Result<EscrowView, NodeError> {
        let escrow = self.escrow(id)?;
        let mut view = self.outline(escrow, now);
        let part = |bytes: &Option<Bytes>| bytes.clone().map(|bytes| HexBytes(bytes.0));
        view.messages = DlcMessages {
            offer: part(&escrow.offer),
            accept: part(&escrow.accept),
            sign: part(&escrow.sign),
        };
        view.announcements = escrow.opened.announcements.iter().map(hex_bytes).collect();
        view.attestations = escrow.attestations.iter().map(|(_, bytes)| hex_bytes(bytes)).collect();
        view.transactions = self.escrow_transactions(escrow);
        view.outlook = crate::outlook::of_escrow(escrow);
        let history = self.store.events(id).await?;
        view.alarms = self.alarms_in(id, &history)?;
        view.learned = self.learned_in(id, &history);
        view.history = history.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(view)
    }

    /// All escrows, newest first, without their documents.
    pub(crate) fn escrow_list(&self, now: u64) -> Vec<EscrowView> {
        let mut escrows: Vec<_> = self.escrows.values().collect();
        escrows.sort_by_key(|escrow| std::cmp::Reverse((escrow.opened.height, escrow.id())));
        escrows.into_iter().map(|escrow| self.outline(escrow, now)).collect()
    }

    fn outline(&self, escrow: &Escrow, now: u64) -> EscrowView {
        let (provider_sat, buyer_sat) = paid(escrow);
        EscrowView {
            id: escrow.id().to_string(),
            role: match escrow.opened.side {
                Side::Provider => Role::Provider,
                Side::Buyer => Role::Buyer,
            },
            state: engine::told(escrow).name().to_owned(),
            agreement: escrow.agreement().clone(),
            terms_hash: escrow.agreement().terms_hash(),
            event_id: escrow.agreement().event_id.clone(),
            counterparty: escrow.counterparty(),
            funding_txid: escrow.funding.map(|funding| shown(funding.txid)),
            closing_txid: escrow.spend.as_ref().map(|(txid, ..)| shown(*txid)),
            closing_kind: escrow.spend.as_ref().map(|(_, kind, _)| closing(*kind)),
            provider_sat,
            buyer_sat,
            outcome: deciding(escrow).map(|(_, outcome)| outcome),
            close: crate::peers::close::close_view(escrow, now),
            renews: escrow.opened.renews,
            renewed_by: self.renewal_of(escrow.id()),
            key: self.guard.acting.get(&escrow.id()).cloned(),
            learned: None,
            alarms: Vec::new(),
            messages: DlcMessages::default(),
            announcements: Vec::new(),
            attestations: Vec::new(),
            bump_fees_sat: escrow.bump_fees(),
            transactions: EscrowTransactions::default(),
            outlook: None,
            history: Vec::new(),
        }
    }

    fn escrow_transactions(&self, escrow: &Escrow) -> EscrowTransactions {
        let funding_height = escrow.funding.and_then(|f| height(self.follower.tx_status(&f.txid)));
        let spend = escrow.funding.and_then(|funding| self.follower.spend(&funding));
        let spend_height = |tx: &Bytes| {
            let txid = parse(tx)?.compute_txid();
            spend.as_ref().filter(|spend| spend.txid == txid).and_then(|spend| height(spend.status))
        };
        let closed_by = |wanted: fn(SpendKind) -> bool| {
            escrow.spend.as_ref().filter(|(_, kind, _)| wanted(*kind)).map(|(.., tx)| tx.clone())
        };
        let cet = closed_by(|kind| matches!(kind, SpendKind::Cet { .. })).or_else(|| escrow.cet.clone());
        let refund = closed_by(|kind| kind == SpendKind::Refund).or_else(|| escrow.refund.clone());
        let is_close = |kind| matches!(kind, SpendKind::Close { .. });
        let close = closed_by(is_close).or_else(|| escrow.closes.tx.clone());
        let own = |tx: &Bytes| transaction(tx, height(self.follower.tx_status(&parse(tx)?.compute_txid())));
        EscrowTransactions {
            funding: escrow.funding_tx.as_ref().and_then(|tx| transaction(tx, funding_height)),
            cet: cet.as_ref().and_then(|tx| transaction(tx, spend_height(tx))),
            refund: refund.as_ref().and_then(|tx| transaction(tx, spend_height(tx))),
            close: close.as_ref().and_then(|tx| transaction(tx, spend_height(tx))),
            cancel: escrow.cancel.as_ref().and_then(own),
            bumps: escrow.bumps.iter().filter_map(|bump| own(&bump.tx)).collect(),
        }
    }
}

fn hex_bytes(bytes: &Bytes) -> HexBytes {
    HexBytes(bytes.0.clone())
}

fn height(status: TxStatus) -> Option<u32> {
    match status {
        TxStatus::Confirmed { height, .. } => Some(height),
        TxStatus::Unseen | TxStatus::InMempool => None,
    }
}

fn transaction(bytes: &Bytes, height: Option<u32>) -> Option<EscrowTransaction> {
    let txid = shown(parse(bytes)?.compute_txid());
    Some(EscrowTransaction { txid, hex: hex_bytes(bytes), height })
}

fn closing(kind: SpendKind) -> ClosingKind {
    match kind {
        SpendKind::Cet { .. } => ClosingKind::Cet,
        SpendKind::Refund => ClosingKind::Refund,
        SpendKind::Close { .. } => ClosingKind::Close,
        SpendKind::Unknown => ClosingKind::Other,
    }
}

/// What the closing transaction pays the provider and the buyer.
fn paid(escrow: &Escrow) -> (Option<Sat>, Option<Sat>) {
    match escrow.spend.as_ref().map(|(_, kind, _)| *kind) {
        Some(SpendKind::Cet { provider_sat, buyer_sat } | SpendKind::Close { provider_sat, buyer_sat }) => {
            (Some(provider_sat), Some(buyer_sat))
        }
        Some(SpendKind::Refund) => (Some(escrow.agreement().bond_sat), Some(escrow.agreement().price_sat)),
        Some(SpendKind::Unknown) | None => (None, None),
    }
}

fn entry(stored: &StoredEvent) -> Result<HistoryEntry, NodeError> {
    Ok(HistoryEntry {
        seq: stored.seq,
        at: UnixSeconds(stored.at),
        event: stored.name.clone(),
        detail: serde_json::from_str(&stored.json).map_err(|_| NodeError::Damaged { what: "event" })?,
    })
}

/// A transaction id as explorers show it.
pub(crate) fn shown(txid: Txid) -> Hex32 {
    let mut bytes = txid.to_byte_array();
    bytes.reverse();
    Hex32(bytes)
}
