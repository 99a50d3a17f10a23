//! Whether to pay more for a transaction that waits for a block, and how much.
//!
//! CETs and the refund were signed long ago, at a fee that nobody can change, and so was the funding transaction. What
//! can be done is to spend an own output of it, at a fee that pays for both (child pays for parent). A cancel is our own,
//! and is made anew. All of it is bounded by what it rescues: see [`child_limit`] and [`cancel_limit`].

use bitcoin::OutPoint;

use crate::due::Due;
use crate::escrow::{Bump, Escrow};
use crate::event::Coin;
use crate::view::{ChainView, Place, Status, status};

/// A child has one P2WPKH input and one P2WPKH output.
pub const CHILD_VB: u64 = 110;
/// The least P2WPKH output that is relayed.
pub const DUST_SAT: u64 = 294;

/// Which transaction of an escrow waits for a block, so that its fee matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The funding transaction, before it is given up.
    Funding,
    /// A transaction that spends the funding output, or one of ours that is ready to.
    Closing,
    /// The transaction that takes our coins back.
    Cancel,
}

/// What fees are now, and how patient the owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeView {
    /// What a new transaction should pay, within the owner's bounds; per 1,000 vB.
    pub going_sat_kvb: u64,
    /// What a replacement pays for its own size beyond all that it replaces; per 1,000 vB.
    pub relay_sat_kvb: u64,
    /// After how many blocks of waiting anything is done about a slightly better rate.
    pub patience: u32,
}

/// The transaction that waits, as wallet and mempool know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingTx {
    /// Its own fee.
    pub fee_sat: u64,
    /// Its size.
    pub vsize: u64,
    /// The rate at which a miner sees it, with its best child, whoever made that; `None` when the mempool has it not.
    pub seen_sat_kvb: Option<u64>,
    /// The Bitcoin node would not take it for its fee, when it was last asked.
    pub refused: bool,
    /// An own output of it that nothing else spends or holds.
    pub own: Option<Coin>,
    /// Where the newest child is.
    pub child: Place,
    /// For a cancel: what everything pays that it would replace.
    pub replaces_sat: u64,
}

/// Which transaction waits for a block, given what the chain shows now. What is in a block is never bumped.
pub fn waiting(escrow: &Escrow, view: &ChainView, now: u64) -> Option<Waiting> {
    let in_a_block = |place| matches!(place, Place::Confirmed { .. });
    match status(escrow, view, now) {
        Status::FundingBroadcast if now < escrow.given_up_at() && !in_a_block(view.funding) => {
            Some(Waiting::Funding)
        }
        Status::Cancelling if !in_a_block(view.cancel) && !in_a_block(view.funding) => Some(Waiting::Cancel),
        Status::CetBroadcast | Status::RefundBroadcast | Status::CloseBroadcast | Status::UnknownSpend => {
            view.spend.filter(|spend| spend.place == Place::Mempool).map(|_| Waiting::Closing)
        }
        Status::Funded | Status::Measuring | Status::Attested if is_ready_to_close(escrow) => {
            Some(Waiting::Closing)
        }
        _ => None,
    }
}

fn is_ready_to_close(escrow: &Escrow) -> bool {
    escrow.cet.is_some() || escrow.refund.is_some() || escrow.closes.tx.is_some()
}

/// What is due for the fee of the transaction that waits.
pub fn fee_due(escrow: &Escrow, view: &ChainView, fees: &FeeView, tx: &WaitingTx, now: u64) -> Option<Due> {
    match waiting(escrow, view, now)? {
        Waiting::Cancel => raise_cancel(escrow, view, fees, tx, now),
        kind => child(escrow, view, fees, tx, kind, now),
    }
}

fn child(
    escrow: &Escrow,
    view: &ChainView,
    fees: &FeeView,
    tx: &WaitingTx,
    kind: Waiting,
    now: u64,
) -> Option<Due> {
    let own = tx.own?;
    let last = escrow.bump_of(own.outpoint);
    let with_last = last.map_or(0, |last| package_rate(tx, last.fee_sat.0));
    let standing = tx.seen_sat_kvb.unwrap_or(rate(tx.fee_sat, tx.vsize)).max(with_last);
    let since = last.map_or(0, |last| last.height);
    let asked = is_worth_it(escrow, view, fees, tx.refused, standing, since, now)
        .then(|| child_fee(fees, tx, last))
        .and_then(|fee| affordable(fee, child_limit(escrow, own, kind), fees, last))
        .filter(|fee| package_rate(tx, *fee) > standing);
    match asked {
        Some(fee_sat) => Some(Due::BuildBump { spends: own.outpoint, fee_sat }),
        None => {
            (last.is_some() && !tx.child.is_seen()).then_some(Due::BroadcastBump { spends: own.outpoint })
        }
    }
}

/// Refused, late, or far behind: then a better rate is worth a transaction.
fn is_worth_it(
    escrow: &Escrow,
    view: &ChainView,
    fees: &FeeView,
    refused: bool,
    standing: u64,
    since: u32,
    now: u64,
) -> bool {
    let noted = if escrow.noted == status(escrow, view, now) { escrow.noted_height } else { view.height };
    let waited = view.height.saturating_sub(noted.max(since)) >= fees.patience;
    let far_behind = standing.saturating_mul(2) <= fees.going_sat_kvb;
    standing < fees.going_sat_kvb && (refused || waited || far_behind)
}

