//! The seed: 24 words, and the separate key branches that grow from it.

use bip39::Mnemonic;
use bitcoin::Network;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv};
use bitcoin::secp256k1::{All, Keypair, Secp256k1};
use zeroize::Zeroizing;

/// Purpose of Earnest's own branches: the letters "SLA". BIP43 gives every purpose a tree of its own, so nothing here
/// can collide with the wallet's BIP84 tree or with another program that uses the same words.
const OWN_PURPOSE: u32 = 0x53_4c_41;

/// Why words were not accepted as a seed.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Not valid BIP39 words: an unknown word, a wrong count or a wrong checksum.
    #[error("seed words: {0}")]
    Words(#[from] bip39::Error),
    /// Valid words, but fewer than the 24 that Earnest uses.
    #[error("seed words: 24 are needed, {count} were given")]
    Count {
        /// How many words were given.
        count: usize,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Randomness(getrandom::Error),
}

/// A BIP39 seed of 24 words without BIP39 passphrase. Wiped from memory when dropped.
///
/// ```
/// let seed = wallet::Seed::generate()?;
/// let same = wallet::Seed::from_words(&seed.words())?;
/// assert_eq!(seed.identity_key(bitcoin::Network::Regtest, 0), same.identity_key(bitcoin::Network::Regtest, 0));
/// # Ok::<(), wallet::SeedError>(())
/// ```
pub struct Seed {
    mnemonic: Mnemonic,
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

impl Seed {
    /// A new seed from the operating system's randomness (256 bits).
    ///
    /// # Errors
    /// [`SeedError::Randomness`] when there is none to be had.
    pub fn generate() -> Result<Self, SeedError> {
        let mut entropy = Zeroizing::new([0u8; 32]);
        getrandom::fill(entropy.as_mut()).map_err(SeedError::Randomness)?;
        Ok(Self { mnemonic: Mnemonic::from_entropy(entropy.as_ref())? })
    }

    /// The seed that these 24 English words stand for; white space between them does not matter.
    ///
    /// # Errors
    /// [`SeedError::Words`] or [`SeedError::Count`] when they are not a seed.
    pub fn from_words(words: &str) -> Result<Self, SeedError> {
        let mnemonic = Mnemonic::parse_in(bip39::Language::English, words)?;
        match mnemonic.word_count() {
            24 => Ok(Self { mnemonic }),
            count => Err(SeedError::Count { count }),
        }
    }

    /// The 24 words, separated by single spaces.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.mnemonic.to_string())
    }

    /// Account key of the wallet, BIP84: `m/84'/coin'/0'`.
    #[must_use]
    pub fn wallet_account(&self, network: Network) -> Xpriv {
        self.derive(network, &wallet_account_path(network))
    }

    /// The branch that contract keys grow on, `m/5459009'/coin'/0'`: the argument of ddk's
    /// `ContractKeyProvider::from_xprv`. No wallet coin ever sits on it.
    #[must_use]
    pub fn contract_branch(&self, network: Network) -> Xpriv {
        self.derive(network, &own_path(network, &[0]))
    }

    /// The key that signs envelopes, `m/5459009'/coin'/1'/index'`. A new index is a new identity.
    #[must_use]
    pub fn identity_key(&self, network: Network, index: u32) -> Keypair {
        self.identity_branch(network).key(index)
    }

    /// The branch that identity keys grow on, `m/5459009'/coin'/1'`.
    #[must_use]
    pub fn identity_branch(&self, network: Network) -> IdentityBranch {
        IdentityBranch(self.derive(network, &own_path(network, &[1])))
    }

    /// The secret that seals backups, `m/5459009'/coin'/2'`: the seed alone opens them.
    #[must_use]
    pub fn backup_secret(&self, network: Network) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.derive(network, &own_path(network, &[2])).private_key.secret_bytes())
    }

    pub(crate) fn fingerprint(&self, network: Network) -> bitcoin::bip32::Fingerprint {
        self.master(network).fingerprint(&Secp256k1::new())
    }

    fn derive(&self, network: Network, path: &DerivationPath) -> Xpriv {
        let secp: Secp256k1<All> = Secp256k1::new();
        self.master(network)
            .derive_priv(&secp, path)
            .expect("BIP32 derivation fails with a probability below 2^-127")
    }

    fn master(&self, network: Network) -> Xpriv {
        let seed = Zeroizing::new(self.mnemonic.to_seed(""));
        Xpriv::new_master(network, seed.as_ref())
            .expect("64 bytes are a master key with a probability of 1 - 2^-127")
    }
}

/// A seed's identity keys, one for each index. Wiped from memory when dropped.
pub struct IdentityBranch(Xpriv);

impl std::fmt::Debug for IdentityBranch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityBranch(..)")
    }
}

impl Drop for IdentityBranch {
    fn drop(&mut self) {
        self.0.private_key.non_secure_erase();
    }
}

