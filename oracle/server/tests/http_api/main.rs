//! What the API takes and gives, and how it says no: a file for each subject.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod caching;
mod kormir;
mod listing;
mod measurements;
mod metrics;
mod openapi;
mod pricing;
mod rates;
mod reading;
mod requesters;
mod stream;
