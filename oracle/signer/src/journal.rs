//! The signing journal: what this key has promised, outside the database.
//!
//! A database can be replaced by yesterday's copy; then it forgets what was announced and signed
//! since. The journal is a file of its own that only grows. Each line carries the hash of the one
//! before it, and is on the disk before the act that it speaks of: so it may know of more than was
//! done, but never of less.

mod file;
mod line;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use secp256k1_zkp::XOnlyPublicKey;
use terms::{EventId, Hex32};

use crate::decide::{Cleared, JournalView};
use crate::hash;
use crate::key::OracleKey;
use file::LogFile;
use line::Entry;

/// The signing journal of one key.
///
/// Order of acts: first the database, then the journal, then what the world sees. The journal is
/// locked while it is open.
#[derive(Debug)]
pub struct Journal {
    file: LogFile,
    events: BTreeMap<EventId, Known>,
    mark: u64,
    /// It is a backup's copy, and the operator has not said that it shall be used.
    copied: bool,
}

/// What the journal knows of one event.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    announced: Option<Hex32>,
    authorised: Option<Hex32>,
    before_trust: bool,
    abandoned: bool,
}

/// A last line that was not finished: the process or the machine stopped while writing it, so what it
/// speaks of was never done. It has been cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornLine {
    /// Its number, from 1.
    pub line: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
}

/// Permission to sign one outcome of one event, durable in the journal. Used up by [`crate::attest`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    cleared: Cleared,
}

/// Why the journal refuses.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("{}: another process has the journal open", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line is not one of a journal, or does not follow from the one before it.
    #[error("{}, line {line}: is not a journal's, or was changed", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
    },
    /// The journal is another key's.
    #[error("the journal is that of key {journal}, this one is {key}")]
    OtherKey {
        /// The journal's key.
        journal: Hex32,
        /// This process's key.
        key: Hex32,
    },
    /// The event was announced with other nonces already.
    #[error("event {event_id} was announced with other nonces already")]
    OtherAnnouncement {
        /// The event.
        event_id: EventId,
    },
    /// The event was never announced.
    #[error("event {event_id} is not in the journal")]
    NotAnnounced {
        /// The event.
        event_id: EventId,
    },
    /// The event was given up.
    #[error("event {event_id} was given up: it may have been signed before")]
    Abandoned {
        /// The event.
        event_id: EventId,
    },
    /// A signature over another outcome was authorised already.
    #[error("a signature over another outcome of event {event_id} was authorised already")]
    OtherOutcome {
        /// The event.
        event_id: EventId,
    },
    /// The mark is lower than the newest.
    #[error("the mark {mark} is lower than the journal's, {newest}")]
    MarkWentBack {
        /// The given mark.
        mark: u64,
        /// The newest mark.
        newest: u64,
    },
    /// Writing failed before. What is on the disk is unknown until the journal is opened again.
    #[error("writing failed before; the journal must be opened again")]
    Broken,
}

impl Journal {
    /// Opens the journal of a key, and creates it (mode 0600) where there is none.
    ///
    /// # Errors
    /// When it is another key's, open elsewhere, or changed. A torn last line is no error: it is cut off,
    /// and reported.
    pub fn open(path: &Path, key: &OracleKey) -> Result<(Self, Option<TornLine>), JournalError> {
        Self::open_named(path, key.public())
    }

    /// As [`Self::open`], for an oracle whose first key was this: one journal goes on through all its keys, so that no event
    /// is announced by two of them.
    ///
    /// # Errors
    /// As there.
    pub fn open_named(path: &Path, key: XOnlyPublicKey) -> Result<(Self, Option<TornLine>), JournalError> {
        let own = Hex32(key.serialize());
        let (file, entries, torn) = LogFile::open(path, &Entry::Opened { v: line::VERSION, key: own })?;
        let mut journal = Self { file, events: BTreeMap::new(), mark: 0, copied: false };
        for entry in &entries {
            if let Entry::Opened { key: other, .. } = entry
                && *other != own
            {
                return Err(JournalError::OtherKey { journal: *other, key: own });
            }
            journal.apply(entry);
        }
        Ok((journal, torn))
    }

    /// Says that an event is about to be announced. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`JournalError::OtherAnnouncement`] when it was announced with other nonces: a database that was
    /// wiped would do that.
    pub fn announce(&mut self, event_id: &EventId, commitment: Hex32) -> Result<(), JournalError> {
        match self.known(event_id).announced {
            Some(announced) if announced == commitment => Ok(()),
            Some(_) => Err(JournalError::OtherAnnouncement { event_id: event_id.clone() }),
            None => self.write(Entry::Announced { event: event_id.clone(), commitment }),
        }
    }

