//! What the node does window after window: a buyer's standing orders, and a provider's standing offers.
//!
//! Both are decided anew at every look from what is stored: [`order`] and [`step`] say what an order does next, [`choose`]
//! which offer it takes, [`tend`] stores what came of a window, and [`buy`] asks the provider. A window is stored with the
//! first envelope of its negotiation, in one transaction, so that no crash makes it two or none. [`offers`] publishes.

mod buy;
mod choose;
mod offers;
mod order;
mod owner;
mod rehearsal;
mod step;
mod tend;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use storage::{Standing, StandingRow, StandingWindowRow, Store};
use terms::Hex32;

pub(crate) use buy::hindrance;
pub(crate) use offers::StandingOffer;
pub(crate) use order::Order;

use crate::error::NodeError;

/// So many orders, and so many standing offers, may stand at a time.
const MOST_STANDING: usize = 100;
/// So many windows are shown.
const SHOWN_WINDOWS: usize = 100;

/// Rows about standing orders and offers to write with a change.
#[derive(Debug, Default)]
pub(crate) struct StandingRows {
    /// One that begins.
    pub begun: Option<(Standing, StandingRow)>,
    /// What came of a window.
    pub window: Option<(Standing, StandingWindowRow)>,
    /// One that ends, and why.
    pub ended: Option<(Standing, Hex32, &'static str)>,
}

impl StandingRows {
    /// Writes them.
    pub(crate) async fn write(&self, tx: &mut storage::Tx<'_>) -> Result<(), NodeError> {
        if let Some((kind, row)) = &self.begun {
            tx.add_standing(*kind, row).await?;
        }
        if let Some((kind, row)) = &self.window {
            tx.put_standing_window(*kind, row).await?;
        }
        if let Some((kind, id, why)) = &self.ended {
            tx.end_standing(*kind, *id, why).await?;
        }
        Ok(())
    }
}

/// All orders, as they are stored.
pub(crate) async fn orders(store: &Store) -> Result<BTreeMap<Hex32, Order>, NodeError> {
    let mut orders = BTreeMap::new();
    for row in store.standing(Standing::Orders).await? {
        orders.insert(row.id, Order::read(row)?);
    }
    for row in store.standing_windows(Standing::Orders).await? {
        let order = orders.get_mut(&row.parent).ok_or(NodeError::Damaged { what: "order" })?;
        order.keep(row.start, read(&row.json)?);
    }
    Ok(orders)
}

/// All standing offers, as they are stored.
pub(crate) async fn offers(store: &Store) -> Result<BTreeMap<Hex32, StandingOffer>, NodeError> {
    let mut offers = BTreeMap::new();
    for row in store.standing(Standing::Offers).await? {
        offers.insert(row.id, StandingOffer::read(row)?);
    }
    for row in store.standing_windows(Standing::Offers).await? {
        let offer = offers.get_mut(&row.parent).ok_or(NodeError::Damaged { what: "standing offer" })?;
        offer.keep(row.start, read(&row.json)?);
    }
    Ok(offers)
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, NodeError> {
    serde_json::from_str(json).map_err(|_| NodeError::Damaged { what: "standing order or offer" })
}

fn write<T: serde::Serialize>(value: &T) -> Result<String, NodeError> {
    serde_json::to_string(value).map_err(|_| NodeError::Damaged { what: "standing order or offer" })
}
