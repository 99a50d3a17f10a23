//! The owner's own money: payments, the supply of coins, the scheduled sweep, and what a transaction should pay.

pub(crate) mod fees;
pub(crate) mod short;
pub(crate) mod spend;
pub(crate) mod supply;
pub(crate) mod sweep;
