//! What can go wrong with coins and keys.

use bitcoin::{Amount, FeeRate, OutPoint};

/// Why a wallet could not be created or loaded.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// The stored changes belong to other keys or to another network, or are damaged.
    #[error("stored wallet does not fit the seed and network: {0}")]
    Load(#[from] Box<bdk_wallet::LoadError>),
    /// The stored changes hold no wallet at all.
    #[error("stored wallet is empty")]
    Empty,
    /// The descriptor was not accepted.
    #[error("wallet descriptor: {0}")]
    Descriptor(#[from] bdk_wallet::descriptor::DescriptorError),
    /// The birth block does not belong to the network's chain.
    #[error("birth block at height {height} does not connect to the network's genesis block")]
    Birth {
        /// Height of the block that was named.
        height: u32,
    },
}

/// Why no coins were chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// All usable coins together do not reach the target and their own fees.
    #[error(
        "{missing} is missing: {needed} needed with fees, {available} usable in confirmed, unreserved coins"
    )]
    Insufficient {
        /// Target and input fees.
        needed: Amount,
        /// What usable coins there are.
        available: Amount,
        /// The difference.
        missing: Amount,
    },
    /// The coins would do, but so many of them that the transaction would be unreasonably large.
    #[error(
        "more than {limit} coins would be needed for {target}: the wallet's coins are too small, merge them first"
    )]
    TooFragmented {
        /// The most inputs a side may have.
        limit: usize,
        /// What was asked for.
        target: Amount,
    },
}

/// Why own inputs were not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// An outpoint was named that the transaction does not spend.
    #[error("the transaction does not spend {0}")]
    NotSpent(OutPoint),
    /// An outpoint was named that is not a coin of this wallet.
    #[error("{0} is not a coin of this wallet")]
    NotOurs(OutPoint),
    /// The PSBT says something else about an own coin than the wallet knows.
    #[error("the PSBT misstates value or script of {0}")]
    Misstated(OutPoint),
    /// The PSBT asks for another sighash than `SIGHASH_ALL`.
    #[error("the PSBT asks for another sighash type than ALL for {0}")]
    SighashType(OutPoint),
    /// The PSBT has not one input record for each input of its transaction.
    #[error("the PSBT has {records} input records for {inputs} inputs")]
    Shape {
        /// Inputs of the transaction.
        inputs: usize,
        /// Input records.
        records: usize,
    },
    /// The key of an own coin could not be derived.
    #[error("no key for {0}")]
    Key(OutPoint),
}

/// Why a payment was not built.
#[derive(Debug, thiserror::Error)]
pub enum SpendError {
    /// Not enough confirmed, unreserved coins.
    #[error("{needed} needed with fees, {available} available in confirmed, unreserved coins")]
    Insufficient {
        /// Amount and fee.
        needed: Amount,
        /// What there is.
        available: Amount,
    },
    /// There is no coin to sweep.
    #[error("there is no confirmed, unreserved coin")]
    NothingToSend,
    /// The amount is below the dust limit of its output.
    #[error("{amount} is dust: the least for this address is {least}")]
    Dust {
        /// What was asked for.
        amount: Amount,
        /// The least that nodes relay.
        least: Amount,
    },
    /// The address belongs to another network.
    #[error("the address is for another network")]
    WrongNetwork,
    /// A fee rate of zero, or one that nobody can have meant.
    #[error("a fee rate of {rate} is outside 1 to {limit} sat/vB")]
    AbsurdFeeRate {
        /// What was asked for.
        rate: FeeRate,
        /// The bound.
        limit: u32,
    },
    /// The whole fee is above the bound.
    #[error("a fee of {fee} is above the bound of {limit}")]
    AbsurdFee {
        /// The fee.
        fee: Amount,
        /// The bound.
        limit: Amount,
    },
    /// The transaction could not be built.
    #[error("building the transaction: {0}")]
    Build(#[from] Box<bdk_wallet::error::CreateTxError>),
    /// The own transaction could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}
