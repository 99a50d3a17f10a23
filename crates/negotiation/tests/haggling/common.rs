//! The offer that these tests are about.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]
#![allow(dead_code, reason = "each test uses a part")]

use protocol::{Negotiable, Offer, OfferDraft, SatRange};
use terms::{Agreement, Hex32, Sat, UnixSeconds};

/// An agreement of the documents' own tests.
const AGREEMENT: &[u8] = include_bytes!("../../../protocol/tests/golden/agreement.json");

/// An agreement about one measured service.
pub fn agreement() -> Agreement {
    Agreement::parse(AGREEMENT).unwrap()
}

/// An offer at 100,000 sat against a bond of 60,000, of which 50,000 to 110,000 and 40,000 to 80,000 may be proposed.
pub fn negotiable_offer() -> Offer {
    draft().publish("regtest", 2)
}

/// Its draft.
pub fn draft() -> OfferDraft {
    let agreement = agreement();
    OfferDraft {
        measurement: agreement.measurement,
        price_sat: Sat(100_000),
        bond_sat: Sat(60_000),
        payout: agreement.payout,
        oracles: agreement.oracles,
        oracle_urls: vec!["http://127.0.0.1:7800".to_owned()],
        funding_deadline: agreement.funding_deadline,
        refund_delay_s: agreement.refund_delay_s,
        fee_rate_sat_vb: Some(2),
        expires: UnixSeconds(agreement.funding_deadline.0),
        negotiable: Some(Negotiable {
            price_sat: Some(SatRange { least: Sat(50_000), most: Sat(110_000) }),
            bond_sat: Some(SatRange { least: Sat(40_000), most: Sat(80_000) }),
            rounds: 8,
        }),
        strategy: None,
    }
}

/// Two keys.
pub const PROVIDER: Hex32 = Hex32([2; 32]);
/// See [`PROVIDER`].
pub const BUYER: Hex32 = Hex32([3; 32]);
