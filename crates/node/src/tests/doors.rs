//! What a stranger can say to a node.

use bitcoin::secp256k1::{Keypair, Secp256k1};
use mandate::{Commitment, Stake};
use protocol::{Body, Card, Envelope, Session, public_key};
use storage::{NewSession, Opener};
use terms::{Hex32, Sat, UnixSeconds};

use super::World;
use super::guard::{NOON, request};
use super::names::{offer, publish};
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::peers::card::Reader;
use crate::peers::exchange::record;
use crate::ticket::Ticket;
use crate::visitors::Visitor;

fn stranger() -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[5; 32]).unwrap()
}

fn first(node: &Node, tag: u8, from: &Keypair, to: Hex32) -> Envelope {
    let (at, expires) = (UnixSeconds(node.now()), UnixSeconds(node.now() + 600));
    let body = Body::Rfq { offer_id: Hex32([3; 32]) };
    Envelope::seal(Session::first(Hex32([tag; 32]), Hex32([tag; 32]), to, at, expires, body), from).unwrap()
}

async fn receive(node: &Node, envelope: &Envelope) -> Result<Option<Vec<u8>>, NodeError> {
    node.core.lock().await.receive(envelope, Visitor::default(), node.now()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_session_that_we_opened_a_peer_says_nothing_unasked() {
    let world = World::begin();
    let node = world.open().await;
    let (ours, peer) = (node.core.lock().await.keys.identity, stranger());
    let rfq = first(&node, 1, &ours, public_key(&peer));
    let session = NewSession {
        id: rfq.session(),
        counterparty: public_key(&peer),
        peer_url: Some("http://peer.example".into()),
        offer_id: Some(Hex32([3; 32])),
        escrow: None,
        announcements: Vec::new(),
        address: None,
    };
    let envelopes = vec![record(&rfq, true, true)];
    let change = Change { session: Some(session), envelopes, ..Change::default() };
    node.core.lock().await.commit(change, node.now()).await.unwrap();

    let (at, expires) = (UnixSeconds(node.now()), UnixSeconds(node.now() + 600));
    let bodies = [
        Body::Accept { terms_hash: Hex32([0; 32]) },
        Body::Cancel { reason: "no".into() },
        Body::DlcOffer { message_hex: protocol::HexBytes(vec![1]) },
    ];
    for body in bodies {
        let kind = body.kind();
        let session = Session::open(&rfq).unwrap();
        let draft = session.next(Hex32([9; 32]), node.own_keys().current, at, expires, body);
        let refused = receive(&node, &Envelope::seal(draft, &peer).unwrap()).await;
        assert!(matches!(refused, Err(NodeError::Unexpected { got }) if got == kind), "{refused:?}");
    }
    assert_eq!(node.core.lock().await.store.transcript(rfq.session()).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_be_opened_twice_and_an_unknown_offer_leaves_nothing() {
    let world = World::begin();
    let node = world.open().await;
    let rfq = first(&node, 1, &stranger(), node.own_keys().current);
    let refused = receive(&node, &rfq).await;
    assert!(matches!(refused, Err(NodeError::NotFound { what: "offer" })), "{refused:?}");
    assert_eq!(node.core.lock().await.store.session(rfq.session()).await.unwrap(), None);

    let taken = NewSession {
        id: rfq.session(),
        counterparty: Hex32([4; 32]),
        peer_url: None,
        offer_id: Some(Hex32([3; 32])),
        escrow: None,
        announcements: Vec::new(),
        address: None,
    };
    let change = Change { session: Some(taken), ..Change::default() };
    node.core.lock().await.commit(change, node.now()).await.unwrap();
    let refused = receive(&node, &rfq).await;
    assert!(matches!(refused, Err(NodeError::Reused { what: "session" })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_bounded_for_a_peer_and_for_all_together_and_dead_ones_are_forgotten() {
    let world = World::begin();
    let node = world.open().await;
    let now = node.now();
    let open = async |tag: u16, counterparty: Hex32| {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&tag.to_be_bytes());
        let session = NewSession {
            id: Hex32(id),
            counterparty,
            peer_url: None,
            offer_id: Some(Hex32([3; 32])),
            escrow: None,
            announcements: Vec::new(),
            address: None,
        };
        let change = Change { session: Some(session), ..Change::default() };
        node.core.lock().await.commit(change, now).await.unwrap();
    };
    let peer = stranger();
    for tag in 0..60 {
        open(tag, public_key(&peer)).await;
    }
    let rfq = first(&node, 255, &peer, node.own_keys().current);
    assert!(matches!(receive(&node, &rfq).await, Err(NodeError::TooManySessions(_))));
    for tag in 60..600 {
        open(tag, Hex32([7; 32])).await;
    }
    let other = Keypair::from_seckey_slice(&Secp256k1::new(), &[6; 32]).unwrap();
    let rfq = first(&node, 254, &other, node.own_keys().current);
    assert!(matches!(receive(&node, &rfq).await, Err(NodeError::TooManySessions(_))));

    node.core.lock().await.tidy(now + 86_401).await.unwrap();
    assert_eq!(node.core.lock().await.store.last_session_but(0, Opener::Anybody, 0).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_not_told_what_the_owner_has_and_allows() {
    let sat = bitcoin::Amount::from_sat;
    let missing =
        wallet::SelectError::Insufficient { needed: sat(900), available: sat(777), missing: sat(123) };
    let refusal =
        mandate::Refusal::Exceeds { limit: mandate::Limit::MaxLockedSat, asked: 5, allowed: 777, used: 3 };
    for error in [NodeError::Coins(missing), NodeError::Mandate(refusal)] {
        let (owner, peer) = (error.problem(), error.problem_for_peer());
        assert_eq!(owner.kind, peer.kind);
        assert!(owner.detail.contains("777"), "{}", owner.detail);
        assert!(!peer.detail.contains("777") && peer.field.is_none(), "{}", peer.detail);
    }
}

/// A provider's node with an offer that nobody has to be asked about.
async fn with_offer(world: &World) -> (std::sync::Arc<Node>, Hex32) {
    let node = world.open().await;
    let id = Hex32([3; 32]);
    let expires_at = node.now() + 7_200;
    let offer = storage::StoredOffer { id, json: "{}".into(), announcements: Vec::new(), expires_at };
    node.core
        .lock()
        .await
        .commit(Change { offer: Some(offer), ..Change::default() }, node.now())
        .await
        .unwrap();
    (node, id)
}

/// As a session that a peer opened, and that has come to nothing yet.
async fn begun(node: &Node, tag: u8, counterparty: Hex32, from: Visitor, at: u64) {
    let (id, offer_id) = (Hex32([tag; 32]), Some(Hex32([3; 32])));
    let announcements = Vec::new();
    let session = NewSession {
        id,
        counterparty,
        peer_url: None,
        offer_id,
        escrow: None,
        announcements,
        address: from.name(),
    };
    let begun = storage::Negotiation { session: id, offer: "{}".into(), plan: None, ended: None };
    let mut change = Change { session: Some(session), ..Change::default() };
    change.talks.begun = Some(begun);
    node.core.lock().await.commit(change, at).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn negotiations_that_are_open_are_bounded_for_a_key_and_for_an_address_over_stored_rows() {
    let mut world = World::begin();
    world.more = "[limits]\nkey_open_sessions = 3\naddress_open_sessions = 4\nopen_sessions = 5\n".into();
    let (node, _) = with_offer(&world).await;
    let (now, here) = (node.now(), Visitor(Some("192.0.2.1".parse().unwrap())));
    let elsewhere = Visitor(Some("192.0.2.2".parse().unwrap()));
    for (tag, key, from) in [(1, 7, here), (2, 7, here), (3, 7, here), (4, 8, here)] {
        begun(&node, tag, Hex32([key; 32]), from, now).await;
    }
    drop(node);
    let node = world.open().await;
    let asked = async |key, from, negotiates| {
        let asked = node.core.lock().await.may_open(Hex32([key; 32]), from, negotiates, now).await;
        asked.err().map(|error| (error.problem(), error.retry_after_s()))
    };
    let (problem, wait_s) = asked(7, elsewhere, true).await.expect("the key has three");
    assert_eq!((problem.status, wait_s), (429, Some(3_600)), "{problem}");
    assert!(problem.detail.starts_with("this key has too many negotiations open"), "{problem}");
    let (problem, _) = asked(9, here, true).await.expect("the address has four");
    assert!(problem.detail.starts_with("this address has"), "{problem}");
    assert_eq!(asked(9, elsewhere, true).await, None);
    assert_eq!(asked(7, here, false).await, None, "what is no negotiation is not counted as one");
    begun(&node, 5, Hex32([9; 32]), elsewhere, now).await;
    let (problem, _) = asked(10, Visitor::default(), true).await.expect("all together have five");
    assert!(problem.detail.starts_with("everybody together has"), "{problem}");

    let mut change = Change::default();
    change.talks.ended = Some((Hex32([1; 32]), "over".into()));
    node.core.lock().await.commit(change, now).await.unwrap();
    assert_eq!(asked(7, elsewhere, true).await, None, "one ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_an_address_within_an_hour_are_bounded_whatever_keys_it_invents() {
    let mut world = World::begin();
    world.more = "[limits]\naddress_sessions_per_hour = 3\n".into();
    let (node, _) = with_offer(&world).await;
    let (now, here) = (node.now(), Visitor(Some("2001:db8::".parse().unwrap())));
    for tag in 1..=3 {
        begun(&node, tag, Hex32([tag; 32]), here, now - 600).await;
    }
    let core = node.core.lock().await;
    let refused = core.may_open(Hex32([9; 32]), here, true, now).await.unwrap_err();
    assert_eq!((refused.problem().status, refused.retry_after_s()), (429, Some(3_001)), "{refused}");
    assert!(core.may_open(Hex32([9; 32]), Visitor::default(), true, now).await.is_ok());
    assert!(core.may_open(Hex32([9; 32]), here, true, now + 3_001).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_the_card_again_keeps_the_node_from_nothing_and_new_offers_are_on_it_at_once() {
    let world = World::begin();
    let node = world.open().await;
    let all = Reader { negotiates: true, full: true };
    let card = async || Card::open(&node.card(all).await.unwrap()).unwrap();
    let one = offer(node.now());
    publish(&node, &one, "shop").await;
    assert_eq!(card().await.offers, std::slice::from_ref(&one));

    // Somebody works, for as long as it takes.
    let core = node.core.lock().await;
    let given = tokio::time::timeout(std::time::Duration::from_secs(60), card()).await;
    assert_eq!(given.expect("no lock is waited for").offers, [one]);
    drop(core);

    publish(&node, &offer(node.now() + 86_400), "shop").await;
    assert_eq!(card().await.offers.len(), 2);
    let key = node.rotate_identity(&Ticket::default()).await.unwrap().key;
    assert_eq!(card().await.key, key);
}

/// As a stranger who takes an offer, in a session of its own.
async fn takes(node: &Node, tag: u8, key: u8, request: Commitment) -> NodeError {
    let (id, request) = (Hex32([tag; 32]), Commitment { counterparty: Hex32([key; 32]), ..request });
    let mut core = node.core.lock().await;
    let asked = core.may_commit(id, id, request, NOON);
    core.asking(asked, None, NOON).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_questions_to_the_owner_leave_room_for_others_and_for_ones_own() {
    let mut world = World::begin();
    world.more = "approve_above_sat = 1_000\n".into();
    let (node, _) = with_offer(&world).await;
    let here = Visitor(Some("192.0.2.1".parse().unwrap()));
    let refused = async |tag, key| match takes(&node, tag, key, request(1_001)).await {
        NodeError::NeedsApproval(_) => None,
        error => Some((error.to_string(), error.problem_for_peer().status)),
    };
    for tag in 0..10 {
        begun(&node, tag, Hex32([100 + tag / 5; 32]), here, NOON).await;
        assert_eq!(refused(tag, 100 + tag / 5).await, None, "five of each of two keys");
    }
    begun(&node, 10, Hex32([102; 32]), here, NOON).await;
    let said = |whose| format!("approve_above_sat: {whose} wait for the owner already");
    assert_eq!(refused(10, 102).await, Some((said("10 questions of this address"), 503)));
    assert_eq!(refused(11, 100).await, Some((said("5 questions of this buyer"), 503)));
    for tag in 20..60 {
        assert_eq!(refused(tag, tag).await, None, "others, each with a key of its own: {tag}");
    }
    assert_eq!(refused(60, 60).await, Some((said("50 questions of buyers"), 503)));
    for tag in 100..150 {
        let own = Commitment { stake: Stake::Price(Sat(1_001)), ..request(0) };
        let asked = takes(&node, tag, 1, own).await;
        assert!(matches!(asked, NodeError::NeedsApproval(_)), "{tag}: {asked}");
    }
    let own = Commitment { stake: Stake::Price(Sat(1_001)), ..request(0) };
    assert_eq!(takes(&node, 150, 1, own).await.to_string(), said("100 questions"));

    let mut core = node.core.lock().await;
    let last = core.approval_views(NOON).iter().map(|it| it.expires_at.0).max().unwrap();
    core.tidy(last + 7 * 86_400).await.unwrap();
    assert_eq!(core.approval_views(NOON).len(), 100, "what was not answered can be looked at for a week");
    core.tidy(last + 7 * 86_400 + 1).await.unwrap();
    assert_eq!((core.approval_views(NOON).len(), core.store.approvals().await.unwrap()), (0, vec![]));
}
