//! What a node lives through, and what must be true of the money at the end, wherever it was killed meanwhile.

use bitcoin::{Amount, OutPoint, Transaction};
use blackbox::{Mortal, Party, Setting, World, witness};
use protocol::OfferDraft;
use protocol::owner::{BackupState, WithdrawalRequest};
use terms::{Measurement, Sat, TimeRange, UnixSeconds};
use testbed::Phase;

use crate::{agreed, bumped, negotiated, ordered};

/// What each wallet has to begin with.
pub const BEGAN: u64 = 700_000;

/// A whole story of one escrow or payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Life {
    /// An outage, an attestation, a CET that pays both.
    Settled,
    /// The oracle dies, and both get back what they put in; a backup target has it all.
    Refunded,
    /// The funding transaction is in no block at the deadline: each takes its coins back.
    Cancelled,
    /// No bond: the buyer funds alone, and so accepts.
    SoleFunder,
    /// The owner takes money out.
    Withdrawn,
    /// An owner refuses the peer's split and proposes another; the peer's owner takes that, before the outcome is known.
    ClosedEarly,
    /// What is attested is paid by agreement, before the CET may be.
    ClosedAttested,
    /// The next window is agreed and funded while the first runs; both settle.
    Renewed,
    /// Fees rise before the CET may be mined, and who is paid by it pays more.
    Bumped,
    /// The price is negotiated.
    Negotiated,
    /// A standing offer and a standing order trade two windows by themselves.
    Ordered,
}

impl Life {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Settled,
        Self::Refunded,
        Self::Cancelled,
        Self::SoleFunder,
        Self::Withdrawn,
        Self::ClosedEarly,
        Self::ClosedAttested,
        Self::Renewed,
        Self::Bumped,
        Self::Negotiated,
        Self::Ordered,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
            Self::SoleFunder => "sole-funder",
            Self::Withdrawn => "withdrawn",
            Self::ClosedEarly => "closed-early",
            Self::ClosedAttested => "closed-attested",
            Self::Renewed => "renewed",
            Self::Bumped => "bumped",
            Self::Negotiated => "negotiated",
            Self::Ordered => "ordered",
        }
    }

    /// The world that it is lived in.
    pub fn setting(self) -> Setting {
        let usual = Setting::default();
        match self {
            Self::Refunded => Setting { backup: true, ..usual },
            Self::Renewed => Setting {
                provider_mandate: format!("{}\n[renewal]\naccept = true\n", usual.provider_mandate),
                ..usual
            },
            Self::Bumped => bumped::setting(),
            _ => usual,
        }
    }

    /// Whose processes are killed in it.
    pub fn victims(self) -> &'static [&'static str] {
        match self {
            Self::Settled => &["provider", "buyer", "oracle"],
            Self::Withdrawn => &["buyer"],
            Self::Bumped => &["provider"],
            _ => &["provider", "buyer"],
        }
    }

    /// Lives it, and insists on the end.
    pub async fn live(self, mortal: &mut Mortal) {
        match self {
            Self::Settled => settled(mortal, 50_000, [100_000, 50_000]).await,
            Self::Refunded => refunded(mortal).await,
            Self::Cancelled => cancelled(mortal).await,
            // Without a bond, half of the price back.
            Self::SoleFunder => settled(mortal, 0, [50_000, 50_000]).await,
            Self::Withdrawn => withdrawn(mortal).await,
            Self::ClosedEarly => agreed::closed_early(mortal).await,
            Self::ClosedAttested => agreed::closed_attested(mortal).await,
            Self::Renewed => agreed::renewed(mortal).await,
            Self::Bumped => bumped::bumped(mortal).await,
            Self::Negotiated => negotiated::negotiated(mortal).await,
            Self::Ordered => ordered::ordered(mortal).await,
        }
    }
}

/// The usual offer in a hurry: it is lived a few hundred times. Four minutes are measured.
pub fn draft(world: &World, bond_sat: u64) -> OfferDraft {
    let (usual, now) = (world.draft(), world.now());
    let window = TimeRange { start: UnixSeconds(now + 300), end: UnixSeconds(now + 540) };
    OfferDraft {
        measurement: Measurement { window, ..usual.measurement },
        bond_sat: Sat(bond_sat),
        funding_deadline: UnixSeconds(now + 180),
        expires: UnixSeconds(now + 180),
        ..usual
    }
}

