//! The two documents of Earnest and the arithmetic between them.
//!
//! A [`Measurement`] says, in public, what an oracle will measure. An [`Agreement`] says, in
//! private, what two parties pay each other for each outcome of one measurement. Compiling an
//! agreement gives a [`PayoutTable`]: the exact satoshis of either side at every outcome.
//!
//! This crate knows nothing of DLCs, clocks, networks or files: it turns bytes into types that
//! cannot be wrong, and types into integers. Start reading at [`agreement`];
//! `docs/terms.md` tells both documents field by field.

pub mod agreement;
pub mod canonical;
pub mod decimal;
pub mod measurement;
pub mod payout;
pub mod presets;
pub mod scale;
pub mod units;

pub use agreement::{Agreement, OracleSet, Party, Tolerance};
pub use canonical::DocumentError;
pub use decimal::Decimal;
pub use measurement::{
    Aggregate, Confirm, DnsTarget, Expectations, Header, HeartbeatTarget, HttpTarget, Indicator, JsonCheck,
    Label, Measurement, Method, Metric, MetricSource, Quorum, RecordType, Rounding, StatusRange, Target,
    TcpTarget, TimeRange, TlsTarget,
};
pub use payout::{
    CompileError, Credit, LevelPayout, Payout, PayoutTable, Piece, Schedule, Segment, Side, Spread,
};
pub use scale::{EnumScale, Level, NumericScale, Outcome, Scale, Worse};
pub use units::{EventId, Hex32, OutcomeValue, Ppm, Sat, TermsHash, UnixSeconds};
