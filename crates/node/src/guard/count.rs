//! Counting what is committed, in the transaction that commits it.

use bitcoin::Txid;
use engine::{Escrow, Event};
use mandate::{Source, Spent};
use storage::{ApprovalRow, CommitmentRow};
use terms::{Hex32, Sat, UnixSeconds};

use crate::core::{Change, Core};
use crate::error::NodeError;
use crate::money::spend::Purpose;
use crate::views::shown;

/// What a change adds to what is counted.
#[derive(Debug)]
pub(crate) struct Counted {
    rows: Vec<CommitmentRow>,
    used: Vec<ApprovalRow>,
}

impl Core {
    /// The rows of what a change commits: each escrow by as much as it comes to hold more, and what a payment takes out.
    fn newly_committed(&self, change: &Change, now: u64) -> Vec<CommitmentRow> {
        let at = self.guard.time(now).0;
        let mut rows = Vec::new();
        for id in escrows_in(change) {
            let before = self.escrows.get(&id);
            let Some((kind, after)) = self.after(id, change) else { continue };
            let more = after.0.saturating_sub(before.map_or(0, |escrow| held(escrow).0));
            if more > 0 {
                let key = self.guard.acting.get(&id).cloned();
                rows.push(CommitmentRow { at, kind, escrow: Some(id), txid: None, sat: more, key });
            }
        }
        // The sweep goes to the owner's own address.
        let outflow = change.outflow.as_ref().filter(|outflow| outflow.kind != Purpose::Sweep.name());
        rows.extend(outflow.map(|outflow| CommitmentRow {
            at,
            kind: outflow.kind.clone(),
            escrow: None,
            txid: Hex32::parse(&outflow.txid),
            sat: outflow.sat,
            key: None,
        }));
        rows
    }

    /// What an escrow holds after a change, and the event that made it hold more.
    fn after(&self, id: Hex32, change: &Change) -> Option<(String, Sat)> {
        let own = change.events.iter().filter(|(of, _)| *of == id).map(|(_, event)| event);
        let own: Vec<&Event> = own.collect();
        let kind = own.iter().find(|event| may_cost(event))?.name().to_owned();
        let mut escrow = match (self.escrows.get(&id), own.first()?) {
            (Some(escrow), _) => escrow.clone(),
            (None, Event::Opened(opened)) => Escrow::new(opened.as_ref().clone()),
            (None, _) => return None,
        };
        own.into_iter().for_each(|event| escrow.apply(event));
        Some((kind, held(&escrow)))
    }

    /// Writes what a change commits, in whose name, and everything else that is about what the owner allows.
    ///
    /// # Errors
    /// When the database refuses.
    pub(crate) async fn write_guard(
        &self,
        tx: &mut storage::Tx<'_>,
        change: &Change,
        now: u64,
    ) -> Result<Counted, NodeError> {
        let counted = Counted { rows: self.newly_committed(change, now), used: self.used_approvals(change)? };
        self.write_names(tx, change).await?;
        for row in &counted.rows {
            tx.put_commitment(row).await?;
        }
        for txid in &change.forgotten_outflows {
            tx.forget_commitment(shown(*txid)).await?;
        }
        for row in change.approval.iter().chain(&counted.used) {
            tx.put_approval(row).await?;
        }
        if let Some(row) = &change.new_key {
            tx.add_key(row).await?;
        }
        if let Some(row) = &change.changed_key {
            tx.change_key(row).await?;
        }
        if let Some(row) = &change.key_request {
            tx.put_key_request(row).await?;
        }
        for notice in &change.notices {
            tx.put_notice(notice).await?;
        }
        Ok(counted)
    }

    /// Makes true in memory what was stored.
    pub(crate) fn count(&mut self, counted: Counted, forgotten: &[Txid]) {
        counted.rows.into_iter().filter_map(spent).for_each(|row| self.guard.ledger.record(row));
        forgotten.iter().for_each(|txid| self.guard.ledger.forget(shown(*txid)));
        counted.used.iter().for_each(|row| self.take_approval(row));
    }
}

/// Each escrow of a change once.
fn escrows_in(change: &Change) -> Vec<Hex32> {
    let mut ids: Vec<Hex32> = change.events.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether an event can make an escrow hold more of our coins.
fn may_cost(event: &Event) -> bool {
    matches!(
        event,
        Event::Opened(_)
            | Event::OfferMade { .. }
            | Event::OfferTaken { .. }
            | Event::BumpBuilt { .. }
            | Event::CancelBuilt { .. }
            | Event::CancelRaised { .. }
    )
}

fn held(escrow: &Escrow) -> Sat {
    crate::peers::lock::committed(escrow)
}

/// A row as the ledger has it.
pub(super) fn spent(row: CommitmentRow) -> Option<Spent> {
    let source = match (row.escrow, row.txid) {
        (Some(id), _) => Source::Escrow(id),
        (None, txid) => Source::Payment(txid?),
    };
    Some(Spent { at: UnixSeconds(row.at), sat: Sat(row.sat), source, key: row.key })
}
