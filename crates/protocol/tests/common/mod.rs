//! Two parties, an offer and a whole session between them, the same every time.

#![allow(dead_code, reason = "each test uses a part")]

use protocol::{
    Body, Draft, Envelope, HexBytes, Negotiable, Offer, OfferDraft, SatRange, Session, public_key,
};
use secp256k1_zkp::{Keypair, SECP256K1};
use terms::{Agreement, Hex32, Sat, UnixSeconds};

/// The moment at which the sessions of these tests happen.
pub const NOW_S: u64 = 1_622_400_000;

/// An agreement between [`provider`] and [`buyer`].
const AGREEMENT: &[u8] = include_bytes!("../golden/agreement.json");

/// Whose secret key is the number 2.
pub fn provider() -> Keypair {
    keypair(2)
}

/// Whose secret key is the number 3.
pub fn buyer() -> Keypair {
    keypair(3)
}

pub fn stranger() -> Keypair {
    keypair(5)
}

fn keypair(number: u8) -> Keypair {
    let mut secret = [0; 32];
    secret[31] = number;
    Keypair::from_seckey_slice(SECP256K1, &secret).unwrap()
}

pub fn agreement() -> Agreement {
    Agreement::parse(AGREEMENT).unwrap()
}

/// The offer that becomes [`agreement`].
pub fn offer() -> Offer {
    offer_draft().publish("regtest", 2)
}

pub fn offer_draft() -> OfferDraft {
    let agreement = agreement();
    OfferDraft {
        measurement: agreement.measurement,
        price_sat: agreement.price_sat,
        bond_sat: agreement.bond_sat,
        payout: agreement.payout,
        oracles: agreement.oracles,
        oracle_urls: vec!["http://127.0.0.1:7800".to_owned()],
        funding_deadline: agreement.funding_deadline,
        refund_delay_s: agreement.refund_delay_s,
        fee_rate_sat_vb: Some(agreement.fee_rate_sat_vb),
        expires: UnixSeconds(NOW_S + 3_600),
        negotiable: None,
        strategy: None,
    }
}

/// An id that a test can recognise.
pub fn id(number: u8) -> Hex32 {
    Hex32([number; 32])
}

/// The first envelope of a session.
pub fn rfq_draft() -> Draft {
    let body = Body::Rfq { offer_id: offer().id };
    Session::first(
        id(0xaa),
        id(1),
        public_key(&provider()),
        UnixSeconds(NOW_S),
        UnixSeconds(NOW_S + 600),
        body,
    )
}

pub fn rfq() -> Envelope {
    Envelope::seal(rfq_draft(), &buyer()).unwrap()
}

/// The session in which the buyer takes the offer, envelope by envelope.
pub fn whole_session() -> Vec<Envelope> {
    let message = |byte| HexBytes(vec![0xa7, byte, 0x00, 0x01]);
    let rest = [
        (provider(), Body::Quote { agreement: Box::new(agreement()) }),
        (buyer(), Body::Accept { terms_hash: agreement().terms_hash() }),
        (buyer(), Body::DlcOffer { message_hex: message(0x1a) }),
        (provider(), Body::DlcAccept { message_hex: message(0x1c) }),
        (buyer(), Body::DlcSign { message_hex: message(0x1e) }),
    ];
    let mut envelopes = vec![rfq()];
    let mut session = Session::open(&envelopes[0]).unwrap();
    for (sender, body) in rest {
        let next = answer(&session, &sender, body);
        session.push(&next).unwrap();
        envelopes.push(next);
    }
    envelopes
}

/// The offer at a price that may vary.
pub fn negotiable_offer() -> Offer {
    let price_sat = Some(SatRange { least: Sat(600_000), most: Sat(1_000_000) });
    let negotiable = Some(Negotiable { price_sat, bond_sat: None, rounds: 3 });
    OfferDraft { negotiable, ..offer_draft() }.publish("regtest", 2)
}

/// The session of version 2 in which both move, and the buyer takes what the provider says last.
pub fn negotiated_session() -> Vec<Envelope> {
    let at = |price| Agreement { price_sat: Sat(price), ..agreement() };
    let rest = [
        (provider(), Body::Quote { agreement: Box::new(agreement()) }),
        (buyer(), Body::Counter { agreement: Box::new(at(700_000)) }),
        (provider(), Body::Counter { agreement: Box::new(at(800_000)) }),
        (buyer(), Body::Accept { terms_hash: at(800_000).terms_hash() }),
    ];
    let body = Body::Rfq { offer_id: negotiable_offer().id };
    let first = Draft { body, ..rfq_draft() }.in_version(2);
    let mut envelopes = vec![Envelope::seal(first, &buyer()).unwrap()];
    let mut session = Session::open(&envelopes[0]).unwrap();
    for (sender, body) in rest {
        let next = answer(&session, &sender, body);
        session.push(&next).unwrap();
        envelopes.push(next);
    }
    envelopes
}

/// The session's next envelope by `sender`, one second after the last.
pub fn answer(session: &Session, sender: &Keypair, body: Body) -> Envelope {
    let seq = session.seq() + 1;
    let to = session.peer_of(public_key(sender)).unwrap();
    let at = NOW_S + seq;
    let number = u8::try_from(seq).unwrap();
    let draft = session.next(id(number), to, UnixSeconds(at), UnixSeconds(at + 600), body);
    Envelope::seal(draft, sender).unwrap()
}
