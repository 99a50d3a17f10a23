//! A whole session as two nodes would have had it: negotiated, locked, attested, settled.

#![allow(dead_code, reason = "each user takes a part")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use bitcoin::consensus::encode::serialize;
use contract::{Deal, Role};
use protocol::reference::{Claim, ReferenceFile};
use protocol::transcript::TranscriptFile;
use protocol::{
    Body, Draft as EnvelopeDraft, Envelope, HexBytes, Negotiable, Offer, SatRange, Session, public_key,
};
use secp256k1_zkp::{Keypair, SECP256K1};
use terms::{Agreement, Hex32, Outcome, OutcomeValue, Party as Key, Sat, Side, UnixSeconds, canonical};

use crate::common::{self, Draft, Escrow, Party, TEMPORARY_ID};

/// When it happened.
pub const NOW: u64 = common::NOW.0;

/// The provider's identity.
pub fn provider() -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[0x21; 32]).unwrap()
}

/// The buyer's.
pub fn buyer() -> Keypair {
    Keypair::from_seckey_slice(SECP256K1, &[0x22; 32]).unwrap()
}

/// The terms of the fixtures between these two.
fn agreement() -> (Agreement, Vec<common::Oracle>) {
    let (agreement, oracles) = Draft::default().build();
    let keys = [provider(), buyer()].map(|keypair| Key { key: public_key(&keypair) });
    let [provider, buyer] = keys;
    (Agreement { provider, buyer, ..agreement }, oracles)
}

/// The offer: the fixtures' terms, whose price may be less.
pub fn offer() -> Offer {
    let terms = agreement().0;
    let range = SatRange { least: Sat(50_000), most: terms.price_sat };
    let draft = protocol::OfferDraft {
        measurement: terms.measurement,
        price_sat: terms.price_sat,
        bond_sat: terms.bond_sat,
        payout: terms.payout,
        oracles: terms.oracles,
        oracle_urls: vec!["http://127.0.0.1:7800".to_owned()],
        funding_deadline: terms.funding_deadline,
        refund_delay_s: terms.refund_delay_s,
        fee_rate_sat_vb: Some(terms.fee_rate_sat_vb),
        expires: terms.funding_deadline,
        negotiable: Some(Negotiable { price_sat: Some(range), bond_sat: None, rounds: 3 }),
        strategy: None,
    };
    draft.publish("regtest", 1)
}

/// Terms at a price.
pub fn at(price_sat: u64) -> Agreement {
    between(&[provider(), buyer()], price_sat)
}

/// The same between a provider and a buyer with these identities.
fn between(sides: &[Keypair; 2], price_sat: u64) -> Agreement {
    let [provider, buyer] = sides.map(|side| Key { key: public_key(&side) });
    Agreement { provider, buyer, price_sat: Sat(price_sat), ..agreement().0 }
}

/// A session under construction.
pub struct Talk {
    sides: [Keypair; 2],
    session: Option<Session>,
    pub envelopes: Vec<Envelope>,
}

impl Talk {
    /// One that nobody has said anything in.
    pub fn new() -> Self {
        Self::of([provider(), buyer()])
    }

    /// The same between a provider and a buyer with these identities.
    fn of(sides: [Keypair; 2]) -> Self {
        Self { sides, session: None, envelopes: Vec::new() }
    }

    /// Says something. It need not be allowed.
    pub fn say(&mut self, by: &Keypair, body: Body) -> &mut Self {
        let place = self.envelopes.len() as u64 + 1;
        let (session, id) = (Hex32(TEMPORARY_ID), Hex32([place as u8; 32]));
        let both = self.sides.map(|side| public_key(&side));
        let to = if public_key(by) == both[0] { both[1] } else { both[0] };
        let (moment, until) = (UnixSeconds(NOW + place), UnixSeconds(NOW + place + 600));
        let draft: EnvelopeDraft = match &self.session {
            None => Session::first(session, id, to, moment, until, body).in_version(2),
            Some(session) => session.next(id, to, moment, until, body),
        };
        let envelope = Envelope::seal(draft, by).unwrap();
        match &mut self.session {
            Some(session) => session.push(&envelope).unwrap(),
            none => *none = Some(Session::open(&envelope).unwrap()),
        }
        self.envelopes.push(envelope);
        self
    }
}

/// Asked at the offer's price, countered twice, taken at 80,000 sat.
pub fn negotiated() -> Talk {
    negotiated_by([provider(), buyer()])
}