/// The service is down for one minute of four: 250,000 ppm, so half of the price comes back.
async fn settled(mortal: &mut Mortal, bond_sat: u64, [provider_sat, buyer_sat]: [u64; 2]) {
    let draft = draft(&mortal.world, bond_sat);
    let event = draft.measurement.event_id();
    let id = lock(mortal, &draft).await;
    outage(mortal, draft.measurement.window.start.0).await;
    mortal.both_reach(&id, "settled").await;
    let attested = mortal.world.attested(&event).await;
    assert!(attested, "and the oracle stands by it");
    closed_once(mortal, &id, [provider_sat, buyer_sat]).await;
}

/// An offer is published and taken, and both see it funded.
pub async fn lock(mortal: &mut Mortal, draft: &OfferDraft) -> String {
    let offer = mortal.publish(draft).await;
    let id = mortal.buy(&offer).await;
    mortal.both_reach(&id, "funded").await;
    id
}

/// The service is down for the first minute of a window.
pub async fn outage(mortal: &mut Mortal, start: u64) {
    mortal.pass_until(start).await;
    mortal.world.target.set(Phase::Down);
    mortal.pass_until(start + 60).await;
    mortal.world.target.set(Phase::Up);
}

async fn refunded(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let id = lock(mortal, &draft).await;
    mortal.world.kill("oracle").await;
    mortal.both_reach(&id, "refunded").await;
    closed_once(mortal, &id, [50_000, 100_000]).await;
    for party in [&mortal.world.provider, &mortal.world.buyer] {
        let backup = party.owner.info().await.expect("the node answers").backup;
        assert_eq!(backup.state, BackupState::Current, "the target has all of it");
    }
}

/// One funding transaction and one that closes it are all that ever reached a block, and every satoshi is somewhere.
pub async fn closed_once(mortal: &mut Mortal, id: &str, [provider_sat, buyer_sat]: [u64; 2]) {
    mortal.pass(60).await;
    mortal.is_over(&[id]).await;
    let witness = witness::paid_out(&mortal.world, id, provider_sat, buyer_sat).await;
    assert_eq!(mortal.on_chain(), [witness.funding, witness.closing], "nothing else was ever mined");
}

async fn cancelled(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let offer = mortal.publish(&draft).await;
    mortal.world.mine_by_hand();
    let id = mortal.buy(&offer).await;
    mortal.both_reach(&id, "funding_broadcast").await;
    mortal.pass_until(offer.funding_deadline.0).await;
    mortal.both_reach(&id, "cancelling").await;
    mortal.world.mine_every_minute();
    mortal.both_reach(&id, "cancelled").await;

    mortal.pass(60).await;
    mortal.is_over(&[&id]).await;
    let mined = mortal.on_chain();
    assert_eq!(mined.len(), 2, "each took its coins back, and nothing else was mined");
    for party in [&mortal.world.provider, &mortal.world.buyer] {
        took_coins_back(&mortal.world, party, &mined).await;
    }
}

/// One transaction spends coins of this party and of nobody else, and all but its fee is there.
async fn took_coins_back(world: &World, party: &Party, mined: &[Transaction]) {
    let spends =
        |tx: &&Transaction| tx.input.iter().all(|input| party.coins.contains(&input.previous_output));
    let cancel = mined.iter().find(spends).expect("it took its coins back");
    assert_eq!(cancel.output.len(), 1, "to itself alone");
    let fee = fee(world, cancel);
    assert!((1..5_000).contains(&fee), "a fee of {fee}");
    assert_eq!(party.available_sat().await, BEGAN - fee);
}

/// What a transaction pays to miners.
pub fn fee(world: &World, tx: &Transaction) -> u64 {
    let spent: Vec<OutPoint> = tx.input.iter().map(|input| input.previous_output).collect();
    let value: Amount = spent.into_iter().map(|coin| witness::value(world, coin)).sum();
    (value - tx.output.iter().map(|output| output.value).sum()).to_sat()
}

async fn withdrawn(mortal: &mut Mortal) {
    let address = mortal.world.provider.address().await.to_string();
    let request =
        WithdrawalRequest { address, amount_sat: Some(Sat(50_000)), sweep: false, fee_rate_sat_vb: Some(2) };
    let ask = async |world: &World| world.buyer.owner.withdraw(&request, "the-withdrawal").await;
    let told = mortal.insist(ask).await;
    mortal.pass(180).await;
    let again = mortal.insist(ask).await;
    assert_eq!(told.txid, again.txid, "the same key gives the same answer");

    mortal.is_over(&[]).await;
    let mined = mortal.on_chain();
    let [payment] = mined.as_slice() else { panic!("one payment, not {}", mined.len()) };
    assert_eq!(witness::shown(payment.compute_txid()), told.txid);
    assert_eq!(mortal.world.provider.available_sat().await, BEGAN + 50_000);
    let fee = fee(&mortal.world, payment);
    assert_eq!(mortal.world.buyer.available_sat().await, BEGAN - 50_000 - fee);
}
