//! Why something was refused: which message, which field, which rule.

use std::borrow::Cow;
use std::fmt;

use bitcoin::OutPoint;
use terms::{CompileError, DocumentError};

/// A refusal: the message, the field, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {field}: {rule}")]
pub struct GateError {
    /// Which message.
    pub message: Message,
    /// The path of the field inside it, such as `funding_inputs[2].prev_tx`.
    pub field: Cow<'static, str>,
    /// The rule, with its figures.
    pub rule: Rule,
}

impl GateError {
    /// A refusal.
    pub fn new(message: Message, field: impl Into<Cow<'static, str>>, rule: Rule) -> Self {
        Self { message, field: field.into(), rule }
    }
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// The agreement that a contract shall be made of.
    Agreement,
    /// An oracle's announcement, by its place in the agreement.
    Announcement(usize),
    /// An oracle's attestation.
    Attestation,
    /// The offer.
    Offer,
    /// The accept.
    Accept,
    /// The sign.
    Sign,
    /// A proposal to close, or a signature of one.
    Close,
    /// The own side's coins, scripts or signatures.
    Own,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreement => f.write_str("agreement"),
            Self::Announcement(index) => write!(f, "announcement {index}"),
            Self::Attestation => f.write_str("attestation"),
            Self::Offer => f.write_str("offer"),
            Self::Accept => f.write_str("accept"),
            Self::Sign => f.write_str("sign"),
            Self::Close => f.write_str("close"),
            Self::Own => f.write_str("own side"),
        }
    }
}

