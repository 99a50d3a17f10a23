//! Lives in which both sides agree once more after they have locked: to close, or to go on.

use bitcoin::Txid;
use blackbox::witness::{self, Witness};
use blackbox::{Mortal, Party, World};
use protocol::owner::{CloseRequest, ProposalRequest, ProposalState};
use terms::{Hex32, Sat};

use crate::lives::{BEGAN, closed_once, draft, fee, lock, outage};

type Who = fn(&World) -> &Party;

const PROVIDER: Who = |world| &world.provider;
const BUYER: Who = |world| &world.buyer;

/// The provider proposes one split, which waits for the buyer; its owner refuses it and proposes another; the
/// provider's owner takes that.
pub async fn closed_early(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let id = lock(mortal, &draft).await;
    propose(mortal, PROVIDER, &id, Some(70_000)).await;
    let proposal = asked(mortal, BUYER, &id).await;
    say(mortal, BUYER, "refuse", &id, proposal).await;
    let dropped = |state| (state == ProposalState::Dropped).then_some(());
    mortal.shown(PROVIDER, &id, |view| dropped(view.close.own.as_ref()?.state)).await;

    propose(mortal, BUYER, &id, Some(60_000)).await;
    let proposal = asked(mortal, PROVIDER, &id).await;
    say(mortal, PROVIDER, "approve", &id, proposal).await;
    mortal.both_reach(&id, "closed").await;
    assert!(mortal.world.now() < draft.measurement.window.end.0, "before the window's end");
    closed_once(mortal, &id, [60_000, 90_000]).await;
}

/// The provider proposes what is attested. The buyer's node finds that and signs it by itself.
pub async fn closed_attested(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let id = lock(mortal, &draft).await;
    outage(mortal, draft.measurement.window.start.0).await;
    mortal.both_reach(&id, "attested").await;
    propose(mortal, PROVIDER, &id, None).await;
    mortal.both_reach(&id, "closed").await;
    closed_once(mortal, &id, [100_000, 50_000]).await;
}

/// The first window has an outage, the second, which follows without a pause, has none.
pub async fn renewed(mortal: &mut Mortal) {
    let draft = draft(&mortal.world, 50_000);
    let first = lock(mortal, &draft).await;
    let ask = async |world: &World| world.buyer.owner.renew(&first, "the-renewal").await;
    let second = mortal.insist(ask).await.escrow_id;
    mortal.both_reach(&second, "funded").await;
    outage(mortal, draft.measurement.window.start.0).await;
    mortal.both_reach(&first, "settled").await;
    mortal.both_reach(&second, "settled").await;

    mortal.pass(60).await;
    mortal.is_over(&[&first, &second]).await;
    let mut expected = pays(&mortal.world, &first, [100_000, 50_000]).await;
    expected.extend(pays(&mortal.world, &second, [150_000, 0]).await);
    let mined = mortal.on_chain();
    let mut txids: Vec<Txid> = mined.iter().map(bitcoin::Transaction::compute_txid).collect();
    expected.sort_unstable();
    txids.sort_unstable();
    assert_eq!(txids, expected, "two fundings, two payouts, and nothing else was ever mined");
    let fees: u64 = mined.iter().map(|tx| fee(&mortal.world, tx)).sum();
    let have = mortal.world.provider.available_sat().await + mortal.world.buyer.available_sat().await;
    assert_eq!(have + fees, 2 * BEGAN, "every satoshi is somewhere");
}

/// Both tell the same two transactions of an escrow, which paid this. Returns them.
async fn pays(world: &World, id: &str, [provider_sat, buyer_sat]: [u64; 2]) -> Vec<Txid> {
    let [view, other] = [world.provider.escrow(id).await, world.buyer.escrow(id).await];
    assert_eq!((view.funding_txid, view.closing_txid), (other.funding_txid, other.closing_txid));
    assert_eq!((view.provider_sat, view.buyer_sat), (Some(Sat(provider_sat)), Some(Sat(buyer_sat))));
    Witness::call(world, &view).pays(world, vec![provider_sat, buyer_sat]);
    [view.funding_txid, view.closing_txid].into_iter().flatten().map(witness::read).collect()
}

async fn propose(mortal: &mut Mortal, who: Who, id: &str, provider_sat: Option<u64>) {
    let reason = "we stop here".to_owned();
    let request = CloseRequest { provider_sat: provider_sat.map(Sat), valid_s: Some(600), reason };
    mortal.insist(async |world| who(world).owner.close(id, &request, "the-proposal").await).await;
}

/// The peer's proposal, once it has come.
async fn asked(mortal: &mut Mortal, who: Who, id: &str) -> Hex32 {
    let open = |state| state == ProposalState::Open;
    mortal
        .shown(who, id, |view| Some(view.close.peer.as_ref().filter(|peer| open(peer.state))?.proposal))
        .await
}

async fn say(mortal: &mut Mortal, who: Who, word: &str, id: &str, proposal: Hex32) {
    let request = ProposalRequest { proposal };
    mortal.insist(async |world| who(world).owner.close_word(id, word, &request, "the-word").await).await;
}