/// What the child should pay: the going rate for itself and its parent, and always more than the child before it.
fn child_fee(fees: &FeeView, tx: &WaitingTx, last: Option<&Bump>) -> u64 {
    let package = fee(fees.going_sat_kvb, tx.vsize.saturating_add(CHILD_VB));
    let wanted = package.saturating_sub(tx.fee_sat).max(fee(fees.relay_sat_kvb, CHILD_VB));
    wanted.max(least_raise(fees, last))
}

/// A raise pays a quarter more, so that there are few, and what nodes ask of a replacement (BIP125, rules 3 and 4).
fn least_raise(fees: &FeeView, last: Option<&Bump>) -> u64 {
    last.map_or(0, |last| raised(fees, last.fee_sat.0, CHILD_VB))
}

fn raised(fees: &FeeView, paid: u64, vsize: u64) -> u64 {
    let quarter_more = paid.saturating_add(paid.div_ceil(4));
    quarter_more.max(paid.saturating_add(fee(fees.relay_sat_kvb, vsize)))
}

/// As much as wanted, or as much as is allowed where that is a raise at all.
fn affordable(wanted: u64, limit: u64, fees: &FeeView, last: Option<&Bump>) -> Option<u64> {
    let fee = wanted.min(limit);
    (fee > 0 && fee >= least_raise(fees, last)).then_some(fee)
}

/// The most that a child may pay: half of what it rescues, and never so much that it leaves dust.
///
/// From a closing transaction it rescues our payout in it. From the funding transaction it rescues what we lock: change
/// would come back anyway.
pub fn child_limit(escrow: &Escrow, own: Coin, kind: Waiting) -> u64 {
    let rescued = match kind {
        Waiting::Funding => own.value_sat.min(escrow.own_collateral()),
        Waiting::Closing | Waiting::Cancel => own.value_sat,
    };
    (rescued.0 / 2).min(own.value_sat.0.saturating_sub(DUST_SAT))
}

/// The most that a cancel may pay: half of the coins that it takes back. The funding transaction alone is replaced at any
/// price that the coins can pay: otherwise small ones would stay an option of the peer's.
pub fn cancel_limit(coins_sat: u64, funding_alone_sat: u64) -> u64 {
    let most = coins_sat.saturating_sub(DUST_SAT);
    (coins_sat / 2).max(funding_alone_sat).min(most)
}

/// What a new cancel of this size pays, where `replaces_sat` is what everything pays that it replaces, of which the
/// funding transaction alone pays `funding_sat`. `None` when the coins are not worth taking back: not even 1 sat/vB is
/// left for the fee.
pub fn cancel_fee(
    coins_sat: u64,
    vsize: u64,
    replaces_sat: u64,
    funding_sat: u64,
    fees: &FeeView,
) -> Option<u64> {
    let on_top = fee(fees.going_sat_kvb.max(fees.relay_sat_kvb), vsize);
    let limit = cancel_limit(coins_sat, funding_sat.saturating_add(on_top));
    let fee = replaces_sat.max(funding_sat).saturating_add(on_top).min(limit);
    (fee >= vsize).then_some(fee)
}

fn raise_cancel(escrow: &Escrow, view: &ChainView, fees: &FeeView, tx: &WaitingTx, now: u64) -> Option<Due> {
    let standing = tx.seen_sat_kvb.unwrap_or(rate(tx.fee_sat, tx.vsize));
    let replacing = tx.replaces_sat.saturating_add(fee(fees.relay_sat_kvb, tx.vsize));
    let outbid = tx.refused && replacing > tx.fee_sat;
    if !outbid && !is_worth_it(escrow, view, fees, tx.refused, standing, escrow.cancel_height, now) {
        return None;
    }
    let least = raised(fees, tx.fee_sat, tx.vsize);
    let wanted = fee(fees.going_sat_kvb, tx.vsize).max(least).max(if outbid { replacing } else { 0 });
    let coins: u64 = escrow.coins.iter().map(|coin| coin.value_sat.0).sum();
    let limit = cancel_limit(coins, 0);
    // Where the limit does not reach what stands in the way, paying it would move nothing.
    let fee_sat = if outbid { wanted } else { wanted.min(limit) };
    (least..=limit).contains(&fee_sat).then_some(Due::RaiseCancel { fee_sat })
}

fn package_rate(tx: &WaitingTx, child_sat: u64) -> u64 {
    rate(tx.fee_sat.saturating_add(child_sat), tx.vsize.saturating_add(CHILD_VB))
}

/// Rounded up, as nodes ask for it.
fn fee(rate_sat_kvb: u64, vsize: u64) -> u64 {
    rate_sat_kvb.saturating_mul(vsize).div_ceil(1_000)
}

/// Rounded down: never better than it is.
fn rate(fee_sat: u64, vsize: u64) -> u64 {
    fee_sat.saturating_mul(1_000) / vsize.max(1)
}

impl Escrow {
    /// The newest child that spends this own output.
    pub fn bump_of(&self, spends: OutPoint) -> Option<&Bump> {
        self.bumps.iter().rev().find(|bump| bump.spends == spends)
    }

    /// What our children pay, each output's newest one.
    pub fn bump_fees(&self) -> terms::Sat {
        let newest =
            self.bumps.iter().enumerate().filter(|(index, bump)| {
                !self.bumps[index + 1..].iter().any(|later| later.spends == bump.spends)
            });
        terms::Sat(newest.map(|(_, bump)| bump.fee_sat.0).fold(0, u64::saturating_add))
    }
}
