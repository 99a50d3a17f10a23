//! Peers that stop, repeat, forge and double-spend: what they can hold up, and for how long.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use bitcoin::{Amount, OutPoint};
use blackbox::proxy::Verdict;
use blackbox::stranger::deliver;
use blackbox::{Proxy, Setting, Stranger, World, raw, witness};
use protocol::owner::AlarmKind;
use protocol::{Body, Draft, Envelope, HexBytes};
use serde_json::Value;
use terms::Hex32;
use tokio::task::JoinSet;

use crate::rogue::{Rogue, conspire};

const GENEROUS: &str =
    "max_contract_sat = 1_000_000\nmax_locked_sat = 1_000_000\nmax_per_counterparty_sat = 1_000_000\n";

/// A provider that frees its coins after a minute without signatures.
fn impatient(more: &str) -> Setting {
    let provider_mandate = format!("{GENEROUS}{more}\n[locking]\nsign_within_s = 60\n");
    Setting { provider_mandate, ..Setting::default() }
}

fn is(kind: &str) -> String {
    format!("\"type\":\"{kind}\"")
}

/// From now on the buyer's envelopes of this kind do not reach the provider. The last one is here.
fn keep(proxy: &Proxy, kind: &str) -> Arc<Mutex<Vec<u8>>> {
    let (said, kept) = (is(kind), Arc::new(Mutex::new(Vec::new())));
    let keep = Arc::clone(&kept);
    proxy.rule(move |seen| match seen.says(&said) {
        true => {
            *keep.lock().unwrap() = seen.body.to_vec();
            Verdict::Swallow
        }
        false => Verdict::Pass,
    });
    kept
}

/// An envelope at the place of another one, or so many further; with another body, signed by the same party.
fn instead(rogue: &Rogue, of: &Envelope, further: i64, tag: u8, body: Body) -> Vec<u8> {
    let draft = Draft {
        v: of.v(),
        id: Hex32([tag; 32]),
        session: of.session(),
        seq: of.seq().checked_add_signed(further).unwrap(),
        to: of.to(),
        at: of.at(),
        expires: of.expires(),
        prev: of.prev(),
        body,
    };
    Envelope::seal(draft, &rogue.identity()).unwrap().bytes()
}

/// At the offer and at the signatures the buyer says everything but the right thing first. Each is refused, nothing more
/// is reserved for it, and the right message is still taken afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_buyer_sends_instead_of_its_next_message_is_refused_and_changes_nothing() {
    let mut world = World::begin().await;
    let (first, _) = world.lock().await;
    let known = world.buyer.escrow(&first).await.messages;
    let foreign = [known.offer, known.accept, known.sign].map(Option::unwrap);
    let rogue = Rogue::of(&world.buyer);
    for (round, kind) in [(0, "dlc_offer"), (100, "dlc_sign")] {
        let proxy = Proxy::before(world.provider.peer_addr()).await;
        let offer = world.publish(&world.draft()).await;
        let kept = keep(&proxy, kind);
        let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
        proxy.caught().await;
        let right = Envelope::verify(&kept.lock().unwrap()).unwrap();
        let before = (world.provider.escrow(&id).await.state, world.provider.available_sat().await);

        let garbage = HexBytes(vec![0xff; 40]);
        let nothing = Hex32([0x11; 32]);
        let mut wrong = vec![
            ("new terms", 0, Body::Accept { terms_hash: nothing }),
            ("another question", 0, Body::Rfq { offer_id: nothing }),
            ("a place too far", 1, right.body().clone()),
            ("a place that is taken", -1, right.body().clone()),
        ];
        for message in foreign.iter().chain([&garbage]) {
            let message_hex = message.clone();
            wrong.push(("as the offer", 0, Body::DlcOffer { message_hex: message_hex.clone() }));
            wrong.push(("as the accept", 0, Body::DlcAccept { message_hex: message_hex.clone() }));
            wrong.push(("as the signatures", 0, Body::DlcSign { message_hex }));
        }
        for (tag, (what, further, body)) in (round + 1..).zip(wrong) {
            let answer = deliver(&world.provider, &instead(&rogue, &right, further, tag, body)).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!((400..500).contains(&answer.status), "{kind}, {what}: {} {text}", answer.status);
            let now = (world.provider.escrow(&id).await.state, world.provider.available_sat().await);
            assert_eq!(now, before, "{kind}, {what}: {text}");
        }

        world.kill("buyer").await;
        proxy.pass();
        world.start("buyer").await;
        world.both_reach(&id, "funded").await;
    }
    assert!(!world.provider.service.log().contains("panicked"));
}

