//! Escrows that end by agreement: before the outcome is known, or as soon as it is.

use blackbox::proxy::Verdict;
use blackbox::{Party, Proxy, World, witness};
use protocol::owner::{CloseRequest, CloseView, ProposalRequest, ProposalState, ProposalView};
use terms::Sat;
use testbed::Phase;

/// A proposal that lets the provider have so much, or what is owed.
async fn propose(
    party: &Party,
    id: &str,
    provider_sat: Option<u64>,
) -> Result<CloseView, client::ClientError> {
    let request = CloseRequest {
        provider_sat: provider_sat.map(Sat),
        valid_s: Some(600),
        reason: "we stop here".to_owned(),
    };
    party.owner.close(id, &request, &blackbox::fresh_key()).await
}

/// The owner's word about what the peer proposes now.
async fn say(party: &Party, word: &str, id: &str) -> Result<CloseView, client::ClientError> {
    let proposal = asked(party, id).await.expect("the peer proposes something").proposal;
    party.owner.close_word(id, word, &ProposalRequest { proposal }, &blackbox::fresh_key()).await
}

async fn asked(party: &Party, id: &str) -> Option<ProposalView> {
    party.escrow(id).await.close.peer
}

/// Lets time pass until the peer's proposal is here.
async fn until_asked(world: &mut World, provider: bool, id: &str) {
    world
        .until("the proposal to arrive", async |world| {
            let party = if provider { &world.provider } else { &world.buyer };
            asked(party, id).await.is_some_and(|proposal| proposal.state == ProposalState::Open)
        })
        .await;
}

