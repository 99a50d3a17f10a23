//! A complete escrow in memory: oracle, two parties with keys and coins, and the steps between them.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

pub mod documents;
pub mod mutate;
pub mod oracle;
pub mod party;

use bitcoin::Transaction;
use contract::gate::CheckedAttestation;
use contract::settle::SettledCet;
use contract::{CheckedAccept, CheckedContract, CheckedOffer, Deal, GateError, Role, gate, settle};
use dlc_messages::lightning::util::ser::{Readable, Writeable};
use dlc_messages::{AcceptDlc, OfferDlc, SignDlc};
use terms::{Agreement, UnixSeconds};

pub use documents::{Draft, FUNDING_DEADLINE};
pub use oracle::Oracle;
pub use party::Party;

/// When the messages are exchanged: before the funding deadline.
pub const NOW: UnixSeconds = UnixSeconds(FUNDING_DEADLINE - 3600);

pub const TEMPORARY_ID: [u8; 32] = [0x42; 32];

/// A deal between two parties who have not exchanged a message yet.
pub struct Escrow {
    pub deal: Deal,
    pub oracles: Vec<Oracle>,
    pub offerer: Party,
    pub accepter: Party,
}

/// How the fixtures name the two roles' seeds.
const OFFERER_SEED: u8 = 1;
const ACCEPTER_SEED: u8 = 2;

impl Escrow {
    pub fn of(draft: Draft) -> Self {
        let (agreement, oracles) = draft.build();
        let announcements = oracles.iter().map(|o| o.announce(&agreement)).collect();
        let deal = Deal::new(agreement, announcements).expect("the draft is a valid deal");
        let need =
            |role| if deal.collateral(role).0 == 0 { vec![] } else { vec![deal.collateral(role).0 + 50_000] };
        let offerer = Party::with_coins(OFFERER_SEED, &need(Role::Offerer));
        let accepter = Party::with_coins(ACCEPTER_SEED, &need(Role::Accepter));
        Self { deal, oracles, offerer, accepter }
    }

    /// Two steps on 10 digits, price and bond, one oracle.
    pub fn standard() -> Self {
        Self::of(Draft::default())
    }

    pub fn agreement(&self) -> &Agreement {
        self.deal.agreement()
    }

    pub fn offer(&self) -> CheckedOffer {
        contract::create_offer(&self.deal, self.offerer.funding(TEMPORARY_ID), TEMPORARY_ID, 77).unwrap()
    }

    /// The accepter's gate, with what its node knows about the offerer's coins.
    pub fn receive_offer(&self, bytes: &[u8]) -> Result<CheckedOffer, GateError> {
        gate::offer(bytes, &self.deal, &self.offerer.known_coins(), NOW)
    }

    pub fn accept(&self, offer: &CheckedOffer) -> CheckedAccept {
        let key = self.accepter.contract_key(TEMPORARY_ID);
        contract::accept_offer(offer, self.accepter.funding(TEMPORARY_ID), &key, NOW).unwrap()
    }

    /// The offerer's gate, with what its node knows about the accepter's coins.
    pub fn receive_accept(&self, bytes: &[u8], offer: &CheckedOffer) -> Result<CheckedAccept, GateError> {
        gate::accept(bytes, offer, &self.accepter.known_coins(), NOW)
    }

    pub fn sign(&self, accepted: &CheckedAccept) -> CheckedContract {
        let mut psbt = accepted.funding_psbt().unwrap();
        self.offerer.sign_inputs(&mut psbt, &accepted.input_indices(Role::Offerer));
        contract::sign_accept(accepted, &self.offerer.contract_key(TEMPORARY_ID), &psbt).unwrap()
    }

    /// Accepted, as the offerer sees it after its gate.
    pub fn accepted(&self) -> CheckedAccept {
        let offer = self.offer();
        let received = self.receive_offer(&offer.bytes()).unwrap();
        self.receive_accept(&self.accept(&received).bytes(), &offer).unwrap()
    }

    /// Signed, as the accepter sees it after its gate, with the funding transaction ready for broadcast.
    pub fn signed(&self) -> (CheckedContract, Transaction) {
        let accepted = self.accepted();
        let signed = self.sign(&accepted);
        let received = gate::sign(&signed.sign_bytes(), &accepted, NOW).unwrap();
        let mut psbt = accepted.funding_psbt().unwrap();
        self.accepter.sign_inputs(&mut psbt, &accepted.input_indices(Role::Accepter));
        let funding = contract::finalize(&received, &psbt).unwrap();
        (received, funding)
    }

    /// What an oracle says about a numeric event, through the gate.
    pub fn says(&self, oracle: usize, value: u64) -> CheckedAttestation {
        let bytes = self.oracles[oracle].attest_number(self.agreement(), value);
        gate::attestation(&bytes, self.deal.announcements()).unwrap()
    }

    /// What an oracle says about an enum event, through the gate.
    pub fn names(&self, oracle: usize, level: &str) -> CheckedAttestation {
        let signed = self.oracles[oracle].sign_strings(self.agreement().event_id.as_str(), &[level]);
        gate::check_attestation(signed, self.deal.announcements()).unwrap()
    }

    /// What the attestations unlock for the offerer; the accepter gets the same transaction out of them.
    pub fn settled(&self, contract: &CheckedContract, said: &[CheckedAttestation]) -> Option<SettledCet> {
        let by = |party: &Party| settle::cet(contract, &party.contract_key(TEMPORARY_ID), said).unwrap();
        let (offerer, accepter) = (by(&self.offerer), by(&self.accepter));
        let txid = |cet: &Option<SettledCet>| cet.as_ref().map(|cet| cet.transaction.compute_txid());
        assert_eq!(txid(&offerer), txid(&accepter), "both ends settle alike");
        offerer
    }

    /// What the accepter's gate says to the offer with a change.
    pub fn refused_offer(&self, change: impl FnOnce(&mut OfferDlc)) -> GateError {
        let mut offer: OfferDlc = read(&self.offer().bytes());
        change(&mut offer);
        self.receive_offer(&offer.encode()).expect_err("the gate must refuse this offer")
    }

    /// What the offerer's gate says to the accept with a change.
    pub fn refused_accept(&self, change: impl FnOnce(&mut AcceptDlc)) -> GateError {
        let offer = self.offer();
        let mut accept: AcceptDlc = read(&self.accept(&offer).bytes());
        change(&mut accept);
        self.receive_accept(&accept.encode(), &offer).expect_err("the gate must refuse this accept")
    }

    /// What the accepter's gate says to the sign with a change.
    pub fn refused_sign(&self, change: impl FnOnce(&mut SignDlc)) -> GateError {
        let accepted = self.accepted();
        let mut sign: SignDlc = read(&self.sign(&accepted).sign_bytes());
        change(&mut sign);
        gate::sign(&sign.encode(), &accepted, NOW).expect_err("the gate must refuse this sign")
    }
}

pub fn read<T: Readable>(bytes: &[u8]) -> T {
    T::read(&mut &bytes[..]).expect("a message of ours can be read")
}
