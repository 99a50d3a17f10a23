//! A contract on its way: an offer, then an offer with its accept, each held to the deal.

use bitcoin::OutPoint;
use bitcoin::hashes::Hash;
use bitcoin::psbt::Psbt;
use dlc_messages::lightning::util::ser::Writeable;
use dlc_messages::{AcceptDlc, OfferDlc};
use secp256k1_zkp::PublicKey;

use crate::deal::Deal;
use crate::decode;
use crate::error::{GateError, Message, Rule};
use crate::gate;
use crate::rebuild::{self, Transactions};
use crate::roles::Role;
use crate::wire;

/// An offer that says exactly what its deal says; our own or a peer's.
#[derive(Clone)]
pub struct CheckedOffer {
    pub(crate) deal: Deal,
    pub(crate) wire: OfferDlc,
}

impl CheckedOffer {
    /// Reads a stored offer again, and holds it to the deal again. What a chain source said is not asked again.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn reload(bytes: &[u8], deal: &Deal) -> Result<Self, GateError> {
        let wire = wire::offer(bytes, deal)?;
        gate::offer_against_deal(&wire, deal)?;
        Ok(Self { deal: deal.clone(), wire })
    }

    /// The wire bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.wire.encode()
    }

    /// The deal it is held to.
    pub fn deal(&self) -> &Deal {
        &self.deal
    }

    /// The id from which both sides derive their contract keys.
    pub fn temporary_id(&self) -> [u8; 32] {
        self.wire.temporary_contract_id
    }

    /// The offerer's contract key.
    pub fn funding_pubkey(&self) -> PublicKey {
        self.wire.funding_pubkey
    }

    /// The offerer's coins.
    ///
    /// # Errors
    /// None for a checked offer.
    pub fn inputs(&self) -> Result<Vec<OutPoint>, GateError> {
        let inputs = decode::all(Message::Offer, &self.wire.funding_inputs)?;
        Ok(inputs.into_iter().map(|input| input.outpoint).collect())
    }

    /// The offerer's payout script, whose length a sole funder's fee depends on.
    pub fn payout_spk(&self) -> &bitcoin::ScriptBuf {
        &self.wire.payout_spk
    }
}

/// An offer with its accept: every transaction is known and compared, every signature of the accept is valid.
#[derive(Clone)]
pub struct CheckedAccept {
    pub(crate) offer: CheckedOffer,
    pub(crate) wire: AcceptDlc,
    pub(crate) transactions: Transactions,
}

impl CheckedAccept {
    /// Reads a stored accept again, and checks everything again but what a chain source said.
    ///
    /// # Errors
    /// Names the field and the rule that it breaks.
    pub fn reload(bytes: &[u8], offer: &CheckedOffer) -> Result<Self, GateError> {
        let wire = wire::accept(bytes)?;
        Self::check(wire, offer)
    }

    /// Holds an accept to its offer and deal, rebuilds every transaction, and verifies its signatures.
    pub(crate) fn check(wire: AcceptDlc, offer: &CheckedOffer) -> Result<Self, GateError> {
        gate::accept_against_offer(&wire, offer)?;
        let transactions = rebuild::transactions(&offer.deal, &offer.wire, &wire)?;
        gate::accept_signatures(&wire, offer)?;
        Ok(Self { offer: offer.clone(), wire, transactions })
    }

    /// The accept's wire bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.wire.encode()
    }

    /// The offer it answers.
    pub fn offer(&self) -> &CheckedOffer {
        &self.offer
    }

    /// The deal it is held to.
    pub fn deal(&self) -> &Deal {
        &self.offer.deal
    }

    /// Every transaction, without witnesses.
    pub fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// The contract's id: the funding txid, xored with the funding output's index and the temporary id.
    pub fn contract_id(&self) -> [u8; 32] {
        contract_id(&self.transactions, self.offer.temporary_id())
    }

    /// The funding transaction as a PSBT for the own wallet. It names the peer's coins as well: sign
    /// [`CheckedAccept::input_indices`] only, and never send it to the peer.
    ///
    /// # Errors
    /// When the library cannot build it, which the checks rule out.
    pub fn funding_psbt(&self) -> Result<Psbt, GateError> {
        ddk::contract::create_funding_psbt(&self.offer.wire, &self.wire).map_err(|error| {
            GateError::new(Message::Own, "funding_psbt", Rule::Library { reason: error.to_string() })
        })
    }

    /// The indices, in the funding transaction, of the inputs that a role brings.
    pub fn input_indices(&self, role: Role) -> Vec<usize> {
        let (offer, accept) = (&self.offer.wire.funding_inputs, &self.wire.funding_inputs);
        let mut serials: Vec<u64> = offer.iter().chain(accept).map(|input| input.input_serial_id).collect();
        serials.sort_unstable();
        let own = match role {
            Role::Offerer => offer,
            Role::Accepter => accept,
        };
        own.iter().filter_map(|input| serials.binary_search(&input.input_serial_id).ok()).collect()
    }
}

/// Short, because a message may hold megabytes.
impl std::fmt::Debug for CheckedOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let temporary_id = hex::encode(self.temporary_id());
        f.debug_struct("CheckedOffer").field("temporary_id", &temporary_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CheckedAccept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let contract_id = hex::encode(self.contract_id());
        f.debug_struct("CheckedAccept").field("contract_id", &contract_id).finish_non_exhaustive()
    }
}

/// dlcspecs, "contract_id": the funding txid in display order, xored with index and temporary id.
pub(crate) fn contract_id(transactions: &Transactions, temporary_id: [u8; 32]) -> [u8; 32] {
    let outpoint = transactions.funding_outpoint;
    let txid = outpoint.txid.to_byte_array();
    let mut id = temporary_id;
    for (byte, txid) in id.iter_mut().zip(txid.iter().rev()) {
        *byte ^= txid;
    }
    let [.., high, low] = outpoint.vout.to_be_bytes();
    id[30] ^= high;
    id[31] ^= low;
    id
}