impl IdentityBranch {
    /// The key of an index.
    #[must_use]
    pub fn key(&self, index: u32) -> Keypair {
        let secp: Secp256k1<All> = Secp256k1::new();
        let key = self.0.derive_priv(&secp, &path(&[index]));
        key.expect("BIP32 derivation fails with a probability below 2^-127").to_keypair(&secp)
    }
}

/// `m/84'/coin'/0'`.
pub(crate) fn wallet_account_path(network: Network) -> DerivationPath {
    path(&[84, coin(network), 0])
}

fn own_path(network: Network, tail: &[u32]) -> DerivationPath {
    let mut steps = vec![OWN_PURPOSE, coin(network)];
    steps.extend_from_slice(tail);
    path(&steps)
}

/// SLIP-44: 0 for mainnet, 1 for every test network.
fn coin(network: Network) -> u32 {
    u32::from(network != Network::Bitcoin)
}

fn path(steps: &[u32]) -> DerivationPath {
    // Indices above 2^31 have no hardened child; clearing the top bit keeps the function total.
    steps.iter().map(|&index| ChildNumber::Hardened { index: index & 0x7fff_ffff }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                         abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

    #[test]
    fn the_same_words_give_the_same_keys_and_other_words_give_others() {
        let (one, two) = (Seed::from_words(WORDS).unwrap(), Seed::from_words(WORDS).unwrap());
        let other = Seed::generate().unwrap();
        let network = Network::Regtest;
        assert_eq!(one.wallet_account(network), two.wallet_account(network));
        assert_eq!(one.contract_branch(network), two.contract_branch(network));
        assert_eq!(one.identity_key(network, 0), two.identity_key(network, 0));
        assert_ne!(one.identity_key(network, 0), other.identity_key(network, 0));
    }

    /// The test vector of BIP84 itself, so that coins can be recovered without Earnest.
    #[test]
    fn the_wallet_branch_is_plain_bip84() {
        let twelve =
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        let seed = Seed { mnemonic: Mnemonic::parse(twelve).unwrap() };
        let secp = Secp256k1::new();
        let path: DerivationPath = "m/0/0".parse().unwrap();
        let account = seed.wallet_account(Network::Bitcoin);
        let key = account.derive_priv(&secp, &path).unwrap().to_keypair(&secp).public_key();
        let address = bitcoin::Address::p2wpkh(&bitcoin::CompressedPublicKey(key), Network::Bitcoin);
        assert_eq!(address.to_string(), "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu");
    }

    #[test]
    fn branches_and_identities_do_not_share_keys() {
        let seed = Seed::from_words(WORDS).unwrap();
        let network = Network::Regtest;
        let keys = [
            seed.wallet_account(network).private_key,
            seed.contract_branch(network).private_key,
            seed.identity_key(network, 0).secret_key(),
            seed.identity_key(network, 1).secret_key(),
            bitcoin::secp256k1::SecretKey::from_slice(seed.backup_secret(network).as_ref()).unwrap(),
        ];
        for (i, a) in keys.iter().enumerate() {
            assert!(keys[i + 1..].iter().all(|b| a != b));
        }
    }

    /// Derived by hand with the `bitcoin` crate: wallet, contracts and identities are three trees, none above another.
    #[test]
    fn each_kind_of_key_has_a_branch_of_its_own() {
        let seed = Seed::from_words(WORDS).unwrap();
        let secp = Secp256k1::new();
        for (network, coin) in [(Network::Regtest, 1), (Network::Testnet4, 1), (Network::Bitcoin, 0)] {
            let master = Xpriv::new_master(network, &Mnemonic::parse(WORDS).unwrap().to_seed("")).unwrap();
            let at = |path: &str| {
                let path: DerivationPath = path.replace("coin", &coin.to_string()).parse().unwrap();
                master.derive_priv(&secp, &path).unwrap()
            };
            assert_eq!(seed.wallet_account(network), at("m/84'/coin'/0'"));
            assert_eq!(seed.contract_branch(network), at("m/5459009'/coin'/0'"));
            for index in [0, 1, 999] {
                let by_hand = at(&format!("m/5459009'/coin'/1'/{index}'")).private_key;
                assert_eq!(seed.identity_key(network, index).secret_key(), by_hand);
                assert_eq!(seed.identity_branch(network).key(index).secret_key(), by_hand);
            }
        }
    }

    #[test]
    fn words_that_are_no_seed_are_refused() {
        assert!(matches!(Seed::from_words("abandon art"), Err(SeedError::Words(_))));
        let twelve =
            "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
        assert!(matches!(Seed::from_words(twelve), Err(SeedError::Count { count: 12 })));
        let wrong_checksum = WORDS.replace("art", "zoo");
        assert!(matches!(Seed::from_words(&wrong_checksum), Err(SeedError::Words(_))));
    }

    #[test]
    fn debug_output_shows_no_words() {
        assert_eq!(format!("{:?}", Seed::from_words(WORDS).unwrap()), "Seed(..)");
    }
}
