//! A life without a word of its owners: two windows are offered and bought by themselves.

use blackbox::Mortal;
use blackbox::witness::Witness;
use protocol::owner::{Every, OrderRequest, OrderState, StandingOfferRequest};
use terms::Sat;

use crate::lives::draft;

/// Of each window the provider gets price and bond.
pub async fn ordered(mortal: &mut Mortal) {
    let request = StandingOfferRequest {
        template: draft(&mortal.world, 50_000),
        every: Every::Window,
        zone: "UTC".to_owned(),
        maintenance: Vec::new(),
        ahead_s: 600,
        windows: Some(2),
        until: None,
    };
    let stand_by = async |world: &blackbox::World| {
        world.provider.owner.create_standing_offer(&request, "the-series").await
    };
    mortal.insist(stand_by).await;
    mortal.world.calm().await;
    let mut offers = mortal.insist(async |world| world.provider.owner.offers().await).await;
    while offers.len() < 2 {
        mortal.pass(20).await;
        offers = mortal.insist(async |world| world.provider.owner.offers().await).await;
    }
    let order = order(mortal, offers[0].id).await;
    let mut told =
        mortal.insist(async |world| world.buyer.owner.order(&order).await).await.expect("it is there");
    let last = offers[1].measurement.window.end.0;
    while told.state == OrderState::Standing && mortal.world.now() < last {
        mortal.pass(20).await;
        told = mortal.insist(async |world| world.buyer.owner.order(&order).await).await.expect("it is there");
    }
    assert_eq!((told.state, told.bought), (OrderState::Done, 2), "{:?}", told.windows);
    let ids: Vec<String> = told.windows.iter().filter_map(|w| w.escrow_id).map(|id| id.to_string()).collect();
    for id in &ids {
        mortal.both_reach(id, "settled").await;
    }
    mortal.pass(60).await;
    mortal.is_over(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for id in &ids {
        let escrow = mortal.world.provider.escrow(id).await;
        Witness::call(&mortal.world, &escrow).pays(&mortal.world, vec![150_000, 0]);
    }
    let series = mortal.world.provider.owner.standing_offers().await.expect("the node answers");
    assert_eq!(series[0].published.len(), 2, "each window is offered once");
}

/// The buyer's order, begun with an offer. Returns its id.
async fn order(mortal: &mut Mortal, offer_id: terms::Hex32) -> String {
    let request = OrderRequest {
        provider_urls: vec![mortal.world.provider.peer_url()],
        escrow: None,
        offer_id: Some(offer_id),
        max_price_sat: Sat(100_000),
        haggle: None,
        windows: Some(2),
        until: None,
        lead_s: 400,
        max_excluded_ppm: None,
    };
    let give = async |world: &blackbox::World| world.buyer.owner.create_order(&request, "the-order").await;
    mortal.insist(give).await.id.to_string()
}
