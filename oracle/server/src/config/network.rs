//! The chain that events are meant for.

use serde::{Deserialize, Serialize};

/// The chain that the oracle's events are meant for.
///
/// Nothing of the oracle touches a chain. The network decides one thing: simulated time, and a key
/// that was made under it, are refused anywhere but on `regtest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A private test chain; the only one that allows simulated time.
    Regtest,
    /// The signed test network.
    Signet,
    /// The public test network.
    Testnet4,
    /// Bitcoin.
    Mainnet,
}

impl Network {
    /// The name, as configurations and agreements spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Regtest => "regtest",
            Self::Signet => "signet",
            Self::Testnet4 => "testnet4",
            Self::Mainnet => "mainnet",
        }
    }
}
