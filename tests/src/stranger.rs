//! A peer that speaks the protocol by hand, well or badly.

use bitcoin::secp256k1::{Keypair, SECP256K1};
use protocol::{Body, Envelope, Session};
use terms::{Agreement, Hex32, UnixSeconds};

use crate::raw::{self, Answer};
use crate::{Party, World};

/// A buyer without a node: a key, and at most one session.
#[derive(Debug)]
pub struct Stranger {
    /// Signs its envelopes.
    pub key: Keypair,
    session: Option<Session>,
    ids: u8,
    version: u64,
}

impl Stranger {
    /// Another `seed` makes another stranger.
    ///
    /// # Panics
    /// For the seed 0, which gives no key.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self::speaking(seed, 1)
    }

    /// One that speaks this version of the protocol.
    ///
    /// # Panics
    /// For the seed 0, which gives no key.
    #[must_use]
    pub fn speaking(seed: u8, version: u64) -> Self {
        let key = Keypair::from_seckey_slice(SECP256K1, &[seed; 32]).expect("is a key but for 0");
        Self { key, session: None, ids: 0, version }
    }

    /// Its identity key.
    #[must_use]
    pub fn public(&self) -> Hex32 {
        protocol::public_key(&self.key)
    }

    /// An id that it did not use before.
    pub fn fresh_id(&mut self) -> Hex32 {
        self.ids += 1;
        let mut id = [self.ids; 32];
        id[0] = self.key.secret_bytes()[0];
        Hex32(id)
    }

    /// The first envelope of a new session.
    pub fn rfq(&mut self, world: &World, offer_id: Hex32) -> Envelope {
        let (session, id) = (self.fresh_id(), self.fresh_id());
        self.rfq_in(world, session, id, offer_id)
    }

    /// The first envelope of a session of this id.
    pub fn rfq_in(&mut self, world: &World, session: Hex32, id: Hex32, offer_id: Hex32) -> Envelope {
        let (at, expires) = moments(world);
        let body = Body::Rfq { offer_id };
        let draft =
            Session::first(session, id, world.provider.key, at, expires, body).in_version(self.version);
        Envelope::seal(draft, &self.key).expect("is a good envelope")
    }

    /// The session's next envelope; it counts as sent.
    ///
    /// # Panics
    /// Before a session was opened.
    pub fn next(&mut self, world: &World, body: Body) -> Envelope {
        let id = self.fresh_id();
        let (at, expires) = moments(world);
        let session = self.session.as_mut().expect("a session was opened");
        let draft = session.next(id, world.provider.key, at, expires, body);
        let envelope = Envelope::seal(draft, &self.key).expect("is a good envelope");
        session.push(&envelope).expect("continues the session");
        envelope
    }

    /// Goes on where another value of the same stranger stands.
    pub fn clone_session(&mut self, other: &Self) {
        self.session.clone_from(&other.session);
        self.ids = other.ids;
    }

    /// Opens a session about an offer, and takes the quote. Returns the hash of its terms.
    ///
    /// # Panics
    /// When the provider does not quote.
    pub async fn ask(&mut self, world: &World, offer_id: Hex32) -> Hex32 {
        self.quote(world, offer_id).await.terms_hash()
    }

    /// As [`Stranger::ask`], with the terms themselves.
    ///
    /// # Panics
    /// When the provider does not quote.
    pub async fn quote(&mut self, world: &World, offer_id: Hex32) -> Agreement {
        let rfq = self.rfq(world, offer_id);
        let answer = deliver(&world.provider, &rfq.bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let quote = Envelope::open(&answer.body, world.now(), self.public())
            .expect("the answer is an envelope to us");
        let mut session = Session::open(&rfq).expect("opens a session");
        session.push(&quote).expect("the answer continues the session");
        self.session = Some(session);
        match quote.into_body() {
            Body::Quote { agreement } => *agreement,
            other => panic!("asked for a quote and got a {}", other.kind()),
        }
    }
}

impl Stranger {
    /// Takes the provider's answer into the session.
    ///
    /// # Panics
    /// When it does not continue the session.
    pub fn take(&mut self, world: &World, answer: &[u8]) -> Envelope {
        let envelope = Envelope::open(answer, world.now(), self.public()).expect("is an envelope to us");
        let session = self.session.as_mut().expect("a session was opened");
        session.push(&envelope).expect("continues the session");
        envelope
    }

    /// What was said before once more at the session's next place, under its old id; it does not count as sent.
    ///
    /// # Panics
    /// Before a session was opened.
    #[must_use]
    pub fn again_as_next(&self, world: &World, said: &Envelope) -> Vec<u8> {
        let (at, expires) = moments(world);
        let session = self.session.as_ref().expect("a session was opened");
        let draft = session.next(said.id(), world.provider.key, at, expires, said.body().clone());
        Envelope::seal(draft, &self.key).expect("is a good envelope").bytes()
    }
}

fn moments(world: &World) -> (UnixSeconds, UnixSeconds) {
    (UnixSeconds(world.now()), UnixSeconds(world.now() + 600))
}

/// Posts bytes to a node's door for envelopes.
pub async fn deliver(party: &Party, bytes: &[u8]) -> Answer {
    let url = format!("{}/v1/envelopes", party.peer_url());
    raw::post(&url, None, &[("content-type", "application/json")], bytes).await
}
