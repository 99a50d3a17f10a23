//! The bounds that hold before anything is parsed, computed or signed.

/// The largest DLC message that is read, in bytes. 16,384 signatures of 162 bytes fit, with inputs.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// The largest announcement or attestation that is read, in bytes.
pub const MAX_ORACLE_BYTES: usize = 64 * 1024;

/// The largest previous transaction of a funding input, in bytes: a standard one weighs 400,000 at most.
pub const MAX_PREV_TX_BYTES: usize = 400_000;

/// The largest contract info that is looked into when it is not the agreed one: 4,096 steps and 15 announcements
/// fit. Every nonce in it costs a square root to read.
pub const MAX_CONTRACT_INFO_BYTES: usize = 256 * 1024;

/// The most funding inputs of one side.
pub const MAX_INPUTS: usize = 64;

/// The most adaptor signatures of one side: 2.65 MB, and half a minute of one core.
pub const MAX_SIGNATURES: u64 = 16_384;

/// The most base-2 digits of an event, as in the document's own rules. (The library computes in floating point, which
/// is exact below 2^53.)
pub const MAX_DIGITS: u64 = 24;

/// The most oracles of a contract.
pub const MAX_ORACLES: usize = 15;

/// The most named levels of an enum event.
pub const MAX_LEVELS: usize = 64;

/// The highest fee rate that an agreement may name, in sat/vB. The libraries would take 6,250.
pub const MAX_FEE_RATE_SAT_VB: u64 = 1_000;

/// All the bitcoin there will be, in satoshis: no sum of a contract may pass it.
pub const MAX_MONEY_SAT: u64 = 2_100_000_000_000_000;

/// Outputs below this are burnt to fees by the library, so no payout or collateral may be 1 to 999 sat.
pub const DUST_LIMIT_SAT: u64 = 1_000;

/// Locktimes below this are block heights (BIP65); a contract's locktimes are times.
pub const LOCKTIME_THRESHOLD: u64 = 500_000_000;

/// The longest time from a window's end to an oracle's maturity, in seconds: 30 days. An announcement that
/// matures later would keep the refund out of reach.
pub const MAX_PUBLICATION_DELAY_S: u64 = 30 * 86_400;

/// A coinbase output can be spent after this many confirmations.
pub const COINBASE_MATURITY: u32 = 100;

/// The witness lengths that a native P2WPKH input may declare: a signature without or with a high R.
pub const P2WPKH_WITNESS_LEN: std::ops::RangeInclusive<u16> = 107..=110;

/// The witness lengths that a P2TR key path input may declare: one signature, with or without sighash byte.
pub const P2TR_WITNESS_LEN: std::ops::RangeInclusive<u16> = 66..=110;
