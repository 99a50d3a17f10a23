//! In whose name something is done: kept with what it is about, through restarts, and no longer.

use bitcoin::secp256k1::{Keypair, Secp256k1};
use protocol::owner::{KeyRequest, Scope};
use protocol::{Body, Envelope, Offer, OfferDraft, Session};
use terms::{Hex32, TimeRange, UnixSeconds};

use super::World;
use super::guard::agreement;
use crate::core::Change;
use crate::error::NodeError;
use crate::node::Node;
use crate::ticket::Ticket;
use crate::visitors::Visitor;

/// An offer that can be taken now.
pub(super) fn offer(now: u64) -> Offer {
    let like = agreement();
    let start = UnixSeconds((now / 86_400 + 2) * 86_400);
    let end = UnixSeconds(start.0 + like.measurement.window.seconds());
    let measurement = terms::Measurement {
        window: TimeRange { start, end },
        exclusions: Vec::new(),
        ..like.measurement.clone()
    };
    let draft = OfferDraft {
        measurement,
        price_sat: like.price_sat,
        bond_sat: like.bond_sat,
        payout: like.payout,
        oracle_urls: vec!["http://oracle.example".to_owned(); like.oracles.keys.len()],
        oracles: like.oracles,
        funding_deadline: UnixSeconds(start.0 - 60),
        refund_delay_s: like.refund_delay_s,
        fee_rate_sat_vb: Some(2),
        expires: UnixSeconds(start.0 - 60),
        negotiable: None,
        strategy: None,
    };
    draft.publish("regtest", 2)
}

/// Publishes it in a key's name, as if its oracles had announced it.
pub(super) async fn publish(node: &Node, offer: &Offer, key: &str) {
    let (json, expires_at) = (serde_json::to_string(offer).unwrap(), offer.expires.0);
    let stored = storage::StoredOffer { id: offer.id, json, announcements: Vec::new(), expires_at };
    let mut core = node.core.lock().await;
    core.act_for(offer.id, Some(key));
    core.commit(Change { offer: Some(stored), ..Change::default() }, node.now()).await.unwrap();
}

/// A stranger asks for a quote. Returns the session.
async fn ask(node: &Node, offer: &Offer) -> Hex32 {
    let stranger = Keypair::from_seckey_slice(&Secp256k1::new(), &[5; 32]).unwrap();
    let (at, expires) = (UnixSeconds(node.now()), UnixSeconds(node.now() + 600));
    let (id, to) = (Hex32([1; 32]), node.own_keys().current);
    let draft = Session::first(id, id, to, at, expires, Body::Rfq { offer_id: offer.id });
    let rfq = Envelope::seal(draft, &stranger).unwrap();
    let answer = node.core.lock().await.receive(&rfq, Visitor::default(), node.now()).await.unwrap();
    assert!(answer.is_some(), "a quote");
    id
}

async fn acting(node: &Node, id: Hex32) -> Option<String> {
    node.core.lock().await.guard.acting.get(&id).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negotiation_is_in_the_name_of_the_key_whose_offer_it_is_about_also_after_a_restart() {
    let world = World::begin();
    let node = world.open().await;
    let offer = offer(node.now());
    publish(&node, &offer, "shop").await;
    let session = ask(&node, &offer).await;
    drop(node);
    let node = world.open().await;
    assert_eq!(acting(&node, session).await.as_deref(), Some("shop"));

    // What was refused, and so was never stored, is forgotten; then what is forgotten itself.
    let refused = Hex32([9; 32]);
    node.core.lock().await.act_for(refused, Some("shop"));
    node.core.lock().await.tidy(node.now()).await.unwrap();
    assert_eq!(acting(&node, refused).await, None);
    assert_eq!(acting(&node, session).await.as_deref(), Some("shop"));
    node.core.lock().await.tidy(node.now() + 2 * 86_400).await.unwrap();
    assert_eq!(acting(&node, session).await, None);
    assert_eq!(acting(&node, offer.id).await.as_deref(), Some("shop"), "it is on the card yet");
    drop(node);
    let stored = world.open().await.core.lock().await.store.acting().await.unwrap();
    assert_eq!(stored, [(offer.id, "shop".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_takes_over_no_offer_of_another_or_of_the_owner() {
    let world = World::begin();
    let node = world.open().await;
    let limits = serde_json::json!({
        "max_contract_sat": 10, "max_locked_sat": 10, "max_per_counterparty_sat": 10,
    });
    for name in ["shop", "stall"] {
        let (name, scopes) = (name.to_owned(), [Scope::Provide].into());
        let wish = KeyRequest { name, scopes, limits: Some(limits.clone()), life_s: None };
        node.core.lock().await.create_key(&wish, &Ticket::default(), node.now()).await.unwrap();
    }
    let offer = offer(node.now());
    let by = |name: Option<&str>| Ticket::default().by(name.map(str::to_owned));
    let may = async |name| node.core.lock().await.may_replace(offer.id, &by(name)).await;
    may(Some("stall")).await.expect("there is none yet");
    publish(&node, &offer, "shop").await;
    may(Some("shop")).await.unwrap();
    may(None).await.expect("the owner may do everything");
    let refused = may(Some("stall")).await.unwrap_err();
    assert!(matches!(refused, NodeError::NotItsOwn { what: "offer", .. }), "{refused}");
    assert_eq!(refused.problem().field.as_deref(), Some("key"));
}