/// The provider takes the offer, and what it answers is not what it should be.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_provider_answers_instead_of_its_accept_all_coins_are_free_before_the_deadline() {
    let mut world = World::with(impatient("")).await;
    let rogue = Arc::new(Rogue::of(&world.provider));
    let (first, _) = world.lock().await;
    let known = world.buyer.escrow(&first).await.messages.accept.unwrap();
    let before = [world.provider.available_sat().await, world.buyer.available_sat().await];
    let cases = [
        ("no envelope", None),
        ("garbage", Some(Body::DlcAccept { message_hex: HexBytes(vec![0xff; 40]) })),
        ("another escrow's accept", Some(Body::DlcAccept { message_hex: known.clone() })),
        ("signatures", Some(Body::DlcSign { message_hex: known.clone() })),
        ("an offer", Some(Body::DlcOffer { message_hex: known })),
        ("a question", Some(Body::Rfq { offer_id: Hex32([0x11; 32]) })),
        ("an end", Some(Body::Cancel { reason: "I would rather not".into() })),
    ];
    for (tag, (what, body)) in (1..).zip(cases) {
        let proxy = Proxy::before(world.provider.peer_addr()).await;
        let offer = world.publish(&world.draft()).await;
        let rogue = Arc::clone(&rogue);
        proxy.rule(move |seen| match (seen.says(&is("dlc_offer")), &body) {
            (false, _) => Verdict::Pass,
            (true, None) => Verdict::Replace(StatusCode::OK, b"{}".to_vec()),
            (true, Some(body)) => {
                let sent = Envelope::verify(seen.body).unwrap();
                Verdict::Replace(StatusCode::OK, answer(&rogue, &sent, tag, body.clone()))
            }
        });
        let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
        world.buyer_reaches(&id, "cancelled").await;
        assert_eq!(world.provider.escrow(&id).await.state, "accepted", "{what}: it knows nothing of it");
        world.provider_reaches(&id, "cancelled").await;
        let after = [world.provider.available_sat().await, world.buyer.available_sat().await];
        assert_eq!(after, before, "{what}: all coins are free");
        assert!(world.now() < offer.funding_deadline.0, "{what}: before the deadline");
    }
    assert!(!world.buyer.service.log().contains("panicked"));
}

