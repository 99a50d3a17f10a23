//! Whether an event may be signed now. Pure: the caller brings what the database and the journal say.

use terms::{EventId, Hex32};

use crate::hash;

/// What the database says about an event.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The event.
    pub event_id: EventId,
    /// When it may be signed, in unix seconds.
    pub maturity_s: u64,
    /// What was kept of its announcement: [`crate::commitment`].
    pub commitment: Hex32,
    /// The outcome's strings, once they are durable. One row per event, never changed.
    pub outcome: Option<Vec<String>>,
    /// Whether its attestation is durable.
    pub attested: bool,
    /// The database's high-water mark, committed there before the journal hears of it.
    pub database_mark: u64,
}

/// What the journal says about an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalView {
    /// What was kept of its announcement, if it was announced.
    pub announced: Option<Hex32>,
    /// The hash of the outcome for which a signature was authorised.
    pub authorised: Option<Hex32>,
    /// Whether the operator trusted the database after that.
    pub authorised_before_trust: bool,
    /// Whether the event was given up.
    pub abandoned: bool,
    /// The newest high-water mark.
    pub mark: u64,
    /// Whether it is a backup's copy that the operator has not said shall be used.
    pub copied: bool,
}

/// What to do about signing an event.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum SignDecision {
    /// It is not mature. Ask again then.
    NotYet {
        /// When, in unix seconds.
        maturity_s: u64,
    },
    /// Compute the outcome, make it durable (compare-and-set), and ask again.
    StoreOutcome,
    /// Sign it.
    Sign(Cleared),
    /// It is signed already: serve the stored attestation.
    AlreadySigned,
    /// Do not sign it.
    Refuse(Refusal),
}

/// Why an event is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The database is an older copy than the journal: what it lacks may have been signed, or measured.
    /// The operator must look, and say `trust-database`.
    #[error(
        "the database is older than the journal (its mark is {database_mark}, the journal's {journal_mark}); an \
         operator must look and say `trust-database`"
    )]
    StaleDatabase {
        /// The database's mark.
        database_mark: u64,
        /// The journal's mark.
        journal_mark: u64,
    },
    /// The journal has authorised a signature of which the database knows nothing.
    #[error(
        "the journal authorised a signature, and the database has no outcome: it is an older copy; an operator must \
         look and say `trust-database`"
    )]
    OutcomeMissing,
    /// The journal is a backup's copy: what was authorised after it was made is not in it.
    #[error(
        "the signing journal is a backup's copy, which does not know what was signed since; an operator must look and say \
         `trust-database`"
    )]
    CopiedJournal,
    /// The journal never heard of the event: the journal was lost or replaced.
    #[error(
        "the journal does not know this event: it was lost or replaced; an operator must look and say `trust-database`"
    )]
    NotInJournal,
    /// The event was given up: it may have been signed before everything was rolled back. Nothing overrides this.
    #[error("the event was given up: it may have been signed before database and journal were rolled back")]
    Abandoned,
    /// The event was announced with other nonces. Nothing overrides this.
    #[error("the event was announced with other nonces than the database has")]
    OtherAnnouncement,
    /// Another outcome was authorised. Nothing overrides this: two signatures reveal the key.
    #[error("a signature was authorised for another outcome than the database has")]
    OtherOutcome,
}

/// An event that may be signed with this outcome. Only [`decide_sign`] makes one, and only
/// [`crate::Journal::authorise`] takes it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Cleared {
    pub(crate) event_id: EventId,
    pub(crate) commitment: Hex32,
    pub(crate) outcome: Vec<String>,
}

/// Decides about one event. Ask again right before each signature: the answer is as good as the view.
pub fn decide_sign(row: &EventRow, journal: &JournalView, now_s: u64) -> SignDecision {
    if row.attested {
        return SignDecision::AlreadySigned;
    }
    if let Some(refusal) = refusal(row, journal) {
        return SignDecision::Refuse(refusal);
    }
    if now_s < row.maturity_s {
        return SignDecision::NotYet { maturity_s: row.maturity_s };
    }
    match &row.outcome {
        None => SignDecision::StoreOutcome,
        Some(outcome) => SignDecision::Sign(Cleared {
            event_id: row.event_id.clone(),
            commitment: row.commitment,
            outcome: outcome.clone(),
        }),
    }
}

/// The rules, the ones that nothing overrides first.
fn refusal(row: &EventRow, journal: &JournalView) -> Option<Refusal> {
    let stored = row.outcome.as_ref().map(|outcome| hash::outcome(&row.event_id, outcome));
    if journal.abandoned {
        return Some(Refusal::Abandoned);
    }
    if journal.announced.is_some_and(|announced| announced != row.commitment) {
        return Some(Refusal::OtherAnnouncement);
    }
    if journal.authorised.zip(stored).is_some_and(|(authorised, stored)| authorised != stored) {
        return Some(Refusal::OtherOutcome);
    }
    if journal.copied {
        return Some(Refusal::CopiedJournal);
    }
    if journal.announced.is_none() {
        return Some(Refusal::NotInJournal);
    }
    if row.database_mark < journal.mark {
        return Some(Refusal::StaleDatabase { database_mark: row.database_mark, journal_mark: journal.mark });
    }
    let unknown = journal.authorised.is_some() && stored.is_none() && !journal.authorised_before_trust;
    unknown.then_some(Refusal::OutcomeMissing)
}
