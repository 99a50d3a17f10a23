//! Coins for parties, without a wallet in the node: one key of the testbed's own, paid by
//! coinbases, pays everybody else.

use std::sync::PoisonError;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::{CompressedPublicKey, Keypair, Secp256k1};
use bitcoin::secp256k1::{All, Message};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Address, Amount, BlockHash, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid,
    Witness, ecdsa,
};
use serde_json::json;

use super::{Bitcoind, BitcoindError, RpcError};

/// Coinbases that the funder gathers at a time. While the subsidy is 50 BTC, and it halves every
/// 150 blocks, this gives 500 BTC.
const COINBASES: u32 = 10;
/// A coinbase can be spent in the block 100 after its own.
const MATURITY: u32 = 100;
/// What the funder's transactions pay, well above any minimum: 10 sat per virtual byte.
const FEE_RATE_SAT_VB: u64 = 10;
/// Below this a change output would not be relayed.
const SMALLEST_CHANGE: Amount = Amount::from_sat(1_000);
/// By then the subsidy is gone, and who still hasn't enough asked for more than there will be.
const ROUNDS: u32 = 40;

type Coin = (OutPoint, Amount);

#[derive(Debug)]
pub(super) struct Funder {
    secp: Secp256k1<All>,
    key: Keypair,
    coins: Vec<Coin>,
}

impl Funder {
    pub(super) fn new() -> Self {
        let secp = Secp256k1::new();
        // Any key will do, and its coins are worth nothing; the same one in every run is the
        // easiest to recognise.
        let secret = sha256::Hash::hash(b"the funder of earnest's testbed");
        let key = Keypair::from_seckey_slice(&secp, secret.as_ref())
            .expect("a hash is below the curve's order but for one in 2^128");
        Self { secp, key, coins: Vec::new() }
    }

    fn public_key(&self) -> CompressedPublicKey {
        CompressedPublicKey(self.key.public_key())
    }

    pub(super) fn script(&self) -> ScriptBuf {
        ScriptBuf::new_p2wpkh(&self.public_key().wpubkey_hash())
    }

    fn address(&self) -> Address {
        Address::p2wpkh(&self.public_key(), Network::Regtest)
    }

    /// Mines coinbases to the own key until `needed` is there.
    fn gather(&mut self, node: &Bitcoind, needed: Amount) -> Result<(), BitcoindError> {
        self.forget_spent(node)?;
        for _ in 0..ROUNDS {
            if self.balance() >= needed {
                return Ok(());
            }
            let blocks = node.mine_to(&self.address(), COINBASES)?;
            node.mine(MATURITY)?;
            for block in blocks {
                self.coins.push(coinbase(node, block)?);
            }
        }
        Err(BitcoindError::TooPoor { asked: needed, balance: self.balance() })
    }

    /// A reorg may have taken some away.
    fn forget_spent(&mut self, node: &Bitcoind) -> Result<(), RpcError> {
        let mut coins = Vec::new();
        for coin in self.coins.drain(..) {
            if node.unspent(coin.0)?.is_some() {
                coins.push(coin);
            }
        }
        self.coins = coins;
        Ok(())
    }

    fn balance(&self) -> Amount {
        self.coins.iter().map(|coin| coin.1).sum()
    }

    /// Pays `outputs` from as few coins as they need, and keeps the change.
    pub(super) fn pay(&mut self, node: &Bitcoind, mut outputs: Vec<TxOut>) -> Result<Txid, BitcoindError> {
        let amount: Amount = outputs.iter().map(|output| output.value).sum();
        let most = fee(self.coins.len() + COINBASES as usize, outputs.len() + 1);
        self.gather(node, amount + most)?;
        let (spent, change) = self.select(amount, outputs.len());
        let vout = outputs.len() as u32;
        outputs.extend(change.map(|value| TxOut { value, script_pubkey: self.script() }));
        let txid = node.send(&self.signed(&spent, outputs))?;
        self.coins.retain(|coin| !spent.contains(coin));
        self.coins.extend(change.map(|value| (OutPoint::new(txid, vout), value)));
        Ok(txid)
    }

