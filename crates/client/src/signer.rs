//! Whose requests are signed, for whom, and when.

use protocol::request::{Call, Credential};
use secp256k1_zkp::Keypair;
use terms::{Hex32, UnixSeconds};

use crate::error::ClientError;

/// A key that signs requests to one server. Its requests are good for some minutes around `now`.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Whose requests they are.
    pub keypair: &'a Keypair,
    /// The server's x-only key: no other server takes them.
    pub server: Hex32,
    /// The time.
    pub now: UnixSeconds,
}

/// Who asks, as far as it is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker<'a> {
    /// Signs the request.
    pub signer: Option<Signer<'a>>,
    /// What was paid with, where an answer before named a price.
    pub payment: Option<&'a str>,
}

impl Signer<'_> {
    /// Signs one request, with a fresh nonce.
    pub(crate) fn sign(&self, call: &Call<'_>) -> Result<Credential, ClientError> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(ClientError::Randomness)?;
        Ok(Credential::sign(call, self.server, self.now, Hex32(nonce), self.keypair))
    }
}
