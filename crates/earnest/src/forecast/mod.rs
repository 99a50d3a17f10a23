//! What lies ahead of an agreement: imagined windows, prices, and the outlook in words.

mod args;
mod document;
mod histogram;
mod imagine;
mod outlook;
mod plot;
mod price;
mod simulate;
pub mod units;

pub use args::{Outlook, Price, Simulate, Worth};
pub use outlook::{of, of_offer, run as outlook};
pub use price::{price, worth};
pub use simulate::run as simulate;