async fn own_state(party: &Party, id: &str) -> ProposalState {
    party.escrow(id).await.close.own.expect("it proposed").state
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escrow_ends_early_at_the_split_that_both_owners_want() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    world.pass_until(times.start + 60).await;
    let unnamed = propose(&world.provider, &id, None).await.unwrap_err();
    assert!(unnamed.to_string().contains("provider_sat"), "nothing is attested: {unnamed}");
    propose(&world.provider, &id, Some(60_000)).await.unwrap();
    until_asked(&mut world, false, &id).await;

    let listed = String::from_utf8(world.buyer.cli(&["escrow", "list"]).stdout).unwrap();
    assert!(listed.contains("close: provider 60000, buyer 90000"), "its owner sees it: {listed}");
    world.pass(120).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "measuring", "without its owner's word nothing happens");
    say(&world.buyer, "approve", &id).await.unwrap();
    say(&world.buyer, "approve", &id).await.expect("again it changes nothing");
    world.both_reach(&id, "closed").await;
    assert!(world.now() < times.end, "long before the window's end");
    witness::paid_out(&world, &id, 60_000, 90_000).await;
    let view = world.buyer.escrow(&id).await;
    assert_eq!((view.provider_sat, view.buyer_sat), (Some(Sat(60_000)), Some(Sat(90_000))));
    assert_eq!(view.transactions.close.map(|close| close.txid), view.closing_txid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attested_is_paid_at_once_whoever_proposes_it() {
    for provider_proposes in [true, false] {
        let mut world = World::begin().await;
        let (id, times) = world.lock().await;
        world.pass_until(times.start).await;
        world.target.set(Phase::Down);
        world.pass_until(times.start + 60).await;
        world.target.set(Phase::Up);
        world.both_reach(&id, "attested").await;
        let party = if provider_proposes { &world.provider } else { &world.buyer };
        let view = propose(party, &id, None).await.unwrap().own.unwrap();
        assert_eq!(
            (view.provider_sat, view.buyer_sat),
            (Sat(100_000), Sat(50_000)),
            "a sixth of it was down"
        );
        world.both_reach(&id, "closed").await;
        witness::paid_out(&world, &id, 100_000, 50_000).await;
        assert!(!world.buyer.history(&id).await.contains(&"close_refused".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_taken_back_expired_or_paying_less_a_proposal_changes_nothing() {
    let mut world = World::begin().await;
    let (id, times) = world.lock().await;
    propose(&world.buyer, &id, Some(10_000)).await.unwrap();
    until_asked(&mut world, true, &id).await;
    say(&world.provider, "refuse", &id).await.unwrap();
    world.look().await;
    assert_eq!(own_state(&world.buyer, &id).await, ProposalState::Dropped);
    say(&world.provider, "approve", &id).await.expect_err("it was refused");

    propose(&world.provider, &id, Some(140_000)).await.unwrap();
    until_asked(&mut world, false, &id).await;
    let proposal = world.provider.escrow(&id).await.close.own.unwrap().proposal;
    let word = ProposalRequest { proposal };
    world.provider.owner.close_word(&id, "withdraw", &word, "withdraw").await.unwrap();
    world.look().await;
    assert_eq!(asked(&world.buyer, &id).await.unwrap().state, ProposalState::Dropped, "it hears of that");
    say(&world.buyer, "approve", &id).await.expect_err("it was taken back");

    propose(&world.buyer, &id, Some(20_000)).await.unwrap();
    until_asked(&mut world, true, &id).await;
    world.pass(601).await;
    assert_eq!(own_state(&world.buyer, &id).await, ProposalState::Expired);
    say(&world.provider, "approve", &id).await.expect_err("it has expired");

    for burnt in [149_500, 999, 150_001] {
        let refused = propose(&world.buyer, &id, Some(burnt)).await.unwrap_err();
        assert_eq!(refused.status(), Some(400), "{refused}");
    }
    world.pass_until(times.maturity).await;
    world.both_reach(&id, "attested").await;
    propose(&world.buyer, &id, Some(149_000)).await.unwrap();
    until_asked(&mut world, true, &id).await;
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
    assert!(!world.provider.history(&id).await.contains(&"close_signed".to_owned()), "it owes 150,000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_gives_everything_needs_no_owner() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    propose(&world.provider, &id, Some(0)).await.unwrap();
    world.both_reach(&id, "closed").await;
    witness::paid_out(&world, &id, 0, 150_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_propose_the_same_at_once_and_it_is_one_close() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    propose(&world.provider, &id, Some(75_000)).await.unwrap();
    propose(&world.buyer, &id, Some(75_000)).await.unwrap();
    world.both_reach(&id, "closed").await;
    witness::paid_out(&world, &id, 75_000, 75_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_propose_at_once_and_one_owner_takes_what_the_other_proposed() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    propose(&world.provider, &id, Some(80_000)).await.unwrap();
    propose(&world.buyer, &id, Some(70_000)).await.unwrap();
    until_asked(&mut world, true, &id).await;
    until_asked(&mut world, false, &id).await;
    world.pass(60).await;
    assert_eq!(world.buyer.escrow(&id).await.state, "funded", "neither owner agreed to anything");
    say(&world.provider, "approve", &id).await.unwrap();
    world.both_reach(&id, "closed").await;
    witness::paid_out(&world, &id, 70_000, 80_000).await;
}

/// A world whose buyer reaches the provider through a proxy, with an escrow that both see funded.
async fn with_proxied_provider() -> (World, Proxy, String) {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&world.draft()).await;
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    world.both_reach(&id, "funded").await;
    (world, proxy, id)
}

/// From now on the first request that says this, or its answer, is lost.
fn lose(proxy: &Proxy, said: &'static str, request_arrives: bool) {
    proxy.rule(move |seen| match (seen.says(said) || seen.path.contains(said), request_arrives) {
        (false, _) => Verdict::Pass,
        (true, true) => Verdict::SwallowAnswer,
        (true, false) => Verdict::Swallow,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_while_a_buyers_proposal_or_the_answer_is_on_the_wire_the_close_happens_once() {
    for (victim, request_arrives) in [("buyer", false), ("buyer", true), ("provider", true)] {
        let (mut world, proxy, id) = with_proxied_provider().await;
        lose(&proxy, "\"type\":\"close_propose\"", request_arrives);
        propose(&world.buyer, &id, Some(150_000)).await.unwrap();
        proxy.caught().await;
        world.kill("buyer").await;
        if victim == "provider" {
            world.kill("provider").await;
            world.start("provider").await;
        }
        proxy.pass();
        world.start("buyer").await;
        world.both_reach(&id, "closed").await;
        witness::paid_out(&world, &id, 150_000, 0).await;
        once(&world, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_while_a_providers_proposal_or_the_answer_is_on_the_wire_the_close_happens_once() {
    for (said, request_arrives) in [("/waiting", true), ("close_sign", false), ("close_sign", true)] {
        let (mut world, proxy, id) = with_proxied_provider().await;
        propose(&world.provider, &id, Some(0)).await.unwrap();
        lose(&proxy, said, request_arrives);
        // Whatever its owner says makes the buyer's node look at once.
        let nothing = ProposalRequest { proposal: terms::Hex32([0; 32]) };
        world.buyer.owner.close_word(&id, "withdraw", &nothing, "look").await.unwrap_err();
        proxy.caught().await;
        world.kill("buyer").await;
        world.kill("provider").await;
        proxy.pass();
        world.start("provider").await;
        world.start("buyer").await;
        world.both_reach(&id, "closed").await;
        witness::paid_out(&world, &id, 0, 150_000).await;
        once(&world, &id).await;
    }
}

/// Whatever was repeated, each side decided once.
async fn once(world: &World, id: &str) {
    for party in [&world.provider, &world.buyer] {
        let history = party.history(id).await;
        for event in ["close_proposed", "close_offered", "close_signed", "close_built"] {
            assert!(history.iter().filter(|name| *name == event).count() <= 1, "{event} in {history:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_and_was_away_finds_the_close_on_the_chain_and_keeps_it_through_a_reorganisation() {
    let (mut world, proxy, id) = with_proxied_provider().await;
    propose(&world.provider, &id, Some(60_000)).await.unwrap();
    until_asked(&mut world, false, &id).await;
    lose(&proxy, "close_sign", true);
    say(&world.buyer, "approve", &id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    world.provider_reaches(&id, "closed").await;
    proxy.pass();
    world.start("buyer").await;
    world.buyer_reaches(&id, "closed").await;

    let closing = witness::read(world.buyer.escrow(&id).await.closing_txid.unwrap());
    let height = world.bitcoind.height_of(closing).unwrap().expect("it is in a block");
    world.kill("provider").await;
    world.mine_by_hand();
    world.bitcoind.reorg(world.bitcoind.height().unwrap() - height + 1).unwrap();
    world.buyer_reaches(&id, "close_broadcast").await;
    world.mine_every_minute();
    world.buyer_reaches(&id, "closed").await;
    world.start("provider").await;
    world.provider_reaches(&id, "closed").await;
    witness::paid_out(&world, &id, 60_000, 90_000).await;
}

/// The buyer signed half of a close, and its peer never uses it: the attested CET pays all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_signed_close_that_is_not_used_leaves_the_attested_payout() {
    let (mut world, proxy, id) = with_proxied_provider().await;
    propose(&world.provider, &id, Some(60_000)).await.unwrap();
    until_asked(&mut world, false, &id).await;
    proxy.rule(|seen| match seen.says("close_sign") {
        true => Verdict::Answer(axum::http::StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    say(&world.buyer, "approve", &id).await.unwrap();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}

/// A CET reaches the chain first: what was proposed is over, for both.
#[tokio::test(flavor = "multi_thread")]
async fn a_cet_that_is_quicker_ends_what_was_proposed() {
    let (mut world, proxy, id) = with_proxied_provider().await;
    world.both_reach(&id, "attested").await;
    proxy.rule(|seen| match seen.says("close_propose") {
        true => Verdict::Answer(axum::http::StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()),
        false => Verdict::Pass,
    });
    propose(&world.buyer, &id, None).await.unwrap();
    world.both_reach(&id, "cet_broadcast").await;
    proxy.pass();
    propose(&world.buyer, &id, None).await.expect_err("it is being spent");
    world.both_reach(&id, "settled").await;
    world.pass(120).await;
    witness::paid_out(&world, &id, 150_000, 0).await;
    assert!(!world.provider.history(&id).await.contains(&"close_signed".to_owned()));
}