/// The rules of the gate. Each names what it wants; figures are what came instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    // --- bytes -------------------------------------------------------------------
    /// Longer than anything that is read.
    #[error("{bytes} bytes; at most {most} are read")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// More elements than are read.
    #[error("{count} elements; at most {most} are read")]
    TooMany {
        /// How many.
        count: u64,
        /// The bound.
        most: u64,
    },
    /// The bytes end here, or are not what this field holds.
    #[error("cannot be read")]
    Unreadable,
    /// Something follows the last field: a TLV record, or rubbish. Neither is ever agreed upon.
    #[error("{bytes} bytes follow the last field; no TLV record is accepted")]
    TrailingBytes {
        /// How many bytes.
        bytes: usize,
    },
    /// Written again, the message has other bytes: it was made in another dialect.
    #[error("written again, the message has other bytes")]
    NotCanonical,

    // --- equality with what was agreed ---------------------------------------------
    /// Not the value that was agreed.
    #[error("is {got}; agreed is {expected}")]
    Differs {
        /// What was agreed.
        expected: String,
        /// What came.
        got: String,
    },
    /// Outside the bounds.
    #[error("is {got}; must be {least} to {most}")]
    OutOfBounds {
        /// What came.
        got: u64,
        /// The least that is taken.
        least: u64,
        /// The most that is taken.
        most: u64,
    },
    /// The moment has passed.
    #[error("was {deadline}; it is {now}")]
    TooLate {
        /// The deadline, in unix seconds.
        deadline: u64,
        /// Now, in unix seconds.
        now: u64,
    },
    /// The document breaks a rule of its own.
    #[error(transparent)]
    Document(DocumentError),
    /// The payout schedule cannot be compiled.
    #[error(transparent)]
    Compile(CompileError),
    /// Something the format carries, but this version does not do.
    #[error("is not supported")]
    Unsupported,
    /// Every outcome pays the same, so there is nothing for an oracle to decide.
    #[error("pays the same at every outcome")]
    ConstantPayout,

    // --- oracles ---------------------------------------------------------------------
    /// A signature that does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// Not as many as there must be.
    #[error("has {got} elements; must have {expected}")]
    WrongCount {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        got: usize,
    },
    /// The same thing twice, where each must be another.
    #[error("appears twice")]
    Duplicate,
    /// The oracle signed something that is none of the event's outcomes.
    #[error("{outcome:?} is not one of the event's outcomes")]
    NotAnOutcome {
        /// What it signed.
        outcome: String,
    },
    /// The attestation comes from a key that the contract does not know.
    #[error("{key} is none of the contract's oracles")]
    UnknownOracle {
        /// The x-only key in hex.
        key: String,
    },
    /// The signature's R is not the nonce that was announced.
    #[error("was not made with the announced nonce")]
    WrongNonce,

    // --- money -----------------------------------------------------------------------
    /// A sum past all the bitcoin there will be.
    #[error("adds up to more than all the bitcoin there will be")]
    TooMuchMoney,
    /// An amount that the library would burn to fees.
    #[error("is {sat} sat; must be 0 or at least 1000")]
    Dust {
        /// The amount.
        sat: u64,
    },
    /// A side without collateral may not bring inputs: the library would panic, and nobody pays their fee.
    #[error("{inputs} inputs although the side locks nothing")]
    InputsWithoutCollateral {
        /// How many.
        inputs: usize,
    },
    /// The inputs do not cover collateral and fees.
    #[error("inputs of {have} sat; {need} sat are needed for collateral and fees")]
    InsufficientInputs {
        /// The sum of the inputs.
        have: u64,
        /// Collateral, funding fee and CET reserve.
        need: u64,
    },

    // --- inputs ----------------------------------------------------------------------
    /// A splice of an earlier contract.
    #[error("a DLC input (splice) is never accepted")]
    Splice,
    /// Only native P2WPKH and P2TR key path inputs keep the funding txid fixed.
    #[error("the coin {outpoint} is neither native P2WPKH nor P2TR")]
    LegacyInput {
        /// The coin.
        outpoint: OutPoint,
    },
    /// A redeem script means a P2SH input.
    #[error("must be empty: only native segwit inputs are accepted")]
    RedeemScript,
    /// The previous transaction has no such output.
    #[error("the previous transaction has {outputs} outputs, none with index {vout}")]
    NoSuchOutput {
        /// The index.
        vout: u32,
        /// How many there are.
        outputs: usize,
    },
    /// The coin is one of ours.
    #[error("the coin {outpoint} is ours")]
    OwnCoin {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The coin is named twice.
    #[error("the coin {outpoint} is named twice")]
    SameCoinTwice {
        /// The coin.
        outpoint: OutPoint,
    },
    /// Our chain source does not know the coin, or was not asked.
    #[error("our node knows no coin {outpoint}")]
    UnknownCoin {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The coin is spent.
    #[error("the coin {outpoint} is spent")]
    SpentCoin {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The coin is not in a block yet.
    #[error("the coin {outpoint} is unconfirmed")]
    UnconfirmedCoin {
        /// The coin.
        outpoint: OutPoint,
    },
    /// A coinbase output that cannot be spent yet.
    #[error("the coinbase coin {outpoint} has {confirmations} of 100 confirmations")]
    ImmatureCoin {
        /// The coin.
        outpoint: OutPoint,
        /// How many it has.
        confirmations: u32,
    },
    /// The previous transaction says something else about the coin than our chain source.
    #[error("the coin {outpoint} is another on our chain")]
    CoinDiffers {
        /// The coin.
        outpoint: OutPoint,
    },

    // --- scripts, keys, order ----------------------------------------------------------
    /// Only P2WPKH, P2WSH and P2TR are paid.
    #[error("must be P2WPKH, P2WSH or P2TR")]
    ForbiddenScript,
    /// The peer names a script of ours as its own.
    #[error("is a script of ours")]
    OwnScript,
    /// The contract's own funding script as payout or change: CETs could spend the wrong output.
    #[error("is the contract's funding script")]
    FundingScript,
    /// Both sides use one key.
    #[error("is the other side's funding key")]
    SameFundingKey,
    /// Serial ids order inputs and outputs; each is used once.
    #[error("the serial id {serial} is used twice")]
    SerialUsedTwice {
        /// The id.
        serial: u64,
    },

    // --- transactions and signatures -----------------------------------------------------
    /// The library built another transaction than the agreement asks for.
    #[error("is not the transaction that the agreement asks for")]
    TransactionDiffers,
    /// A funding witness is missing or malformed.
    #[error("must be one signature with SIGHASH_ALL and its key, as short as declared")]
    BadWitness,
    /// The library refused; it gives its reason as prose only.
    #[error("refused by the DLC library: {reason}")]
    Library {
        /// What it said.
        reason: String,
    },
}