fn negotiated_by(sides: [Keypair; 2]) -> Talk {
    let [seller, taker] = sides;
    let at = |price| between(&sides, price);
    let counter = |price| Body::Counter { agreement: Box::new(at(price)) };
    let mut talk = Talk::of(sides);
    talk.say(&taker, Body::Rfq { offer_id: offer().id })
        .say(&seller, Body::Quote { agreement: Box::new(at(offer().price_sat.0)) })
        .say(&taker, counter(70_000))
        .say(&seller, counter(80_000))
        .say(&taker, Body::Accept { terms_hash: at(80_000).terms_hash() });
    talk
}

/// The file of a session that settled with the oracle's word about 30 hours: a tenth of the price goes back.
pub fn settled() -> TranscriptFile {
    settled_at(30)
}

/// The same with its word about so many hours.
pub fn settled_at(hours: u64) -> TranscriptFile {
    let (_, oracles) = agreement();
    let terms = at(80_000);
    let announcements = oracles.iter().map(|oracle| oracle.announce(&terms)).collect();
    let deal = Deal::new(terms.clone(), announcements).unwrap();
    let need = |role| vec![deal.collateral(role).0 + 50_000];
    let offerer = Party::with_coins(1, &need(Role::Offerer));
    let accepter = Party::with_coins(2, &need(Role::Accepter));
    let escrow = Escrow { deal, oracles, offerer, accepter };
    let offer_message = escrow.offer();
    let accepted = escrow.accepted();
    let signed = escrow.sign(&accepted);
    let message = |bytes| HexBytes(bytes);
    let mut talk = negotiated();
    talk.say(&buyer(), Body::DlcOffer { message_hex: message(offer_message.bytes()) })
        .say(&provider(), Body::DlcAccept { message_hex: message(accepted.bytes()) })
        .say(&buyer(), Body::DlcSign { message_hex: message(signed.sign_bytes()) });
    let outcome = Outcome::Value(OutcomeValue(hours));
    let cet = signed.cet_for(&outcome).unwrap();
    TranscriptFile {
        announcements: escrow.deal.announcements().to_tlvs().into_iter().map(HexBytes).collect(),
        funding_tx: Some(HexBytes(serialize(&signed.transactions().funding))),
        attestations: vec![HexBytes(escrow.oracles[0].attest(escrow.agreement(), &outcome))],
        closing_tx: Some(HexBytes(serialize(&cet.transaction))),
        ..file(&talk)
    }
}

/// The contract of a file as two others would show it, who have nothing but the file.
pub fn stolen(file: &TranscriptFile, sides: [Keypair; 2]) -> TranscriptFile {
    let mut talk = negotiated_by(sides);
    for value in &file.envelopes[talk.envelopes.len()..] {
        let body = Body::from_value(value["body"].clone()).unwrap();
        let by = match body {
            Body::DlcAccept { .. } => &sides[0],
            _ => &sides[1],
        };
        talk.say(by, body);
    }
    TranscriptFile { envelopes: self::file(&talk).envelopes, ..file.clone() }
}

/// A file as a reference that one of the fixtures' two parties presents, in blocks that are not looked up here.
pub fn reference(transcript: TranscriptFile, by: Side) -> ReferenceFile {
    let shown = transcript::verify(&canonical::bytes(&transcript)).unwrap();
    let claim = Claim {
        provider: shown.provider,
        buyer: shown.buyer,
        terms_hash: shown.agreed.unwrap().terms_hash,
        funding_txid: shown.funding_txid.unwrap(),
    };
    let [funding_block, closing_block] = [Hex32([3; 32]), Hex32([4; 32])];
    ReferenceFile { v: 1, transcript, funding_block, closing_block, by, sig: claim.seal(&contract_key(by)) }
}

/// The contract key of one of the fixtures' two parties.
pub fn contract_key(by: Side) -> Keypair {
    let seed = if by == Side::Buyer { 1 } else { 2 };
    Keypair::from_secret_key(SECP256K1, &Party::with_coins(seed, &[]).contract_key(TEMPORARY_ID))
}

/// A session alone.
pub fn file(talk: &Talk) -> TranscriptFile {
    let values = talk.envelopes.iter().map(|envelope| serde_json::from_slice(&envelope.bytes()).unwrap());
    TranscriptFile {
        v: 1,
        offer: Some(offer()),
        envelopes: values.collect(),
        announcements: Vec::new(),
        funding_tx: None,
        attestations: Vec::new(),
        closing_tx: None,
    }
}