    /// Says that the database has come this far: any number that only grows, committed there first.
    /// A database with a lower one is an older copy. The same mark again writes nothing.
    ///
    /// # Errors
    /// [`JournalError::MarkWentBack`] when it is lower than the newest.
    pub fn mark(&mut self, mark: u64) -> Result<(), JournalError> {
        match mark.cmp(&self.mark) {
            std::cmp::Ordering::Less => Err(JournalError::MarkWentBack { mark, newest: self.mark }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => self.write(Entry::Mark { mark }),
        }
    }

    /// Authorises one signature, durably. For the same outcome again (after a crash) the permit is given
    /// again; it gives the same signatures.
    ///
    /// # Errors
    /// [`JournalError::OtherOutcome`] when another outcome was authorised: never twice.
    pub fn authorise(&mut self, cleared: Cleared) -> Result<Permit, JournalError> {
        let event_id = cleared.event_id.clone();
        let outcome = hash::outcome(&event_id, &cleared.outcome);
        let known = self.known(&event_id);
        match known.announced {
            _ if known.abandoned => return Err(JournalError::Abandoned { event_id }),
            None => return Err(JournalError::NotAnnounced { event_id }),
            Some(announced) if announced != cleared.commitment => {
                return Err(JournalError::OtherAnnouncement { event_id });
            }
            Some(_) => {}
        }
        match known.authorised {
            Some(authorised) if authorised != outcome => return Err(JournalError::OtherOutcome { event_id }),
            Some(_) => self.file.ensure_sound()?,
            None => self.write(Entry::Authorised { event: event_id, outcome })?,
        }
        Ok(Permit { cleared })
    }

    /// Gives an event up for good: it may have been signed at a time that database and journal have both forgotten.
    /// Saying so again changes nothing.
    ///
    /// # Errors
    /// When writing fails.
    pub fn abandon(&mut self, event_id: &EventId) -> Result<(), JournalError> {
        match self.known(event_id).abandoned {
            true => Ok(()),
            false => self.write(Entry::Abandoned { event: event_id.clone() }),
        }
    }

    /// What is known of an event.
    pub fn view(&self, event_id: &EventId) -> JournalView {
        let known = self.known(event_id);
        JournalView {
            announced: known.announced,
            authorised: known.authorised,
            authorised_before_trust: known.before_trust,
            abandoned: known.abandoned,
            mark: self.mark,
            copied: self.copied,
        }
    }

    /// Whether this is a backup's copy that the operator has not said shall be used: it does not know what was announced
    /// and signed after it was made.
    pub fn is_copy(&self) -> bool {
        self.copied
    }

    /// Copies a journal for a backup, also while it is in use. Whoever opens the copy sees that it is one. Returns its
    /// number of lines.
    ///
    /// # Errors
    /// When the journal was changed, can't be read, or there is a file at `to`.
    pub fn copy(from: &Path, to: &Path) -> Result<u64, JournalError> {
        file::copy(from, to)
    }

    /// The events that were announced and that a database does not know: with one, it is an older copy.
    pub fn missing(&self, known: impl Fn(&EventId) -> bool) -> Vec<EventId> {
        self.events.keys().filter(|event_id| !known(event_id)).cloned().collect()
    }

    /// The operator's word that the database at hand shall be used although the journal knows better:
    /// its mark becomes the newest, and its events become known.
    ///
    /// What was announced or authorised stays so: an event is still never announced with other nonces,
    /// and never signed with another outcome.
    ///
    /// # Errors
    /// [`JournalError::OtherAnnouncement`] when the database has an event with other nonces; nothing is
    /// written then.
    pub fn trust_database(
        &mut self,
        events: &[(EventId, Hex32)],
        database_mark: u64,
    ) -> Result<(), JournalError> {
        let differs = |(event_id, commitment): &&(EventId, Hex32)| {
            self.known(event_id).announced.is_some_and(|announced| announced != *commitment)
        };
        if let Some((event_id, _)) = events.iter().find(differs) {
            return Err(JournalError::OtherAnnouncement { event_id: event_id.clone() });
        }
        for (event_id, commitment) in events {
            self.announce(event_id, *commitment)?;
        }
        self.write(Entry::Trusted { mark: database_mark })
    }

    /// The newest high-water mark.
    pub fn newest_mark(&self) -> u64 {
        self.mark
    }

    fn known(&self, event_id: &EventId) -> Known {
        self.events.get(event_id).copied().unwrap_or_default()
    }

    fn write(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.file.append(&entry)?;
        self.apply(&entry);
        Ok(())
    }

    fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Opened { .. } => {}
            Entry::Announced { event, commitment } => {
                self.events.entry(event.clone()).or_default().announced = Some(*commitment);
            }
            Entry::Authorised { event, outcome } => {
                let known = self.events.entry(event.clone()).or_default();
                (known.authorised, known.before_trust) = (Some(*outcome), false);
            }
            Entry::Abandoned { event } => self.events.entry(event.clone()).or_default().abandoned = true,
            Entry::Mark { mark } => self.mark = *mark,
            Entry::Copied {} => self.copied = true,
            Entry::Trusted { mark } => {
                self.copied = false;
                self.mark = *mark;
                self.events.values_mut().for_each(|known| known.before_trust = true);
            }
        }
    }
}

impl Permit {
    pub(crate) fn event_id(&self) -> &EventId {
        &self.cleared.event_id
    }

    pub(crate) fn commitment(&self) -> Hex32 {
        self.cleared.commitment
    }

    pub(crate) fn outcome(&self) -> &[String] {
        &self.cleared.outcome
    }

    pub(crate) fn into_outcome(self) -> Vec<String> {
        self.cleared.outcome
    }
}