    /// The newest coins that pay for `amount` in so many outputs, and what is left of them.
    fn select(&self, amount: Amount, outputs: usize) -> (Vec<Coin>, Option<Amount>) {
        let mut spent = Vec::new();
        let mut total = Amount::ZERO;
        for coin in self.coins.iter().rev() {
            spent.push(*coin);
            total += coin.1;
            let left = total.checked_sub(amount + fee(spent.len(), outputs + 1));
            if let Some(left) = left {
                return (spent, Some(left).filter(|left| *left >= SMALLEST_CHANGE));
            }
        }
        (spent, None)
    }

    pub(super) fn signed(&self, spent: &[Coin], output: Vec<TxOut>) -> Transaction {
        let input = spent.iter().map(|(coin, _)| TxIn {
            previous_output: *coin,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        });
        let mut transaction =
            Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: input.collect(), output };
        let script = self.script();
        for (index, (_, value)) in spent.iter().enumerate() {
            let mut cache = SighashCache::new(&transaction);
            let hash = cache
                .p2wpkh_signature_hash(index, &script, *value, EcdsaSighashType::All)
                .expect("the script is P2WPKH and the input exists");
            let message = Message::from_digest(hash.to_byte_array());
            let signature =
                ecdsa::Signature::sighash_all(self.secp.sign_ecdsa(&message, &self.key.secret_key()));
            transaction.input[index].witness = Witness::p2wpkh(&signature, &self.key.public_key());
        }
        transaction
    }
}

/// What a transaction of so many P2WPKH inputs and outputs of at most 43 bytes pays.
fn fee(inputs: usize, outputs: usize) -> Amount {
    let vbytes = 11 + 69 * inputs as u64 + 43 * outputs as u64;
    Amount::from_sat(FEE_RATE_SAT_VB * vbytes)
}

fn coinbase(node: &Bitcoind, block: BlockHash) -> Result<Coin, RpcError> {
    #[derive(serde::Deserialize)]
    struct Block {
        tx: Vec<Txid>,
    }
    let block: Block = node.call("getblock", &[json!(block)])?;
    let txid = block.tx.first().copied().unwrap_or(Txid::all_zeros());
    let coin = OutPoint::new(txid, 0);
    // The subsidy halves and fees come in, so the node says what it is worth.
    let value = node.unspent(coin)?.unwrap_or(Amount::ZERO);
    Ok((coin, value))
}

impl Bitcoind {
    /// Gives `address` confirmed coins of exactly these amounts, in this order, in one
    /// transaction and one block. The first call mines 110 blocks before that, so that there is something
    /// to give.
    ///
    /// # Errors
    /// When a call fails, or more is asked for than a regtest chain ever has.
    pub fn fund(&self, address: &Address, amounts: &[Amount]) -> Result<Vec<OutPoint>, BitcoindError> {
        let coins = self.fund_unconfirmed(address, amounts)?;
        self.mine(1)?;
        Ok(coins)
    }

    /// The same, but leaves the transaction in the mempool.
    ///
    /// # Errors
    /// When a call fails, or more is asked for than a regtest chain ever has.
    pub fn fund_unconfirmed(
        &self,
        address: &Address,
        amounts: &[Amount],
    ) -> Result<Vec<OutPoint>, BitcoindError> {
        let output = |amount: &Amount| TxOut { value: *amount, script_pubkey: address.script_pubkey() };
        let outputs = amounts.iter().map(output).collect();
        let mut funder = self.funder.lock().unwrap_or_else(PoisonError::into_inner);
        let txid = funder.pay(self, outputs)?;
        Ok((0..amounts.len() as u32).map(|vout| OutPoint::new(txid, vout)).collect())
    }
}
