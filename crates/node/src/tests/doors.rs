//! What a stranger can say to a node.

use bitcoin::secp256k1::{Keypair, Secp256k1};
use protocol::{Body, Envelope, Session, public_key};
use storage::NewSession;
use terms::{Hex32, UnixSeconds};

use super::World;
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::peers::exchange::record;

fn stranger() -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[5; 32]).unwrap()
}

fn first(node: &Node, tag: u8, from: &Keypair, to: Hex32) -> Envelope {
    let (at, expires) = (UnixSeconds(node.now()), UnixSeconds(node.now() + 600));
    let body = Body::Rfq { offer_id: Hex32([3; 32]) };
    Envelope::seal(Session::first(Hex32([tag; 32]), Hex32([tag; 32]), to, at, expires, body), from).unwrap()
}

async fn receive(node: &Node, envelope: &Envelope) -> Result<Option<Vec<u8>>, NodeError> {
    node.core.lock().await.receive(envelope, node.now()).await
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
        };
        let change = Change { session: Some(session), ..Change::default() };
        node.core.lock().await.commit(change, now).await.unwrap();
    };
    let peer = stranger();
    for tag in 0..60 {
        open(tag, public_key(&peer)).await;
    }
    let rfq = first(&node, 255, &peer, node.own_keys().current);
    assert!(matches!(receive(&node, &rfq).await, Err(NodeError::TooManySessions)));
    for tag in 60..600 {
        open(tag, Hex32([7; 32])).await;
    }
    let other = Keypair::from_seckey_slice(&Secp256k1::new(), &[6; 32]).unwrap();
    let rfq = first(&node, 254, &other, node.own_keys().current);
    assert!(matches!(receive(&node, &rfq).await, Err(NodeError::TooManySessions)));

    node.core.lock().await.tidy(now + 86_401).await.unwrap();
    assert_eq!(node.core.lock().await.store.all_sessions_since(0).await.unwrap(), 0);
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
