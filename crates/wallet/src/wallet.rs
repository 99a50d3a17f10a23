//! The wallet: addresses, balance, transactions. Choosing, spending and signing coins stand in their own files.

use std::collections::BTreeSet;
use std::sync::Arc;

use bdk_wallet::chain::{BlockId, ChainPosition, CheckPoint};
use bdk_wallet::{ChangeSet, KeychainKind, Update};
use bitcoin::bip32::{Xpriv, Xpub};
use bitcoin::secp256k1::{All, Secp256k1};
use bitcoin::{Address, Amount, Block, BlockHash, Network, OutPoint, Script, ScriptBuf, Transaction, Txid};

use crate::seed::wallet_account_path;
use crate::{Seed, WalletError};

/// How many addresses beyond the last one handed out are watched. Every contract offer takes fresh scripts, also those
/// that come to nothing, so a restored wallet has to look further than the usual twenty.
const LOOKAHEAD: u32 = 500;

/// The block from which a new wallet looks for coins: the tip for fresh seeds, an earlier one (or genesis) for
/// restored seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Height of the block.
    pub height: u32,
    /// Its hash; the caller got it from the node.
    pub hash: BlockHash,
}

/// What the wallet has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// In blocks of the current chain and spendable by age, reserved coins included.
    pub confirmed: Amount,
    /// Seen in the mempool only.
    pub unconfirmed: Amount,
    /// Coinbase outputs younger than 100 blocks.
    pub immature: Amount,
    /// The part of `confirmed` and `unconfirmed` that is reserved.
    pub reserved: Amount,
}

/// One transaction that touches the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletTransaction {
    /// Its id.
    pub txid: Txid,
    /// The transaction.
    pub tx: Arc<Transaction>,
    /// What it pays to this wallet.
    pub received: Amount,
    /// What it spends of this wallet.
    pub sent: Amount,
    /// The fee, where all inputs are known.
    pub fee: Option<Amount>,
    /// Block height, or `None` while it is in the mempool only.
    pub height: Option<u32>,
    /// Block time, or when it was last seen in the mempool; unix seconds.
    pub time: Option<u64>,
}

/// A P2WPKH wallet (BIP84) over one seed. Not a store: see [`Wallet::take_staged`].
pub struct Wallet {
    pub(crate) inner: bdk_wallet::Wallet,
    pub(crate) account: Xpriv,
    pub(crate) secp: Secp256k1<All>,
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet").field("network", &self.network()).field("height", &self.height()).finish()
    }
}

impl Drop for Wallet {
    fn drop(&mut self) {
        self.account.private_key.non_secure_erase();
    }
}

impl Wallet {
    /// A new wallet that looks for coins in the blocks after `birth`. Staged afterwards.
    ///
    /// # Errors
    /// [`WalletError::Birth`] when the block cannot belong to this network.
    pub fn create(seed: &Seed, network: Network, birth: Birth) -> Result<Self, WalletError> {
        let [external, internal] = descriptors(seed, network);
        let inner = bdk_wallet::Wallet::create(external, internal)
            .network(network)
            .lookahead(LOOKAHEAD)
            .create_wallet_no_persist()?;
        let mut wallet = Self::with_key(inner, seed, network);
        wallet.start_at(birth)?;
        Ok(wallet)
    }

    /// The wallet that the stored changes describe.
    ///
    /// # Errors
    /// [`WalletError::Load`] when they belong to another seed or network.
    pub fn load(seed: &Seed, network: Network, changes: ChangeSet) -> Result<Self, WalletError> {
        let [external, internal] = descriptors(seed, network);
        let inner = bdk_wallet::Wallet::load()
            .descriptor(KeychainKind::External, Some(external))
            .descriptor(KeychainKind::Internal, Some(internal))
            .check_network(network)
            .lookahead(LOOKAHEAD)
            .load_wallet_no_persist(changes)
            .map_err(Box::new)?
            .ok_or(WalletError::Empty)?;
        Ok(Self::with_key(inner, seed, network))
    }

    fn with_key(inner: bdk_wallet::Wallet, seed: &Seed, network: Network) -> Self {
        Self { inner, account: seed.wallet_account(network), secp: Secp256k1::new() }
    }

    fn start_at(&mut self, birth: Birth) -> Result<(), WalletError> {
        let wrong = || WalletError::Birth { height: birth.height };
        if birth.height == 0 {
            let genesis = self.inner.latest_checkpoint().hash();
            return if genesis == birth.hash { Ok(()) } else { Err(wrong()) };
        }
        let block = BlockId { height: birth.height, hash: birth.hash };
        let chain = self.inner.latest_checkpoint().push(block).map_err(|_| wrong())?;
        self.apply_chain(chain).map_err(|_| wrong())
    }

    /// What changed since the last call: to be stored before anything that depends on it leaves the process.
    pub fn take_staged(&mut self) -> Option<ChangeSet> {
        self.inner.take_staged()
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> Network {
        self.inner.network()
    }

    /// Height of the newest block the wallet has seen.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.inner.latest_checkpoint().height()
    }

    /// A fresh receive address; handing it out again after a restart is avoided by storing the staged change first.
    pub fn new_address(&mut self) -> Address {
        self.inner.reveal_next_address(KeychainKind::External).address
    }

    /// A fresh script for a contract's payout: on the receive branch, so that others may well see it.
    pub fn new_payout_script(&mut self) -> ScriptBuf {
        self.new_address().script_pubkey()
    }

    /// A fresh script for change.
    pub fn new_change_script(&mut self) -> ScriptBuf {
        self.inner.reveal_next_address(KeychainKind::Internal).address.script_pubkey()
    }

