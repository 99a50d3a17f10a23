//! What a counter may change.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use crate::common;

use common::{BUYER, PROVIDER, draft, negotiable_offer};
use negotiation::variation;
use protocol::{Negotiable, Offer, SatRange};
use terms::{Agreement, Hex32, Party, Ppm, Sat, Side, UnixSeconds};

fn refused(offer: &Offer, change: impl FnOnce(&mut Agreement)) -> String {
    let mut terms = variation::terms(offer, PROVIDER, BUYER, Sat(80_000), Sat(50_000));
    variation::check(offer, PROVIDER, BUYER, &terms).unwrap();
    change(&mut terms);
    variation::check(offer, PROVIDER, BUYER, &terms).unwrap_err().field
}

#[test]
fn every_field_but_price_and_bond_must_be_the_offers_and_is_named() {
    let offer = negotiable_offer();
    type Change = Box<dyn FnOnce(&mut Agreement)>;
    let cases: Vec<(&str, Change)> = vec![
        ("v", Box::new(|terms| terms.v = 2)),
        ("network", Box::new(|terms| terms.network = "mainnet".to_owned())),
        ("measurement", Box::new(|terms| terms.measurement.slice_s += 60)),
        (
            "event_id",
            Box::new(|terms| {
                terms.event_id = terms::EventId::parse(&format!("sla1-{}", "0".repeat(64))).unwrap()
            }),
        ),
        ("oracles", Box::new(|terms| terms.oracles.keys = vec![Hex32([9; 32])])),
        ("provider", Box::new(|terms| terms.provider = Party { key: Hex32([9; 32]) })),
        ("buyer", Box::new(|terms| terms.buyer = Party { key: Hex32([9; 32]) })),
        ("payout", Box::new(|terms| terms.payout.indeterminate.price_back_ppm = Ppm(999_999))),
        (
            "payout",
            Box::new(|terms| {
                terms.payout.round_to = match terms.payout.round_to {
                    Side::Buyer => Side::Provider,
                    Side::Provider => Side::Buyer,
                }
            }),
        ),
        (
            "funding_deadline",
            Box::new(|terms| terms.funding_deadline = UnixSeconds(terms.funding_deadline.0 - 1)),
        ),
        ("refund_delay_s", Box::new(|terms| terms.refund_delay_s += 1)),
        ("fee_rate_sat_vb", Box::new(|terms| terms.fee_rate_sat_vb += 1)),
        ("price_sat", Box::new(|terms| terms.price_sat = Sat(49_999))),
        ("price_sat", Box::new(|terms| terms.price_sat = Sat(110_001))),
        ("bond_sat", Box::new(|terms| terms.bond_sat = Sat(39_999))),
        ("bond_sat", Box::new(|terms| terms.bond_sat = Sat(80_001))),
    ];
    for (field, change) in cases {
        assert_eq!(refused(&offer, change), field);
    }
}

#[test]
fn what_the_offer_does_not_let_vary_stays() {
    let fixed = draft();
    let mut fixed_bond = fixed.clone();
    fixed_bond.negotiable = fixed.negotiable.map(|negotiable| Negotiable { bond_sat: None, ..negotiable });
    let offer = fixed_bond.publish("regtest", 2);
    let terms = variation::terms(&offer, PROVIDER, BUYER, Sat(80_000), Sat(60_000));
    variation::check(&offer, PROVIDER, BUYER, &terms).unwrap();
    let terms = Agreement { bond_sat: Sat(60_001), ..terms };
    assert_eq!(variation::check(&offer, PROVIDER, BUYER, &terms).unwrap_err().field, "bond_sat");
}

#[test]
fn an_offer_says_what_varies_within_rules_and_keeps_its_id_when_nothing_does() {
    let plain = |draft: protocol::OfferDraft| protocol::OfferDraft { negotiable: None, ..draft };
    let id = plain(draft()).publish("regtest", 2).id;
    assert_ne!(id, negotiable_offer().id, "what varies is part of what is offered");
    let text = serde_json_text(&plain(draft()).publish("regtest", 2));
    assert!(!text.contains("negotiable"), "{text}");
    let range = |least, most| Some(SatRange { least: Sat(least), most: Sat(most) });
    for (price_sat, bond_sat, rounds, field) in [
        (None, None, 3, "negotiable.price_sat"),
        (range(50_000, 110_000), None, 0, "negotiable.rounds"),
        (range(50_000, 110_000), None, 21, "negotiable.rounds"),
        (range(100_001, 110_000), None, 3, "negotiable.price_sat"),
        (range(0, 110_000), None, 3, "negotiable.price_sat"),
        (None, range(40_000, 59_999), 3, "negotiable.bond_sat"),
    ] {
        let mut draft = draft();
        draft.negotiable = Some(Negotiable { price_sat, bond_sat, rounds });
        let refused = draft.publish("regtest", 2).check_shape().unwrap_err();
        assert_eq!(refused.field(), field, "{refused}");
    }
}

fn serde_json_text(offer: &Offer) -> String {
    String::from_utf8(terms::canonical::bytes(offer)).unwrap()
}
