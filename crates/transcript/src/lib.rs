//! A dispute bundle, verified offline by anybody: what two parties said, what they locked, what was attested, and what
//! that pays.
//!
//! Nothing in the file is believed. Envelopes and announcements and attestations bear signatures, the offer's id is its
//! hash, and every transaction is rebuilt from the DLC messages and compared. So whoever changes one byte is found, and
//! [`Fault`] says where. What only the chain can say (whether a transaction was mined) is left to the reader, who has the
//! txids.
//!
//! A reference ([`mod@reference`]) wraps one: a finished escrow that speaks for or against a provider.
//!
//! This crate knows no clock, no network, no files and no keys. Start reading at [`verify`].

mod bargain;
mod fault;
mod locked;
pub mod reference;
mod verdict;

use protocol::transcript::TranscriptFile;
use protocol::{Envelope, verify_transcript};
use serde_json::Value;
use terms::canonical;

pub use fault::Fault;
pub use verdict::{Agreed, Closing, FundingKeys, Settlement, Verdict};

/// Verifies a file, and says what it shows.
///
/// # Errors
/// The first thing that is wrong with it, and where.
pub fn verify(bytes: &[u8]) -> Result<Verdict, Fault> {
    verify_file(&TranscriptFile::parse(bytes)?)
}

/// As [`verify`], for a file that was read within its bounds.
fn verify_file(file: &TranscriptFile) -> Result<Verdict, Fault> {
    let envelopes = envelopes(&file.envelopes)?;
    let session = verify_transcript(&envelopes)
        .map_err(|(at, error)| Fault::at(format!("envelopes[{at}].{}", error.field()), error))?;
    let bargain = bargain::of(&envelopes, file.offer.as_ref())?;
    let mut verdict = Verdict::new(&session, &envelopes, &bargain);
    match &bargain.agreement {
        Some(agreement) => locked::check(file, &envelopes, agreement, bargain.agreed_at, &mut verdict)?,
        None => nothing_locked(file)?,
    }
    Ok(verdict)
}

fn envelopes(written: &[Value]) -> Result<Vec<Envelope>, Fault> {
    let read = |(at, value): (usize, &Value)| {
        Envelope::verify(&canonical::bytes(value))
            .map_err(|error| Fault::at(format!("envelopes[{at}].{}", error.field()), error))
    };
    written.iter().enumerate().map(read).collect()
}

/// Without an agreement there is nothing that the rest could belong to.
fn nothing_locked(file: &TranscriptFile) -> Result<(), Fault> {
    let there = [
        ("announcements", !file.announcements.is_empty()),
        ("funding_tx", file.funding_tx.is_some()),
        ("attestations", !file.attestations.is_empty()),
        ("closing_tx", file.closing_tx.is_some()),
    ];
    match there.into_iter().find(|(_, there)| *there) {
        None => Ok(()),
        Some((field, _)) => Err(Fault::at(field, "belongs to no agreement of these envelopes")),
    }
}