    /// The height from which on the wallet looks for coins.
    #[must_use]
    pub fn birth_height(&self) -> u32 {
        let heights = self.inner.latest_checkpoint().iter().map(|checkpoint| checkpoint.height());
        heights.filter(|height| *height > 0).min().unwrap_or(0)
    }

    /// The indexes of the last receive and the last change address that were handed out.
    #[must_use]
    pub fn last_indexes(&self) -> (Option<u32>, Option<u32>) {
        (
            self.inner.derivation_index(KeychainKind::External),
            self.inner.derivation_index(KeychainKind::Internal),
        )
    }

    /// Treats the receive and change addresses up to these indexes as handed out, as the wallet before this one did.
    pub fn hand_out_up_to(&mut self, receive: Option<u32>, change: Option<u32>) {
        let last = [(KeychainKind::External, receive), (KeychainKind::Internal, change)];
        for (keychain, index) in last {
            if let Some(index) = index {
                self.inner.reveal_addresses_to(keychain, index).for_each(drop);
            }
        }
    }

    /// Whether the script is ours, up to the lookahead.
    #[must_use]
    pub fn is_mine(&self, script: &Script) -> bool {
        self.inner.spk_index().index_of_spk(script.to_owned()).is_some()
    }

    /// Whether the outpoint is, or was, a coin of ours.
    #[must_use]
    pub fn is_own_coin(&self, outpoint: &OutPoint) -> bool {
        self.own_txout(outpoint).is_some()
    }

    /// Value and script of a coin that is or was ours; `None` when the wallet has not seen it.
    #[must_use]
    pub fn own_output(&self, outpoint: &OutPoint) -> Option<bitcoin::TxOut> {
        self.own_txout(outpoint).map(|(.., txout)| txout)
    }

    /// The transaction, in a block or counted as on its way, that spends an own output.
    #[must_use]
    pub fn spender_of(&self, outpoint: &OutPoint) -> Option<Txid> {
        let spends = |tx: &Transaction| tx.input.iter().any(|input| input.previous_output == *outpoint);
        self.inner.transactions().find(|found| spends(&found.tx_node.tx)).map(|found| found.tx_node.txid)
    }

    /// Whether a transaction counts though no block has it.
    #[must_use]
    pub fn is_on_its_way(&self, txid: Txid) -> bool {
        self.inner.get_tx(txid).is_some_and(|found| found.chain_position.is_unconfirmed())
    }

    /// The balance; `reserved` are the coins that escrows hold.
    #[must_use]
    pub fn balance(&self, reserved: &BTreeSet<OutPoint>) -> Balance {
        let balance = self.inner.balance();
        Balance {
            confirmed: balance.confirmed,
            unconfirmed: balance.trusted_pending + balance.untrusted_pending,
            immature: balance.immature,
            reserved: self
                .inner
                .list_unspent()
                .filter(|coin| reserved.contains(&coin.outpoint))
                .map(|coin| coin.txout.value)
                .sum(),
        }
    }

    /// All transactions that the current chain and mempool hold, newest first.
    #[must_use]
    pub fn transactions(&self) -> Vec<WalletTransaction> {
        let mut all: Vec<_> = self.inner.transactions().map(|found| self.describe(&found)).collect();
        all.sort_by_key(|tx| {
            (std::cmp::Reverse(tx.height.unwrap_or(u32::MAX)), std::cmp::Reverse(tx.time), tx.txid)
        });
        all
    }

    fn describe(&self, found: &bdk_wallet::WalletTx<'_>) -> WalletTransaction {
        let tx = Arc::clone(&found.tx_node.tx);
        let (sent, received) = self.inner.sent_and_received(&tx);
        let (height, time) = match &found.chain_position {
            ChainPosition::Confirmed { anchor, .. } => {
                (Some(anchor.block_id.height), Some(anchor.confirmation_time))
            }
            ChainPosition::Unconfirmed { last_seen, .. } => (None, *last_seen),
        };
        WalletTransaction {
            txid: found.tx_node.txid,
            received,
            sent,
            fee: self.inner.calculate_fee(&tx).ok(),
            height,
            time,
            tx,
        }
    }

    /// Value and script of a coin that is or was ours, spent or not.
    pub(crate) fn own_txout(&self, outpoint: &OutPoint) -> Option<(KeychainKind, u32, bitcoin::TxOut)> {
        let ((keychain, index), txout) = self.inner.spk_index().txout(*outpoint)?;
        Some((keychain, index, txout.clone()))
    }

    pub(crate) fn apply_chain(
        &mut self,
        chain: CheckPoint,
    ) -> Result<(), bdk_wallet::chain::local_chain::CannotConnectError> {
        self.inner.apply_update(Update { chain: Some(chain), ..Update::default() })
    }

    /// Takes over a block that [`Wallet::apply_chain`] has made part of the chain.
    pub(crate) fn apply_block(
        &mut self,
        block: &Block,
        height: u32,
    ) -> Result<(), bdk_wallet::chain::local_chain::ApplyHeaderError> {
        let this = BlockId { height, hash: block.block_hash() };
        self.inner.apply_block_connected_to(block, height, this)
    }
}

/// Receive and change descriptor, with public keys only: what gets stored holds no secret.
fn descriptors(seed: &Seed, network: Network) -> [String; 2] {
    let account = Xpub::from_priv(&Secp256k1::new(), &seed.wallet_account(network));
    let origin = format!("[{}/{}]", seed.fingerprint(network), wallet_account_path(network));
    [0, 1].map(|branch| format!("wpkh({origin}{account}/{branch}/*)"))
}