/// An answer to an envelope, signed by the party that it was for.
fn answer(rogue: &Rogue, to: &Envelope, tag: u8, body: Body) -> Vec<u8> {
    let draft = Draft {
        v: to.v(),
        id: Hex32([tag; 32]),
        session: to.session(),
        seq: to.seq() + 1,
        to: to.from(),
        at: to.at(),
        expires: to.expires(),
        prev: Some(to.hash()),
        body,
    };
    Envelope::seal(draft, &rogue.identity()).unwrap().bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn coins_of_a_provider_whose_buyer_never_signs_are_free_long_before_the_deadline_also_after_a_restart()
{
    let mut world = World::with(impatient("")).await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&world.draft()).await;
    let _ = keep(&proxy, "dlc_sign");
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    let view = world.provider.escrow(&id).await;
    assert_eq!(view.state, "accepted");
    assert!(world.provider.available_sat().await < 700_000, "a coin is reserved");
    world.restart("provider").await;
    assert!(world.provider.available_sat().await < 700_000, "it still is");
    world.pass(61).await;
    assert_eq!(world.provider.escrow(&id).await.state, "cancelled");
    assert_eq!(world.provider.available_sat().await, 700_000);
    assert!(world.now() < offer.funding_deadline.0);

    // The signatures that come after all are refused; the buyer waits for the deadline, and takes its coins back.
    proxy.pass();
    world.start("buyer").await;
    world.look().await;
    assert_eq!(world.provider.escrow(&id).await.state, "cancelled");
    world.buyer_reaches(&id, "cancelled").await;
    let fee = 700_000 - world.buyer.available_sat().await;
    assert!((1..5_000).contains(&fee), "all but {fee} sat came back");
    assert_eq!(world.provider.available_sat().await, 700_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_strangers_at_once_hold_no_more_than_the_mandate_allows_and_not_for_long() {
    let mut world = World::with(impatient("max_unsigned_sat = 160_000")).await;
    let offer = world.publish(&world.draft()).await;
    let mut accepts = Vec::new();
    for seed in 1..=12 {
        let mut stranger = Stranger::new(seed);
        let terms_hash = stranger.ask(&world, offer.id).await;
        accepts.push(stranger.next(&world, Body::Accept { terms_hash }).bytes());
    }
    let url = format!("{}/v1/envelopes", world.provider.peer_url());
    let mut sending = JoinSet::new();
    for bytes in accepts {
        let url = url.clone();
        sending.spawn(async move { raw::post(&url, None, &[], bytes).await.status });
    }
    let mut statuses = sending.join_all().await;
    statuses.sort_unstable();
    // 50,000 of bond and its fees each: three are below 160,000, four are not.
    assert_eq!(statuses, [[204; 3].as_slice(), &[403; 9]].concat());
    assert_eq!(world.provider.owner.escrows().await.unwrap().len(), 3);

    world.pass(61).await;
    for escrow in world.provider.owner.escrows().await.unwrap() {
        assert_eq!(escrow.state, "cancelled");
    }
    world.lock().await;
}

/// Whether no block spends a coin.
fn in_blocks(world: &World, coin: &OutPoint) -> bool {
    let asked = [coin.txid.to_string().into(), coin.vout.into(), false.into()];
    world.bitcoind.call::<Value>("gettxout", &asked).unwrap().is_object()
}

/// Before the signatures leave and after the funding transaction was broadcast: either way the provider is free as soon
/// as that is deep, without a fee.
#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_double_spends_its_input_costs_the_provider_nothing() {
    let mut world = World::begin().await;
    let rogue = Rogue::of(&world.buyer);
    for before_signing in [true, false] {
        let free = world.provider.available_sat().await;
        let proxy = Proxy::before(world.provider.peer_addr()).await;
        let offer = world.publish(&world.draft()).await;
        world.mine_by_hand();
        if before_signing {
            let _ = keep(&proxy, "dlc_sign");
        }
        let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
        if before_signing {
            proxy.caught().await;
            world.kill("buyer").await;
        } else {
            world.calm().await;
        }
        let coins: Vec<_> =
            world.buyer.coins.iter().filter(|coin| in_blocks(&world, coin)).copied().collect();
        let theft = rogue.spend(&world, &coins, 20_000);
        world.bitcoind.send(&theft).unwrap();
        if before_signing {
            proxy.pass();
            world.start("buyer").await;
        }
        world.look().await;
        assert_eq!(world.provider.escrow(&id).await.state, "funding_broadcast");
        assert_eq!(world.bitcoind.mempool().unwrap(), [theft.compute_txid()], "the funding is not taken");
        world.mine_every_minute();
        world.both_reach(&id, "cancelled").await;
        assert!(world.now() < offer.funding_deadline.0);
        assert_eq!(world.provider.available_sat().await, free, "not even a fee");
        let address = world.buyer.address().await;
        world.bitcoind.set_mock_time(world.now()).unwrap();
        world.buyer.coins = world.bitcoind.fund(&address, &[Amount::from_sat(300_000)]).unwrap();
        world.look().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_refuses_the_signatures_is_told_that_it_is_over_and_frees_its_coins_at_once() {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.provider.peer_addr()).await;
    let offer = world.publish(&world.draft()).await;
    let _ = keep(&proxy, "dlc_sign");
    let id = world.buyer.purchase(&proxy.url(), offer.id).await.unwrap();
    proxy.caught().await;
    world.kill("buyer").await;
    world.stop("provider").await;
    world.provider.use_mandate(&format!("{GENEROUS}max_bond_sat = 49_999\n"));
    world.start("provider").await;
    assert!(world.provider.available_sat().await < 700_000);
    proxy.pass();
    world.start("buyer").await;
    world.provider_reaches(&id, "cancelled").await;
    assert!(world.now() < offer.funding_deadline.0);
    assert_eq!(world.provider.available_sat().await, 700_000);

    // The buyer cannot know that nobody keeps its signatures.
    assert_eq!(world.buyer.escrow(&id).await.state, "signed");
    world.buyer_reaches(&id, "cancelled").await;
    assert!(world.buyer.available_sat().await > 695_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_funding_deadline_too_close_to_the_window_is_neither_published_nor_bought() {
    let margin = |seconds: u64| format!("{GENEROUS}\n[locking]\nfunding_margin_s = {seconds}\n");
    let mut world = World::with(Setting { buyer_mandate: margin(121), ..Setting::default() }).await;
    // Two minutes lie between them, and nothing is asked of a provider on regtest.
    let offer = world.publish(&world.draft()).await;
    let refused = world.buyer.purchase(&world.provider.peer_url(), offer.id).await.unwrap_err();
    let client::ClientError::Refused(problem) = refused else { panic!("{refused}") };
    assert_eq!((problem.status, problem.field.as_deref()), (400, Some("funding_deadline")), "{problem}");
    assert!(problem.detail.contains("121 s"), "{problem}");
    assert_eq!(world.provider.owner.escrows().await.unwrap(), [], "the provider was not even asked");

    for (seconds, published) in [(121, false), (120, true)] {
        world.stop("provider").await;
        world.provider.use_mandate(&margin(seconds));
        world.start("provider").await;
        let draft = world.draft();
        let made = world.provider.owner.create_offer(&draft, &format!("margin-{seconds}")).await;
        assert_eq!(made.is_ok(), published, "{made:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bitcoin_node_that_hangs_keeps_neither_the_owner_nor_peers_waiting() {
    let mut world = World::begin().await;
    let proxy = Proxy::before(world.bitcoind.rpc_addr()).await;
    world.stop("provider").await;
    world.provider.use_bitcoind(&proxy.url());
    world.start("provider").await;
    let offer = world.publish(&world.draft()).await;
    let logged = world.provider.service.log().len();
    proxy.rule(|_| Verdict::Swallow);
    // The envelope wakes the node, which looks at the chain.
    let _ = Stranger::new(1).ask(&world, offer.id).await;
    proxy.caught().await;
    assert_eq!(world.provider.owner.escrows().await.unwrap(), []);
    assert_eq!(world.provider.available_sat().await, 700_000);
    let _ = world.provider.address().await;
    let _ = Stranger::new(2).ask(&world, offer.id).await;
    let said = world.provider.service.log()[logged..].to_owned();
    assert!(!said.contains("cannot be followed"), "all that while it waited for its Bitcoin node: {said}");

    proxy.pass();
    world.calm().await;
    world.look().await;
    world.lock().await;
}

/// Both keys have signed something that is neither CET nor refund: no harm that Earnest can undo, but the owner is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_spend_of_the_funding_output_that_nothing_agreed_to_raises_an_alarm() {
    let mut world = World::begin().await;
    let (id, _) = world.lock().await;
    let theft = conspire(&world, &world.buyer.escrow(&id).await);
    world.bitcoind.send(&theft).unwrap();
    world.both_reach(&id, "unknown_spend").await;
    for party in [&world.provider, &world.buyer] {
        let view = party.escrow(&id).await;
        assert_eq!(view.closing_txid, Some(witness::shown(theft.compute_txid())));
        assert_eq!(view.closing_kind, Some(protocol::owner::ClosingKind::Other));
        assert!(party.service.log().contains("ALARM"), "the owner is told");
        let alarms = party.owner.alarms().await.unwrap();
        assert_eq!(alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::UnknownSpend]);
        assert_eq!(alarms[0].proof[0].0, bitcoin::consensus::serialize(&theft));
    }
    // A reorganisation that loses it brings the escrow back.
    world.bitcoind.stop().unwrap();
    std::fs::remove_file(world.bitcoind.folder().join("regtest/mempool.dat")).unwrap();
    world.bitcoind.start_again().unwrap();
    world.both_reach(&id, "settled").await;
    witness::paid_out(&world, &id, 150_000, 0).await;
}
