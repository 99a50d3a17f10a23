//! A session: the envelopes between two parties, chained so that either side can show them later.
//!
//! The rules are pure. A node folds the envelopes it sends and receives into a [`Session`], and is told
//! at once when one does not fit; anybody else runs [`verify_transcript`] over the stored ones.

use terms::{Hex32, UnixSeconds};

use crate::body::Body;
use crate::envelope::{Draft, Envelope};

/// The most envelopes of one session: it bounds haggling, and what a peer can make a node store.
pub const MAX_ENVELOPES: u64 = 200;

/// Where a session stands: enough to check the next envelope, or to draft it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    v: u64,
    id: Hex32,
    opener: Hex32,
    responder: Hex32,
    seq: u64,
    head: Hex32,
}

/// Why an envelope does not continue a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A transcript without envelopes.
    #[error("transcript: is empty")]
    Empty,
    /// A session speaks one version from its first envelope to its last.
    #[error("v: is {got}, the session speaks version {expected}")]
    OtherVersion {
        /// The envelope's version.
        got: u64,
        /// The session's.
        expected: u64,
    },
    /// The envelope belongs to another session.
    #[error("session: is {got}, not {expected}")]
    OtherSession {
        /// The envelope's session.
        got: Hex32,
        /// This one.
        expected: Hex32,
    },
    /// Sender and receiver are not the session's two parties.
    #[error("from: {from} and to: {to} are not the session's two parties")]
    OtherParties {
        /// Who sent it.
        from: Hex32,
        /// Who it is for.
        to: Hex32,
    },
    /// It is not the next envelope.
    #[error("seq: is {got}, the session's next is {expected}")]
    OutOfOrder {
        /// The envelope's number.
        got: u64,
        /// The next number.
        expected: u64,
    },
    /// It continues another history than ours.
    #[error("prev: is {got:?}, the session's last envelope has the hash {expected:?}")]
    OtherHistory {
        /// The hash it continues.
        got: Option<Hex32>,
        /// The hash of the session's last envelope.
        expected: Option<Hex32>,
    },
    /// The session is full.
    #[error("seq: a session has at most {MAX_ENVELOPES} envelopes")]
    TooLong,
}

impl SessionError {
    /// The field that broke a rule.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Empty => "transcript",
            Self::OtherVersion { .. } => "v",
            Self::OtherSession { .. } => "session",
            Self::OtherParties { .. } => "from",
            Self::OutOfOrder { .. } | Self::TooLong => "seq",
            Self::OtherHistory { .. } => "prev",
        }
    }
}

impl Session {
    /// Opens a session with its first envelope.
    ///
    /// # Errors
    /// When it is not a first envelope.
    pub fn open(first: &Envelope) -> Result<Self, SessionError> {
        if first.seq() != 1 {
            return Err(SessionError::OutOfOrder { got: first.seq(), expected: 1 });
        }
        if first.prev().is_some() {
            return Err(SessionError::OtherHistory { got: first.prev(), expected: None });
        }
        Ok(Self {
            v: first.v(),
            id: first.session(),
            opener: first.from(),
            responder: first.to(),
            seq: 1,
            head: first.hash(),
        })
    }

    /// Checks that an envelope continues the session.
    ///
    /// # Errors
    /// See [`SessionError`].
    pub fn check(&self, next: &Envelope) -> Result<(), SessionError> {
        if next.session() != self.id {
            return Err(SessionError::OtherSession { got: next.session(), expected: self.id });
        }
        if next.v() != self.v {
            return Err(SessionError::OtherVersion { got: next.v(), expected: self.v });
        }
        let (from, to) = (next.from(), next.to());
        if self.peer_of(from) != Some(to) {
            return Err(SessionError::OtherParties { from, to });
        }
        if self.seq >= MAX_ENVELOPES {
            return Err(SessionError::TooLong);
        }
        if next.seq() != self.seq + 1 {
            return Err(SessionError::OutOfOrder { got: next.seq(), expected: self.seq + 1 });
        }
        if next.prev() != Some(self.head) {
            return Err(SessionError::OtherHistory { got: next.prev(), expected: Some(self.head) });
        }
        Ok(())
    }

    /// Takes an envelope, sent or received, into the session.
    ///
    /// # Errors
    /// As [`Session::check`]; the session is then unchanged.
    pub fn push(&mut self, next: &Envelope) -> Result<(), SessionError> {
        self.check(next)?;
        self.seq += 1;
        self.head = next.hash();
        Ok(())
    }

    /// The draft of the first envelope of a new session, in version 1; see [`Draft::in_version`].
    pub fn first(
        session: Hex32,
        id: Hex32,
        to: Hex32,
        at: UnixSeconds,
        expires: UnixSeconds,
        body: Body,
    ) -> Draft {
        Draft { v: 1, id, session, seq: 1, to, at, expires, prev: None, body }
    }

    /// The draft of the session's next envelope, to `to`.
    pub fn next(&self, id: Hex32, to: Hex32, at: UnixSeconds, expires: UnixSeconds, body: Body) -> Draft {
        let (v, session, seq) = (self.v, self.id, self.seq + 1);
        Draft { v, id, session, seq, to, at, expires, prev: Some(self.head), body }
    }

    /// The version that it speaks.
    pub fn v(&self) -> u64 {
        self.v
    }

    /// The session's id.
    pub fn id(&self) -> Hex32 {
        self.id
    }

    /// Who sent the first envelope: the buyer.
    pub fn opener(&self) -> Hex32 {
        self.opener
    }

    /// Whom the first envelope was for: the provider.
    pub fn responder(&self) -> Hex32 {
        self.responder
    }

    /// The other party; `None` for somebody who is neither.
    pub fn peer_of(&self, key: Hex32) -> Option<Hex32> {
        match key {
            key if key == self.opener => Some(self.responder),
            key if key == self.responder => Some(self.opener),
            _ => None,
        }
    }

    /// The number of envelopes so far, which is the last one's `seq`.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the last envelope.
    pub fn head(&self) -> Hex32 {
        self.head
    }
}

/// Folds a whole transcript, in order.
///
/// The signatures have been checked already: an [`Envelope`] cannot be had otherwise.
///
/// # Errors
/// The position of the first envelope that does not fit, from 0, and why.
pub fn verify_transcript(envelopes: &[Envelope]) -> Result<Session, (usize, SessionError)> {
    let first = envelopes.first().ok_or((0, SessionError::Empty))?;
    let mut session = Session::open(first).map_err(|e| (0, e))?;
    for (position, envelope) in envelopes.iter().enumerate().skip(1) {
        session.push(envelope).map_err(|e| (position, e))?;
    }
    Ok(session)
}
