//! A life in which price and payout are other than the offer's: both nodes negotiate by their strategies.

use blackbox::Mortal;
use protocol::owner::{NegotiationRequest, NegotiationState};
use protocol::{BuyerStrategy, Concession, Negotiable, OfferDraft, ProviderStrategy, SatRange};
use terms::Sat;

use crate::lives::{closed_once, draft, outage};

/// The buyer proposes 60,000 sat, hears 85,000, proposes 80,000, and the provider takes that. Half of it comes back.
pub async fn negotiated(mortal: &mut Mortal) {
    let range = SatRange { least: Sat(50_000), most: Sat(100_000) };
    let strategy = ProviderStrategy {
        reserve_sat: Sat(70_000),
        final_sat: Some(Sat(70_000)),
        concession: Concession::Linear,
        rounds: Some(2),
        seed: None,
    };
    let draft = OfferDraft {
        negotiable: Some(Negotiable { price_sat: Some(range), bond_sat: None, rounds: 2 }),
        strategy: Some(strategy),
        ..draft(&mortal.world, 50_000)
    };
    let offer = mortal.publish(&draft).await;
    let strategy = BuyerStrategy {
        opening_sat: Some(Sat(60_000)),
        maximum_sat: Sat(80_000),
        concession: Concession::Linear,
        rounds: Some(2),
        seed: None,
    };
    let provider_url = mortal.world.provider.peer_url();
    let request = NegotiationRequest { provider_url, offer_id: offer.id, strategy: Some(strategy) };
    let ask = async |world: &blackbox::World| world.buyer.owner.negotiate(&request, "the-negotiation").await;
    let id = mortal.insist(ask).await.id.to_string();
    mortal.world.calm().await;
    mortal.both_reach(&id, "funded").await;
    let told = mortal
        .insist(async |world| world.provider.owner.negotiation(&id).await)
        .await
        .expect("the session is there");
    assert_eq!(told.state, NegotiationState::Agreed);
    let kinds: Vec<&str> = told.said.iter().map(|said| said.kind.as_str()).collect();
    assert_eq!(kinds[..7], ["rfq", "quote", "counter", "counter", "counter", "accept", "accept"]);
    outage(mortal, draft.measurement.window.start.0).await;
    mortal.both_reach(&id, "settled").await;
    closed_once(mortal, &id, [40_000 + 50_000, 40_000]).await;
}
