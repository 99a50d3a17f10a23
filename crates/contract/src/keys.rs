//! Contract keys: found again from a message's temporary id and the seed, never stored.

use bitcoin::bip32::Xpriv;
use ddk::contract::ContractKeyProvider;
use secp256k1_zkp::{PublicKey, SecretKey};

use crate::error::{GateError, Message, Rule};

/// The keys of all contracts of one node, on a branch of their own (`m/420'/0'/0'/...`, every level hardened).
///
/// Both parties derive from the same temporary id and get unrelated keys, because the seeds differ. A peer
/// chooses the temporary id of an offer, so the caller refuses one that it has seen before: it would give two
/// contracts one key.
#[derive(Clone)]
pub struct ContractKeys(ContractKeyProvider);

impl ContractKeys {
    /// The keys under an extended private key.
    pub fn from_xprv(xprv: Xpriv) -> Self {
        Self(ContractKeyProvider::from_xprv(xprv))
    }

    /// The funding key of a contract.
    ///
    /// # Errors
    /// In one of 2^127 cases there is no such key.
    pub fn secret(&self, temporary_id: [u8; 32]) -> Result<SecretKey, GateError> {
        self.0.funding_secret_key(temporary_id).map_err(|error| {
            GateError::new(Message::Own, "funding_key", Rule::Library { reason: error.to_string() })
        })
    }

    /// The public half of [`ContractKeys::secret`].
    ///
    /// # Errors
    /// As [`ContractKeys::secret`].
    pub fn public(&self, temporary_id: [u8; 32]) -> Result<PublicKey, GateError> {
        Ok(self.secret(temporary_id)?.public_key(secp256k1_zkp::SECP256K1))
    }
}

impl std::fmt::Debug for ContractKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContractKeys(..)")
    }
}
